"""The shell against the host's: what a script prints and its status must be the same. And what programs store without a word is on the disk afterwards."""
import subprocess

import disk
from harness import expect

# Only what POSIX says and the shell promises (CAVEATS.md names what it lacks); no path is named that differs between the two.
SCRIPT = r"""
echo one two   three 'four  five' "six  seven" eight\ nine
echo a | cat | cat; echo b; false && echo no; true && echo c; false || echo d; true || echo no; ! false && echo e
false; echo $?; (exit 7); echo $?; sh -c 'exit 300'; echo $?; nosuchcommand 2> /dev/null; echo $?; ! true; echo $?
true | false; echo $?; false | true; echo $?; false | false || echo both
x=1; y="$x 2"; z='$x'; echo $x $y "$y" $z ${x}3 "${y}4" ${none:-other} ${x:+set} ${#y}; unset x; echo "<$x>"
x=3 sh -c 'echo $x'; echo "<$x>"; export x=4; sh -c 'echo $x'; : ${q=assigned}; echo $q
for i in 1 2 'a b' $y; do echo "[$i]"; done; i=0; for i in; do echo no; done; echo $i
n=x; while [ $n != xxxx ]; do n=x$n; done; echo $n; until [ $n = done ]; do n=done; done; echo $n
if [ -d / ]; then echo dir; elif true; then echo no; else echo no; fi; if false; then echo no; else echo else; fi
for i in 1 2 3 4; do if [ $i = 2 ]; then continue; fi; if [ $i = 4 ]; then break; fi; echo $i; done
echo text > f; echo more >> f; cat f; cat < f > g; cmp f g && rm g; echo $?
{ echo out; echo err >&2; } > both 2>&1; cat both; { echo out; echo err >&2; } 2> /dev/null; echo to two 2> /dev/null 1>&2
cat nosuchfile 2> /dev/null || echo missing; cat 2> /dev/null < nosuchfile || echo not read; > empty; cat empty
(x=inner; cd /; echo $x); echo $x; { x=outer; }; echo $x; (exit 3) || echo $?
echo $(echo sub; echo stitution) "$(echo 'a  b')" `echo back`; v=$(exit 5); echo $?
sleep 0 & wait $!; echo $?; (exit 9) & wait $!; echo $?; (echo background > bg) & wait; cat bg
sh -c 'echo $# $1 "$2" "$@"; shift; echo $1 $0' name 'a b' c d; sh -c 'for i in "$@"; do echo "<$i>"; done' name 'a b' c
touch p1 p2 q1; echo p*; echo ?1; echo [pq]1; echo 'p*' "p*" none*; echo [!p]1
echo semi;echo colon # a comment
echo 'single "double" inside' "double 'single' inside" "dollar \$x back\\slash"
echo a \
b; x='a   b'; echo $x; echo "$x"
{ echo line; echo 'the  rest'; echo last; } > lines; while read w; do echo "read $w"; done < lines; cat lines | { read first; echo "$first"; cat; }
exit 6
"""

STORES = r"""
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int count, char **argument)
{
	int file = open(argument[2], O_RDWR | O_CREAT, 0644), ends[2];
	char *memory;

	if (count != 3 || file < 0 || ftruncate(file, 3 << 12) || pipe(ends))
		return 1;
	memory = mmap(0, 3 << 12, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	strcpy(memory, "first");
	strcpy(memory + (2 << 12), "last");
	if (argument[1][0] == 'p' && (write(ends[1], "piped", 6) != 6 || read(ends[0], memory + (1 << 12) - 2, 6) != 6))
		return 1;
	if (argument[1][0] == 'k')
		kill(getpid(), SIGKILL);
	_exit(0);
}
"""


def test_like_the_hosts(box):
    script = box.file("script.sh", SCRIPT.lstrip().encode())
    folder = box.path("here")
    host = subprocess.run(["sh", "-c", f"mkdir {folder}; cd {folder} && exec sh {script}"], capture_output=True, timeout=60)
    result = box.run("--put", f"{script}:/tmp/script.sh", "mkdir /tmp/here; cd /tmp/here; exec sh /tmp/script.sh")
    ours, theirs = result.output.decode().splitlines(), host.stdout.decode().splitlines()
    for number, (our, their) in enumerate(zip(ours, theirs)):
        expect(our == their, f"line {number} of the output: {our!r}, the host's shell: {their!r}", result)
    expect(len(ours) == len(theirs) and len(ours) >= 70, f"{len(ours)} lines, the host's shell {len(theirs)}", result)
    expect(result.status == host.returncode == 6, f"the host's status is {host.returncode}", result)


def test_stores_are_on_the_disk_after_the_end(box):
    """Without msync or sync: of a process that exits, of one that kills itself, and what read(2) put into the mapping."""
    image, program = box.image(), box.program("stores", STORES)
    result = box.run("--disk", image, "--put", f"{program}:/tmp/stores",
                     "for how in exit kill pipe; do /tmp/stores $how /tmp/$how; echo $?; done 2> /dev/null")
    expect(result.output == b"0\n137\n0\n", "0, 137 and 0 expected", result)
    for how in ("exit", "kill", "pipe"):
        have = disk.read(image, f"/tmp/{how}")
        piped = b"piped\0" if how == "pipe" else bytes(6)
        expect(have == b"first".ljust(4094, b"\0") + piped + bytes(4092) + b"last".ljust(4096, b"\0"), f"/tmp/{how}: {have[:20]!r} ...")
    expect(disk.check(image) is None, f"e2fsck: {disk.check(image)}")
