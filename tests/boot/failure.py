"""What the tool says when the guest fails, and what it refuses. Tiny kernels stand in for a broken system here."""
import os
import subprocess
import sys
import time

import disk
from harness import ROOT, expect

# Prints a text through the firmware, then runs the lines in END.
KERNEL = """
	.globl _start
_start:	lla s0, text
1:	lbu a0, (s0)
	beqz a0, 2f
	li a7, 1
	ecall
	addi s0, s0, 1
	j 1b
2:	{end}
text:	.asciz "{text}"
"""
SHUT_DOWN = "li a7, 8; ecall"  # the firmware's shutdown: QEMU's status is 0
HANG = "wfi; j 2b"


def test_panic_is_125_and_a_sentence(box):
    kernel = box.kernel("panic", KERNEL.format(text="\\002hello\\nquire: panic: a link is broken\\n", end=SHUT_DOWN))
    result = box.run("--kernel", kernel, "ls")
    expect(result.status == 125 and result.errors == "quire: panic: a link is broken\n", "125 and the panic expected", result)


def test_words_of_a_command_are_no_panic(box):
    kernel = box.kernel("fine", KERNEL.format(text="\\002he said: quire: panic: no\\n", end=SHUT_DOWN))
    result = box.run("--kernel", kernel, "ls")
    expect(result.status == 0 and not result.errors, "status 0 expected", result)


def test_time_over_is_124_and_a_sentence(box):
    kernel = box.kernel("hang", KERNEL.format(text="\\002so far\\n", end=HANG))
    started = time.monotonic()
    result = box.run("--kernel", kernel, "ls", timeout=2)
    expect(result.status == 124 and "time over" in result.errors, "124 and a sentence expected", result)
    expect(result.output.split() == [b"so", b"far"], "what was printed so far expected", result)
    expect(time.monotonic() - started < 20, "it took too long")


def test_console_that_never_comes_up(box):
    kernel = box.kernel("early", KERNEL.format(text="nothing", end=SHUT_DOWN))
    result = box.run("--kernel", kernel, "ls")
    expect(result.status == 125 and "console" in result.errors and not result.output, "125 and a sentence expected", result)


def test_a_command_that_hangs(box):
    result = box.run("sleep", "1000", timeout=5)
    expect(result.status == 124 and "time over" in result.errors, "124 and a sentence expected", result)


def test_boot_archive_without_servers(box):
    archive = box.file("empty.cpio", b"070701" + b"0" * 88 + b"0000000B" + b"0" * 8 + b"TRAILER!!!\0\0\0\0")
    result = box.run("--initrd", archive, "ls", timeout=20)
    expect(result.status == 125 and "time over" not in result.errors, "a refusal with 125 expected", result)


def test_wrong_usage_is_2(box):
    for arguments in (["--nonsense"], ["--mem", "12"], ["--mem"], ["--harts", "0"], ["--put", "x"], ["--put", "missing:/x"],
                      ["--get", "relative:x"], ["--get", "/x:no/such/folder/x"], ["--timeout", "soon"], ["--disk="],
                      ["--kernel", "missing"], ["--kernel", "/etc/passwd"], ["--mem", "8M"], ["--mem", "19M"], ["--mem", "256G"], ["--mem", "9999999G"],
                      ["--disk", "no/such/folder/disk"], [""]):
        result = box.run(*arguments)
        expect(result.status == 2 and result.errors.startswith("quire: ") and result.errors.count("\n") == 1,
               f"{arguments}: status 2 and one sentence expected", result)
    text = box.file("text", b"no program\n")
    result = box.run(text.replace(box.folder, "."), "x")
    expect(result.status == 2 and "executable" in result.errors, "status 2 and a sentence expected", result)


def test_build_and_clean_take_no_words(box):
    """What is asked for help must not remove anything."""
    kept = box.file("build.keep", b"")
    for words in (["clean", "--help"], ["clean", "x"], ["build", "--help"]):
        done = subprocess.run([os.path.join(ROOT, "quire"), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                              env={**os.environ, "QUIRE_BUILD": box.folder})
        expect(done.returncode == 2 and done.stderr == f"quire: {words[0]} takes no words (./quire help)\n" and os.path.exists(kept), f"{words}: {done}")


def test_a_filter_that_matches_nothing(_):
    done = subprocess.run([sys.executable, os.path.join(ROOT, "tests", "run.py"), "nonsense"], capture_output=True, text=True, timeout=30)
    expect(done.returncode == 2 and done.stderr == "quire: no test has 'nonsense' in its name\n" and not done.stdout, f"status 2 and one sentence expected: {done}")


def test_what_is_no_disk(box):
    for path, word in ((box.file("empty", b""), "empty"), (box.folder, "directory"), ("/dev/null", "regular")):
        result = box.run("--disk", path, "ls")
        expect(result.status == 125 and word in result.errors and result.errors.count("\n") == 1, f"{path}: 125 and one sentence expected", result)


def test_nobody_reads_the_output(_):
    for tool, *words in (["run.py", "run", "ls -l /bin; ls -l /bin"], ["bench.py", "calib_empty"]):
        command = f"{{ {sys.executable} {os.path.join(ROOT, 'tools', tool)} {' '.join(map(repr, words))} 2>&3; echo status $? >&3; }} | true"
        done = subprocess.run(["sh", "-c", "exec 3>&1; " + command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)
        expect(done.stdout in ("status 141\n", "status 0\n"), f"no complaint expected: {done}")


# ---- disks that fs must refuse

SUPERBLOCK = 1024


def _refused(box, image, *words):
    result = box.run("--disk", image, "ls", timeout=30)
    expect(result.status == 125, "125 expected", result)
    lines = result.errors.splitlines()
    expect(len(lines) == 1 and any(word in lines[0] for word in words), f"one sentence with one of {words} expected", result)


def _patched(box, offset, data):
    image = box.image()
    with open(image, "r+b") as file:
        file.seek(SUPERBLOCK + offset)
        file.write(data)
    return image


def _made(box, *options):
    image = box.path("made.img")
    subprocess.run(["truncate", "-s", "16M", image], check=True)
    subprocess.run(["mke2fs", "-q", "-F", *options, image], check=True, env=disk.ENVIRONMENT)
    return image


def test_disk_with_wrong_magic(box):
    _refused(box, _patched(box, 56, b"\0\0"), "magic", "ext2")


def test_disk_of_zeroes(box):
    _refused(box, box.file("zeroes.img", bytes(1 << 20)), "magic", "ext2")


def test_disk_with_small_blocks(box):
    _refused(box, _made(box, "-t", "ext2", "-r", "1", "-b", "1024"), "block")


def test_disk_with_unknown_features(box):
    # Incompatible feature bit 31 means nothing to anybody.
    _refused(box, _patched(box, 96, (0x80000002).to_bytes(4, "little")), "feature")


def test_disk_of_ext4(box):
    _refused(box, _made(box, "-t", "ext4", "-b", "4096"), "feature")


def test_disk_cut_short(box):
    image = box.image()
    with open(image, "r+b") as file:
        file.truncate(100 << 20)
    _refused(box, image, "short", "truncated", "small", "cut")
