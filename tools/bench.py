#!/usr/bin/env python3
"""
`./quire bench`: guest instructions per operation on Quire, what each may cost at most, and the figures of Linux 6.1, seL4 and xv6.

    ./quire bench [options] [case...]     of those that Quire can run; a case is selected by any part of its name
      --against linux   build Linux 6.1 (once), run the same executable there, and compare with that instead of the recorded figures
      --markdown        the table as docs/performance.md holds it
      --json            for machines
      --wall            seconds on this machine instead, for orientation only

Every figure is the minimum over the program's repetitions; measure.py says how it is taken. Without a case's name the memory
that the kernel and a small process need is printed, too. It measures and prints; it judges nothing.
"""
import json
import sys

import measure
import run
import wall

# Our case: its nearest relatives in other.tsv, of seL4 and of xv6.
RELATIVES = {"native_ipc": ("ipc_0_words", ""), "getppid": ("null_syscall", "null_syscall"), "pipe_rt": ("", "ipc_0_words"),
             "rfault_disk_nofa": ("fault_pager", "file_read_fault"), "wfault_disk": ("", "file_shared_write_fault"),
             "fork_exit_0": ("", "fork_exit_0"), "fork_exit_256": ("", "fork_exit_256"), "mmap_munmap": ("", "mmap_munmap"),
             "read4k_disk": ("", "read_4k"), "write4k_disk": ("", "write_4k"), "msync_64": ("", "munmap_64_dirty")}
UNITS = {"native_ipc": "round trip, two spaces", "anon_rested": "fault, zero-filled page, after a rest",
         "wfault_disk_nofa": "fault, MAP_SHARED, one page each"}  # of what Linux has not


class Arguments:
    def __init__(self, words):
        self.against, self.format, self.words = None, "text", []
        words = list(words)
        while words:
            name, equals, value = words.pop(0).partition("=")
            if name in ("--json", "--markdown", "--wall") and not equals:
                self.format = name[2:]
            elif name == "--against":
                value = value if equals else words.pop(0) if words else ""
                if value != "linux":
                    raise run.UsageError(f"--against takes linux, not {value!r}")
                self.against = value
            elif name.startswith("-"):
                raise run.UsageError(f"unknown option {name}")
            else:
                self.words.append(name)
        if self.format == "wall" and (self.words or self.against):
            raise run.UsageError("--wall goes with no case and no comparison")


def _number(text):
    return float(text) if text else None


def rows(names, here, there):
    """A dictionary for each case. here, there: {case: (min, median)} as measured on Quire and, if it was asked for, on Linux."""
    recorded, other, targets = measure.table("linux-6.1.tsv"), measure.table("other.tsv"), measure.table("target.tsv")
    found = []
    for name in names:
        low, median = here.get(name) or (None, None)
        reference = recorded.get(name, {})
        minimal = _number(reference.get("minimal"))
        linux = (there.get(name) or (None,))[0] if there is not None else minimal
        at_most = _number(targets.get(name, {}).get("at_most"))
        sel4, xv6 = RELATIVES.get(name, ("", ""))
        found.append({"case": name, "unit": reference.get("unit") or UNITS.get(name, ""), "quire": low, "quire_median": median,
                      "at_most": at_most, "met": low <= at_most if low is not None and at_most else None,
                      "linux": linux, "linux_recorded": minimal, "linux_distro": _number(reference.get("distro")),
                      "ratio": low / linux if low is not None and linux else None,
                      "sel4": other.get(sel4, {}).get("sel4"), "xv6": other.get(xv6, {}).get("xv6")})
    return found


def _figure(value):
    """1 decimal where it is seen, none in large figures."""
    return "" if value is None else f"{value:.0f}" if value >= 10000 else f"{value:.1f}".removesuffix(".0")


def columns(against):
    """(title, width, what a row says there)"""
    yield "case", 25, lambda row: row["case"]
    yield "Quire", 10, lambda row: "failed" if row["quire"] is None else _figure(row["quire"])
    yield "at most", 10, lambda row: _figure(row["at_most"])
    yield "met", 5, lambda row: {None: "", True: "yes", False: "no"}[row["met"]]
    yield "Linux", 10, lambda row: _figure(row["linux"])
    yield "ratio", 7, lambda row: "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    if against:
        yield "recorded", 10, lambda row: _figure(row["linux_recorded"])
        yield "differs", 9, lambda row: f"{100 * row['linux'] / row['linux_recorded'] - 100:+.1f}%" if row["linux"] and row["linux_recorded"] else ""
    else:
        yield "distro", 10, lambda row: _figure(row["linux_distro"])
        yield "seL4", 7, lambda row: row["sel4"] or ""
        yield "xv6", 14, lambda row: row["xv6"] or ""
    yield "per", 0, lambda row: row["unit"]


def summary(found):
    met = [row["met"] for row in found if row["met"] is not None]
    ratios = [row["ratio"] for row in found if row["ratio"] is not None]
    cheaper, same = sum(ratio < 0.9995 for ratio in ratios), sum(0.9995 <= ratio < 1.0005 for ratio in ratios)
    return (f"{sum(met)} of {len(met)} targets met. Against Linux's minimal kernel: {cheaper} rows cost less, {same} the same, "
            f"{len(ratios) - cheaper - same} more.")


def memory_lines(memory):
    objects, records = memory["objects_kib"], memory["records_kib"]
    return [f"Kernel: {memory['kernel_text_bytes']} bytes of text, {memory['kernel_data_bytes']} of data; init's image in it "
            f"{memory['init_image_bytes']}.",
            f"A small process ({memory['processes']} started), beside its own pages ({memory['own_kib']:.1f} KiB): {objects + records:.1f} KiB; "
            f"kernel objects with page tables {objects:.1f}, the pager's records {records:.1f}."]


def print_text(found, memory, against):
    def cell(text, width, first):
        return f"{text:{width}}" if first else f"{text:>{width}}" if width else "  " + text

    table = list(columns(against))
    for line in [[title for title, _, _ in table], *[[say(row) for _, _, say in table] for row in found]]:
        print("".join(cell(text, width, not number) for number, (text, (_, width, _)) in enumerate(zip(line, table))).rstrip())
    print("\n" + summary(found))
    if memory:
        print("\n".join(memory_lines(memory)))


def print_markdown(found, memory, against):
    table = [(title, say) for title, _, say in columns(against)]
    print("| " + " | ".join(title for title, _ in table) + " |")
    print("|---|" + "---:|" * (len(table) - 2) + "---|")
    for row in found:
        print("| " + " | ".join(say(row).replace("|", "\\|") for _, say in table) + " |")
    print("\n" + summary(found))
    if memory:
        print("\n" + "\n\n".join(memory_lines(memory)))


def main(words):
    if words[:1] in (["--help"], ["-h"]):
        print(__doc__.strip())
        return 0
    try:
        arguments = Arguments(words)
        names = measure.cases(arguments.words)
        if not names:
            raise run.UsageError("no case that Quire can run has such a name")
        if arguments.format == "wall":
            return wall.show()
        there = measure.on_linux(names) if arguments.against else None
        found = rows(names, measure.on_quire(names), there)
        memory = None if arguments.words else measure.memory()
    except run.UsageError as error:
        run.say(f"{error} (./quire bench --help)")
        return 2
    except measure.BenchError as error:
        run.say(str(error))
        return 1
    if arguments.format == "json":
        print(json.dumps({"cases": found, "memory": memory}, indent=1))
    else:
        {"text": print_text, "markdown": print_markdown}[arguments.format](found, memory, arguments.against)
    return 0


if __name__ == "__main__":
    run.as_program(main)
