"""Standard input reaches the guest's console whole, and its end is an end for every later read, too."""
from harness import expect


def test_input_reaches_the_command(box):
    box.succeed("cat", input=b"hi\n", output=b"hi\n")


def test_the_console_is_a_tty(box):
    program = box.program("tty", """
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
int main(void)
{
	struct winsize size = { 0 };

	printf("%d%d%d ", isatty(0), isatty(1), isatty(2));
	printf("%d %s\\n", ioctl(0, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col, ttyname(0));
	return 0;
}
""")
    box.succeed(program, output=b"111 1 /dev/console\n")
    box.succeed("--put", f"{program}:/tmp/tty", "/tmp/tty < /dev/null | cat", output=b"001 0 (null)\n")


def test_last_line_without_its_end(box):
    box.succeed("cat", input=b"one\ntwo", output=b"one\ntwo")


def test_empty_input_is_the_end(box):
    box.succeed("cat", input=b"", output=b"")


def test_commands_for_the_shell(box):
    result = box.succeed(input=b"echo first\nls /\n")
    lines = result.output.decode().split()
    expect("first" in lines and "bin" in lines and "tmp" in lines, "the shell's output expected", result)


def test_end_of_input_passes_the_shells_status(box):
    result = box.run(input=b"sh -c 'exit 9'\n")
    expect(result.status == 9, "the last command's status expected", result)


def test_end_of_input_counts_for_everyone(box):
    box.succeed("cat; cat; wc -c; echo end", input=b"x\n", output=b"x\n0\nend\n")


def test_input_that_never_ends(box):
    box.succeed("echo", "done", input=None, output=b"done\n")


def test_much_input_is_not_lost(box):
    text = b"".join(b"line %d\n" % number for number in range(20000))
    box.succeed("cat", input=text, output=text, timeout=120)


def test_slow_reader_loses_nothing(box):
    text = b"".join(b"%d\n" % number for number in range(3000))
    box.succeed("sleep 2; cat", input=text, output=text)
