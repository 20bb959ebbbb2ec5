"""
The programs of the image together, as a script uses them, and what the system does to processes from outside: signals, ^C
on the console, programs that are loaded page by page.
"""
import os
import re
import subprocess
import sys
import threading
import time

from harness import ROOT, expect

HANDLER = """
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
static void handler(int number) { (void)number; _exit(0); }
int main(void)
{
	signal(SIGUSR1, handler);
	kill(getpid(), SIGUSR1);
	return 1;
}
"""


def test_registered_handler_ends_the_process_with_a_line(box):
    box.program("handled", HANDLER)
    result = box.run("--log", "./handled")
    expect(result.status == 128 + 10, "138 (SIGUSR1) expected", result)
    expect(re.search(rb"^proc: pid \d+ \(handled\)?:? ?.*signal 10 has a handler", result.output, re.MULTILINE),
           "a line about the handler expected", result)


def interrupted(command, when, keys=b"\003"):
    """Runs a command, sends keys once its output has the bytes `when`, and returns (status, output)."""
    words = [sys.executable, os.path.join(ROOT, "tools", "run.py"), "run", "--timeout", "40", command]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = b""
    try:
        while when not in output:
            data = os.read(process.stdout.fileno(), 4096)
            expect(data, f"{when!r} never came: {output!r}")
            output += data
        time.sleep(1)  # until the program really waits
        process.stdin.write(keys)
        process.stdin.flush()
        reader = threading.Timer(45, process.kill)
        reader.start()
        output += process.stdout.read()  # standard input stays open: no end of file may help
        reader.cancel()
        return process.wait(), output
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


def test_interrupt_of_a_blocked_read(box):
    status, output = interrupted("echo ready; cat; echo status $?; sh -c 'exit 9'", b"ready\n")
    expect(status == 9 and output.split() == [b"ready", b"status", b"130"], f"130 (SIGINT) for cat expected: {status} {output!r}")


def test_interrupt_passes_the_status_on(box):
    status, output = interrupted("echo ready; sleep 100", b"ready\n")
    expect(status == 130, f"130 (SIGINT) expected, not {status}: {output!r}")


def test_exec_reads_only_what_runs(box):
    """A static program has well over a hundred pages; to run `true`, fewer than half of them may come from the disk."""
    drop = "sync; echo 3 > /proc/sys/vm/drop_caches"
    script = f"true; vmstat quire_page_ins; {drop}; vmstat quire_page_ins; vmstat quire_page_ins; /bin/true; vmstat quire_page_ins"
    result = box.succeed(script + "; stat -c %s /bin/true || ls -l /bin/true")
    values = [int(value) for value in re.findall(rb"quire_page_ins (\d+)", result.output)]
    expect(len(values) == 4, "four readings expected", result)
    pages = os.stat(os.path.join(os.path.dirname(box.pristine), "root", "bin", "true")).st_size // 4096
    read = values[3] - values[2]
    expect(0 < read < pages // 2, f"{read} of {pages} pages were read", result)


HELD = """
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
	int file = open("/tmp/held", O_RDWR | O_CREAT, 0644);
	char *shared = 0, *own = mmap((void *)0x20000000, 16 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ftruncate(file, 8 << 12) == 0)
		shared = mmap((void *)0x30000000, 8 << 12, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	memset(own, 1, 5 << 12);
	shared[3 << 12] = 1;
	write(1, "", 0);
	sleep(100);
	return 0;
}
"""


def test_vmmap_shows_what_is_mapped(box):
    program = box.program("held", HELD)
    result = box.succeed("--put", f"{program}:/tmp/holder", "/tmp/holder & sleep 1; vmmap $!; kill -9 $!")
    rows = [line.split() for line in result.output.decode().splitlines()]
    areas = {int(row[0], 16): row[1:] for row in rows[1:-1]}
    expect(rows[0] == ["Address", "Kbytes", "RSS", "Dirty", "Mode", "Mapping"], "a head expected", result)
    expect(areas.get(0x20000000) == ["64", "20", "20", "rw-p", "[", "anon", "]"], "5 of 16 pages, dirty, expected", result)
    expect(areas.get(0x30000000, [])[3:] == ["rw-s", "/tmp/held"] and areas[0x30000000][0] == "32", "the file expected", result)
    expect(int(areas[0x30000000][2]) == 4, "one dirty page expected", result)
    expect(any(row[3:] == ["rw-p", "[stack]"] for row in areas.values()) and areas[0x10000][3:] == ["r-xp", "/tmp/holder"], "stack and text expected", result)
    expect(rows[-1] == ["total", "kB", *(str(sum(int(row[i]) for row in areas.values())) for i in range(3))], "the sums expected", result)


SCRIPT = """
cd /home
echo one > a; cp a b; mv b c; cat c; test -e b 2> /dev/null || ls b 2> /dev/null || echo moved
sleep 100 &
child=$!
ps > list; grep 'sleep 100' list > /dev/null && echo seen
vmmap $child | grep stack > /dev/null && echo mapped
kill $child
wait $child 2> /dev/null
echo waited $?
ps > list; grep 'sleep 100' list > /dev/null || echo gone
sh -c 'exit 7' &
wait $!
echo waited $?
sync; echo synced $?
stat c | grep c > /dev/null && echo stat
vmstat nr_free_pages | grep nr_free > /dev/null && echo vmstat
vmstat | wc -l > /dev/null && echo whole
rm a c list; ls
"""


def test_a_script_with_many_programs(box):
    script = box.file("many.sh", b"#!/bin/sh" + SCRIPT.encode(), mode=0o755)
    wanted = ["one", "moved", "seen", "mapped", "waited 143", "gone", "waited 7", "synced 0", "stat", "vmstat", "whole"]
    result = box.run(script)
    expect(result.status == 0 and result.output.decode().splitlines() == wanted, f"{wanted} expected", result)


def test_help(box):
    done = subprocess.run([os.path.join(ROOT, "quire"), "help"], capture_output=True, text=True)
    expect(done.returncode == 0 and not done.stderr, f"status {done.returncode}: {done.stderr}")
    for word in ("./quire run", "./quire test", "./quire debug", "./quire bench", "--mem", "--timeout"):
        expect(word in done.stdout, f"{word} is missing in {done.stdout}")
