"""
`./quire bench --wall`: seconds on the host, for orientation only. They depend on the machine and on what else it does; QEMU
translates code instead of running it, so they say little about hardware. Whatever is compared is compared in guest instructions.
"""
import os
import subprocess
import sys
import time

import run

REPETITIONS = 3
PROCESSES = 200


def _seconds(*words):
    """The least of some runs of a guest command."""
    command = [sys.executable, os.path.join(run.ROOT, "tools", "run.py"), "run", "--timeout", "120", *words]
    taken = []
    for _ in range(REPETITIONS):
        started = time.monotonic()
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        taken.append(time.monotonic() - started)
    return min(taken)


def show():
    boot = _seconds("true")
    counted = _seconds("--icount", "true")
    many = _seconds(f"for i in {' '.join(map(str, range(PROCESSES)))}; do /bin/true; done")
    print(f"{boot:8.2f} s   QEMU's start, firmware, boot to the shell, one program, power-off\n"
          f"{counted:8.2f} s   the same while instructions are counted (--icount)\n"
          f"{(many - boot) / PROCESSES * 1000:8.2f} ms  fork, exec and wait of a program, of {PROCESSES} after the first")
    return 0
