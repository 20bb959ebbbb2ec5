#!/usr/bin/env python3
"""
`./quire scaling`: how the cost of a page fault, of a null call and of a native round trip grows, as a table, a CSV and a plot (SVG).

    ./quire scaling [--against linux] [--output FOLDER]      FOLDER: build/scaling

Against the number of mappings of a process, of its resident pages, and of processes, in guest instructions. Fault and call are
measured by tests/bench/scaling.c; --against linux adds the same program's figures under the Linux that `./quire bench
--against linux` builds. The round trip between two spaces is measured by tests/kernel/scaling.c in init's place, where mappings, pages and
processes are the kernel's. tests/boot/scaling.py judges a few points in every test run.
"""
import csv
import math
import os
import re
import sys

import linux
import machine
import measure
import run

MEMORY = "2G"
AXES = {"vmas": [1, 10, 100, 1000, 10000, 30000, 100000], "pages": [1, 10, 100, 1000, 10000, 50000, 200000],
        "processes": [1, 10, 100, 300, 1000]}
TITLES = {"vmas": "mappings of the process", "pages": "its resident pages", "processes": "processes"}
ROW = re.compile(r"^S (\w+) (\d+) fault ([\d.]+) call ([\d.]+)$", re.MULTILINE)
ROUND_TRIPS = re.compile(r"^S (\w+) (\d+) ipc (\d+)$", re.MULTILINE)


def points(axis, numbers, memory=MEMORY, system="quire"):
    """[(number, instructions per fault, per call, per native round trip: None on Linux)]"""
    trips = round_trips(axis, numbers, memory) if system == "quire" else [None] * len(numbers)
    return [(*point, trip) for point, trip in zip(faults_and_calls(axis, numbers, memory, system), trips)]


def round_trips(axis, numbers, memory=MEMORY):
    """Instructions per native round trip at each number."""
    kernel = os.path.join(run.BUILD, "kerneltest", "quire.elf")
    line = machine.boot_arguments("", log=True, extra=[f"scaling={axis}:{','.join(map(str, numbers))}"])
    guest = machine.Guest(machine.qemu_arguments(kernel, os.devnull, None, line, memory=memory, icount=True))
    guest.relay(None, lambda data: None, measure.TIMEOUT)
    text = guest.transcript.decode(errors="replace").replace("\r", "")
    found = [(int(number), int(count) / 1000) for name, number, count in ROUND_TRIPS.findall(text) if name == axis]
    if [number for number, _ in found] != list(numbers) or guest.process.returncode:
        raise measure.BenchError(f"the kernel's test did not print every point of {axis}\n{text[-1000:]}")
    return [count for _, count in found]


def faults_and_calls(axis, numbers, memory, system):
    command = ["/tests/scaling", axis, *map(str, numbers)]
    text = measure.guest_text(command, "--mem", memory, done="done") if system == "quire" else linux.transcript(command, memory, measure.TIMEOUT)
    found = [(int(number), float(fault), float(call)) for name, number, fault, call in ROW.findall(text) if name == axis]
    if [number for number, _, _ in found] != list(numbers):
        raise measure.BenchError(f"{system}: the program did not print every point of {axis}\n{text[-1000:]}")
    return found


def growth(costs):
    """The most that a cost rises from one point to the next, per doubling of the number: [(number, cost)], numbers ascending."""
    return max((cost - before) / math.log2(number / fewer) for (fewer, before), (number, cost) in zip(costs, costs[1:]))


def show(found):
    for (system, axis), rows in found.items():
        native = rows[0][3] is not None
        print(f"{system}: {TITLES[axis]}\n{'number':>10}{'fault':>10}{'call':>10}" + f"{'native IPC':>12}" * native)
        for number, fault, call, trip in rows:
            print(f"{number:10}{fault:10.1f}{call:10.1f}" + (f"{trip:12.1f}" if native else ""))
        print(f"at most {growth([(row[0], row[1]) for row in rows]):.1f} instructions more per doubling for a fault, "
              f"{growth([(row[0], row[2]) for row in rows]):.1f} for a call" +
              (f", {growth([(row[0], row[3]) for row in rows]):.1f} for a native round trip\n" if native else "\n"))


def write_csv(path, found):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["system", "axis", "number", "fault_instructions", "call_instructions", "native_round_trip_instructions"])
        for (system, axis), rows in found.items():
            writer.writerows([system, axis, *row] for row in rows)


def write_plot(path, found):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "quire"  # the same figures make the same file
    from matplotlib import pyplot
    figure, panels = pyplot.subplots(1, len(AXES), figsize=(13, 4), sharey=True)
    for panel, axis in zip(panels, AXES):
        for (system, of), rows in found.items():
            if of == axis:
                numbers, faults, calls, trips = zip(*rows)
                style = "-" if system == "quire" else "--"
                panel.plot(numbers, faults, "o" + style, color="tab:red", label=f"{system}: first write to a page")
                panel.plot(numbers, calls, "s" + style, color="tab:blue", label=f"{system}: getppid")
                if trips[0] is not None:
                    panel.plot(numbers, trips, "^" + style, color="tab:green", label=f"{system}: native IPC round trip")
        panel.set_xscale("log")
        panel.set_xlabel(TITLES[axis])
        panel.grid(True, alpha=0.3)
    panels[0].set_ylim(bottom=0)
    panels[0].set_ylabel("guest instructions")
    panels[0].legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def parse(words):
    systems, folder, words = ["quire"], os.path.join(run.BUILD, "scaling"), list(words)
    while words:
        name, equals, value = words.pop(0).partition("=")
        if name not in ("--against", "--output"):
            raise run.UsageError(f"unknown option {name}")
        value = value if equals else words.pop(0) if words else ""
        if name == "--against" and value == "linux":
            systems.append("linux")
        elif name == "--against" or not value:
            raise run.UsageError("--against takes linux" if name == "--against" else "--output needs a folder")
        else:
            folder = value
    return systems, folder


def _make_folder(folder):
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise run.UsageError(f"--output: cannot make {folder}: {error.strerror}")


def main(words):
    if words[:1] in (["--help"], ["-h"]):
        print(__doc__.strip())
        return 0
    try:
        systems, folder = parse(words)
        _make_folder(folder)
        if "linux" in systems:
            linux.build()
        found = {(system, axis): points(axis, numbers, system=system) for system in systems for axis, numbers in AXES.items()}
    except run.UsageError as error:
        run.say(f"{error} (./quire scaling --help)")
        return 2
    except (measure.BenchError, linux.LinuxError) as error:
        run.say(str(error))
        return 1
    show(found)
    write_csv(os.path.join(folder, "scaling.csv"), found)
    write_plot(os.path.join(folder, "scaling.svg"), found)
    print(f"{folder}/scaling.csv\n{folder}/scaling.svg")
    return 0


if __name__ == "__main__":
    run.as_program(main)
