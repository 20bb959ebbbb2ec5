"""
How each figure of `./quire bench` is taken: guest instructions per operation, counted by the guest's own instret under -icount.

  a case of bench.c   the benchmark's own row, the minimum over its repetitions; all cases in one boot
  native_ipc          tests/kernel/bench.c, in init's place: call and answer between two spaces, no server
  boot                kernel entry until the shell, its prompt written, asks for input; without the time spent waiting for the disk
  memory              tests/bench/memory.c: what the kernel holds for each of many small processes
It measures; bench.py prints, tests/boot/budget.py judges.
"""
import os
import re

import linux
import machine
import run
import symbols
import tracing

TABLES = os.path.join(run.ROOT, "tests", "bench")
# Cases of bench.c that need what Quire does not have yet: signal handlers, futexes, threads, mremap, userfaultfd.
LATER = re.compile(r"sigsegv|futex|mremap|uffd")
ROW = re.compile(r"^R (\S+) (?:min ([\d.]+) med ([\d.]+)|(failed))", re.MULTILINE)
CASE = re.compile(r'^\t\{ "(\w+)",', re.MULTILINE)
MEMORY = "256M"
TIMEOUT = 600


class BenchError(Exception):
    """A sentence, and what the guest said last."""


def cases(words):
    """The names of all figures that Quire can have, or of those that a word is part of."""
    with open(os.path.join(TABLES, "bench.c")) as file:
        names = ["native_ipc", *CASE.findall(file.read()), "boot"]
    return [name for name in names if not LATER.search(name) and (not words or any(word in name for word in words))]


def table(name):
    """{case: {column: text}} of a recorded table."""
    with open(os.path.join(TABLES, name)) as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return {row[0]: dict(zip(rows[0][1:], row[1:])) for row in rows[1:]}


def on_quire(names):
    """{case: (min, median) or None}"""
    found = {}
    programs = [name for name in names if name not in ("native_ipc", "boot")]
    if programs:
        found.update(_rows(guest_text(["/tests/bench", *programs])))
    if "native_ipc" in names:
        found["native_ipc"] = (_native_ipc(),) * 2
    if "boot" in names:
        found["boot"] = (_boot(),) * 2
    return found


def on_linux(names):
    """The same under a Linux built here; what Linux has no such thing of is missing."""
    programs = [name for name in names if name not in ("native_ipc", "boot")] or ["calib_empty"]
    try:
        linux.build()
        text = linux.transcript(["/tests/bench", *programs], MEMORY, TIMEOUT)
    except linux.LinuxError as error:
        raise BenchError(str(error))
    if "N done 1" not in text:
        raise BenchError("the benchmark did not end under Linux\n" + text[-2000:])
    found = _rows(text)
    notes = {key: float(value) for key, value in re.findall(r"^N (\w+) (\d+)", text, re.MULTILINE)}
    found["boot"] = (notes["instret_at_init"] - notes["kernel_entry_instret"] - notes["idle_at_init"],) * 2
    return {name: found[name] for name in names if name in found}


def _rows(text):
    return {name: None if failed else (float(low), float(middle)) for name, low, middle, failed in ROW.findall(text)}


def guest_text(command, *options, done="N done 1"):
    """What a guest command prints under -icount."""
    options = run.parse(["--icount", "--mem", MEMORY, "--timeout", str(TIMEOUT), *options, *command])
    with run.prepared(options, raw=True) as (arguments, _):
        guest = machine.Guest(arguments)
        guest.relay(None, lambda data: None, options.timeout)
    text = guest.transcript.decode(errors="replace").replace("\r", "").replace("\x02", "")
    if guest.status or done not in text:
        raise BenchError((guest.reason or f"{command[0]} ended with status {guest.status}") + "\n" + text[-2000:])
    return text


def _native_ipc():
    kernel = os.path.join(run.BUILD, "kerneltest", "quire.elf")
    line = machine.boot_arguments("", log=True, extra=["fuzz=0"])
    guest = machine.Guest(machine.qemu_arguments(kernel, os.devnull, None, line, icount=True))
    guest.relay(None, lambda data: None, TIMEOUT)
    text = guest.transcript.decode(errors="replace").replace("\r", "")
    match = re.search(r"native round trip: (\d+)", text)
    if not match:
        raise BenchError("the kernel's tests did not print their round trip\n" + text[-2000:])
    return float(match.group(1))


def _boot():
    """With gdb's protocol; only break points, the guest's code is as it is."""
    try:
        with tracing.stopped_guest(run.parse(["--icount", "--mem", MEMORY, "--timeout", "120"])) as (stub, guest, _):
            return float(tracing.boot(stub, stub.run))
    except tracing.TraceError as error:
        raise BenchError(f"{error}\n{guest.transcript[-2000:].decode(errors='replace')}")


# ---- memory

def memory():
    """{name: figure}: the kernel's image in bytes; KiB for each of many small processes: kernel objects with page tables, records
    of the pager, and its own pages."""
    sizes = symbols.Image("kernel", os.path.join(run.BUILD, "quire.elf")).sections()
    init = os.path.getsize(os.path.join(run.BUILD, "init.bin"))
    return {"kernel_text_bytes": sizes[".text"], "kernel_data_bytes": sizes[".rodata"] - init + sizes[".data"] + sizes[".bss"],
            "init_image_bytes": init, **_processes(guest_text(["/tests/memory"], done="M processes "))}


def _processes(text):
    found = {name: float(value) for name, value in re.findall(r"^M (\w+) (-?[\d.]+)$", text, re.MULTILINE)}
    return {"processes": int(found["processes"]), "objects_kib": found["objects"], "records_kib": found["records"], "own_kib": found["own"]}
