/*
 * Pipes: order, end of file, readers that wait, writers that wait, EPIPE and SIGPIPE, atomic small writes, O_NONBLOCK.
 */
#include "test.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

static void order_and_end(void)
{
	char have[16];
	int ends[2];

	CHECK(pipe(ends) == 0);
	CHECK_EQUAL(write(ends[1], "abc", 3), 3);
	CHECK_EQUAL(write(ends[1], "defg", 4), 4);
	CHECK_EQUAL(read(ends[0], have, 5), 5);
	CHECK(!memcmp(have, "abcde", 5));
	CHECK_EQUAL(read(ends[0], have, 16), 2);	/* what there is, without waiting for more */
	CHECK(!memcmp(have, "fg", 2));
	close(ends[1]);
	CHECK_EQUAL(read(ends[0], have, 16), 0);
	CHECK_EQUAL(read(ends[0], have, 16), 0);
	close(ends[0]);
}

static void wrong_uses(void)
{
	struct stat status;
	int ends[2];
	char byte;

	CHECK_ERROR(pipe2(ends, 0x12345), EINVAL);
	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
	CHECK_ERROR(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERROR(pread(ends[0], &byte, 1, 0), ESPIPE);
	CHECK_ERROR(pwrite(ends[1], &byte, 1, 0), ESPIPE);
	CHECK_ERROR(read(ends[1], &byte, 1), EBADF);
	CHECK_ERROR(write(ends[0], &byte, 1), EBADF);
	CHECK_ERROR(ftruncate(ends[1], 0), EINVAL);
	CHECK(fstat(ends[0], &status) == 0 && S_ISFIFO(status.st_mode));
	CHECK_EQUAL(read(ends[0], &byte, 0), 0);
	close(ends[0]);
	close(ends[1]);
}

/* What was copied before a bad address is read and counted; the rest is still in the pipe. */
static void bad_address_in_the_middle(void)
{
	static char bytes[3 * 4096];
	char *memory = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ends[2];

	CHECK(memory != MAP_FAILED && munmap(memory + 4096, 4096) == 0 && pipe(ends) == 0);
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = 'a' + i / 4096;
	CHECK_EQUAL(write(ends[1], bytes, sizeof bytes), sizeof bytes);
	CHECK_EQUAL(read(ends[0], memory, sizeof bytes), 4096);
	CHECK(memory[0] == 'a' && memory[4095] == 'a');
	CHECK_ERROR(read(ends[0], memory + 4096, 1), EFAULT);
	CHECK_EQUAL(read(ends[0], bytes, sizeof bytes), 2 * 4096);
	CHECK(bytes[0] == 'b' && bytes[4096] == 'c');
	munmap(memory, 4096);
	close(ends[0]);
	close(ends[1]);
}

static void reader_waits(void)
{
	int ends[2];
	char have[8];
	pid_t pid;

	CHECK(pipe(ends) == 0);
	pid = fork_child();
	if (pid == 0) {
		close(ends[0]);
		usleep(20000);
		CHECK_EQUAL(write(ends[1], "late", 4), 4);
		_exit(0);
	}
	close(ends[1]);
	CHECK_EQUAL(read(ends[0], have, 8), 4);
	CHECK_EQUAL(read(ends[0], have, 8), 0);		/* the child's end is gone, too */
	wait_success(pid);
	close(ends[0]);
}

/* More than a pipe holds: the writer waits for the reader, nothing is lost. */
static void writer_waits(void)
{
	enum { BYTES = 200000 };
	static unsigned char bytes[BYTES];
	size_t done = 0;
	int ends[2];
	ssize_t got;
	pid_t pid;

	CHECK(pipe(ends) == 0);
	fill(bytes, BYTES, 1, 0);
	pid = fork_child();
	if (pid == 0) {
		close(ends[0]);
		CHECK_EQUAL(write(ends[1], bytes, BYTES), BYTES);
		_exit(0);
	}
	close(ends[1]);
	memset(bytes, 0, BYTES);
	while ((got = read(ends[0], bytes + done, BYTES - done < 5000 ? BYTES - done : 5000)) > 0)
		done += (size_t)got;
	CHECK_EQUAL(done, BYTES);
	CHECK(holds(bytes, BYTES, 1, 0));
	wait_success(pid);
	close(ends[0]);
}

static void broken_pipe_signal(void)
{
	int ends[2], status;
	pid_t pid;

	CHECK(pipe(ends) == 0);
	close(ends[0]);
	pid = fork_child();
	if (pid == 0) {
		expect_death();
		write(ends[1], "x", 1) == 1 ? _exit(1) : _exit(2);
	}
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERROR(write(ends[1], "x", 1), EPIPE);
	signal(SIGPIPE, SIG_DFL);
	close(ends[1]);
}

/* A writer that waits in a full pipe wakes when its last reader goes. */
static void reader_leaves(void)
{
	static char bytes[200000];
	int ends[2], status;
	pid_t pid;

	CHECK(pipe(ends) == 0);
	pid = fork_child();
	if (pid == 0) {
		expect_death();
		close(ends[0]);
		write(ends[1], bytes, sizeof(bytes)) > 0 ? _exit(1) : _exit(2);
	}
	close(ends[1]);
	CHECK_EQUAL(read(ends[0], bytes, 10), 10);
	usleep(20000);
	close(ends[0]);
	status = wait_status(pid);
	/* Linux raises the signal only when nothing at all was written; a partial count comes first. */
	CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 1) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE));
}

static void without_waiting(void)
{
	static char bytes[4096];
	int ends[2];
	size_t room = 0;
	ssize_t put;
	char byte;

	CHECK(pipe2(ends, O_NONBLOCK) == 0);
	CHECK_ERROR(read(ends[0], &byte, 1), EAGAIN);
	while ((put = write(ends[1], bytes, sizeof(bytes))) > 0)
		room += (size_t)put;
	CHECK(put == -1 && errno == EAGAIN);
	CHECK(room >= 4096 && room <= 1 << 20);
	CHECK_EQUAL(read(ends[0], bytes, 4096), 4096);
	CHECK(write(ends[1], bytes, 4096) == 4096);
	close(ends[1]);
	while ((put = read(ends[0], bytes, sizeof(bytes))) > 0)
		room -= (size_t)put;
	CHECK(put == 0 && room == 0);
	close(ends[0]);
	CHECK(pipe(ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	CHECK(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	CHECK_ERROR(read(ends[0], &byte, 1), EAGAIN);
	close(ends[0]);
	close(ends[1]);
}

static unsigned char byte_of_stream(uint64_t position)
{
	return (unsigned char)(position * 167 >> 3 ^ position >> 9);
}

/* Pieces of all lengths come out as they went in, also where the memory of one end stops in the midst of a piece. */
static void pieces_of_all_lengths(void)
{
	enum { MEMORY = 4 * 4096, ROUNDS = 4000 };
	unsigned char *memory = mmap(NULL, MEMORY + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t put = 0, got = 0, random = 12345;
	int ends[2], full = 0, empty = 0, broken = 0;

	CHECK(memory != MAP_FAILED && munmap(memory + MEMORY, 4096) == 0);
	CHECK(pipe2(ends, O_NONBLOCK) == 0);
	for (int round = 0; round < ROUNDS; round++) {
		size_t length, beyond;
		ssize_t result;
		bool writing;

		random = random * 6364136223846793005UL + 1442695040888963407UL;
		length = 1 + (random >> 40) % (random >> 36 & 1 ? 16000 : 100);
		beyond = (random >> 33) % 8 ? 0 : 1 + (random >> 20) % 3000;
		writing = random >> 60 < (round / 500 % 2 ? 7 : 9);
		if (writing)
			for (size_t i = 0; i < length; i++)
				memory[MEMORY - length + i] = byte_of_stream(put + i);
		result = writing ? write(ends[1], memory + MEMORY - length, length + beyond)
				 : read(ends[0], memory + MEMORY - length, length + beyond);
		full += writing && result < 0 && errno == EAGAIN;
		empty += !writing && result < 0 && errno == EAGAIN;
		broken += result < 0 && errno == EFAULT;
		CHECK(result > 0 || errno == EAGAIN || (beyond && errno == EFAULT));
		CHECK(result <= (ssize_t)length);
		for (ssize_t i = 0; !writing && i < result; i++)
			CHECK_EQUAL(memory[MEMORY - length + i], byte_of_stream(got + i));
		*(writing ? &put : &got) += result > 0 ? result : 0;
		CHECK(got <= put && put - got <= 1 << 20);
	}
	CHECK(full > 10 && empty > 10 && broken > 10);
	CHECK(munmap(memory, MEMORY) == 0);
	close(ends[0]);
	close(ends[1]);
}

/* Writes of at most PIPE_BUF bytes are never torn, whoever else writes. */
static void small_writes_stay_whole(void)
{
	enum { WRITERS = 3, RECORDS = 20, BYTES = 1000 };
	unsigned char record[BYTES];
	int ends[2], seen[WRITERS] = { 0 };
	pid_t pids[WRITERS];

	CHECK(pipe(ends) == 0);
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork_child();
		if (pids[i] == 0) {
			memset(record, 'a' + i, BYTES);
			for (int j = 0; j < RECORDS; j++)
				CHECK_EQUAL(write(ends[1], record, BYTES), BYTES);
			_exit(0);
		}
	}
	close(ends[1]);
	for (int i = 0; i < WRITERS * RECORDS; i++) {
		size_t have = 0;

		while (have < BYTES) {
			ssize_t got = read(ends[0], record + have, BYTES - have);

			CHECK(got > 0);
			have += (size_t)got;
		}
		CHECK(record[0] >= 'a' && record[0] < 'a' + WRITERS && all_bytes(record, BYTES, record[0]));
		seen[record[0] - 'a']++;
	}
	for (int i = 0; i < WRITERS; i++) {
		CHECK_EQUAL(seen[i], RECORDS);
		wait_success(pids[i]);
	}
	close(ends[0]);
}

static void long_chain(void)
{
	enum { LINKS = 8 };
	int first[2], before;
	char have[32];

	CHECK(pipe(first) == 0);
	before = first[0];
	for (int i = 0; i < LINKS; i++) {
		int next[2];
		pid_t pid;

		CHECK(pipe(next) == 0);
		pid = fork_child();
		if (pid == 0) {
			ssize_t got;

			close(first[1]);
			close(next[0]);
			while ((got = read(before, have, sizeof(have))) > 0) {
				for (ssize_t j = 0; j < got; j++)
					have[j]++;
				CHECK_EQUAL(write(next[1], have, (size_t)got), got);
			}
			_exit(0);
		}
		close(before);
		close(next[1]);
		before = next[0];
	}
	CHECK_EQUAL(write(first[1], "AAA", 3), 3);
	close(first[1]);
	CHECK_EQUAL(read(before, have, sizeof(have)), 3);
	CHECK(!memcmp(have, "III", 3));
	CHECK_EQUAL(read(before, have, sizeof(have)), 0);
	for (int i = 0; i < LINKS; i++)
		wait_success(-1);
	close(before);
}

/* A process that waits in read can be killed. */
static void killed_while_reading(void)
{
	int ends[2], status;
	pid_t pid;
	char byte;

	CHECK(pipe(ends) == 0);
	pid = fork_child();
	if (pid == 0)
		_exit(read(ends[0], &byte, 1) == 1);
	usleep(20000);
	CHECK(kill(pid, SIGTERM) == 0);
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	CHECK_EQUAL(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
}

/* Descriptors far up, with nothing between, are inherited and given back at the end like others, whatever was closed before. */
static void far_descriptors(void)
{
	int ends[2];
	char byte;
	pid_t pid;

	CHECK(pipe(ends) == 0);
	CHECK(dup2(ends[1], 1000) == 1000 && dup2(ends[1], 900) == 900);
	close(ends[1]);
	pid = fork_child();
	if (pid == 0) {
		close(1000);
		if (fork() == 0) {
			CHECK_EQUAL(write(900, "x", 1), 1);
			CHECK(dup2(900, 1001) == 1001 && close(900) == 0);
			_exit(0);
		}
		_exit(wait(NULL) < 0);
	}
	close(1000);
	close(900);
	wait_success(pid);
	CHECK_EQUAL(read(ends[0], &byte, 1), 1);
	CHECK_EQUAL(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

/* Everyone who waits gets a byte of one write, then everyone the end. */
static void many_readers(void)
{
	enum { READERS = 6 };
	int ends[2], status, seen = 0;
	pid_t pid;
	char byte;

	for (int round = 0; round < 2; round++) {
		CHECK(pipe(ends) == 0);
		for (int i = 0; i < READERS; i++)
			if (fork_child() == 0) {
				close(ends[1]);
				_exit(read(ends[0], &byte, 1) == 1 ? byte : 100);
			}
		usleep(20000);
		if (round == 0)
			CHECK_EQUAL(write(ends[1], "\0\1\2\3\4\5", READERS), READERS);
		else
			close(ends[1]);
		for (int i = 0; i < READERS; i++) {
			pid = wait(&status);
			CHECK(pid > 0 && WIFEXITED(status));
			if (round == 0)
				seen |= 1 << WEXITSTATUS(status);
			else
				CHECK_EQUAL(WEXITSTATUS(status), 100);
		}
		CHECK_EQUAL(seen, (1 << READERS) - 1);
		if (round == 0)
			close(ends[1]);
		close(ends[0]);
	}
}

/* Where a reader that waits wants what comes: a part of it, all, in memory not yet touched, on two pages, in pieces. The rest is for the next. */
static void readers_memory(void)
{
	static char bytes[5000];
	struct { size_t written, wanted, offset; bool pieces; } cases[] = {
		{ 5, 5, 0, false }, { 5, 3, 100, false }, { 5, 9, 4096 - 2, false }, { 4096, 8000, 0, false }, { 4096, 4095, 1, false }, { 5000, 5000, 7, false },
		{ 5, 9, 4096 - 2, true }, { 1, 1, 4095, false },
	};

	fill(bytes, sizeof bytes, 3, 0);
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t first = cases[i].written < cases[i].wanted ? cases[i].written : cases[i].wanted, rest = cases[i].written - first;
		int ends[2], has_read[2];
		char byte;
		pid_t pid;

		CHECK(pipe(ends) == 0 && pipe(has_read) == 0);
		pid = fork_child();
		if (pid == 0) {
			char *memory = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *to = memory + cases[i].offset, next[5000];
			struct iovec pieces[2] = { { to, 1 }, { to + 1, cases[i].wanted - 1 } };

			close(ends[1]);
			CHECK_EQUAL(cases[i].pieces ? readv(ends[0], pieces, 2) : read(ends[0], to, cases[i].wanted), first);
			CHECK_EQUAL(write(has_read[1], "", 1), 1);
			CHECK(holds(to, first, 3, 0) && !to[first] && (!cases[i].offset || !to[-1]));
			CHECK_EQUAL(read(ends[0], next, sizeof next), rest ? rest : 4);
			CHECK(rest ? holds(next, rest, 3, first) : !memcmp(next, "next", 4));
			_exit(0);
		}
		close(ends[0]);
		close(has_read[1]);
		usleep(10000);
		CHECK_EQUAL(write(ends[1], bytes, cases[i].written), cases[i].written);
		CHECK_EQUAL(read(has_read[0], &byte, 1), 1);
		CHECK_EQUAL(rest ? 4 : write(ends[1], "next", 4), 4);
		wait_success(pid);
		close(ends[1]);
		close(has_read[0]);
	}
}

/* A byte is not left lying because the reader that it woke cannot take it: he dies, or has given a bad address. */
static void woken_in_vain(void)
{
	void *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ends[2], left;
	pid_t first, second;
	char byte;

	CHECK(nothing != MAP_FAILED);
	for (int round = 0; round < 20; round++) {
		CHECK(pipe(ends) == 0);
		first = fork_child();
		if (first == 0) {
			expect_death();
			_exit(read(ends[0], round % 2 ? nothing : &byte, 1) != 1);
		}
		usleep(2000);
		second = fork_child();
		if (second == 0) {
			expect_death();
			_exit(read(ends[0], &byte, 1) != 1);
		}
		usleep(2000);
		CHECK_EQUAL(write(ends[1], "x", 1), 1);
		if (round % 2)
			usleep(2000);
		kill(first, SIGKILL);
		wait_status(first);
		for (int tries = 0; tries < 1000 && ioctl(ends[0], FIONREAD, &left) == 0 && left; tries++)
			usleep(2000);
		CHECK_EQUAL(left, 0);
		kill(second, SIGKILL);
		wait_status(second);
		close(ends[0]);
		close(ends[1]);
	}
	munmap(nothing, 4096);
}

/* Within two seconds; else it is killed. */
static bool ends_well(pid_t pid)
{
	int status = -1;

	for (int tries = 0; tries < 1000; tries++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status == 0;
		usleep(2000);
	}
	kill(pid, SIGKILL);
	wait_status(pid);
	return false;
}

/* Who waits first and has given a bad address hears it when his turn comes, and the next one's turn comes with that. */
static void bad_address_waits_first(void)
{
	void *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char bytes[4096];
	pid_t first, second;
	int ends[2];

	CHECK(nothing != MAP_FAILED);
	for (int round = 0; round < 4; round++) {
		bool writers = round % 2, last = round / 2;	/* last: nothing more can come, or nobody is left to hear of */

		CHECK(pipe2(ends, writers ? O_NONBLOCK : 0) == 0);
		while (writers && write(ends[1], bytes, 4096) > 0)
			;
		CHECK(fcntl(ends[0], F_SETFL, 0) == 0 && fcntl(ends[1], F_SETFL, 0) == 0);
		first = fork_child();
		if (first == 0) {
			CHECK_ERROR(writers ? write(ends[1], nothing, 4096) : read(ends[0], nothing, 4096), EFAULT);
			_exit(0);
		}
		usleep(5000);
		second = fork_child();
		if (second == 0) {
			CHECK_EQUAL(writers ? write(ends[1], bytes, 4096) : read(ends[0], bytes, 4096), 4096);
			_exit(0);
		}
		usleep(5000);
		CHECK_EQUAL(writers ? read(ends[0], bytes, 4096) : write(ends[1], bytes, 4096), 4096);
		if (last)
			close(ends[!writers]);
		CHECK(ends_well(first) && ends_well(second));
		close(ends[0]);
		close(ends[1]);
	}
	munmap(nothing, 4096);
}

/* All who wait in a full pipe go on as it is emptied, small and large ones, though one of them dies. */
static void many_writers(void)
{
	enum { WRITERS = 6, LARGE = 10000, SMALL = 100 };
	static char bytes[LARGE];
	size_t filled = 0, got = 0, least = 0;
	pid_t pid[WRITERS];
	ssize_t moved;
	int ends[2];

	CHECK(pipe2(ends, O_NONBLOCK) == 0);
	while ((moved = write(ends[1], bytes, 4096)) > 0)
		filled += (size_t)moved;
	CHECK(fcntl(ends[0], F_SETFL, 0) == 0 && fcntl(ends[1], F_SETFL, 0) == 0);
	for (int i = 0; i < WRITERS; i++) {
		size_t length = i % 2 ? LARGE : SMALL;

		pid[i] = fork_child();
		if (pid[i] == 0) {
			close(ends[0]);
			_exit(write(ends[1], bytes, length) != (ssize_t)length);
		}
		least += i ? length : 0;
		usleep(2000);
	}
	close(ends[1]);
	kill(pid[0], SIGKILL);
	wait_status(pid[0]);
	while ((moved = read(ends[0], bytes, sizeof(bytes))) > 0)
		got += (size_t)moved;
	CHECK_EQUAL(moved, 0);
	CHECK_EQUAL(got, filled + least);
	for (int i = 1; i < WRITERS; i++)
		wait_success(pid[i]);
	close(ends[0]);
}

/* ... and all of them hear that the last reader has gone. */
static void many_writers_in_vain(void)
{
	enum { WRITERS = 4 };
	static char bytes[4096];
	int ends[2], status;

	CHECK(pipe2(ends, O_NONBLOCK) == 0);
	while (write(ends[1], bytes, 4096) > 0)
		;
	CHECK(fcntl(ends[1], F_SETFL, 0) == 0);
	for (int i = 0; i < WRITERS; i++)
		if (fork_child() == 0) {
			close(ends[0]);
			signal(SIGPIPE, SIG_IGN);
			_exit(write(ends[1], bytes, 4096) != -1 || errno != EPIPE);
		}
	usleep(20000);
	close(ends[0]);
	for (int i = 0; i < WRITERS; i++)
		CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(ends[1]);
}

static const struct test tests[] = {
	{ many_readers, "many_readers" },
	{ readers_memory, "readers_memory" },
	{ woken_in_vain, "woken_in_vain" },
	{ bad_address_waits_first, "bad_address_waits_first" },
	{ many_writers, "many_writers" },
	{ many_writers_in_vain, "many_writers_in_vain" },
	{ far_descriptors, "far_descriptors" },
	{ order_and_end, "order_and_end" },
	{ wrong_uses, "wrong_uses" },
	{ bad_address_in_the_middle, "bad_address_in_the_middle" },
	{ reader_waits, "reader_waits" },
	{ writer_waits, "writer_waits" },
	{ broken_pipe_signal, "broken_pipe_signal" },
	{ reader_leaves, "reader_leaves" },
	{ without_waiting, "without_waiting" },
	{ pieces_of_all_lengths, "pieces_of_all_lengths" },
	{ small_writes_stay_whole, "small_writes_stay_whole" },
	{ long_chain, "long_chain" },
	{ killed_while_reading, "killed_while_reading" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
