"""Messages of the servers: with --log they are there, without it nobody sees them."""
import re

from harness import expect

STORE = "int main(void) { *(volatile int *)0x123450 = 1; return 0; }"


def test_log_shows_the_system(box):
    result = box.run("--log", "echo", "hello")
    expect(result.status == 0 and b"hello" in result.output, "the command's output expected", result)
    expect(b"OpenSBI" in result.output, "the firmware's banner expected", result)
    for name in (b"init", b"blk"):
        expect(re.search(rb"^" + name + rb": ", result.output, re.MULTILINE), f"a line that begins with {name.decode()}: expected",
               result)


def test_bad_access_is_logged(box):
    program = box.program("crash", STORE)
    result = box.run("--log", program)
    expect(result.status == 139, "139 expected", result)
    lines = [line for line in result.output.decode(errors="replace").splitlines() if "123450" in line]
    expect(len(lines) == 1, "one line with the address expected", result)
    expect("pc" in lines[0] and re.search(r"writ|stor", lines[0]), "pc and access expected in " + repr(lines[0]), result)


def test_bad_access_harms_nobody_else(box):
    program = box.program("crash", STORE)
    box.succeed("--put", f"{program}:/tmp/crash", "(/tmp/crash; echo $?; echo on) 2> /dev/null", output=b"139\non\n")
