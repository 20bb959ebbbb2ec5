#!/usr/bin/env python3
"""
`./quire run` and `./quire debug`: options, a disk for this run, the guest, and what remains of it.

The guest runs on a copy of the built image (or on --disk FILE); files are put in before and taken out after. Exit status:
the guest command's own, or 2 wrong usage, 124 time over, 125 the run itself failed (panic, unusable disk, --get without a
file), each with a sentence on standard error. machine.py talks to QEMU, disk.py to the image. It builds nothing: `quire` does.
"""
import contextlib
import fcntl
import glob
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import tempfile
import termios
import threading

import disk
import machine

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get("QUIRE_BUILD") or os.path.join(ROOT, "build"))
COMMAND_TIMEOUT = 300
MEMORY_MIN, MEMORY_MAX = 20, 256 << 10  # MiB: with less, what the servers need does not fit (init says so); the kernel sees the low 256 GiB
RISCV_ELF = re.compile(rb"\x7fELF\x02\x01.{12}\xf3\x00", re.DOTALL)  # 64 bits, little endian, machine 243

USAGE = """\
usage: ./quire run [options] [command [arguments]]
       ./quire debug [options] [command [arguments]]

Boots Quire on a copy of the disk image and runs the command there; without one, a shell. A single argument is a shell
command line ('ls / | wc'); of several, each stays one word. A command that names a host file (./t) is copied in and run.

  --mem 128M             memory (suffix M or G), at least 20M
  --harts N              hardware threads, 1 to 8 (Quire runs on one)
  --icount               guest time is the number of instructions (-icount shift=0)
  --disk FILE            use and keep this image; it is created if it does not exist
  --put HOST:GUEST       copy a file into the disk before the run (repeatable)
  --get GUEST:HOST       copy a file out of the disk after the run (repeatable)
  --timeout SECONDS      stop the guest then; default: 300 for a command or piped input, none at a terminal; 0: none
  --log                  show kernel and server messages, too
  --legacy               virtio devices with the legacy register layout
  --object N             object memory is 1/N of the memory
  --policy NAME          the pager's replacement policy: clock, fifo, sieve (docs/experiments.md)
  --readahead NAME       its strategy of reading ahead: row, eager
  --kernel, --initrd F   another kernel or boot archive

Exit status: the command's; 2 wrong usage; 124 time over; 125 the run failed (kernel panic, unusable disk, ...).
Leaving: `exit` or ^D at the prompt, `poweroff`, or Ctrl-A X, which stops the machine at once.
"""


class UsageError(Exception):
    """A sentence for the user."""


class OutputError(Exception):
    """Standard output does not take what the guest writes."""


class Options:
    def __init__(self):
        self.memory, self.harts, self.icount, self.legacy, self.log = "128M", 1, False, False, False
        self.disk, self.puts, self.gets, self.timeout, self.extra = None, [], [], None, []
        self.kernel, self.initrd = os.path.join(BUILD, "quire.elf"), os.path.join(BUILD, "boot.cpio")
        self.command = []


def _number(name, text, low, high):
    if not re.fullmatch(r"[0-9]+", text) or not low <= int(text) <= high:
        raise UsageError(f"{name} takes a number from {low} to {high}, not {text!r}")
    return int(text)


def _memory(options, text):
    if not re.fullmatch(r"[1-9][0-9]*[MG]", text):
        raise UsageError(f"--mem takes a size such as 128M or 1G, not {text!r}")
    if not MEMORY_MIN <= int(text[:-1]) << (10 if text[-1] == "G" else 0) < MEMORY_MAX:
        raise UsageError(f"--mem takes from {MEMORY_MIN}M to less than {MEMORY_MAX >> 10}G, not {text}")
    options.memory = text


def _timeout(options, text):
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        raise UsageError(f"--timeout takes seconds, not {text!r}")
    options.timeout = float(text)


def _put(options, text):
    host, colon, guest = text.rpartition(":")
    if not colon or not host or not guest.startswith("/"):
        raise UsageError(f"--put takes HOSTFILE:/GUEST/PATH, not {text!r}")
    options.puts.append((host, guest))


def _get(options, text):
    guest, colon, host = text.partition(":")
    if not colon or not host or not guest.startswith("/"):
        raise UsageError(f"--get takes /GUEST/PATH:HOSTFILE, not {text!r}")
    options.gets.append((guest, host))


def _name(key):
    def take(options, text):
        if not re.fullmatch(r"[a-z0-9_]+", text):
            raise UsageError(f"--{key} takes a name, not {text!r}")
        options.extra.append(f"{key}={text}")
    return take


FLAGS = {"--icount": "icount", "--log": "log", "--legacy": "legacy"}
VALUES = {
    "--mem": _memory,
    "--harts": lambda options, text: setattr(options, "harts", _number("--harts", text, 1, 8)),
    "--disk": lambda options, text: setattr(options, "disk", text),
    "--put": _put,
    "--get": _get,
    "--timeout": _timeout,
    "--object": lambda options, text: options.extra.append(f"object={_number('--object', text, 2, 1024)}"),
    "--policy": _name("policy"),
    "--readahead": _name("readahead"),
    "--kernel": lambda options, text: setattr(options, "kernel", text),
    "--initrd": lambda options, text: setattr(options, "initrd", text),
}


def parse(arguments):
    options, rest = Options(), list(arguments)
    while rest and rest[0].startswith("-"):
        name, equals, value = rest.pop(0).partition("=")
        if name == "--" and not equals:
            break
        if name in FLAGS and not equals:
            setattr(options, FLAGS[name], True)
        elif name in VALUES:
            if not equals and not rest:
                raise UsageError(f"{name} needs a value")
            value = value if equals else rest.pop(0)
            if not value:
                raise UsageError(f"{name} needs a value that is not empty")
            VALUES[name](options, value)
        else:
            raise UsageError(f"unknown option {name}{equals}{value} (./quire help lists them)")
    options.command = rest
    if rest and not any(word.strip() for word in rest):
        raise UsageError("the command is empty")
    for path in [host for host, _ in options.puts] + [options.kernel, options.initrd]:
        if os.path.isdir(path):
            raise UsageError(f"{path} is a folder; a file is needed")
        if not os.path.isfile(path):
            raise UsageError(f"there is no file {path}")
    for path in [path for _, path in options.gets] + [options.disk] * (options.disk is not None):
        if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
            raise UsageError(f"there is no folder for {path}")
    _check_kernel(options.kernel)
    return options


def _check_kernel(path):
    """QEMU runs whatever it is given."""
    with open(path, "rb") as file:
        if not RISCV_ELF.match(file.read(20)):
            raise UsageError(f"{path} is no riscv64 kernel")


def host_program(word):
    """True if a command's first word means an executable of the host that is to be copied in."""
    if "/" not in word or not os.path.isfile(word):
        return False
    with open(word, "rb") as file:
        head = file.read(20)
    if RISCV_ELF.match(head) or head.startswith(b"#!"):
        # /bin/sh is the guest's, even on a host that has such a file.
        return not (os.path.isabs(word) and os.path.lexists(os.path.join(BUILD, "root") + os.path.normpath(word)))
    if os.path.isabs(word):
        return False
    raise UsageError(f"{word} is neither a riscv64 Linux executable nor a #! script")


def command_line(options):
    """The command line for the guest's shell, and what to put into the image for it."""
    words = list(options.command)
    if not words:
        return "", []
    puts = []
    if host_program(words[0]):
        guest = "/tmp/" + os.path.basename(words[0])
        puts.append((words[0], guest))
        words[0] = guest
    elif len(words) == 1:
        return words[0], []
    return " ".join(shlex.quote(word) for word in words), puts


@contextlib.contextmanager
def disk_for(options):
    """The path of the image of this run."""
    pristine = os.path.join(BUILD, "disk.img")
    if options.disk:
        if not os.path.exists(options.disk):
            disk.copy(pristine, options.disk)
        try:
            lock = open(options.disk, "r+b")
        except OSError as error:
            raise disk.DiskError(f"cannot use {options.disk}: {error.strerror}")
        with lock:
            if not stat.S_ISREG(os.fstat(lock.fileno()).st_mode):
                raise disk.DiskError(f"cannot use {options.disk}: it is no regular file")
            if not os.fstat(lock.fileno()).st_size:
                raise disk.DiskError(f"cannot use {options.disk}: it is empty (a path that does not exist yet gets a new disk)")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise disk.DiskError(f"{options.disk} is in use by another run")
            yield os.path.abspath(options.disk)
        return
    folder = os.path.join(BUILD, "run")
    os.makedirs(folder, exist_ok=True)
    _sweep(folder)
    image = os.path.join(folder, f"disk-{threading.get_native_id()}-{os.getpid()}.img")
    try:
        disk.copy(pristine, image)
        yield image
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(image)


def _sweep(folder):
    """Removes what runs left behind that were killed."""
    for path in glob.glob(os.path.join(folder, "*-*")):
        owner = re.search(r"-(\d+)(\.img)?$", path)
        if owner and not os.path.exists(f"/proc/{owner.group(1)}"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


@contextlib.contextmanager
def prepared(options, raw):
    """Puts the files in; gives (QEMU's arguments, path of the image)."""
    command, puts = command_line(options)
    with disk_for(options) as image, tempfile.NamedTemporaryFile("w", suffix=".sh", errors="surrogateescape") as script:
        for host, guest in options.puts:
            disk.put(image, host, guest)
        for host, guest in puts:
            disk.put(image, host, guest, mode=0o755)
        arguments = machine.boot_arguments(command, options.log, raw, options.extra)
        if len(os.fsencode(arguments)) > machine.ARGUMENTS_MAX or "\n" in arguments:
            script.write(command + "\n")
            script.flush()
            disk.put(image, script.name, "/tmp/command.sh", mode=0o755)
            arguments = machine.boot_arguments("sh /tmp/command.sh", options.log, raw, options.extra)
        yield machine.qemu_arguments(options.kernel, options.initrd, image, arguments, options.memory, options.harts,
                                     options.icount, options.legacy), image


@contextlib.contextmanager
def terminal_raw(enabled):
    """Every key goes to the guest; output keeps its line ends."""
    if not enabled:
        yield
        return
    saved = termios.tcgetattr(0)
    mode = termios.tcgetattr(0)
    mode[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INLCR | termios.IGNCR | termios.INPCK | termios.ISTRIP | termios.IXON)
    mode[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    termios.tcsetattr(0, termios.TCSADRAIN, mode)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)


def say(sentence):
    print(f"quire: {sentence}", file=sys.stderr)


def _isatty(descriptor):
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _to_stdout(data):
    while data:
        try:
            data = data[os.write(1, data):]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write to standard output: {error.strerror}") from error


def _fill_standard_descriptors():
    """What the caller closed must not become the number of an image: output would go into it. True if output was open."""
    closed = []
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            closed.append(descriptor)
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    sys.stdin, sys.stdout, sys.stderr = sys.stdin or open(0), sys.stdout or open(1, "w"), sys.stderr or open(2, "w")
    return 1 not in closed


def run(options):
    terminal = _isatty(0) and _isatty(1)
    if options.timeout is None and (options.command or not _isatty(0)):
        options.timeout = COMMAND_TIMEOUT
    with prepared(options, raw=not terminal) as (arguments, image):
        with terminal_raw(terminal):
            guest = machine.Guest(arguments, show_all=options.log)
            try:
                guest.relay(0, _to_stdout, options.timeout, escape=terminal)
            except machine.Interrupted:
                guest.status, guest.reason = 130, "left"
            except OutputError as error:
                guest.status, guest.reason = machine.STATUS_BROKEN, f"{error}; the guest was stopped"
        if guest.reason:
            say(guest.reason)
        status = guest.status
        for path, host in options.gets:
            try:
                disk.get(image, path, host)
            except disk.DiskError as error:
                say(f"--get: {error}")
                status = status or machine.STATUS_BROKEN
    return status


def debug(options):
    """QEMU waits for gdb; gdb has the terminal, the guest's output appears there, too, its input comes from a fifo."""
    with prepared(options, raw=True) as (arguments, _):
        folder = os.path.join(BUILD, "run")
        os.makedirs(folder, exist_ok=True)
        fifo, port = (os.path.join(folder, f"{name}-{os.getpid()}") for name in ("console", "gdb"))
        os.mkfifo(fifo)
        keyboard = os.open(fifo, os.O_RDWR)
        say(f"the guest's keyboard is a fifo: cat > {fifo}")
        arguments = arguments + machine.CONSOLE + ["-S", "-gdb", f"unix:{port},server=on,wait=off"]
        guest = subprocess.Popen(arguments, stdin=keyboard, start_new_session=True, preexec_fn=machine._die_with_parent)
        try:
            gdb = ["gdb-multiarch", "-q", "-nx", "-iex", f"cd {BUILD}", "-iex", f"directory {ROOT}",
                   "-iex", "set confirm off", "-x", os.path.join(ROOT, "tools", "quire.gdb"), options.kernel,
                   "-ex", f"quire-connect {port}"]
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is for gdb, which inherits nothing of this
            return subprocess.call(gdb, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        finally:
            guest.kill()
            guest.wait()
            os.close(keyboard)
            for path in (fifo, port):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)


def as_program(main):
    """Ends this program with main's status; without a complaint when nobody reads its output any more, or at ^C."""
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    sys.exit(status)


def check_writable(path):
    """Before an hour's work, not after it."""
    if os.path.isdir(path) or not os.access(path if os.path.exists(path) else os.path.dirname(os.path.abspath(path)), os.W_OK):
        raise UsageError(f"cannot write {path}")


def main(arguments):
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    if not _fill_standard_descriptors():
        say("cannot write to standard output: it is closed")
        return machine.STATUS_BROKEN
    action, rest = (arguments[:1] or [""])[0], arguments[1:]
    try:
        if action not in ("run", "debug") or rest[:1] in (["--help"], ["-h"]):
            _to_stdout(USAGE.encode())
            return 0 if action else 2
        options = parse(rest)
        return run(options) if action == "run" else debug(options)
    except UsageError as error:
        say(str(error))
        return 2
    except (disk.DiskError, OutputError) as error:
        say(str(error))
        return machine.STATUS_BROKEN


if __name__ == "__main__":
    as_program(main)
