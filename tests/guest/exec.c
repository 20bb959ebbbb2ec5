/*
 * Starting programs: execve with arguments, environment and `#!`, what survives it and what does not, its errors;
 * posix_spawn, system, popen; what a program finds at its start. The programs started are /bin/sh, /bin/echo and
 * /bin/cat, which exist on Linux as well.
 */
#include "test.h"

#include <elf.h>
#include <link.h>
#include <spawn.h>
#include <sys/auxv.h>

extern char **environ;
static char **main_arguments, **main_environment;

/* Runs a program with its output in the file "out". Returns its wait status; a failed exec ends with 100 + errno. */
static int run(const char *path, char **arguments, char **environment)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		int out = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0644);

		CHECK(out >= 0 && dup2(out, 1) == 1);
		close(out);
		execve(path, arguments, environment);
		_exit(100 + errno);
	}
	return wait_status(pid);
}

static int run_shell(const char *command, char **environment)
{
	char *arguments[] = { "sh", "-c", (char *)command, "zero", "one", "two words", "", NULL };

	return run("/bin/sh", arguments, environment);
}

static void put_script(const char *name, const char *text)
{
	put_text(name, text);
	CHECK(chmod(name, 0755) == 0);
}

static void arguments_and_environment(void)
{
	char *environment[] = { "PATH=/bin", "COLOUR=blue and green", "EMPTY=", NULL };

	CHECK_EQUAL(run_shell("echo \"$0|$1|$2|$3|$#\"; echo \"[$COLOUR] [$EMPTY]\"; exit 7", environment), 7 << 8);
	CHECK(file_is("out", "zero|one|two words||3\n[blue and green] []\n"));
}

static void many_arguments(void)
{
	enum { COUNT = 3000 };
	static char *arguments[COUNT + 5] = { "sh", "-c", "echo $#; echo $1", "sh" };
	char word[] = "a word of some length";

	for (int i = 0; i < COUNT; i++)
		arguments[4 + i] = word;
	CHECK_EQUAL(run("/bin/sh", arguments, environ), 0);
	CHECK(file_is("out", "3000\na word of some length\n"));
}

static void too_long_argument(void)
{
	size_t bytes = 140000;
	char *word = malloc(bytes + 1);
	char *arguments[] = { "echo", word, NULL };

	memset(word, 'w', bytes);
	word[bytes] = 0;
	CHECK_ERROR(execve("/bin/echo", arguments, environ), E2BIG);
	free(word);
}

static void same_process(void)
{
	char *arguments[] = { "sh", "-c", "echo $$ > pid; exec sh -c 'echo $$ >> pid'", NULL }, have[64] = "";
	int first = 0, second = 0;
	pid_t pid = fork_child();

	if (pid == 0) {
		execve("/bin/sh", arguments, environ);
		_exit(100);
	}
	wait_success(pid);
	get_bytes("pid", have, sizeof(have) - 1);
	CHECK_EQUAL(sscanf(have, "%d %d", &first, &second), 2);
	CHECK(first == pid && second == pid);
}

static void descriptors(void)
{
	int kept = open("kept", O_RDWR | O_CREAT, 0644), closed = open("closed", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	CHECK(dup2(kept, 7) == 7 && dup3(closed, 8, O_CLOEXEC) == 8);
	CHECK_EQUAL(write(7, "abc", 3), 3);
	CHECK_EQUAL(run_shell("echo def >&7; echo 2>&1 no >&8 || exit 4", environ), 4 << 8);
	CHECK_EQUAL(write(7, "ghi", 3), 3);	/* one offset for all */
	CHECK(file_is("kept", "abcdef\nghi"));
	CHECK(file_is("closed", ""));
	close(7);
	close(8);
	close(kept);
	close(closed);
}

static void inherited_state(void)
{
	char start[400], wanted[500];
	mode_t mask = umask(077);
	struct stat status;

	CHECK(getcwd(start, sizeof(start)) != NULL);
	snprintf(wanted, sizeof(wanted), "%s\n", start);
	CHECK_EQUAL(run_shell("pwd; echo x > private", environ), 0);
	umask(mask);
	CHECK(file_is("out", wanted));
	CHECK(stat("private", &status) == 0 && (status.st_mode & 0777) == 0600);
	signal(SIGTERM, SIG_IGN);	/* stays ignored */
	CHECK_EQUAL(run_shell("kill -TERM $$; exit 5", environ), 5 << 8);
	signal(SIGTERM, exit);		/* a handler does not stay */
	CHECK_EQUAL(run_shell("kill -TERM $$; exit 5", environ), SIGTERM);
	signal(SIGTERM, SIG_DFL);
}

static void scripts(void)
{
	char *arguments[] = { "ignored", "one", "two", NULL };

	put_script("script", "#!/bin/sh\necho \"$0 $1 $2\"\nexit 9\n");
	CHECK_EQUAL(run("./script", arguments, environ), 9 << 8);
	CHECK(file_is("out", "./script one two\n"));
	put_script("echoing", "#! /bin/echo  an argument  \n");
	CHECK_EQUAL(run("./echoing", arguments, environ), 0);
	CHECK(file_is("out", "an argument ./echoing one two\n"));
	put_script("short", "#!/bin/echo");	/* no newline at its end */
	CHECK_EQUAL(run("./short", arguments, environ), 0);
	CHECK(file_is("out", "./short one two\n"));
	put_script("nested", "#!./script\n");
	CHECK_EQUAL(run("./nested", arguments, environ), 9 << 8);
	CHECK(file_is("out", "./script ./nested one\n"));
	put_script("missing", "#!/no/such/interpreter\n");
	CHECK_EQUAL(run("./missing", arguments, environ), (100 + ENOENT) << 8);
	put_script("nothing", "#!\n");
	CHECK_EQUAL(run("./nothing", arguments, environ), (100 + ENOEXEC) << 8);
	put_script("endless", "#!./endless\n");
	CHECK_EQUAL(run("./endless", arguments, environ), (100 + ELOOP) << 8);
}

static void errors(void)
{
	char *arguments[] = { "x", NULL };
	char *memory = map_memory(PAGE, MAP_PRIVATE);
	int file = open("kept", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	char header[200] = "\177ELF";

	memory[0] = 'm';
	put_text("text", "no program\n");
	CHECK_ERROR(execve("text", arguments, environ), EACCES);
	CHECK(chmod("text", 0755) == 0);
	CHECK_ERROR(execve("text", arguments, environ), ENOEXEC);
	put_script("empty", "");
	CHECK_ERROR(execve("empty", arguments, environ), ENOEXEC);
	put_script("cut", header);
	CHECK_ERROR(execve("cut", arguments, environ), ENOEXEC);
	CHECK_ERROR(execve("missing", arguments, environ), ENOENT);
	CHECK_ERROR(execve("", arguments, environ), ENOENT);
	CHECK_ERROR(execve("text/x", arguments, environ), ENOTDIR);
	CHECK_ERROR(execve(".", arguments, environ), EACCES);
	/* An error changes nothing, whatever came before it. */
	CHECK(memory[0] == 'm' && write(file, "x", 1) == 1);
	close(file);
	munmap(memory, PAGE);
}

static void copy_program(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	static char bytes[65536];
	ssize_t got;

	CHECK(in >= 0 && out >= 0);
	while ((got = read(in, bytes, sizeof(bytes))) > 0)
		CHECK_EQUAL(write(out, bytes, (size_t)got), got);
	CHECK(got == 0 && close(in) == 0 && close(out) == 0);
}

/* Runs ./program, a shell, until the descriptor that comes back is closed. */
static pid_t start_program(int *until)
{
	int in[2], out[2];
	char byte;
	pid_t pid;

	CHECK(pipe(in) == 0 && pipe(out) == 0);
	pid = fork_child();
	if (pid == 0) {
		CHECK(dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execl("./program", "sh", "-c", "echo; read line; exit 0", NULL);
		_exit(100);
	}
	close(in[0]);
	close(out[1]);
	CHECK_EQUAL(read(out[0], &byte, 1), 1);
	close(out[0]);
	*until = in[1];
	return pid;
}

/* A file is either executed or written to. */
static void busy_text(void)
{
	char *arguments[] = { "sh", "-c", "exit 6", NULL };
	struct stat before, after;
	int until, file;
	pid_t pid;

	copy_program("/bin/sh", "program");
	CHECK(stat("program", &before) == 0);
	pid = start_program(&until);
	CHECK_ERROR(open("program", O_WRONLY), ETXTBSY);
	CHECK_ERROR(open("program", O_RDWR | O_CREAT, 0755), ETXTBSY);
	CHECK_ERROR(open("program", O_RDONLY | O_TRUNC), ETXTBSY);
	CHECK_ERROR(truncate("program", 0), ETXTBSY);
	file = open("program", O_RDONLY);
	CHECK(file >= 0 && close(file) == 0);
	CHECK(stat("program", &after) == 0 && before.st_size == after.st_size);
	close(until);
	wait_success(pid);
	file = open("program", O_RDWR);
	CHECK(file >= 0);
	CHECK_ERROR(execv("./program", arguments), ETXTBSY);
	CHECK(close(file) == 0);
	CHECK_EQUAL(run("./program", arguments, environ), 6 << 8);
	/* A failed execve does not count, and a name that is gone does not bind the next file of that name. */
	put_script("text", "no program\n");
	CHECK_ERROR(execv("./text", arguments), ENOEXEC);
	put_script("text", "still none\n");
	pid = start_program(&until);
	CHECK(unlink("program") == 0);
	put_text("program", "new");
	close(until);
	wait_success(pid);
}

static void shared_stores_before_exec(void)
{
	int file = make_file("file", PAGE, 1);
	pid_t pid = fork_child();
	char byte;

	if (pid == 0) {
		char *memory = map_file(file, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);

		memory[10] = 'e';
		execl("/bin/true", "true", NULL);
		_exit(100);
	}
	wait_success(pid);
	CHECK(pread(file, &byte, 1, 10) == 1 && byte == 'e');
	close(file);
}

static void spawning(void)
{
	char *arguments[] = { "sh", "-c", "cat; echo $COLOUR", NULL }, *environment[] = { "COLOUR=red", "PATH=/bin", NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;

	put_text("in", "input\n");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "in", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	for (int i = 0; i < 3; i++) {
		CHECK_EQUAL(posix_spawn(&pid, "/bin/sh", &actions, NULL, arguments, environment), 0);
		wait_success(pid);
		CHECK(file_is("out", "input\nred\n"));
	}
	posix_spawn_file_actions_destroy(&actions);
}

static void spawn_errors(void)
{
	char *arguments[] = { "x", NULL };
	pid_t pid;

	CHECK_EQUAL(posix_spawn(&pid, "/no/such/program", NULL, NULL, arguments, environ), ENOENT);
	put_text("text", "x");
	CHECK_EQUAL(posix_spawn(&pid, "text", NULL, NULL, arguments, environ), EACCES);
	CHECK_ERROR(waitpid(-1, NULL, WNOHANG), ECHILD);	/* no child is left */
}

static void run_by_system(void)
{
	CHECK(system(NULL) != 0);
	CHECK_EQUAL(system("exit 0"), 0);
	CHECK_EQUAL(system("exit 3"), 3 << 8);
	CHECK_EQUAL(system("no-such-command 2>/dev/null"), 127 << 8);
	CHECK_EQUAL(system("./not-there 2>/dev/null"), 127 << 8);
	CHECK_EQUAL(system("kill -KILL $$"), SIGKILL);
	CHECK_EQUAL(system("exec 2>/dev/null; sh -c 'kill -KILL $$'; exit $?"), (128 + SIGKILL) << 8);
	CHECK_EQUAL(system("echo a b c > abc; cat < abc | cat | cat > copy && cat copy >> abc; true"), 0);
	CHECK(file_is("abc", "a b c\na b c\n"));
}

static void run_by_popen(void)
{
	char line[64];
	FILE *stream = popen("echo from a child; exit 2", "r");

	CHECK(stream != NULL && fgets(line, sizeof(line), stream) && !strcmp(line, "from a child\n"));
	CHECK_EQUAL(pclose(stream), 2 << 8);
	stream = popen("cat > out", "w");
	CHECK(stream != NULL && fputs("to a child\n", stream) >= 0);
	CHECK_EQUAL(pclose(stream), 0);
	CHECK(file_is("out", "to a child\n"));
}

static void pipelines(void)
{
	/* Much data through several programs. */
	close(make_file("data", 150000, 3));
	CHECK_EQUAL(system("cat data | cat | cat > copy; cmp data copy"), 0);
	CHECK_EQUAL(system("(cat data & cat data; wait) | wc -c > count"), 0);
	CHECK(file_is("count", "300000\n"));
}

static void auxiliary_vector(void)
{
	const ElfW(Phdr) *headers = (const void *)getauxval(AT_PHDR);
	const unsigned char *random = (const void *)getauxval(AT_RANDOM);
	const char *name = (const char *)getauxval(AT_EXECFN);
	unsigned long hardware = getauxval(AT_HWCAP), loads = 0, zeroes = 0;

	CHECK_EQUAL(getauxval(AT_PAGESZ), PAGE);
	CHECK_EQUAL(getauxval(AT_CLKTCK), 100);
	CHECK_EQUAL(getauxval(AT_PHENT), sizeof(*headers));
	CHECK(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid() && getauxval(AT_GID) == getgid() && getauxval(AT_SECURE) == 0);
	CHECK(headers && getauxval(AT_PHNUM) > 1 && random && name);
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		loads += headers[i].p_type == PT_LOAD;
	CHECK(loads >= 2);
	for (int i = 0; i < 16; i++)
		zeroes += random[i] == 0;
	CHECK(zeroes < 8);
	for (const char *letter = "imafdc"; *letter; letter++)
		CHECK(hardware & 1UL << (*letter - 'a'));
	CHECK(getauxval(AT_ENTRY) >= 0x10000 && getauxval(AT_ENTRY) < 1UL << 30);
	CHECK(strstr(name, "exec"));
}

static void start_of_the_stack(void)
{
	int count = 0;

	while (main_arguments[count])
		count++;
	CHECK(count >= 1 && strstr(main_arguments[0], "exec"));
	CHECK(main_arguments + count + 1 == main_environment);
	CHECK(((uintptr_t)(main_arguments - 1) & 15) == 0);
}

static const struct test tests[] = {
	{ arguments_and_environment, "arguments_and_environment" },
	{ many_arguments, "many_arguments" },
	{ too_long_argument, "too_long_argument" },
	{ same_process, "same_process" },
	{ descriptors, "descriptors" },
	{ inherited_state, "inherited_state" },
	{ scripts, "scripts" },
	{ errors, "errors" },
	{ busy_text, "busy_text" },
	{ shared_stores_before_exec, "shared_stores_before_exec" },
	{ spawning, "spawning" },
	{ spawn_errors, "spawn_errors" },
	{ run_by_system, "run_by_system" },
	{ run_by_popen, "run_by_popen" },
	{ pipelines, "pipelines" },
	{ auxiliary_vector, "auxiliary_vector" },
	{ start_of_the_stack, "start_of_the_stack" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	main_arguments = arguments;
	main_environment = environ;
	return test_main(count, arguments, tests);
}
