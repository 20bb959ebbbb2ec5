"""
Executables for the profiler: their functions, source lines and measuring points, read with nm, addr2line and struct.

An Image is one executable in one space (kernel, a server, the program); Functions maps an address as QEMU's log has it to the
Function there. It needs spaces whose code does not overlap: the Makefile's BASES see to that.
"""
import bisect
import re
import struct
import subprocess

import run

CROSS = "riscv64-linux-gnu-"
FIRMWARE = range(0x80000000, 0x80201000)  # and the kernel's first few instructions, before it runs at its own addresses


class Image:
    """An executable: its functions, and the addresses where it reads instret."""

    def __init__(self, space, path):
        self.space, self.path = space, path
        with open(path, "rb") as file:
            self.data = file.read()
        symbols = {}
        for line in _output("nm", "-S", path):
            words = line.split()
            if len(words) == 4 and words[2] in "tTwW" or len(words) == 3 and words[1] in "tT":
                address, name = int(words[0], 16), words[-1]
                if not name.startswith(("$", ".L")):
                    symbols.setdefault(address, name)
        self.entry, = struct.unpack_from("<Q", self.data, 24)
        self.starts = sorted(symbols)
        self.names = [symbols[start] for start in self.starts]
        self.segments = [(header[3], header[2], header[5]) for header in self._headers() if header[0] == 1]
        self.code = [(header[3], header[3] + header[6]) for header in self._headers() if header[0] == 1 and header[1] & 1]

    def _headers(self):
        offset, = struct.unpack_from("<Q", self.data, 32)
        count, = struct.unpack_from("<H", self.data, 56)
        return [struct.unpack_from("<IIQQQQQQ", self.data, offset + 56 * i) for i in range(count)]

    def has(self, address):
        return any(low <= address < high for low, high in self.code)

    def find(self, address):
        """(start, name) of the function at an address."""
        index = bisect.bisect_right(self.starts, address) - 1
        return (self.starts[index], self.names[index]) if index >= 0 else (address, "?")

    def bytes_at(self, address, count):
        for start, offset, size in self.segments:
            if start <= address < start + size:
                return self.data[offset + address - start:offset + min(size, address - start + count)]
        return b""

    def symbol(self, name):
        for line in _output("nm", "-S", self.path):
            words = line.split()
            if words[-1] == name and len(words) == 4:
                return int(words[0], 16), int(words[1], 16)
        return None

    def sections(self):
        """{name: bytes} of what is loaded."""
        words = [line.split() for line in _output("size", "-A", self.path)]
        return {word[0]: int(word[1]) for word in words if len(word) == 3 and word[1].isdigit()}

    def places_of(self, instruction):
        """Addresses of an instruction's bytes."""
        return [low + match.start() for low, high in self.code
                for match in re.finditer(re.escape(instruction), self.bytes_at(low, high - low)) if match.start() % 2 == 0]

    def counter_reads(self):
        """Addresses of the instructions that read instret, those of main excepted: it reads it once, to tell the time."""
        found = set()
        for low, high in self.code:
            code = self.bytes_at(low, high - low)
            for match in re.finditer(rb"[\x73\xf3][\x20-\x2f]\x20\xc0", code):
                if match.start() % 2 == 0 and self.find(low + match.start())[1] != "main":
                    found.add(low + match.start())
        return found

    def cases(self):
        """[(address of a row of the table `cases`, of its name, of its function)]"""
        table = self.symbol("cases")
        rows = self.bytes_at(*table) if table else b""
        found = [(offset, *struct.unpack_from("<QQ", rows, offset)) for offset in range(0, len(rows) - 15, 8)]
        return [(table[0] + offset, name, function) for offset, name, function in found
                if self.has(function) and self.find(function)[0] == function]


def _output(tool, *arguments, text=None):
    return subprocess.run([CROSS + tool, *arguments], input=text, capture_output=True, text=True, check=True).stdout.splitlines()


class Function:
    """A function of a space. Instructions of one are the same object, so that runs of them are found by identity."""
    __slots__ = ("space", "name", "entry")

    def __init__(self, space, name, entry):
        self.space, self.name, self.entry = space, name, entry


class Functions(dict):
    """Address as QEMU prints it -> Function."""

    def __init__(self, images):
        super().__init__()
        self.images, self.known = images, {}

    def __missing__(self, text):
        address = int(text, 16)
        for image in self.images:
            if image.has(address):
                start, name = image.find(address)
                key = (image.space, start)
                break
        else:
            key, name, start = ("firmware" if address in FIRMWARE else "program", 0), "?", 0
        if key not in self.known:
            self.known[key] = Function(key[0], name, b"%016x" % start)
        function = self[text] = self.known[key]
        return function


def places(images, addresses):
    """{address: [(function, file:line), ...]}, outermost first, from debug information."""
    found = {}
    for image in images:
        mine = [address for address in addresses if image.has(int(address, 16))]
        if not mine:
            continue
        lines = _output("addr2line", "-a", "-i", "-f", "-e", image.path, text="\n".join(a.decode() for a in mine) + "\n")
        for line in lines:
            if line.startswith("0x"):
                chain, function = [], None
                found[b"%016x" % int(line, 16)] = chain
            elif function is None:
                function = line
            else:
                chain.insert(0, (function, re.sub(r" \(discriminator \d+\)", "", line).replace(run.ROOT + "/", "")))
                function = None
    return found
