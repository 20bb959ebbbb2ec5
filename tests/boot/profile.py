"""`./quire profile`: what it counts is what the benchmark counts, and all of it is in the tables and in the picture."""
import os
import re
import subprocess
import sys
import xml.etree.ElementTree

import symbols
from harness import BUILD, ROOT, expect


def profile(*words):
    command = [sys.executable, os.path.join(ROOT, "tools", "profile.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    expect(done.returncode == 0 and not done.stderr, f"status {done.returncode}: {done.stderr}")
    return done.stdout


def test_profile_agrees_with_the_benchmark(box):
    picture = box.path("graph.svg")
    text = profile("getppid", "--windows", "1", "--functions", "1000", "--svg", picture)
    mine, said = map(float, re.search(r": ([\d.]+) instructions .*itself said ([\d.]+)", text).groups())
    expect(abs(mine - said) <= 0.005 * said, f"{mine} instructions counted, the benchmark said {said}")
    table, stages = text.split("\nstage ")
    rows = re.findall(r"^(\S+) +(\w+) +([\d.]+) +[\d.]+ +([\d.]+)", table, re.MULTILINE)
    expect(abs(sum(float(row[2]) for row in rows) - mine) < 2, "the functions do not add up")
    calls = {(row[1], row[0]): float(row[3]) for row in rows}
    expect(calls[("kernel", "trap_entry")] == 2, "a routed call and its answer enter the kernel twice")
    expect([number for (space, name), number in calls.items() if space == "proc" and name.endswith("_getppid")] == [1], "each operation calls the handler once")
    expect([line.split("  ")[0] for line in stages.splitlines()[1:] if line and line[0] != " "] ==
           ["program", "program > proc", "proc", "proc > program"], "the stages of a routed call")
    expect(len(list(xml.etree.ElementTree.parse(picture).getroot().iter("{http://www.w3.org/2000/svg}rect"))) > 10, "an empty picture")


def test_all_repetitions_of_one_case_only(_):
    """Cases with longer names run, too, since any part of a name selects them; and all repetitions that there are are looked at."""
    text = profile("wfault_mem", "--functions", "1")
    count, mine, said = re.search(r"mean of (\d+) repetitions .* the least ([\d.]+); the benchmark itself said ([\d.]+)", text).groups()
    expect(count == "8", f"wfault_mem has 8 repetitions that count, {count} were looked at")
    expect(abs(float(mine) - float(said)) <= 0.01 * float(said), f"{mine} instructions counted, the benchmark said {said}")


def test_profile_of_the_boot(_):
    text = profile("boot", "--functions", "1000")
    mine, said = map(float, re.search(r": ([\d.]+) instructions.*break points said ([\d.]+)", text).groups())
    expect(abs(mine - said) <= 0.005 * said, f"{mine} instructions counted, break points said {said}")
    table = re.findall(r"^(\S+) +(\w+) +([\d.]+) +[\d.]+ +([\d.]+)", text.split("\nstage ")[0], re.MULTILINE)
    expect(abs(sum(float(row[2]) for row in table) - mine) < 2, "the functions do not add up")
    expect({row[1] for row in table} >= {"kernel", "init", "pager", "proc", "fs", "blk", "console", "program"}, "a server is missing")
    expect({(row[1], row[0]) for row in table} >= {("kernel", "kernel_main"), ("init", "build_all"), ("program", "main")}, "functions of kernel, init and shell are told apart")


def test_every_function_of_the_kernel_has_a_line(_):
    kernel = symbols.Image("kernel", os.path.join(BUILD, "quire.elf"))
    places = symbols.places([kernel], [b"%016x" % start for start in kernel.starts if kernel.has(start)])
    unknown = [kernel.find(int(address, 16))[1] for address, chain in places.items() if not chain or chain[-1][1].startswith("??")]
    expect(len(places) > 100 and not unknown, f"no line is known for {unknown}")


def test_profile_of_an_unknown_case(box):
    command = [sys.executable, os.path.join(ROOT, "tools", "profile.py"), "no_such_case"]
    done = subprocess.run(command, capture_output=True, text=True)
    expect(done.returncode == 2 and "no_such_case" in done.stderr, f"status 2 expected: {done.returncode} {done.stderr}")


def test_wrong_arguments_of_profile(box):
    for words in (["getppid", box.file("text", b"no program")], ["getppid", "missing"], ["--svg", "/no/such/folder/x.svg", "getppid"],
                  ["--windows", "x", "getppid"], ["boot", "program"], ["--svg"]):
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "profile.py"), *words], capture_output=True, text=True)
        expect(done.returncode == 2 and done.stderr.startswith("quire: ") and done.stderr.count("\n") == 1, f"{words}: {done}")
