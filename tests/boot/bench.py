"""`./quire bench`: its options, and that what the documents show is what it prints. No figure is judged here: that is budget.py's."""
import os
import shutil
import subprocess
import sys

import figures
import measure
from harness import ROOT, expect

TOOL = [sys.executable, os.path.join(ROOT, "tools", "bench.py")]


def run(command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **options)


def test_wrong_options_are_refused(_):
    for words, said in [(["--against"], "--against takes linux"), (["--against", "hurd"], "not 'hurd'"), (["--against=", "getppid"], "not ''"),
                        (["--jsn"], "unknown option --jsn"), (["--json=1"], "unknown option --json"),
                        (["--wall", "getppid"], "--wall goes"), (["--against", "linux", "--wall"], "--wall goes"),
                        (["no_such_case"], "no case"), (["futex"], "no case that Quire can run")]:
        done = run([*TOOL, *words])
        expect(done.returncode == 2 and said in done.stderr and not done.stdout, f"{words}: {done}")


def test_what_linux_needs_is_named_only_when_it_is_wanted(box):
    tools = box.path("bin")
    os.mkdir(tools)
    for name in ("sh", "dirname", "cat", "id", "nproc", "python3"):  # no apt-get, no compiler
        os.symlink(shutil.which(name), os.path.join(tools, name))
    for words, wanted in [(["--against", "linux"], True), (["--against=linux", "getppid"], True), (["getppid"], False)]:
        done = run([os.path.join(tools, "sh"), os.path.join(ROOT, "quire"), "bench", *words], env={"PATH": tools, "QUIRE_BUILD": box.path("build")})
        expect(done.returncode == 2 and "packages are missing" in done.stderr, f"{words}: {done}")
        expect(all((name in done.stderr.split()) == wanted for name in ("flex", "bison")), f"{words}: {done}")


def test_wrong_options_of_scaling_are_refused(_):
    for words, said in [(["--against"], "--against takes linux"), (["--against=hurd"], "--against takes linux"),
                        (["--output"], "--output needs a folder"), (["vmas"], "unknown option vmas")]:
        done = run([sys.executable, os.path.join(ROOT, "tools", "scaling.py"), *words])
        expect(done.returncode == 2 and said in done.stderr and not done.stdout, f"{words}: {done}")


def test_every_target_and_budget_is_a_case(_):
    names = set(measure.cases([]))
    for table in ("target.tsv", "budget.tsv"):
        unknown = set(measure.table(table)) - names
        expect(not unknown, f"{table}: no such cases: {unknown}")


def test_what_quire_cannot_run_is_not_selected(_):
    expect(measure.cases(["mprotect"]) == ["mprotect_alone", "mprotect_middle", "mprotect_touch"], f"{measure.cases(['mprotect'])}")


def test_every_case_has_a_budget(_):
    missing = set(measure.cases([])) - set(measure.table("budget.tsv"))
    expect(not missing, f"budget.tsv: no budget for {missing}")


def test_the_document_holds_every_case(_):
    with open(figures.DOCUMENT) as file:
        blocks = dict(figures.blocks(file.read()))
    rows = {line.split("|")[1].strip() for line in blocks["bench --markdown"].splitlines() if line.startswith("| ")}
    missing = set(measure.cases([])) - rows
    expect(not missing, f"./quire figures: docs/performance.md has no figures of {missing}")
    expect(all(text.strip() for text in blocks.values()), "./quire figures: a block of docs/performance.md is empty")


def test_figures_are_replaced_or_left(box):
    tool = [sys.executable, os.path.join(ROOT, "tools", "figures.py")]
    frame = "a\n<!-- figures: ./quire bench {} -->\n{}<!-- end of figures -->\nb\n"
    document = box.file("doc.md", frame.format("--help", "stale line\n").encode())
    done = run([*tool, document])
    with open(document) as file:
        text = file.read()
    expect(done.returncode == 0 and text.startswith("a\n<!-- figures: ") and "```\n`./quire bench`" in text and "stale line" not in text
           and text.endswith("<!-- end of figures -->\nb\n"), f"{done} {text}")
    document = box.file("doc.md", frame.format("--no-such-option", "stale line\n").encode())
    expect(run([*tool, document]).returncode == 1, "a command fails")
    with open(document) as file:
        expect(file.read() == frame.format("--no-such-option", "stale line\n"), "the document stays as it was")


def test_figures_wrong_usage_is_2(box):
    tool = [sys.executable, os.path.join(ROOT, "tools", "figures.py")]
    for words in (["a", "b"], [box.path("missing")], [box.folder], [box.file("none.md", b"no figures\n")], ["--nonsense"]):
        done = run([*tool, *words])
        expect(done.returncode == 2 and done.stderr.startswith("quire: ") and done.stderr.count("\n") == 1 and not done.stdout, f"{words}: {done}")
    done = run([*tool, "--help"])
    expect(done.returncode == 0 and done.stdout.startswith("`./quire figures") and not done.stderr, f"{done}")


def test_the_fault_around_knob_acts_as_linux(box):
    """Rounds down to a power of two, at least a page; ours ends at 128 KiB. What is no number or too much: EINVAL, unchanged."""
    knob = "/proc/sys/vm/fault_around_bytes"
    takes = {"65536": 65536, "4096": 4096, "0": 4096, "1": 4096, "12288": 8192, "70000": 65536, "131072": 131072, "2097152": 131072}
    refuses = ["2101248", "-1", "x", "''", "4096x", "'4096 8192'", "99999999999999999999999"]
    lines = [f"cat {knob}"] + [f"echo {text} > {knob} && cat {knob}" for text in takes]
    lines += [f"echo {text} > {knob} 2> /dev/null && echo taken" for text in refuses] + [f"cat {knob}"]
    output = "".join(f"{value}\n" for value in [65536, *takes.values(), 131072])
    box.succeed("; ".join(lines), output=output.encode())
