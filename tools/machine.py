"""
One QEMU machine that runs Quire: its command line, its console, its end.

A Guest is started with arguments for QEMU and relayed until it ends: bytes from a source (standard input, a pipe,
nothing) go to the guest's console, the guest's output goes to a sink. All waiting is one poll loop with a deadline, so that
neither a source that never closes nor a guest that never reads can hang it. It knows nothing about disks (disk.py) or options
(run.py). The rules that both sides of the console line obey stand in abi/boot.h.
"""
import ctypes
import os
import re
import select
import signal
import subprocess
import time

# Twins in abi/boot.h.
READY = b"\x02"
FATAL_LINE = re.compile(rb"^quire: (?:panic|fatal): .*", re.MULTILINE)
ARGUMENTS_MAX = 1023

END_OF_INPUT = b"\x04"
END_OF_INPUT_INTERVAL = 0.05  # seconds between two ^D once the input has ended
CHUNK = 65536
PENDING_MAX = 4096  # do not read much further ahead than the guest takes

# How a run ended when it was not the guest that ended it.
STATUS_BROKEN = 125
STATUS_TIMEOUT = 124


def boot_arguments(command, log=False, raw=True, extra=()):
    words = list(extra)
    if log:
        words.append("log=1")
    if raw:
        words.append("tty=raw")
    if command:
        words += ["--", command]
    return " ".join(words)


def qemu_arguments(kernel, initrd, disk, arguments, memory="128M", harts=1, icount=False, legacy=False):
    """QEMU's command line, the console excepted. disk: path of a raw image, or None."""
    line = ["qemu-system-riscv64", "-machine", "virt", "-cpu", "rv64", "-smp", str(harts), "-m", memory,
            "-nodefaults", "-display", "none", "-no-reboot", "-bios", "default",
            "-kernel", kernel, "-initrd", initrd, "-append", arguments]
    if disk:
        # Flushes need not reach the host's disk: an image outlives QEMU, not the host's power.
        line += ["-drive", f"file={disk.replace(',', ',,')},format=raw,if=none,id=disk0,cache=unsafe",
                 "-device", "virtio-blk-device,drive=disk0",
                 "-global", f"virtio-mmio.force-legacy={'true' if legacy else 'false'}"]
    if icount:
        line += ["-icount", "shift=0"]
    return line


CONSOLE = ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]

_libc = ctypes.CDLL(None)


def _die_with_parent():
    PR_SET_PDEATHSIG = 1
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Interrupted(Exception):
    """The user left with Ctrl-A X, or with Ctrl-C before the console was there."""


class Guest:
    """A running QEMU. After relay(): status (for the caller to exit with), reason (a sentence, or None), transcript."""

    def __init__(self, arguments, show_all=False):
        self.show_all = show_all  # the firmware's lines, too
        self.ready = False
        self.transcript = bytearray()  # everything that came over the line
        self.status, self.reason = None, None
        self.deadline = None  # on time.monotonic(); whoever gets the output may move it
        # A session of its own, so that the terminal's ^C reaches the guest only through its console.
        self.process = subprocess.Popen(arguments + CONSOLE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                                        start_new_session=True, preexec_fn=_die_with_parent)
        os.set_blocking(self.process.stdin.fileno(), False)

    def relay(self, source, sink, timeout=None, escape=False):
        """Runs the guest to its end. source: descriptor or None; sink: a function of bytes; escape: Ctrl-A is special."""
        started = time.monotonic()
        self.deadline = started + timeout if timeout else None
        try:
            if self._pump(_Input(source, escape), sink):
                self._judge()
            else:
                self.status = STATUS_TIMEOUT
                elapsed = time.monotonic() - started
                seconds = f"{elapsed:.0f}" if elapsed >= 10 else f"{elapsed:.2g}"
                self.reason = f"time over: the guest still ran after {seconds} second{'s' * (seconds != '1')} and was stopped"
                if not self.ready:
                    self.reason += " (its console never came up)"
        finally:
            self.end()

    def end(self):
        """Ends QEMU if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                pass

    def fatal_line(self):
        """The last line in which the system itself said that it cannot go on, or None."""
        lines = FATAL_LINE.findall(bytes(self.transcript[-8192:]))
        return lines[-1].decode(errors="replace").strip() if lines else None

    def _pump(self, keyboard, sink):
        """Carries bytes until QEMU ends (True) or the time is over (False)."""
        output, guest_input = self.process.stdout.fileno(), self.process.stdin.fileno()
        while True:
            poll = select.poll()
            poll.register(output, select.POLLIN)
            if keyboard.wants_reading(self.ready):
                poll.register(keyboard.source, select.POLLIN)
            if self.ready and keyboard.pending:
                poll.register(guest_input, select.POLLOUT)
            events = dict(poll.poll(self._patience(keyboard)))
            if self.deadline and time.monotonic() >= self.deadline:
                return False
            if keyboard.source in events:
                keyboard.read(self.ready)
            if self.ready:
                keyboard.tick()
                if keyboard.pending and events.get(guest_input, 0) & (select.POLLOUT | select.POLLERR):
                    keyboard.write(guest_input)
            if output in events:
                data = os.read(output, CHUNK)
                if not data:
                    return True
                self._take(data, sink)

    def _patience(self, keyboard):
        """Milliseconds until something is due that is no event, None: nothing."""
        due = [moment for moment in (self.deadline, keyboard.next_end if self.ready else None) if moment]
        return max(0, (min(due) - time.monotonic()) * 1000 + 1) if due else None

    def _take(self, data, sink):
        self.transcript += data
        if not self.ready:
            before, mark, after = data.partition(READY)
            self.ready = bool(mark)
            if self.show_all:
                sink(before)
            data = after
        if data:
            sink(data)

    def _judge(self):
        """Turns the way in which the guest ended into status and reason."""
        code = self.process.wait()
        fatal = self.fatal_line()
        if fatal:
            self.status, self.reason = STATUS_BROKEN, fatal.removeprefix("quire: ")
        elif code < 0:
            self.status, self.reason = STATUS_BROKEN, f"QEMU was ended by signal {-code}"
        elif not self.transcript:
            self.status, self.reason = STATUS_BROKEN, "QEMU did not start the machine"
        elif not self.ready:
            self.status, self.reason = STATUS_BROKEN, "the guest switched off before its console came up (--log shows more)"
        else:
            self.status = code


class _Input:
    """What is on its way from the source to the guest: bytes, then ^D again and again."""

    def __init__(self, source, escape):
        self.source, self.escape = source, escape
        self.pending = b""
        self.last = b"\n"  # the last byte sent: ^D after half a line only ends that line
        self.next_end = None  # when the next ^D is due
        self.escaped = False

    def wants_reading(self, ready):
        # Before the console is there, only a terminal is read: for its escape keys.
        return self.source is not None and (ready or self.escape) and len(self.pending) < PENDING_MAX

    def read(self, ready):
        try:
            data = os.read(self.source, PENDING_MAX)
        except OSError:
            data = b""
        if not data:
            self.source = None
            self.next_end = time.monotonic()
            if (self.pending or self.last)[-1:] != b"\n":
                self.pending += END_OF_INPUT
        elif self.escape:
            self.pending += self._unescape(data, ready)
        else:
            self.pending += data

    def tick(self):
        """Adds a ^D when one is due and the guest has taken the last one."""
        if self.next_end and not self.pending and time.monotonic() >= self.next_end:
            self.pending = END_OF_INPUT
            self.next_end = time.monotonic() + END_OF_INPUT_INTERVAL

    def write(self, descriptor):
        try:
            done = os.write(descriptor, self.pending)
        except BlockingIOError:
            return
        except OSError:  # QEMU is ending; its output says when
            done = len(self.pending)
            self.source, self.next_end = None, None
        if done:
            self.last = self.pending[done - 1:done]
            self.pending = self.pending[done:]

    def _unescape(self, data, ready):
        """Ctrl-A X leaves, Ctrl-A Ctrl-A is one Ctrl-A; before the console is there, Ctrl-C leaves as well."""
        kept = bytearray()
        for byte in data:
            if self.escaped:
                self.escaped = False
                if byte in b"xX":
                    raise Interrupted
                if byte != 1:
                    kept.append(1)
                kept.append(byte)
            elif byte == 1:
                self.escaped = True
            elif byte == 3 and not ready:
                raise Interrupted
            else:
                kept.append(byte)
        return bytes(kept)
