"""
The Linux that Quire is compared with: built from Debian's linux-source-6.1, booted on the same QEMU with the same disk image.

tools/linux/ holds what is ours: a configuration, a patch that counts idle time, and a first process. Source, objects and kernel
lie in build/linux and are made anew when one of the three, the compiler or Debian's source changes. `quire` installs the packages.
"""
import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import tempfile

import disk
import machine
import run

OURS = os.path.join(run.ROOT, "tools", "linux")
FOLDER = os.path.join(run.BUILD, "linux")
SOURCE = "/usr/src/linux-source-6.1.tar.xz"
CROSS = "riscv64-linux-gnu-"
IMAGE = os.path.join(FOLDER, "objects", "arch", "riscv", "boot", "Image")
INITRD = os.path.join(FOLDER, "initrd")
KERNEL_ARGUMENTS = "console=ttyS0 quiet loglevel=3 panic=-1"
STEP_TIMEOUT, BUILD_TIMEOUT = 600, 7200  # seconds: to unpack or configure; to compile on a slow machine


class LinuxError(Exception):
    """A sentence for the user."""


def _step(what, command, timeout=STEP_TIMEOUT, **options):
    """Runs a command; its words go to build/linux/log. It is ended with all of its children."""
    with open(os.path.join(FOLDER, "log"), "ab") as log:
        process = subprocess.Popen(command, stdin=options.pop("stdin", subprocess.DEVNULL), stdout=log, stderr=log,
                                   start_new_session=True, preexec_fn=machine._die_with_parent, **options)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = f"time over after {timeout} seconds"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 9)
                process.wait()
    if status:
        with open(os.path.join(FOLDER, "log"), errors="replace") as log:
            last = "".join(log.readlines()[-15:])
        raise LinuxError(f"could not {what} ({status}); {os.path.join(FOLDER, 'log')} ends:\n{last}")


def _make(what, *goals, timeout=STEP_TIMEOUT):
    source, = glob.glob(os.path.join(FOLDER, "source", "linux-source-*"))
    _step(what, ["nice", "make", "-s", "-C", source, "ARCH=riscv", f"CROSS_COMPILE={CROSS}", f"O={os.path.join(FOLDER, 'objects')}",
                 "KCONFIG_ALLCONFIG=" + os.path.join(OURS, "config"), *goals], timeout)


def _unpack():
    os.makedirs(os.path.join(FOLDER, "source"))
    _step("unpack Linux", ["tar", "xJf", SOURCE, "-C", os.path.join(FOLDER, "source"), "--exclude=*/Documentation/[!K]*"])
    top, = glob.glob(os.path.join(FOLDER, "source", "linux-source-*"))
    with open(os.path.join(OURS, "bench.patch"), "rb") as patch:
        _step("patch Linux", ["patch", "-p1", "--batch", "-d", top], stdin=patch)


def _check_configuration():
    """An option that the fragment asks for and Kconfig dropped would change the figures silently."""
    with open(os.path.join(FOLDER, "objects", ".config")) as made, open(os.path.join(OURS, "config")) as wanted:
        have = set(made.read().split("\n"))
        lost = [line.strip() for line in wanted if line.startswith("CONFIG_") and line.strip() not in have]
    if lost:
        raise LinuxError(f"this Linux does not take the configuration: {' '.join(lost)}")


def _first_process():
    folder = os.path.join(FOLDER, "root")
    os.makedirs(folder, exist_ok=True)
    _step("compile Linux's first process", [CROSS + "gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s",
                                            os.path.join(OURS, "init.c"), "-o", os.path.join(folder, "init")])
    made = subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], input=b"init\n", cwd=folder, capture_output=True, check=True)
    with open(INITRD, "wb") as file:
        file.write(made.stdout)


def _stamp():
    """What the kernel depends on."""
    text = [subprocess.run([CROSS + "gcc", "--version"], capture_output=True, check=True).stdout]
    for name in ("config", "bench.patch"):
        with open(os.path.join(OURS, name), "rb") as file:
            text.append(file.read())
    status = os.stat(SOURCE)
    text.append(f"{status.st_size} {status.st_mtime_ns}".encode())
    return hashlib.sha256(b"\0".join(text)).hexdigest()


def _is_built():
    try:
        with open(os.path.join(FOLDER, "stamp")) as file:
            return file.read() == _stamp()
    except FileNotFoundError:
        return False


def _build_kernel():
    run.say("building Linux (once; some minutes)")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(FOLDER, "stamp"))
    for name in ("source", "objects"):
        shutil.rmtree(os.path.join(FOLDER, name), ignore_errors=True)
    os.makedirs(os.path.join(FOLDER, "objects"))
    _unpack()
    _make("configure Linux", "allnoconfig")
    _check_configuration()
    _make("build Linux", f"-j{os.cpu_count()}", "Image", timeout=BUILD_TIMEOUT)
    with open(os.path.join(FOLDER, "stamp"), "w") as file:
        file.write(_stamp())


def build():
    """Makes the kernel and the initial file system, unless they are there."""
    if not os.path.exists(SOURCE):
        raise LinuxError("the Debian package linux-source-6.1 is missing")
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _first_process()
        if not _is_built():
            _build_kernel()


def transcript(words, memory, timeout):
    """What a program on Quire's disk prints under Linux. words: its path and arguments."""
    with run.disk_for(run.parse([])) as image, tempfile.NamedTemporaryFile("w") as command:
        command.write("\n".join(words))
        command.flush()
        disk.put(image, command.name, "/linux")
        guest = machine.Guest(machine.qemu_arguments(IMAGE, INITRD, image, KERNEL_ARGUMENTS, memory, icount=True))
        guest.relay(None, lambda data: None, timeout)
    text = guest.transcript.decode(errors="replace").replace("\r", "")
    if guest.status == machine.STATUS_TIMEOUT:
        raise LinuxError(f"Linux: {guest.reason}\n{text[-2000:]}")
    return text
