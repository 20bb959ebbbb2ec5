"""
Disks with bad sectors: QEMU's blkdebug driver lets transfers fail that touch a chosen sector. Who needs that sector is told, nobody else
notices, and afterwards e2fsck says about the disk what is true.
"""
import json
import os
import subprocess

import disk
import machine
from harness import BUILD, TIMEOUT, expect

EIO = 5
PAGES, BAD = 64, 37		# of the file; BAD lies amid a cluster of blocks that are read and written together

# What a program sees of the file, a letter for each page: '.' what was there before the run, 'n' new, 'E' EIO, 'S' SIGBUS, '?' something else.
PROGRAM = """
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#define PAGES 64
static char page[4096], all[PAGES * 4096];

static const char *outcome(int result) { return result == 0 ? "0" : errno == EIO ? "EIO" : errno == EROFS ? "EROFS" : "?"; }

static char content(const char *at, int number)
{
	for (int i = 1; i < 4096; i++)
		if (at[i] != at[0])
			return '?';
	return at[0] == number + 1 ? '.' : at[0] == number + 101 ? 'n' : '?';
}

static char touch(const char *at, int number)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(2);
		_exit(content(at, number));
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? (WTERMSIG(status) == SIGBUS ? 'S' : '?') : WEXITSTATUS(status);
}

int main(int count, char **argument)
{
	int file = open(argument[2], O_RDWR);
	char *memory;

	if (file < 0)
		return printf("open: %s\\n", outcome(-1)), 1;
	memory = mmap(0, sizeof all, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	for (char *what = argument[1]; *what; what++) {
		if (*what == 'r') {		/* page by page */
			for (int i = 0; i < PAGES; i++)
				putchar(pread(file, page, 4096, i * 4096) == 4096 ? content(page, i) : errno == EIO ? 'E' : '?');
			putchar('\\n');
		} else if (*what == 'm') {	/* loads */
			for (int i = 0; i < PAGES; i++)
				putchar(touch(memory + i * 4096, i)), fflush(stdout);
			putchar('\\n');
		} else if (*what == 'a') {	/* all in one call, and from behind what came */
			ssize_t got = pread(file, all, sizeof all, 0);
			printf("%zd ", got);
			printf("%s\\n", outcome(pread(file, all, sizeof all, got) < 0 ? -1 : 0));
		} else if (*what == 'w') {	/* new content */
			for (int i = 0; i < PAGES; i++) {
				memset(page, i + 101, 4096);
				if (pwrite(file, page, 4096, i * 4096) != 4096)
					printf("write: %s\\n", outcome(-1));
			}
		} else if (*what == 's') {
			for (int i = 0; i < PAGES; i++)
				memset(memory + i * 4096, i + 101, 4096);
		} else if (*what == 'f') {
			printf("fsync: %s\\n", outcome(fsync(file)));
		} else if (*what == 'y') {
			printf("msync: %s\\n", outcome(msync(memory, sizeof all, MS_SYNC)));
		}
		fflush(stdout);
	}
	return 0;
}
"""

OLD = b"".join(bytes([number + 1]) * 4096 for number in range(PAGES))
NEW = b"".join(bytes([number + 101]) * 4096 for number in range(PAGES))


class Bad:
    """An image with /home/data and the program, and what is wrong with the disk that it lies on."""

    def __init__(self, box):
        self.image = box.image()
        disk.put(self.image, box.program("look", PROGRAM), "/bin/look")
        disk.put(self.image, box.file("data", OLD), "/home/data")
        self.rules = []

    def ask(self, command):
        return subprocess.run(["debugfs", "-R", command, self.image], capture_output=True, text=True, env=disk.ENVIRONMENT).stdout

    def block(self, path, number):
        return int(self.ask(f"bmap {path} {number}").split()[0])

    def table_block(self, path):
        """That of the inode."""
        return int(self.ask(f"imap {path}").split("located at block ")[1].split(",")[0])

    def fails(self, kind, block=None, once=False):
        rule = {"event": "none", "iotype": kind, "errno": EIO, "once": once}
        self.rules.append(rule if block is None else dict(rule, sector=block * 8))

    def run(self, command):
        """The machine's status and the lines of its output."""
        drive = {"file": {"driver": "blkdebug", "image": {"driver": "file", "filename": self.image}, "inject-error": self.rules}}
        arguments = machine.qemu_arguments(os.path.join(BUILD, "quire.elf"), os.path.join(BUILD, "boot.cpio"), "json:" + json.dumps(drive),
                                           machine.boot_arguments(command))
        output = bytearray()
        guest = machine.Guest([word.replace("cache=unsafe", "cache=writeback") for word in arguments])  # unsafe: no flush gets as far as blkdebug
        guest.relay(None, output.extend, TIMEOUT)
        return guest.status, output.decode(errors="replace").splitlines()

    def expect(self, command, *lines, damaged=False):
        """These lines and status 0; afterwards e2fsck, whether it looks at all or is made to, says what is true."""
        status, output = self.run(command)
        expect(status == 0 and output == list(lines), f"status {status}, " + "\n".join(output))
        complaint = disk.check(self.image)
        expect(bool(complaint) == damaged, f"e2fsck: {complaint}")
        expect(self.is_called_clean() != damaged, "the superblock must say whether a check is needed")
        if damaged:
            subprocess.run(["e2fsck", "-f", "-y", self.image], capture_output=True, env=disk.ENVIRONMENT)
            expect(disk.check(self.image) is None, f"e2fsck cannot repair it: {disk.check(self.image)}")

    def is_called_clean(self):
        with open(self.image, "rb") as file:
            file.seek(1024 + 58)
            return int.from_bytes(file.read(2), "little") & 3 == 1  # clean, and no errors seen

    def pages(self):
        """The file's pages on the disk, in the program's letters."""
        have = disk.read(self.image, "/home/data")
        return "".join("." if have[at:at + 4096] == OLD[at:at + 4096] else "n" if have[at:at + 4096] == NEW[at:at + 4096] else "?"
                       for at in range(0, len(OLD), 4096))


def one(letter, others):
    return others * BAD + letter + others * (PAGES - BAD - 1)


ON = "echo on > /home/x; cat /home/x"


def test_file_is_read(box):
    bad = Bad(box)
    bad.fails("read", bad.block("/home/data", BAD))
    bad.expect(f"look rma /home/data; {ON}", one("E", "."), one("S", "."), f"{BAD * 4096} EIO", "on")


def test_file_is_written(box):
    """All but the bad sector reaches the disk, though its neighbours were to be written together with it."""
    bad = Bad(box)
    bad.fails("write", bad.block("/home/data", BAD))
    bad.expect(f"look wffrf /home/data; {ON}", "fsync: EIO", "fsync: EIO", "n" * PAGES, "fsync: EIO", "on")
    expect(bad.pages() == one(".", "n"), bad.pages())


def test_file_is_written_and_nobody_tries_again(box):
    bad = Bad(box)
    bad.fails("write", bad.block("/home/data", BAD))
    bad.expect(f"look sy /home/data; {ON}", "msync: EIO", "on")
    expect(bad.pages() == one(".", "n"), bad.pages())


def test_write_fails_once(box):
    """It is told once; then the data is on the disk."""
    for what, tells in (("wfff", "fsync"), ("syyy", "msync")):
        bad = Bad(box)
        bad.fails("write", bad.block("/home/data", BAD), once=True)
        bad.expect(f"look {what}r /home/data; {ON}", f"{tells}: EIO", f"{tells}: 0", f"{tells}: 0", "n" * PAGES, "on")
        expect(bad.pages() == "n" * PAGES, bad.pages())


def test_program_is_read(box):
    for number, outcome in ((0, ("sh: wc: Input/output error", "126")), (20, ("Bus error", "135"))):
        bad = Bad(box)
        bad.fails("read", bad.block("/bin/wc", number))
        bad.expect(f"wc /etc/hostname; echo $?; {ON}", *outcome, "on")


def test_map_of_a_file(box):
    """An indirect block: what it leads to cannot be read, and is lost when the file is removed."""
    bad = Bad(box)
    bad.fails("read", int(bad.ask("blocks /home/data").split()[12]))
    bad.expect(f"look rma /home/data; {ON}", "." * 12 + "E" * 52, "." * 12 + "S" * 52, f"{12 * 4096} EIO", "on")
    bad.expect(f"rm /home/data; echo $?; {ON}", "0", "on", damaged=True)


def test_directory_is_read(box):
    bad = Bad(box)
    bad.fails("read", bad.block("/home", 0))
    bad.expect("ls /home; look f /home/data; echo on > /tmp/x; cat /tmp/x", "ls: /home: Input/output error", "open: EIO", "on")


def test_directory_is_read_at_the_second_try(box):
    bad = Bad(box)
    bad.fails("read", bad.block("/home", 0), once=True)
    bad.expect("ls /home; ls /home", "ls: /home: Input/output error", "data")


def test_inode_is_read(box):
    bad = Bad(box)
    bad.fails("read", bad.table_block("/home/data"))
    bad.expect("cat /home/data; rm /home/data; ls /home; cat /etc/hostname > /dev/null; echo on", "cat: /home/data: Input/output error",
               "rm: /home/data: Input/output error", "data", "on")


def test_bitmap_is_read(box):
    """A file loses its name and cannot be freed."""
    bad = Bad(box)
    bad.fails("read", int(bad.ask("stats").split("block bitmap at ")[1].split(",")[0]))
    bad.expect("rm /home/data; echo $?; ls /home; echo on", "0", "on", damaged=True)


def test_metadata_is_written(box):
    """What was changed can still be read; nothing more can be changed."""
    bad = Bad(box)
    bad.fails("write", bad.block("/home", 0), once=True)
    bad.expect("echo a > /home/a; sync; echo b > /home/b; look f /home/data; cat /home/a", "sh: /home/b: Read-only file system", "open: EROFS", "a",
               damaged=True)


def test_superblock(box):
    bad = Bad(box)
    bad.fails("write", 0)
    bad.expect("echo a > /home/a; ls /home", "sh: /home/a: Read-only file system", "data")
    bad.rules = []
    bad.fails("read", 0)
    status, output = bad.run("ls")
    expect(status == 125 and output[-1:] == ["quire: fatal: fs: cannot use the disk: its first block cannot be read"], f"{status} {output}")


def test_flush(box):
    """Nobody knows what a flush that failed has lost: nothing counts as durable from then on, and the disk is to be checked."""
    bad = Bad(box)
    bad.fails("flush", once=True)
    status, output = bad.run(f"look wff /home/data; {ON}")
    expect(status == 0 and output == ["fsync: EIO", "fsync: EIO", "on"], f"{status} {output}")
    expect(not bad.is_called_clean() and disk.check(bad.image) is None, "a sound disk of which nobody says so expected")
