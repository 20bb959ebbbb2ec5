"""What the documents say about the tree, where a command can tell: the kernel's size and the folder map."""
import os
import re
import subprocess

from harness import ROOT, expect


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
