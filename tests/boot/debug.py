"""`./quire debug`: a stopped machine, and a gdb that knows the kernel and all servers."""
import os
import shutil
import subprocess
import sys

from harness import ROOT, Skip, expect

COMMANDS = b"""
break kernel_main
continue
backtrace 1
break server_main
info breakpoints
quit
"""


def test_gdb_knows_kernel_and_servers(_):
    if not shutil.which("gdb-multiarch"):
        raise Skip("there is no gdb-multiarch; ./quire debug installs it")
    command = [sys.executable, os.path.join(ROOT, "tools", "run.py"), "debug", "true"]
    done = subprocess.run(command, input=COMMANDS, capture_output=True, timeout=60)
    text = done.stdout.decode(errors="replace")
    expect(done.returncode == 0 and "Breakpoint 1, kernel_main" in text, f"status {done.returncode}: {text[-2000:]} {done.stderr}")
    for server in ("init", "pager", "proc", "fs", "blk", "console"):
        expect(f" at servers/{server}/main.c:" in text, f"server_main of {server} expected: {text[-2000:]}")
