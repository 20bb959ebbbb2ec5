"""The kernel's own tests (tests/kernel) on other machines than the usual one: few ASIDs, little and much memory, parked harts."""
import os
import re

import machine
import run
from harness import BUILD, expect


def boot(*arguments, **options):
    line = machine.boot_arguments("", log=True, extra=arguments)
    guest = machine.Guest(machine.qemu_arguments(os.path.join(BUILD, "kerneltest", "quire.elf"), os.devnull, None, line, **options))
    guest.relay(None, lambda data: None, 120)
    return guest, bytes(guest.transcript).decode(errors="replace").replace("\r", "")


def judge(*arguments, fuzz=20000, **options):
    guest, text = boot(f"fuzz={fuzz}", *arguments, **options)
    expect(guest.process.returncode == 0 and re.search(r"^\d+ passed, 0 failed$", text, re.MULTILINE), text[-2000:])
    return text


def test_panic_says_the_fact_and_its_values(box):
    _, text = boot("object=1000000", memory="64M")
    expect(re.search(r"^quire: panic: memory from 80[0-9a-f]{6} to 84000000, initrd to [0-9a-f]+: no room for objects$", text, re.MULTILINE), text[-500:])


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
    options = run.parse(["mmaptest && /tests/processes && /tests/machine && /tests/pipes && /tests/files"])
    options.extra.append("fast=0")
    with run.prepared(options, raw=True) as (arguments, _):
        guest = machine.Guest(arguments)
        guest.relay(None, lambda data: None, 200)
    expect(guest.status == 0, bytes(guest.transcript).decode(errors="replace")[-2000:])
