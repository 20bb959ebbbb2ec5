"""Files into the disk and out of it, programs of the host, disks that are kept."""
import os
import subprocess
import sys

import disk
from harness import ROOT, expect

PRINT_ARGUMENTS = '#include <stdio.h>\nint main(int n, char **a) { for (int i = 1; i < n; i++) puts(a[i]); return n; }'


def _content(path):
    with open(path, "rb") as file:
        return file.read()


def test_put_and_get(box):
    content = os.urandom(300000)
    source, back = box.file("in", content), box.path("out")
    box.succeed("--put", f"{source}:/data/deep/in", "--get", f"/data/copy:{back}", "cp", "/data/deep/in", "/data/copy")
    expect(_content(back) == content, "the copy differs")


def test_put_keeps_the_execute_bit(box):
    script = box.file("hello.sh", b"#!/bin/sh\necho from a script $1\n", mode=0o755)
    box.succeed("--put", f"{script}:/home/", "/home/hello.sh", "one", output=b"from a script one\n")


def test_paths_with_spaces(box):
    source = box.file("a b", b"text\n")
    box.succeed("--put", f"{source}:/tmp/c d", "--get", f"/tmp/c d:{box.path('e f')}", "cat", "/tmp/c d", output=b"text\n")
    expect(_content(box.path("e f")) == b"text\n", "the copy differs")


def test_get_of_a_missing_file(box):
    result = box.run("--get", f"/tmp/nothing:{box.path('x')}", "echo", "ok")
    expect(result.status == 125 and "/tmp/nothing" in result.errors, "125 and a sentence expected", result)
    expect(result.output == b"ok\n", "the command's output expected", result)


def test_get_of_a_symbolic_link(box):
    result = box.run("--get", f"/tmp/link:{box.path('x')}", "echo text > /tmp/x; ln -s x /tmp/link")
    expect(result.status == 125 and "symbolic link" in result.errors and "name the file" in result.errors, "125 and what to do instead expected", result)


def test_get_after_a_failure(box):
    result = box.run("--get", f"/tmp/x:{box.path('x')}", "echo kept > /tmp/x; exit 3")
    expect(result.status == 3, "the command's status expected", result)
    expect(_content(box.path("x")) == b"kept\n", "the file expected")


def test_host_program(box):
    box.program("t", PRINT_ARGUMENTS)
    result = box.run("./t", "3", "four five")
    expect(result.status == 3 and result.output == b"3\nfour five\n", "status 3 and the arguments expected", result)


def test_the_disk_is_kept(box):
    image = box.path("kept.img")
    box.succeed("--disk", image, "echo 1 > /home/count")
    box.succeed("--disk", image, "cat", "/home/count", output=b"1\n")
    expect(disk.read(image, "/home/count") == b"1\n", "debugfs finds another content")
    expect(disk.check(image) is None, f"e2fsck: {disk.check(image)}")


def test_the_built_disk_is_untouched(box):
    before = os.stat(box.pristine).st_mtime_ns
    box.succeed("echo 1 > /home/count; rm /bin/ls")
    expect(os.stat(box.pristine).st_mtime_ns == before and disk.status(box.pristine, "/bin/ls"), "the built image changed")


KEPT = r'''
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char bytes[1 << 20];

static int small(void)	/* 0, or what writing a small file ends with */
{
	int file = open("/tmp/small", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int error = file < 0 || write(file, bytes, 10000) != 10000 ? errno : 0;

	close(file);
	unlink("/tmp/small");
	return error;
}

int main(void)
{
	int full = open("/tmp/full", O_RDWR | O_CREAT, 0644), kept;
	char *memory = mmap(0, 4096, PROT_READ, MAP_SHARED, full, 0);

	while (write(full, bytes, sizeof(bytes)) > 0)
		;
	printf("%d %d ", errno == ENOSPC, small() == ENOSPC);
	kept = dup(full);
	close(full);
	unlink("/tmp/full");
	printf("%d ", small() == ENOSPC);
	close(kept);
	printf("%d ", small() == ENOSPC);
	munmap(memory, 4096);
	printf("%d %d\n", small(), mkdir("/tmp/directory", 0755));
	return 0;
}
'''


def test_a_full_disk_is_freed_by_the_last_use(box):
    box.succeed(box.program("kept", KEPT), output=b"1 1 1 1 0 0\n", timeout=240)


def test_a_full_disk_is_an_error(box):
    result = box.run("cat /dev/zero > /tmp/full; echo $?; rm /tmp/full; echo small > /tmp/small && cat /tmp/small",
                     timeout=240)
    lines = result.output.decode(errors="replace").splitlines()
    expect(result.status == 0 and lines[-1:] == ["small"] and "1" in lines, "an error, then space again, expected", result)


DURABLE = r'''
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	int file;

	mkdir("/tmp/new", 0755);
	file = open("/tmp/new/file", O_WRONLY | O_CREAT | O_SYNC, 0644);
	if (write(file, "this must not be lost\n", 22) == 22)
		write(1, "written\n", 8);
	for (;;)
		;
}
'''


def test_a_synchronous_write_survives_the_plug(box):
    image = box.path("kept.img")
    command = [sys.executable, os.path.join(ROOT, "tools", "run.py"), "run", "--timeout", "60", "--disk", image, box.program("durable", DURABLE)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=box.folder) as run:
        line = run.stdout.readline()
        run.kill()
    expect(line == b"written\n", f"'written' expected, not {line!r}")
    expect(disk.read(image, "/tmp/new/file") == b"this must not be lost\n", "debugfs finds another content")
