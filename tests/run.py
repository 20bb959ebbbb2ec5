#!/usr/bin/env python3
"""
`./quire test [filter]`: runs every test whose name contains the filter, prints a line for each as it ends, then the count.

    host/NAME    tests/host: C code of the servers on this machine, under sanitizers
    kernel/NAME  tests/kernel: every kernel call, rightly and wrongly, by a program in init's place
    linux/LINE   a line of tests/guest/suite under qemu-riscv64: Linux is the referee
    quire/LINE   the same line on Quire: one boot for the whole suite, and the state of the disk and the memory after it
    boot/NAME    tests/boot: one or more boots each, driven through tools/run.py

Two run at a time. Everything has a time limit and is ended by its own process id. It builds nothing: `quire` does.
docs/testing.md explains why there are these kinds.
"""
import concurrent.futures
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import harness
import disk
import machine

ROOT, BUILD = harness.ROOT, harness.BUILD
GUEST = os.path.join(ROOT, "tests", "guest")
HOST_TIMEOUT = 300
KERNEL_TIMEOUT = 300
KERNEL_FUZZ_CALLS = 9000000  # with tests/boot/fuzz.py: ten million
LINUX_TIMEOUT = 120
SUITE_LINE_TIMEOUT = 180  # one line of the suite on Quire
SUITE_BOOTS = 4  # a line that hangs or panics costs a boot; then the rest is given up
PARALLEL = 2
WIDTH = 46


class Report:
    def __init__(self):
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.lock = threading.Lock()
        self.started = time.monotonic()

    def line(self, outcome, name, seconds=None, note="", details=""):
        with self.lock:
            self.counts[outcome] += 1
            word = {"passed": "ok", "failed": "FAIL", "skipped": "skip"}[outcome]
            took = f"{seconds:6.1f} s" if seconds is not None else " " * 8
            print(f"{word:4} {name:{WIDTH}} {took}  {note}".rstrip())
            if outcome == "failed" and details:
                print("\n".join("     | " + line for line in details.splitlines()[-40:]))
            sys.stdout.flush()

    def close(self):
        counts = self.counts
        print(f"\n{time.monotonic() - self.started:.0f} seconds")
        skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
        print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
        return 1 if counts["failed"] or not counts["passed"] else 0


def run_process(report, name, command, timeout, environment):
    """A test that is a process: status 0 passes; its last line is the note."""
    started = time.monotonic()
    folder = tempfile.mkdtemp(prefix="quire-test-")
    # Output goes to a file: a child that outlives the test cannot keep us waiting.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=folder,
                                   env=dict(os.environ, TESTDIR=folder, **environment), start_new_session=True)
        try:
            status = process.wait(timeout)
            trouble = f"status {status}" if status else None
        except subprocess.TimeoutExpired:
            trouble = f"still ran after {timeout} seconds"
        finally:
            try:
                os.killpg(process.pid, 9)  # its own session: whatever it left behind
            except ProcessLookupError:
                pass
            process.wait()
        output.seek(0)
        text = output.read().decode(errors="replace").strip()
    shutil.rmtree(folder, ignore_errors=True)
    last = text.splitlines()[-1] if text else ""
    report.line("failed" if trouble else "passed", name, time.monotonic() - started, trouble or last[:60], text)


def host_jobs(report):
    folder = os.path.join(ROOT, "tests", "host")
    names = {entry.split(".")[0] for entry in os.listdir(folder) if entry.endswith(".c")} if os.path.isdir(folder) else set()
    for name in sorted(names - {"common"}):
        yield f"host/{name}", lambda name=name: run_process(report, f"host/{name}", [os.path.join(BUILD, "host", name)],
                                                            HOST_TIMEOUT, {})


# ---- the kernel's tests

def kernel_job(report):
    """One boot of the kernel with tests/kernel in init's place; each of its groups is a line."""
    started = time.monotonic()
    arguments = machine.boot_arguments("", log=True, extra=[f"fuzz={KERNEL_FUZZ_CALLS}"])
    guest = machine.Guest(machine.qemu_arguments(os.path.join(BUILD, "kerneltest", "quire.elf"), os.devnull, None, arguments))
    guest.relay(None, lambda data: None, KERNEL_TIMEOUT)
    text = bytes(guest.transcript).decode(errors="replace").replace("\r", "")
    details, groups = [], 0
    for line in text[text.rfind("the kernel's tests begin"):].splitlines()[1:]:
        group = re.fullmatch(r"(\w+): (\d+ passed, (\d+) failed)", line)
        if group:
            groups += 1
            report.line("failed" if int(group[3]) else "passed", f"kernel/{group[1]}", None, group[2], "\n".join(details))
            details = []
        else:
            details.append(line)
    if guest.process.returncode or not groups or not re.search(r"^\d+ passed, 0 failed$", text, re.MULTILINE):
        trouble = guest.fatal_line() or guest.reason or f"status {guest.process.returncode}"
        report.line("failed", "kernel", time.monotonic() - started, trouble, "\n".join(details))


# ---- the guest suite

def suite_lines():
    """The lines of tests/guest/suite as lists of words."""
    with open(os.path.join(GUEST, "suite")) as file:
        lines = [shlex.split(line, comments=True) for line in file]
    return [line for line in lines if line]


def guest_path(name):
    """Where a program of the suite lies in the guest, or None."""
    for folder in ("tests", "bin"):
        if os.path.exists(os.path.join(BUILD, "root", folder, name)):
            return f"/{folder}/{name}"
    return None


def whole_differences():
    """Lines "NAME: reason" of qemu-user-differs; "NAME CASE: reason" is the test program's own business."""
    path, found = os.path.join(GUEST, "qemu-user-differs"), {}
    if os.path.exists(path):
        with open(path) as file:
            for line in file:
                name, colon, reason = line.strip().partition(": ")
                if colon and not line.startswith("#") and " " not in name:
                    found[name] = reason
    return found


def linux_jobs(report, lines):
    differs = whole_differences()
    for line in lines:
        name = "linux/" + " ".join(line)
        path = guest_path(line[0])
        if line[0] in differs:
            yield name, lambda name=name, line=line: report.line("skipped", name, None, differs[line[0]])
        elif not path:
            yield name, lambda name=name: report.line("failed", name, None, "there is no such program in the image")
        else:
            command = ["qemu-riscv64", os.path.join(BUILD, "root") + path, *line[1:]]
            yield name, lambda name=name, command=command: run_process(
                report, name, command, LINUX_TIMEOUT, {"TEST_DIFFERS": os.path.join(GUEST, "qemu-user-differs")})


class SuiteBoot:
    """One boot that runs lines of the suite one after the other and reports each when its end mark comes."""

    COUNTERS = ["nr_free_pages", "nr_file_pages", "nr_anon_pages", "nr_shmem", "quire_own_pages", "quire_objects", "quire_vmas",
                "quire_anons", "quire_spaces", "quire_object_pages_free"]

    # By how much a counter may differ, and why; every page must still be in one of the five counts. Over the first time, the pager's table of
    # open descriptions has grown to the highest number ever in use: a page for each 512, of which the suite needs three and the shell
    # one. Over the second, nothing may: drop_caches gives back all empty slabs, what lies in the others is counted exactly, and of a size that
    # needs more than one slab there are only the tree nodes. The shell's few find room in the slabs that vmstat's need anyway.
    FIRST_TIME = {"quire_own_pages": 2, "nr_free_pages": 2}
    PAGES = ["nr_free_pages", "nr_file_pages", "nr_anon_pages", "nr_shmem", "quire_own_pages"]

    def __init__(self, report, lines, image):
        self.report, self.lines, self.image = report, lines, image
        self.current, self.started, self.text = None, 0, b""
        self.rest = b""  # an unfinished line of output
        self.statuses = {}  # of the first time, by number of the line
        self.again = False
        self.counters = {}

    def script(self):
        """
        Every line twice. Over the first time every counter must come back but for FIRST_TIME; over the second, when the shell
        has touched all of its code and the servers' tables have their size, without exception. Before each comparison
        the counters are read thrice: the first readings are what makes the shell and vmstat warm, and each fork moves some of the shell's
        tree nodes out of slabs in which the test before left them alone.
        """
        def counters(when):
            # In one line: what the shell still has to read of this script would be a page in the cache again.
            return [f"echo '@@ counters {when}'; sync; echo 3 > /proc/sys/vm/drop_caches; "
                    f"vmstat {' '.join(self.COUNTERS)}; echo '@@ end'"]

        def settled(when):
            return counters("warm") + counters("warm") + counters(when)

        def all_lines():
            text = []
            for number, line in enumerate(self.lines):
                words = " ".join(shlex.quote(word) for word in [guest_path(line[0]) or line[0], *line[1:]])
                text += [f"echo '@@ run {number}'", f"{words} < /dev/null", f'echo "@@ done {number} $?"']
            return text
        # With its whole file in the cache, the shell maps all of its code now and not when a test happens to read that file.
        text = ["cat /bin/sh > /dev/null", "/tests/hillo 'a' b < /dev/null", 'echo "warm 0 $?"', "cat /proc/vmstat | wc > /dev/null",
                "sh -c 'for i in 1 2; do echo $i > /dev/null; done; ls / | wc > /dev/null; (exit 3)'"]
        text += settled("start") + all_lines() + settled("before")
        text += all_lines() + settled("after")
        return "\n".join(text + ["exit 0"]) + "\n"

    def boot(self):
        """Returns the ended guest."""
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
            script.write(self.script())
            script.flush()
            disk.put(self.image, script.name, "/tmp/suite.sh")
        arguments = machine.boot_arguments("sh /tmp/suite.sh")
        self.guest = machine.Guest(machine.qemu_arguments(os.path.join(BUILD, "quire.elf"), os.path.join(BUILD, "boot.cpio"),
                                                          self.image, arguments))
        self.guest.relay(None, self.take, timeout=60)
        return self.guest

    def take(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.take_line(line)

    def take_line(self, line):
        before, mark, words = line.partition(b"@@ ")
        self.text += before if mark else line + b"\n"
        words = words.decode(errors="replace").split()
        if not mark or not words:
            return
        if words[0] == "run":
            self.current, self.started, self.text = int(words[1]), time.monotonic(), b""
            self.guest.deadline = self.started + SUITE_LINE_TIMEOUT
        elif words[0] == "done" and self.current is not None:
            self.finish(int(words[2]))
        elif words[0] == "counters":
            self.current, self.text, self.counting = None, b"", words[1]
            self.again = words[1] == "before"
            self.guest.deadline = time.monotonic() + 60
        elif words[0] == "end":
            self.counters[self.counting] = self.text.decode(errors="replace").split("\n")

    def finish(self, status, trouble=None):
        number, text = self.current, self.text.decode(errors="replace").strip()
        name = "quire/" + " ".join(self.lines[number])
        last = text.splitlines()[-1] if text else ""
        if status:
            trouble = f"status {status}"
        elif not trouble and re.search(r"^skipped |^\d+ passed, .* skipped$", text, re.MULTILINE):
            trouble = "cases were skipped; on Quire, none may be"
        self.current = None
        if not self.again:
            self.statuses[number] = trouble
        elif not trouble or self.statuses[number]:
            return  # the second time is news only where it is worse
        else:
            name += ", the second time"
        self.report.line("failed" if trouble else "passed", name, time.monotonic() - self.started, trouble or last[:60], text)


def suite_job(report, lines, whole):
    """All lines on Quire; a line that takes the system down is reported and the rest goes on in another boot."""
    folder = tempfile.mkdtemp(prefix="quire-suite-")
    image = os.path.join(folder, "disk.img")
    try:
        rest = lines
        for attempt in range(SUITE_BOOTS):
            disk.copy(os.path.join(BUILD, "disk.img"), image)
            boot = SuiteBoot(report, rest, image)
            guest = boot.boot()
            trouble = guest.reason or (f"the system ended early with status {guest.status}" if guest.status else None)
            if boot.current is not None:
                boot.finish(0, trouble or "the system ended without a word")
            elif trouble or "after" not in boot.counters:
                report.line("failed", "quire/boot", None, trouble or "the suite ended early",
                            bytes(guest.transcript[-3000:]).decode(errors="replace"))
                if not boot.statuses:
                    break
            rest = rest[len(boot.statuses):]
            if not rest:
                break
        for line in rest:
            report.line("failed", "quire/" + " ".join(line), None, "not run: the boots before ended badly")
        if attempt == 0 and not rest and not trouble:
            after_suite(report, boot, image, whole)
        else:
            report.line("failed", "quire/after the suite", None, "not judged: the suite did not end in its first boot")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def after_suite(report, boot, image, whole):
    """What must be true when the whole suite has run and the system was switched off in an orderly way."""
    complaint = disk.check(image)
    report.line("failed" if complaint else "passed", "quire/the disk is clean (e2fsck -fn)", details=complaint or "")
    for start, end, exceptions, name in [("start", "before", boot.FIRST_TIME, "after the first time, all is free again"),
                                         ("before", "after", {}, "after the second time, all is free again")]:
        leaks = differences(boot, start, end, exceptions)
        report.line("failed" if leaks else "passed", f"quire/{name}", details="\n".join(leaks))
    if whole:
        have = disk.read(image, "/tmp/hello.txt")
        right = have == b"Hillo, mmap world!\n"
        report.line("passed" if right else "failed", "quire/debugfs finds the bytes written by mmap", None,
                    "" if right else f"/tmp/hello.txt: {have!r}")


def differences(boot, start, end, exceptions):
    """The counters that differ between two moments by more than exceptions[name], as lines."""
    old, new = (dict(line.split() for line in boot.counters.get(moment, []) if line) for moment in (start, end))
    if not set(boot.COUNTERS) <= set(old) & set(new):
        return [f"counters are missing: {old} {new}"]
    old["all pages"], new["all pages"] = (sum(int(moment[name]) for name in boot.PAGES) for moment in (old, new))
    return [f"{name} {old[name]}  ->  {new[name]}" for name in [*boot.COUNTERS, "all pages"]
            if abs(int(new[name]) - int(old[name])) > exceptions.get(name, 0)]


# ---- boot tests

def boot_jobs(report):
    folder = os.path.join(ROOT, "tests", "boot")
    for entry in sorted(os.listdir(folder)):
        if not entry.endswith(".py"):
            continue
        spec = importlib.util.spec_from_file_location("boot_" + entry[:-3], os.path.join(folder, entry))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, function in vars(module).items():
            if name.startswith("test_"):
                label = f"boot/{entry[:-3]}.{name[5:]}"
                yield label, lambda label=label, function=function: boot_test(report, label, function)


def boot_test(report, label, function):
    started = time.monotonic()
    folder = tempfile.mkdtemp(prefix="quire-boot-")
    try:
        function(harness.Box(folder))
        report.line("passed", label, time.monotonic() - started)
    except harness.Skip as reason:
        report.line("skipped", label, None, str(reason))
    except AssertionError as error:
        report.line("failed", label, time.monotonic() - started, details=str(error))
    except Exception:
        report.line("failed", label, time.monotonic() - started, details=traceback.format_exc())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments):
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 2
    wanted = arguments[0] if arguments else ""
    report = Report()
    try:
        lines = suite_lines()
    except FileNotFoundError:
        lines = []
        report.line("failed", "quire/suite", None, "tests/guest/suite is missing")
    chosen = [line for line in lines if wanted in "quire/" + " ".join(line)]
    jobs = []
    if chosen:  # first: it takes longest
        jobs.append(("quire", lambda: suite_job(report, chosen, len(chosen) == len(lines))))
    if os.path.isdir(os.path.join(ROOT, "tests", "kernel")) and (wanted in "kernel/" or wanted.startswith("kernel")):
        jobs.append(("kernel", lambda: kernel_job(report)))
    jobs += [job for job in [*host_jobs(report), *linux_jobs(report, lines), *boot_jobs(report)] if wanted in job[0]]
    if not jobs:
        print(f"quire: no test has {wanted!r} in its name", file=sys.stderr)
        return 2
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        futures = {pool.submit(job): name for name, job in jobs}
        for future in concurrent.futures.as_completed(futures):
            if future.exception():
                report.line("failed", futures[future], details="".join(traceback.format_exception(future.exception())))
    return report.close()


if __name__ == "__main__":
    harness.run_tool.as_program(main)
