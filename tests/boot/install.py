"""What `./quire` does where packages are missing: installs them as root or by sudo, which may ask at a terminal; otherwise it names them."""
import os
import pty
import shutil
import subprocess

from harness import ROOT, expect

# A machine with nothing but these; apt-get "installs" by writing down what it was called with.
TOOLS = ("sh", "dirname", "cat", "nproc", "mktemp", "rm", "env", "true")


def quire(box, sudo, stdin=subprocess.DEVNULL):
    """(status, standard error, calls of apt-get) of `./quire build` as a user; sudo: a script's text, None: there is none."""
    tools = box.path("bin")
    shutil.rmtree(tools, ignore_errors=True)
    os.mkdir(tools)
    for name in TOOLS:
        os.symlink(shutil.which(name), os.path.join(tools, name))
    scripts = {"id": "echo 1000", "apt-get": f"echo $* >> {box.path('calls')}; [ $2 != install ]", "sudo": sudo}
    for name, text in scripts.items():
        if text:
            box.file(os.path.join("bin", name), f"#!/bin/sh\n{text}\n".encode(), mode=0o755)
    box.file("calls", b"")
    done = subprocess.run([os.path.join(tools, "sh"), os.path.join(ROOT, "quire"), "build"], stdin=stdin, capture_output=True, text=True, timeout=60,
                          env={"PATH": tools, "QUIRE_BUILD": box.path("build")})
    with open(box.path("calls")) as file:
        return done.returncode, done.stderr, file.read()


def test_without_sudo_the_packages_are_named(box):
    for sudo in (None, "exit 1"):
        status, errors, calls = quire(box, sudo)
        expect(status == 2 and "packages are missing: gcc-riscv64-linux-gnu" in errors and not calls, f"{status} {errors} {calls}")


def test_sudo_without_a_password(box):
    status, errors, calls = quire(box, '[ "$1" = -n ] || exit 1; shift; exec "$@"')
    expect(status == 2 and "install --no-install-recommends gcc-riscv64-linux-gnu" in calls and "could not install" in errors, f"{status} {errors} {calls}")


def test_sudo_asks_at_a_terminal(box):
    master, terminal = pty.openpty()
    try:
        sudo = '[ "$1" = -n ] && exit 1; [ "$1" = -p ] && shift 2; exec "$@"'
        status, errors, calls = quire(box, sudo, stdin=terminal)
        expect(status == 2 and "install --no-install-recommends gcc-riscv64-linux-gnu" in calls, f"{status} {errors} {calls}")
        status, errors, calls = quire(box, sudo)
        expect(status == 2 and "packages are missing" in errors and not calls, f"no terminal: {status} {errors} {calls}")
    finally:
        os.close(master)
        os.close(terminal)
