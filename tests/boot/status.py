"""Exit status, output and words of a command: what `./quire run COMMAND` promises to scripts."""
from harness import expect


def test_status_passes_through(box):
    for status in (0, 1, 7, 255):
        result = box.run("sh", "-c", f"exit {status}")
        expect(result.status == status, f"exit {status} expected", result)
        expect(result.output == b"" and result.errors == "", "no output expected", result)


def test_only_what_the_command_prints(box):
    box.succeed("echo", "hello", output=b"hello\n")


def test_words_stay_words(box):
    box.succeed("echo", "a  b", "c'd", '"e"', "$HOME", "*", ";", "", "f\\g", output=b"a  b c'd \"e\" $HOME * ;  f\\g\n")


def test_one_argument_is_a_shell_line(box):
    box.succeed("echo a | cat; echo b", output=b"a\nb\n")


def test_long_command_line(box):
    words = [str(number) for number in range(1000)]
    box.succeed("echo", *words, output=" ".join(words).encode() + b"\n")


def test_command_not_found(box):
    result = box.run("no-such-command")
    expect(result.status == 127, "127 expected", result)


def test_death_by_signal_is_128_and_more(box):
    program = box.program("crash", "int main(void) { *(volatile int *)8 = 1; return 0; }")
    result = box.run(program)
    expect(result.status == 128 + 11, "139 (SIGSEGV) expected", result)


def test_much_output_arrives_whole(box):
    program = box.program("flood", '#include <stdio.h>\nint main(void) { for (int i = 0; i < 50000; i++) printf("%d\\n", i); }')
    box.succeed(program, output=b"".join(b"%d\n" % i for i in range(50000)))


def test_poweroff_command(box):
    result = box.run("poweroff; sleep 60; echo still here")
    expect(result.status == 0 and b"still" not in result.output, "status 0 and an end expected", result)


def test_harts_and_icount(box):
    box.succeed("--harts", "2", "echo", "two", output=b"two\n")
    box.succeed("--icount", "echo", "counted", output=b"counted\n")


def test_memory_sizes(box):
    for size in ("64M", "1G"):
        box.succeed("--mem", size, "echo", size, output=size.encode() + b"\n")


def test_object_memory_fraction(box):
    box.succeed("--object", "16", "echo", "less", output=b"less\n")


def test_legacy_virtio_registers(box):
    content = bytes(range(256)) * 1000
    source = box.file("in.bin", content)
    box.succeed("--legacy", "--put", f"{source}:/tmp/in.bin", "--get", f"/tmp/out.bin:{box.path('out.bin')}",
                "cp", "/tmp/in.bin", "/tmp/out.bin")
    with open(box.path("out.bin"), "rb") as file:
        expect(file.read() == content, "the copy differs")


def test_file_larger_than_memory(box):
    path = box.path("large")
    with open(path, "wb") as file:
        file.truncate(120 << 20)
        file.seek((120 << 20) - 1)
        file.write(b"\n")
    box.succeed("--mem", "64M", "--put", f"{path}:/tmp/large", "cat /tmp/large | wc -c", timeout=240,
                output=b"%d\n" % (120 << 20))
