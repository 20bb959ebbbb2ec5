"""The kernel's own tests (tests/kernel) on other machines than the usual one: few ASIDs, little and much memory, parked harts."""
import os
import re

import machine
import run
from harness import BUILD, expect


def judge(*arguments, fuzz=20000, **options):
    line = machine.boot_arguments("", log=True, extra=[f"fuzz={fuzz}", *arguments])
    guest = machine.Guest(machine.qemu_arguments(os.path.join(BUILD, "kerneltest", "quire.elf"), os.devnull, None, line, **options))
    guest.relay(None, lambda data: None, 120)
    text = bytes(guest.transcript).decode(errors="replace").replace("\r", "")
    expect(guest.process.returncode == 0 and re.search(r"^\d+ passed, 0 failed$", text, re.MULTILINE), text[-2000:])
    return text


def test_no_asids(box):
    judge("asid=0")


def test_two_asids(box):
    judge("asid=1")


def test_little_memory(box):
    judge("object=4", memory="64M")


def test_much_memory(box):
    judge("object=64", memory="4G", harts=4)


def test_instruction_counting(box):
    judge(icount=True)


def test_without_the_fast_path(box):
    judge("fast=0")


def test_both_paths_do_the_same(box):
    for seed in range(1, 6):
        outcomes = [re.search(r"^outcome .*$", judge(f"seed={seed}", *path, fuzz=0), re.MULTILINE).group() for path in ([], ["fast=0"])]
        expect(outcomes[0] == outcomes[1], f"seed {seed}: {outcomes}")


def test_programs_without_the_fast_path(box):
    options = run.parse(["mmaptest && /tests/processes && /tests/pipes && /tests/files"])
    options.extra.append("fast=0")
    with run.prepared(options, raw=True) as (arguments, _):
        guest = machine.Guest(arguments)
        guest.relay(None, lambda data: None, 200)
    expect(guest.status == 0, bytes(guest.transcript).decode(errors="replace")[-2000:])
