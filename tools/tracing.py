"""
A guest whose instructions are logged in chosen stretches: QEMU's log comes through a fifo, its gdb stub says when to log.

trace() runs a benchmark freely until it calls the wanted case; then between any two reads of instret, but for the first
repetition, QEMU executes single instructions and logs each address, and these are handed over, until another case is called. Nothing is stored. trace_boot()
does so from the kernel's entry to the shell's prompt. It knows no functions and no stages: profile.py does.
"""
import contextlib
import os
import re
import select
import socket
import tempfile
import threading
import time

import machine
import run
import symbols

CHUNK = 1 << 20
REGISTER_A0, REGISTER_PC = 10, 32
READ_BYTES = 4  # of the instruction that reads instret
GDB_FIRST_CSR, CSR_INSTRET = 66, 0xC02  # QEMU's stub numbers the CSRs behind 33 integer, 32 floating-point and one other register
WAIT_FOR_INTERRUPT = b"\x73\x00\x50\x10"
LINE = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]{16})/", re.MULTILINE)


class TraceError(Exception):
    """A sentence for the user."""


class Ended(TraceError):
    """There is no guest any more."""


class Stub:
    """gdb's side of the remote protocol, as much as is needed."""

    def __init__(self, path):
        deadline = time.monotonic() + 30
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise TraceError("QEMU did not open its gdb stub")
                time.sleep(0.02)
        self.buffer = b""

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) % 256))

    def receive(self):
        while True:
            answer = self.receive_part()
            if answer is not None:
                return answer

    def receive_part(self):
        """The next answer, or None if there is only a part of it, or an acknowledgement: one wait at most."""
        match = re.search(rb"\$([^#]*)#..", self.buffer)
        if not match:
            data = self.socket.recv(4096)
            if not data:
                raise Ended("the guest ended too early")
            self.buffer += data
            match = re.search(rb"\$([^#]*)#..", self.buffer)
        if not match:
            return None
        self.buffer = self.buffer[match.end():]
        self.socket.sendall(b"+")
        return match.group(1).decode()

    def ask(self, text):
        self.send(text)
        return self.receive()

    def monitor(self, command):
        self.send("qRcmd," + command.encode().hex())
        said = ""
        while True:
            answer = self.receive()
            if answer == "OK":
                break
            if not answer.startswith("O"):
                raise TraceError(f"QEMU's monitor does not take {command!r}: {answer}")
            said += bytes.fromhex(answer[1:]).decode(errors="replace")
        if said.strip():
            raise TraceError(f"QEMU's monitor says: {said.strip()}")

    def register(self, number):
        text = self.ask("g")[16 * number:16 * number + 16]
        return int.from_bytes(bytes.fromhex(text), "little")

    def step_over(self, address):
        """Past a break point, which stays."""
        self.ask(f"z0,{address:x},2")
        self.ask("s")
        self.ask(f"Z0,{address:x},2")

    def run(self):
        """To a break point; the address."""
        if self.ask("c")[:1] not in "ST":
            raise Ended("the program ended too early")
        return self.register(REGISTER_PC)

    def instret(self):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{GDB_FIRST_CSR + CSR_INSTRET:x}")), "little")


@contextlib.contextmanager
def stopped_guest(options, *arguments):
    """(Stub, Guest, wait) of a QEMU that stands before its first instruction; wait() lets a guest that runs come to its end."""
    folder = tempfile.mkdtemp(prefix="quire-gdb-")
    port = os.path.join(folder, "gdb")
    try:
        with run.prepared(options, raw=True) as (line, _):
            guest = machine.Guest([*line, "-S", "-gdb", f"unix:{port},server=on,wait=off", *arguments])
            relay = threading.Thread(target=guest.relay, args=(None, lambda data: None, options.timeout))
            relay.start()
            try:
                yield Stub(port), guest, relay.join
            finally:
                if relay.is_alive():
                    guest.process.kill()
                    relay.join()
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(port)
        os.rmdir(folder)


@contextlib.contextmanager
def _log_of_guest(options):
    """The same with the descriptor of QEMU's log in front."""
    folder = tempfile.mkdtemp(prefix="quire-log-")
    fifo = os.path.join(folder, "log")
    os.mkfifo(fifo)
    log = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)  # before QEMU opens its end, which waits for a reader
    try:
        with stopped_guest(options, "-D", fifo) as (stub, guest, wait):
            yield log, stub, guest, wait
    finally:
        os.close(log)
        os.unlink(fifo)
        os.rmdir(folder)


def _log_instructions(stub):
    stub.monitor("singlestep on")
    stub.monitor("log exec,nochain")


class _Stops:
    """Break points `behind` bytes behind instructions of the program; other programs may have some at the same addresses."""

    def __init__(self, stub, codes, behind=0):
        self.stub, self.codes, self.behind = stub, {address: code.hex() for address, code in codes.items()}, behind
        for address in codes:
            if stub.ask(f"Z0,{address + behind:x},2") != "OK":
                raise TraceError("QEMU sets no break point")

    def reach(self, resume):
        """Runs to the next one; the instruction's address. resume: lets the guest run, gives where it stopped."""
        while True:
            address = resume() - self.behind
            code = self.codes.get(address)
            if code and self.stub.ask(f"m{address:x},{len(code) // 2:x}") == code:
                return address
            self.stub.step_over(address + self.behind)

    def clear(self):
        for address in self.codes:
            self.stub.ask(f"z0,{address + self.behind:x},2")


def _logged(stub, log, take):
    """Lets the guest run and hands its addresses over until it stops again."""
    stub.send("c")
    poll = select.poll()
    poll.register(log, select.POLLIN)
    poll.register(stub.socket, select.POLLIN)
    rest, answer, idle = b"", None, False
    while answer is None or not idle:  # what was written before the stop is read after it
        ready = dict(poll.poll(None if answer is None else 0))
        idle = log not in ready
        if not idle:
            data = rest + os.read(log, CHUNK)
            end = data.rfind(b"\n") + 1
            rest = data[end:]
            take(LINE.findall(data, 0, end))
        elif answer is None:
            answer = stub.receive_part()
            idle = False
    if answer[:1] not in "ST":
        raise TraceError("the program ended in the middle of a measurement")
    return stub.register(REGISTER_PC)


class _Case:
    """A row of a program's table `cases`; what tells where it is called and measures."""

    def __init__(self, program, row):
        self.row = row
        self.functions = {function: program.bytes_at(function, 32) for _, _, function in program.cases()}
        self.reads = {address: program.bytes_at(address, 4) for address in program.counter_reads()}
        self.places = {address: program.find(address)[0] for address in self.reads}

    def begin(self, stub):
        """Runs past the first repetition, which does not count."""
        stops = _Stops(stub, self.functions)
        while (address := stops.reach(stub.run)) and stub.register(REGISTER_A0) != self.row:
            stub.step_over(address)
        stops.clear()
        stops = _Stops(stub, self.reads)
        for _ in range(2):
            stub.step_over(stops.reach(stub.run))
        stops.clear()

    def reach_read(self, stub):
        """Runs to the read that begins a measurement; its address. None: the case is over."""
        stops = _Stops(stub, {**self.functions, **self.reads})
        while (address := stops.reach(stub.run)) not in self.reads:
            if stub.register(REGISTER_A0) != self.row:
                return None
            stub.step_over(address)
        stops.clear()
        return address

    def pass_read(self, stub, resume, begun):
        """Runs past the read that ends the measurement. The one at `begun` is another one's, unless all use the same."""
        alone = list(self.places.values()).count(self.places[begun]) == 1
        stops = _Stops(stub, {address: code for address, code in self.reads.items() if alone or address != begun}, READ_BYTES)
        if alone:
            stub.step_over(stops.reach(resume) + READ_BYTES)
        stops.reach(resume)
        stops.clear()


def _follow(stub, log, case, profile):
    """While the guest is stopped, its clock may go on: so it stops before the first read of two and behind the second."""
    stub.ask("?")
    case.begin(stub)
    while not profile.done:
        try:
            begun = case.reach_read(stub)
        except Ended:
            if profile.sizes:
                return  # the case was the last one
            raise
        if begun is None:
            break
        _log_instructions(stub)
        case.pass_read(stub, lambda: _logged(stub, log, profile.take), begun)
        stub.monitor("log none")
        stub.monitor("singlestep off")
        profile.end_window()
    stub.send("D")


def trace(options, program, row, profile, name):
    """
    row: address of the case's row in the program; profile: take(addresses), end_window(), done. Gives (operations of a repetition,
    instructions per operation) as the program printed them.
    """
    with _log_of_guest(options) as (log, stub, guest, wait):
        _follow(stub, log, _Case(program, row), profile)
        wait()
    text = guest.transcript.decode(errors="replace").replace("\r", "").replace("\x02", "")
    match = re.search(rf"^R {re.escape(name)} min ([\d.]+) .*?ops (\d+)", text, re.MULTILINE)
    if not match:
        raise TraceError(guest.reason or f"the program did not print its row for {name}:\n{text[-1000:]}")
    return int(match.group(2)), float(match.group(1))


# ---- from the kernel's entry to the prompt

def boot(stub, resume, begin=lambda stub: None):
    """
    Runs the machine to the shell's first read, its prompt written; the instructions since the kernel's entry, without the time
    in which it waited for the disk. resume: lets the guest run to a break point, gives its address; begin: called at the entry.
    """
    kernel = symbols.Image("kernel", os.path.join(run.BUILD, "quire.elf"))
    shell = symbols.Image("program", os.path.join(run.BUILD, "programs", "sh"))
    waits, entry, (read, length) = kernel.places_of(WAIT_FOR_INTERRUPT), kernel.entry, shell.symbol("__libc_read")
    code = shell.bytes_at(read, length).hex()
    stub.ask("qXfer:features:read:target.xml:0,fff")  # before it is asked for, there are no CSRs
    started, idle = None, 0
    for address in (entry, read, *waits):
        if stub.ask(f"Z0,{address:x},2") != "OK":
            raise TraceError("QEMU sets no break point")
    while True:
        address, now = resume(), stub.instret()
        if address == entry and started is None:
            started = now
            begin(stub)
        elif address == read and stub.ask(f"m{read:x},{length:x}") == code:  # other spaces have the same addresses
            return now - started - idle
        stub.step_over(address)
        if address in waits:
            idle += stub.instret() - now


def trace_boot(options, profile):
    """One window, the boot; the same instructions as boot() counts them."""
    with _log_of_guest(options) as (log, stub, _, _):
        stub.ask("?")
        count = boot(stub, lambda: _logged(stub, log, profile.take), _log_instructions)
        profile.end_window()
    return count
