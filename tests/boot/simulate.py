"""`./quire simulate` as a user calls it, where its traces come from, and a policy that was chosen there at work on Quire."""
import os
import re
import subprocess
import sys

from harness import BUILD, ROOT, expect

# Reads the pages of a file that a trace names, as ./quire simulate does, on Quire.
READER = """
#include <fcntl.h>
#include <unistd.h>
static const unsigned short number[] = { PAGES };
int main(void)
{
	static char page[4096];
	int file = open("/tmp/hot", O_RDONLY);

	for (unsigned i = 0; i < sizeof number / sizeof *number; i++)
		if (pread(file, page, sizeof page, number[i] * 4096L) != sizeof page)
			return 1;
	return 0;
}
"""

TOOLS = os.path.join(ROOT, "tools", "simulate")


def simulate(*words, input=""):
    return subprocess.run([os.path.join(BUILD, "simulate"), *words], input=input, capture_output=True, text=True, timeout=60)


def script(name, *words):
    done = subprocess.run([sys.executable, os.path.join(TOOLS, name), *words], capture_output=True, text=True, timeout=60)
    expect(done.returncode == 0 and not done.stderr, f"{name}: status {done.returncode}: {done.stderr}")
    return done.stdout


def test_bad_traces_and_options(box):
    path = box.file("bad.trace", b"open f 3\nread f 0\nfrob\n")
    for words, sentence in (
            ([path], f"{path}:3: 'frob' is no operation"),
            (["-", "--frames", "x"], "--frames takes a number from 1 to 16777216, not 'x'"),
            (["-", "--policy", "best"], "there is no policy 'best' (./quire simulate --help lists them)"),
            (["-", "--readahead", "33"], "--readahead takes a number from 1 to 32, not '33'"),
            (["-", "--readahead", "best"], "there is no strategy 'best' (./quire simulate --help lists them)"),
            (["-", "--fault-around", "12"], "--fault-around takes a power of two, not '12'"),
            (["-", "--frob", "1"], "there is no option --frob (./quire simulate --help lists them)"),
            (["-", "--frob"], "there is no option --frob (./quire simulate --help lists them)"),
            (["-", "--csv"], "--csv needs a value"),
            ([], "which trace? (./quire simulate --help)"),
            ([box.path("none")], f"{box.path('none')}: No such file or directory")):
        done = simulate(*words)
        expect((done.returncode, done.stdout, done.stderr) == (2, "", f"quire: {sentence}\n"), f"{words}: {done}")


def test_a_curve(box):
    """Pages 0 to 9 round and round: with ten frames all but the first round hits."""
    text, csv = script("patterns.py", "loop", "--pages", "10", "--count", "100"), box.path("curve.csv")
    done = simulate("-", "--frames", "8:10:1,20", "--policy", "clock,fifo", "--readahead", "1", "--csv", csv, input=text)
    expect(done.returncode == 0 and not done.stderr and len(done.stdout.splitlines()) == 9, f"{done}")
    with open(csv) as file:
        lines = file.read().splitlines()
    expect(lines[0] == "policy,frames,references,hits,faults,pages_read,pages_written,evictions", lines[0])
    expect(lines[1:] == [f"{policy},{row}" for policy in ("clock", "fifo") for row in (
        "8,100,0,100,100,0,92", "9,100,0,100,100,0,91", "10,100,90,10,10,0,0", "20,100,90,10,10,0,0")], "\n".join(lines))


def test_patterns_are_the_same_everywhere(box):
    """Each page as likely as any other: a cache of a tenth hits a tenth. And what the seed 1 gives is written down here."""
    text = script("patterns.py", "random", "--pages", "1000", "--count", "20000")
    expect(text.splitlines()[1:5] == ["open hot 1000", "read hot 134", "read hot 847", "read hot 763"], text[:200])
    hits = int(re.search(r"^hits +(\d+)", simulate("-", "--frames", "100", input=text).stdout, re.MULTILINE)[1])
    expect(1800 < hits < 2200, f"{hits} of 20000 hits")
    for pattern in ("sequential", "zipf", "scan"):
        for more in ([], ["--touch", "--writes", "0.2"]):
            done = simulate("-", input=script("patterns.py", pattern, "--pages", "100", "--count", "1000", *more))
            expect(done.returncode == 0 and not done.stderr, f"{pattern} {more}: {done}")


def test_the_book_says_what_is(box):
    """The commands of docs/experiments.md that show their output print just that."""
    with open(os.path.join(ROOT, "docs", "experiments.md")) as file:
        blocks = re.findall(r"^```\n(\$.*?)^```", file.read(), re.MULTILINE | re.DOTALL)
    expect(len(blocks) >= 3, f"{len(blocks)} blocks with commands")
    os.symlink(TOOLS, box.path("simulate"))
    for block in blocks:
        for command, output in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, re.MULTILINE):
            words = command.replace("./quire simulate", os.path.join(BUILD, "simulate")).replace("tools/simulate/", "simulate/")
            words = words.replace("./quire run", os.path.join(ROOT, "quire") + " run")
            done = subprocess.run(["sh", "-c", words], cwd=box.folder, capture_output=True, text=True, timeout=60)
            expect((done.returncode, done.stdout, done.stderr) == (0, output, ""), f"{command}:\n{done.stdout}{done.stderr}")


def test_what_lackey_writes(box):
    path = box.file("true.lackey", b"==7== Lackey, an example Valgrind tool\n==7== \nI  0401ab70,3\nI  0401ab73,5\n S 1fff000718,8\n"
                    b" L 1fff000720,8\nI  0401affe,4\n M 0401b000,4\n L 0401b008,8\n")
    expect(script("lackey.py", path) == "open memory 3\nread memory 0\nwrite memory 1\nread memory 0\nread memory 2\nwrite memory 2\n",
           script("lackey.py", path))


def pages_read_on_quire(box, policy):
    """(pages that the reader made Quire read from the disk, frames that it had for that: without those that were in use before)"""
    counters = ["nr_free_pages", "nr_file_pages", "nr_anon_pages", "quire_page_ins"]
    show = f"vmstat {' '.join(counters)}; "
    result = box.succeed("--mem", "32M", "--policy", policy, "--put", f"{box.path('hot')}:/tmp/hot",
                         "--put", f"{box.path('reader')}:/tmp/reader", f"{show} /tmp/reader && {show}")
    values = [int(value) for value in re.findall(rb" (\d+)$", result.output, re.MULTILINE)]
    expect(len(values) == 8, "four counters, twice", result)
    return values[7] - values[3], sum(values[4:7]) - values[1] - values[2]


def test_the_simulator_and_quire_agree(box):
    """The same trace, the same memory, two policies: as many pages read, but for those of the reading program itself."""
    trace = script("patterns.py", "zipf", "--pages", "12000", "--count", "40000")
    box.program("reader", READER.replace("PAGES", ",".join(re.findall(r"read hot (\d+)", trace))))
    box.file("hot", b"x" * 12000 * 4096)
    found = {}
    for policy in ("clock", "sieve"):
        found[policy], frames = pages_read_on_quire(box, policy)
        text = simulate("-", "--policy", policy, "--frames", str(frames), input=trace).stdout
        said = int(re.search(r"^pages read +(\d+)", text, re.MULTILINE)[1])
        expect(0 <= found[policy] - said < said / 50, f"{policy}, {frames} frames: simulated {said}, on Quire {found[policy]}")
    expect(found["sieve"] < found["clock"], f"{found}")


def test_an_unknown_policy_is_refused(box):
    for key in ("policy", "readahead"):
        result = box.run(f"--{key}", "nonsense", "true")
        expect(result.status == 125 and f"quire: fatal: pager: the boot argument {key}= gives a name" in result.errors, "a refusal expected", result)
