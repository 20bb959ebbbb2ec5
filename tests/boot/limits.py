"""
What happens at the limits: memory that is out, files larger than memory, a disk that is full or may not be written, the
guard page below a stack. The system must say so to the program that asked, and go on for everybody else.
"""
import re

import disk
import run
from harness import expect

TOUCH_ALL = """
#include <stdio.h>
#include <sys/mman.h>
int main(void)
{
	size_t bytes = (size_t)512 << 20;
	char *memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return 12;
	for (size_t at = 0; at < bytes; at += 4096)
		memory[at] = 1;
	return 0;
}
"""

LARGE_SHARED = """
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#define WORDS (120UL << 20 >> 3)
#define STEP 37
int main(void)
{
	int file = open("/tmp/data", O_RDWR | O_CREAT | O_EXCL, 0644);
	unsigned long *word;

	if (file < 0 || ftruncate(file, WORDS * 8))
		return 1;
	word = mmap(0, WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (word == MAP_FAILED)
		return 2;
	for (unsigned long i = 0; i < WORDS; i += STEP)
		word[i] = i * 0x9e3779b97f4a7c15 + 1;
	for (unsigned long i = 0; i < WORDS; i++)
		if (word[i] != (i % STEP ? 0 : i * 0x9e3779b97f4a7c15 + 1))
			return 3;
	return msync(word, WORDS * 8, MS_SYNC) ? 4 : 0;
}
"""

STORE_INTO_HOLE = """
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int count, char **argument)
{
	int file = open(argument[1], O_RDWR);
	volatile char *memory = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	if (file < 0 || memory == MAP_FAILED || memory[5 << 12])
		return 1;
	for (int page = 0; page < 256; page++)
		memory[page << 12] = 1;
	return 0;
}
"""

OVERFLOW = """
static int recurse(volatile int depth)
{
	volatile char room[1000];

	room[0] = (char)depth;
	return depth ? recurse(depth - 1) + room[0] : 0;
}
int main(void) { return recurse(1 << 20); }
"""


def test_memory_truly_out(box):
    program = box.program("touch_all", TOUCH_ALL)
    script = "/tmp/touch_all; echo status $?; echo word > /tmp/x; cat /tmp/x; ls / | wc -l > /dev/null && echo on"
    result = box.run("--mem", "64M", "--log", "--put", f"{program}:/tmp/touch_all", script)
    text = result.output.decode(errors="replace")
    expect(result.status == 0 and "status 137" in text, "the program must be killed (137)", result)
    expect(text.split()[-2:] == ["word", "on"], "the shell must go on", result)
    expect(re.search(r"^pager: out of memory: process \d+ ends at address", text, re.MULTILINE), "the pager's line expected", result)


def test_least_memory(box):
    """What help calls the least is enough to work with; failure.wrong_usage_is_2 has one MiB less."""
    least = re.search(r"--mem .*at least (\d+)M", run.USAGE)
    expect(least and int(least[1]) == run.MEMORY_MIN, "help and check must say the same")
    box.succeed("--mem", f"{run.MEMORY_MIN}M", "cat /etc/hostname | wc -l > /tmp/x; cat /tmp/x; ls / > /dev/null && echo on", output=b"1\non\n")
    result = box.run("--mem", f"{run.MEMORY_MIN - 1}M", "ls")
    expect(result.status == 2 and f"from {run.MEMORY_MIN}M" in result.errors, "wrong usage and the least expected", result)


def test_shared_mapping_larger_than_memory(box):
    box.program("large", LARGE_SHARED)
    back = box.path("back")
    box.succeed("--mem", "64M", "--get", f"/tmp/data:{back}", "./large", output=b"", timeout=240)
    with open(back, "rb") as file:
        for number in (0, 37 * 1000, 37 * 400000):
            file.seek(number * 8)
            right = (number * 0x9e3779b97f4a7c15 + 1) % 2 ** 64
            expect(int.from_bytes(file.read(8), "little") == right, f"word {number} of the file on the disk")


def test_store_into_a_hole_of_a_full_disk(box):
    program = box.program("store", STORE_INTO_HOLE)
    maker = box.program("makehole", "#include <fcntl.h>\n#include <unistd.h>\nint main(void) { "
                        'return ftruncate(open("/tmp/holed", O_RDWR | O_CREAT, 0644), 1 << 20); }')
    image = box.image()
    script = ("/tmp/makehole; cat /dev/zero > /tmp/full 2> /dev/null; /tmp/store /tmp/holed; echo $?; "
              "rm /tmp/full; /tmp/store /tmp/holed; echo $?")
    result = box.run("--disk", image, "--put", f"{program}:/tmp/store", "--put", f"{maker}:/tmp/makehole", script, timeout=240)
    expect(result.output.split() == [b"Bus", b"error", b"135", b"0"], "SIGBUS (135), and success once there is space again, expected", result)
    expect(disk.check(image) is None, f"e2fsck: {disk.check(image)}")


def test_guard_page_is_logged(box):
    box.program("overflow", OVERFLOW)
    result = box.run("--log", "./overflow")
    expect(result.status == 139, "139 (SIGSEGV) expected", result)
    expect(re.search(rb"^proc: pid \d+ \(overflow\): SIGSEGV at pc 0x[0-9a-f]+, (write|store)[a-z]* of address 0x[0-9a-f]+",
                     result.output, re.MULTILINE), "one line with the address expected", result)


def test_volume_with_an_unknown_read_only_feature(box):
    """Feature bits of the third kind (RO_COMPAT): who does not know one may read, but not write."""
    image = box.image()
    with open(image, "r+b") as file:
        file.seek(1024 + 100)
        known = int.from_bytes(file.read(4), "little")
        file.seek(1024 + 100)
        file.write((known | 0x40000000).to_bytes(4, "little"))
        file.seek(0)
        before = file.read()
    result = box.run("--disk", image, "cat /etc/hostname; echo x > /home/x; echo $?; mkdir /home/y; echo $?; rm /bin/ls; echo $?")
    text = (result.output.decode(errors="replace") + result.errors).lower()
    expect(result.status == 0 and text.count("read-only file system") == 3, "three times EROFS expected", result)
    with open(image, "rb") as file:
        expect(file.read() == before, "the image was written")
