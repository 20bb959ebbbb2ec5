"""
Random calls with random arguments from programs: Linux calls, and native kernel calls mixed in. With the nine million of
kernel/fuzz (tests/run.py) they are the ten million after which the system must still run, on a disk that e2fsck finds clean.
"""
import subprocess

from harness import expect

CALLS = 500000


def fuzz(box, *arguments):
    image = box.image()
    result = box.run("--disk", image, "/tests/fuzz", *arguments, str(CALLS), timeout=400)
    expect(result.status == 0 and b"1 passed, 0 failed" in result.output, "the parent must live", result)
    check = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True)
    expect(check.returncode == 0, "a clean disk expected:\n" + check.stdout)


def test_linux_calls(box):
    fuzz(box, "11")


def test_linux_and_kernel_calls(box):
    fuzz(box, "-n", "12")
