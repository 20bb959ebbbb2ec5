#!/usr/bin/env python3
"""
`./quire bench`: runs tests/bench/bench.c in the guest under -icount and prints guest instructions per operation beside the
recorded figures of Linux 6.1, seL4 and xv6 (tests/bench/*.tsv; their headers say how those were taken).

    ./quire bench [--json] [case...]      a case is selected by any part of its name; none: all that Quire can run

Every figure is the minimum over the program's repetitions. It measures and prints; it judges nothing.
"""
import json
import os
import re
import sys

import machine
import run

TABLES = os.path.join(run.ROOT, "tests", "bench")
# Cases of bench.c that need what Quire does not have yet: signal handlers, futexes, threads, mremap, userfaultfd.
LATER = re.compile(r"sigsegv|futex|mremap|uffd")
ROW = re.compile(r"^R (\S+) (?:min ([\d.]+) med ([\d.]+)|(failed))", re.MULTILINE)
CASE = re.compile(r'^\t\{ "(\w+)",', re.MULTILINE)


class BenchError(Exception):
    """A sentence, and what the guest said last."""


def table(name):
    """{case: {column: figure}} of a recorded table."""
    with open(os.path.join(TABLES, name)) as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return {row[0]: dict(zip(rows[0][1:], row[1:])) for row in rows[1:]}


def cases(words):
    with open(os.path.join(TABLES, "bench.c")) as file:
        names = CASE.findall(file.read())
    return [name for name in names
            if (any(word in name for word in words) if words else not LATER.search(name))]


def measure(names):
    """{case: (min, med) or None} as measured in one boot."""
    options = run.parse(["--icount", "--mem", "256M", "--timeout", "1500", "/tests/bench", *names])
    with run.prepared(options, raw=True) as (arguments, _):
        guest = machine.Guest(arguments)
        guest.relay(None, lambda data: None, options.timeout)
    text = guest.transcript.decode(errors="replace").replace("\r", "")
    if guest.status or "N done 1" not in text:
        raise BenchError((guest.reason or f"the benchmark ended with status {guest.status}") + "\n" + text[-2000:])
    return {name: None if failed else (float(low), float(middle)) for name, low, middle, failed in ROW.findall(text)}


# Our case: its nearest relative in other.tsv.
RELATIVES = {"getppid": "null_syscall", "rfault_disk_nofa": "file_read_fault", "wfault_disk": "file_shared_write_fault",
             "fork_exit_0": "fork_exit_0", "fork_exit_256": "fork_exit_256", "mmap_munmap": "mmap_munmap",
             "read4k_disk": "read_4k", "write4k_disk": "write_4k", "pipe_rt": "ipc_0_words"}


def main(words):
    as_json = "--json" in words
    names = cases([word for word in words if word != "--json"])
    if not names:
        run.say("no case has such a name")
        return 2
    try:
        measured = measure(names)
    except BenchError as error:
        run.say(str(error))
        return 1
    linux, other = table("linux-6.1.tsv"), table("other.tsv")
    rows = []
    for name in names:
        low = measured.get(name)
        reference, relative = linux.get(name, {}), other.get(RELATIVES.get(name, ""), {})
        rows.append({"case": name, "unit": reference.get("unit", ""), "quire": low[0] if low else None,
                     "quire_median": low[1] if low else None, "linux_minimal": reference.get("minimal"),
                     "linux_distro": reference.get("distro"), "sel4": relative.get("sel4"), "xv6": relative.get("xv6")})
    if as_json:
        print(json.dumps(rows, indent=1))
        return 0
    print(f"{'case':26}{'Quire':>12}{'Linux min':>12}{'ratio':>7}{'distro':>12}{'seL4':>8}{'xv6':>16}  per")
    for row in rows:
        figure = f"{row['quire']:.1f}" if row["quire"] is not None else "failed"
        ratio = ""
        if row["quire"] is not None and row["linux_minimal"]:
            ratio = f"{row['quire'] / float(row['linux_minimal']):.2f}"
        print(f"{row['case']:26}{figure:>12}{row['linux_minimal'] or '':>12}{ratio:>7}{row['linux_distro'] or '':>12}"
              f"{row['sel4'] or '':>8}{row['xv6'] or '':>16}  {row['unit']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
