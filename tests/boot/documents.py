"""What the documents say about the tree, where a command can tell: the kernel's size, the folder map, a test by hand."""
import os
import re
import subprocess

from harness import BUILD, ROOT, expect


def _text(name):
    with open(os.path.join(ROOT, name)) as file:
        return file.read()


def _lines(command):
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True)
    return int(done.stdout)


def test_the_kernels_size_is_what_the_documents_say(_):
    boot = re.findall(r"^(cat kernel.*\| grep -c \.) +# \w+: (\d+) lines$", _text("docs/boot.md"), re.MULTILINE)
    expect(len(boot) == 2, f"docs/boot.md: two commands with their output expected: {boot}")
    size, headers = [_lines(command) for command, _ in boot]
    expect([said for _, said in boot] == [str(size), str(headers)], f"docs/boot.md says {boot}, it is {size} and {headers}")
    fast = _lines("cat kernel/riscv/fastpath.S | gcc -fpreprocessed -dD -E -P - 2>/dev/null | grep -c .")
    for name, said in (("README.md", (f"{size:,}", f"{fast} of them", f"headers add {headers}")), ("CAVEATS.md", (f"{size:,}", f"{size - fast:,}")),
                       ("docs/decisions.md", (f"{size:,}", f"another {headers}", f"{size - fast:,}"))):
        missing = [number for number in said if number not in _text(name)]
        expect(not missing, f"{name} does not say {missing}")


def test_the_folder_map_is_whole(_):
    named = set(re.findall(r"^\| .*$", _text("README.md"), re.MULTILINE))
    folders = [entry for entry in os.listdir(ROOT) if os.path.isdir(os.path.join(ROOT, entry)) and entry[0] != "." and entry != "build"]
    folders += [f"servers/{entry}" for entry in os.listdir(os.path.join(ROOT, "servers"))]
    missing = [folder for folder in folders if not any(f"`{folder}" in line for line in named)]
    expect(not missing, f"README.md's map lacks {missing}")


def test_a_guest_test_runs_by_hand_as_the_document_says(_):
    command = re.search(r"^TEST_DIFFERS=.*$", _text("docs/testing.md"), re.MULTILINE)
    expect(command, "docs/testing.md: a command that begins with TEST_DIFFERS= expected")
    done = subprocess.run(command.group().replace(" build/", f" {BUILD}/"), shell=True, cwd=ROOT, capture_output=True, text=True, timeout=120)
    last = (done.stdout.splitlines() or [""])[-1]
    expect(done.returncode == 0 and re.fullmatch(r"\d+ passed, 0 failed, \d+ skipped", last), f"{command.group()}: {done.returncode}, {last}")
    lost = command.group().replace("TEST_DIFFERS=", "TEST_DIFFERS=no/such/").replace(" build/", f" {BUILD}/")
    done = subprocess.run(lost, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=120)
    expect(done.returncode == 2 and "cannot read" in done.stdout, f"a list that is not there is told: {done.returncode}, {done.stdout}")
