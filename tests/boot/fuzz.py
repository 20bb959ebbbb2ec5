"""
Random calls with random arguments from programs: 500,000 Linux calls, and 500,000 with native kernel calls mixed in. With the nine
million of kernel/fuzz (KERNEL_FUZZ_CALLS in tests/run.py) they are ten million, after which the system must still run, no
memory may be lost, and e2fsck must find the disk clean. FUZZ_CALLS=5000000 in the environment lets programs alone throw ten million.
"""
import os
import subprocess

from harness import expect

CALLS = int(os.environ.get("FUZZ_CALLS", 500000))
SECONDS_PER_CALL = 400 / 500000  # ten times what it takes
# What must have its value again, after drop_caches; free pages together with the pager's own and the mapped code's.
COUNTERS = ("nr_free_pages", "nr_anon_pages", "quire_object_pages_free", "quire_objects", "quire_vmas", "quire_anons",
            "quire_spaces")
OWN_PAGES = 4  # the pager keeps an empty slab per size of record
LOOK = "sync; echo 3 > /proc/sys/vm/drop_caches; cat /proc/vmstat"


def counters(text):
    return {line.split()[0]: int(line.split()[1]) for line in text.splitlines() if line.startswith(("nr_", "quire_"))}


def fuzz(box, *arguments):
    """A short run first: the servers' tables and the shell get their size; what is lost once is the suite's business."""
    image, words = box.image(), " ".join(("/tests/fuzz", *arguments))
    warm = f"cat /bin/sh > /dev/null; {words} 2000 > /dev/null; echo status $?; {LOOK}; {LOOK}"
    script = f"{warm}; echo @@; {LOOK}; echo @@; {words} {CALLS}; echo status $?; echo @@; {LOOK}; echo @@; {LOOK}"
    result = box.run("--disk", image, script, timeout=60 + CALLS * SECONDS_PER_CALL)
    parts = result.output.decode(errors="replace").split("@@")
    expect(result.status == 0 and len(parts) == 5, "the shell must live", result)
    expect("1 passed, 0 failed" in parts[2] and "status 0" in parts[2], "the fuzzer's parent must live", result)
    before, after = counters(parts[1]), counters(parts[4])
    for moment in (before, after):  # the pager's empty records, kept per size, are not lost
        moment["nr_free_pages"] += moment["quire_own_pages"] + moment["nr_file_pages"]
    expect(after["quire_own_pages"] - before["quire_own_pages"] <= OWN_PAGES, "the pager's own pages grew")
    lost = [f"{name}: {before.get(name)} -> {after.get(name)}" for name in COUNTERS
            if name not in before or before[name] != after.get(name)]
    expect(not lost, "counters must be as before: " + ", ".join(lost))
    check = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True)
    expect(check.returncode == 0, "a clean disk expected:\n" + check.stdout)


def test_linux_calls(box):
    fuzz(box, "11")


def test_linux_and_kernel_calls(box):
    fuzz(box, "-n", "12")
