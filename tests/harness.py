"""
What the boot tests (tests/boot/*.py) stand on: a Box in which a test runs `quire run` as a user would.

A boot test is a function test_NAME(box) that raises on failure; a Skip says why it could not be judged. Everything goes through
tools/run.py as a process of its own, so exit status, standard error and the end of input are tested, too. Read
docs/testing.md next.
"""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import disk  # noqa: E402
import run as run_tool  # noqa: E402

BUILD = run_tool.BUILD
TIMEOUT = 60  # seconds for one boot, unless a test says otherwise


class Skip(Exception):
    """A reason why a test cannot be judged here."""


class Result:
    """How one run of the tool ended: status, output (bytes), errors (text)."""

    def __init__(self, done):
        self.status, self.output, self.errors = done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def __str__(self):
        return f"status {self.status}\nstdout: {self.output[-2000:].decode(errors='replace')}\nstderr: {self.errors[-2000:]}"


def expect(condition, what, result=None):
    if not condition:
        raise AssertionError(what if result is None else f"{what}\n{result}")


class Box:
    """A folder of its own, and the tool."""

    def __init__(self, folder):
        self.folder = folder
        self.pristine = os.path.join(BUILD, "disk.img")

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, content, mode=0o644):
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    def image(self, name="disk.img"):
        path = self.path(name)
        disk.copy(self.pristine, path)
        return path

    def run(self, *arguments, input=b"", timeout=TIMEOUT):
        """`./quire run --timeout T ARGUMENTS`. input: bytes; None: standard input that never ends."""
        command = [sys.executable, os.path.join(ROOT, "tools", "run.py"), "run", "--timeout", str(timeout), *arguments]
        if input is not None:
            return Result(subprocess.run(command, input=input, capture_output=True, cwd=self.folder))
        reader, writer = os.pipe()
        try:
            return Result(subprocess.run(command, stdin=reader, capture_output=True, cwd=self.folder))
        finally:
            os.close(reader)
            os.close(writer)

    def succeed(self, *arguments, output=None, **options):
        """A run that must end with status 0, print just this, and nothing on standard error."""
        result = self.run(*arguments, **options)
        expect(result.status == 0, "status 0 expected", result)
        expect(not result.errors, "nothing on standard error expected", result)
        if output is not None:
            expect(result.output == output, f"expected {output[:200]!r} ({len(output)} bytes)", result)
        return result

    def program(self, name, text):
        """A static riscv64 Linux executable made from C text."""
        source = self.file(name + ".c", text.encode())
        return self._compile([source, "-static", "-O1", "-o", self.path(name)], name)

    def kernel(self, name, text):
        """A kernel made from assembly text, for tests of the tool itself."""
        source = self.file(name + ".S", text.encode())
        return self._compile([source, "-nostdlib", "-static", "-no-pie", "-Wl,-N,-Ttext=0x80200000", "-Wl,--no-warn-rwx-segments",
                              "-Wl,--build-id=none", "-o", self.path(name)], name)

    def _compile(self, arguments, name):
        subprocess.run(["riscv64-linux-gnu-gcc", *arguments], check=True, capture_output=True)
        return self.path(name)
