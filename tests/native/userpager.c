/*
 * A program's own pager: pages come from it, once each, whoever asks and how; it may fail, stop answering or die, and nobody but its
 * clients is harmed. Runs on Quire only: Linux has no such calls.
 */
#include "userpager.h"
#include "test.h"

#define PAGES 8
#define FAILS 6		/* the pager has no such page */
#define NEVER 7		/* the pager does not answer any more */

struct shared { volatile uint64_t asked[PAGES], started, error; };
static struct shared *shared;
static const char *const path = "/dev/shm/userpager";

static int make(void)
{
	int file;

	unlink(path);
	file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(file >= 0 && !ftruncate(file, PAGES * PAGE));
	return file;
}

static void serve(int file)
{
	static uint64_t words[PAGE / 8];
	struct pager_supply supply = { 0 };
	uint64_t object;

	shared->error = pager_serve(file, &object);
	shared->started = 1;
	while (!pager_next(&supply)) {
		uint64_t page = supply.offset / PAGE;

		shared->asked[page]++;
		while (page == NEVER)
			sleep(1000);
		supply.failed = page == FAILS;
		supply.address = (uint64_t)words;
		for (unsigned i = 0; i < PAGE / 8; i++)
			words[i] = supply.offset + i;
	}
	_exit(1);
}

static pid_t start_pager(void)
{
	int file = make();
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		serve(file);
	close(file);
	while (!shared->started)
		usleep(1000);
	CHECK(!shared->error);
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static bool killed(pid_t pid, int signal)
{
	int status = status_of(pid);

	return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

static void stop(pid_t pid)
{
	CHECK(!kill(pid, SIGKILL) && killed(pid, SIGKILL));
}

static volatile uint64_t *map(int flags)
{
	int file = open(path, O_RDWR);
	void *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, file, 0);

	CHECK(file >= 0 && at != MAP_FAILED && !close(file));
	return at;
}

/* A child that touches a page, by a load or by read(2), and ends with 0 if it gets there. */
static pid_t toucher(unsigned page, bool by_read)
{
	volatile uint64_t *words = map(MAP_SHARED);
	int file = open(path, O_RDONLY);
	uint64_t word;
	pid_t pid = fork();

	CHECK(pid >= 0 && file >= 0);
	if (!pid && by_read)
		_exit(pread(file, &word, sizeof(word), page * PAGE) == -1 ? errno : 0);
	if (!pid)
		_exit(words[page * PAGE / 8] == 1);
	CHECK(!munmap((void *)words, PAGES * PAGE) && !close(file));
	return pid;
}

static void await(unsigned page)
{
	while (!shared->asked[page])
		usleep(1000);
}

static void loads(void)
{
	pid_t pager = start_pager();
	volatile uint64_t *words = map(MAP_SHARED), *copy = map(MAP_PRIVATE);

	CHECK(!shared->asked[0] && !shared->asked[3]);
	CHECK(words[3 * 512 + 5] == 3 * PAGE + 5 && words[7] == 7);
	CHECK(shared->asked[0] == 1 && shared->asked[3] == 1 && !shared->asked[1] && !shared->asked[4]);
	words[1 * 512] = 99;		/* a store brings the page first */
	CHECK(words[1 * 512 + 1] == PAGE + 1 && shared->asked[1] == 1);
	copy[0] = 1;
	CHECK(copy[1 * 512] == 99 && copy[4 * 512 + 1] == 4 * PAGE + 1 && words[0] == 0 && copy[1] == 1);
	CHECK(shared->asked[0] == 1 && shared->asked[1] == 1);
	stop(pager);
}

static void reads(void)
{
	pid_t pager = start_pager();
	int file = open(path, O_RDWR);
	uint64_t words[PAGE / 4];

	CHECK(file >= 0 && read(file, words, sizeof(words)) == sizeof(words));
	CHECK(words[0] == 0 && words[511] == 511 && words[512] == PAGE && words[1023] == PAGE + 511);
	CHECK(pwrite(file, "x", 1, 2 * PAGE) == 1 && pread(file, words, 16, 2 * PAGE) == 16);
	CHECK(words[0] == 2 * PAGE + 'x' && words[1] == 2 * PAGE + 1);
	CHECK(shared->asked[0] == 1 && shared->asked[1] == 1 && shared->asked[2] == 1 && !shared->asked[3]);
	CHECK(!close(file));
	stop(pager);
}

static void many_clients(void)
{
	pid_t pager = start_pager(), clients[6];

	for (unsigned i = 0; i < 6; i++)
		clients[i] = toucher(i % 2, i % 3 == 0);
	for (unsigned i = 0; i < 6; i++)
		CHECK(status_of(clients[i]) == 0);
	CHECK(shared->asked[0] == 1 && shared->asked[1] == 1);
	stop(pager);
}

static void absent_page(void)
{
	pid_t pager = start_pager();

	CHECK(killed(toucher(FAILS, false), SIGBUS));
	CHECK(WEXITSTATUS(status_of(toucher(FAILS, true))) == EIO);
	CHECK(shared->asked[FAILS] == 2);	/* it may have one the next time */
	CHECK(status_of(toucher(2, false)) == 0);
	stop(pager);
}

static void waiting_client_can_be_killed(void)
{
	pid_t pager = start_pager(), load = toucher(NEVER, false), read;

	await(NEVER);
	read = toucher(NEVER, true);
	usleep(20000);
	stop(load);
	stop(read);
	load = fork();		/* its buffer is such a page */
	if (!load)
		_exit(pread(open("/bin/sh", O_RDONLY), (char *)map(MAP_SHARED) + NEVER * PAGE, PAGE, 0) > 0);
	read = fork();
	if (!read)
		_exit(write(open("file", O_WRONLY | O_CREAT, 0600), (char *)map(MAP_SHARED) + NEVER * PAGE, PAGE) > 0);
	usleep(50000);
	stop(load);
	stop(read);
	stop(pager);
}

static void dead_pager(void)
{
	pid_t pager = start_pager(), waits, late;
	volatile uint64_t *words = map(MAP_SHARED);

	CHECK(words[2 * 512] == 2 * PAGE);
	waits = toucher(NEVER, false);
	await(NEVER);
	late = toucher(4, true);	/* asked for while the pager sleeps */
	usleep(20000);
	stop(pager);
	CHECK(killed(waits, SIGBUS));
	CHECK(WEXITSTATUS(status_of(late)) == EIO);
	CHECK(killed(toucher(5, false), SIGBUS));
	CHECK(words[2 * 512 + 1] == 2 * PAGE + 1);	/* what was there stays */
	CHECK(!munmap((void *)words, PAGES * PAGE));
	CHECK(WEXITSTATUS(status_of(toucher(5, true))) == EIO);		/* also when nobody had it open meanwhile */
}

/* What is served needs neither a descriptor nor a page to be remembered; exec is an end, too. */
static void end_by_exec(void)
{
	int file = make(), word;
	pid_t pid = fork();

	if (!pid) {
		uint64_t object;

		_exit(pager_serve(file, &object) != 0 || execl("/bin/sleep", "sleep", "1000", NULL));
	}
	close(file);
	usleep(300000);
	file = open(path, O_RDONLY);
	CHECK(pread(file, &word, sizeof(word), 0) == -1 && errno == EIO);
	stop(pid);
	close(file);
}

/* Many wait for a pager that itself reads its pages from the disk: it finds the disk free. */
static void crowd(void)
{
	enum { CLIENTS = 220 };
	char page[PAGE];
	struct pager_supply supply = { .address = 0 };
	uint64_t object;
	int file, disk = open("/bin/vmstat", O_RDONLY);
	pid_t pager;

	unlink(path);
	file = open(path, O_RDWR | O_CREAT, 0600);
	CHECK(disk >= 0 && file >= 0 && !ftruncate(file, CLIENTS * PAGE));
	pager = fork();
	if (!pager) {
		if (pager_serve(file, &object))
			_exit(1);
		sleep(1);
		while (!pager_next(&supply)) {
			int knob = open("/proc/sys/vm/drop_caches", O_WRONLY);

			supply.failed = write(knob, "1", 1) != 1 || pread(disk, page, PAGE, supply.offset % (16 * PAGE)) != (ssize_t)PAGE;
			supply.address = (uint64_t)page;
			close(knob);
		}
		_exit(1);
	}
	usleep(200000);
	for (int i = 0; i < CLIENTS; i++) {
		pid_t client = fork();

		CHECK(client >= 0);
		if (!client)
			_exit(pread(file, page, 8, i * PAGE) != 8);
	}
	for (int i = 0; i < CLIENTS; i++)
		wait_success(-1);
	stop(pager);
	close(file);
	close(disk);
}

/* A pager that touches what it serves waits for itself; it can be killed. */
static void own_client(void)
{
	int file = make();
	pid_t pid = fork();

	if (!pid) {
		struct pager_supply supply = { 0 };
		uint64_t object, word;

		if (pager_serve(file, &object) || write(file, "", 0))
			_exit(1);
		_exit(pread(file, &word, 8, 0) + supply.failed);
	}
	close(file);
	usleep(20000);
	stop(pid);
}

static void refusals(void)
{
	uint64_t object, word = 0;
	int file = make(), read_only = open(path, O_RDONLY), on_disk = open("file", O_RDWR | O_CREAT, 0600);
	struct pager_supply supply = { 0 };
	void *at;
	pid_t pager;

	CHECK(pager_next(&supply) == -ENOENT);
	CHECK(pager_serve(1000, &object) == -EBADF && pager_serve(-1, &object) == -EBADF);
	CHECK(pager_serve(read_only, &object) == -EACCES);
	CHECK(pager_serve(on_disk, &object) == -EINVAL && pager_serve(open("/", O_RDONLY), &object) == -EINVAL);
	at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
	CHECK(at != MAP_FAILED && pager_serve(file, &object) == -EBUSY && !munmap(at, PAGE));
	pager = start_pager();
	file = open(path, O_RDWR);
	CHECK(pager_serve(file, &object) == -EBUSY);
	stop(pager);
	CHECK(pager_serve(file, &object) == 0);		/* the successor */
	supply.object = object;
	supply.address = (uint64_t)&word & ~(PAGE - 1);
	CHECK(pager_next(&supply) == -ENOENT);
	supply.object = 12345;
	CHECK(pager_next(&supply) == -ENOENT && supply.object == 12345);
}

/* What was brought is a copy; a bad address brings nothing and can be mended; an empty call hears again what is open. */
static void second_try(void)
{
	uint64_t object, first;
	int file = make();
	struct pager_supply supply = { 0 };
	uint64_t *words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t client, other;

	CHECK(pager_serve(file, &object) == 0);
	client = toucher(2, true);
	CHECK(pager_next(&supply) == 0 && supply.object == object && supply.offset == 2 * PAGE);
	supply.address = 16;
	CHECK(pager_next(&supply) == -EFAULT && supply.address == 16);
	supply = (struct pager_supply){ 0 };
	CHECK(pager_next(&supply) == 0 && supply.object == object && supply.offset == 2 * PAGE);
	supply.offset++;
	supply.address = (uint64_t)words;
	CHECK(pager_next(&supply) == -ENOENT);
	supply.offset--;
	words[0] = 42;
	other = toucher(3, true);
	CHECK(pager_next(&supply) == 0 && supply.offset == 3 * PAGE);
	words[0] = 43;
	CHECK(pread(file, &first, 8, 2 * PAGE) == 8 && first == 42);
	CHECK(status_of(client) == 0);
	stop(other);
}

int main(int count, char **arguments)
{
	static const struct test tests[] = {
		{ loads, "loads and stores bring pages, once each" }, { reads, "read and write do, too" },
		{ many_clients, "many clients of a page" }, { absent_page, "a page that the pager does not have" },
		{ waiting_client_can_be_killed, "who waits for a page can be killed" }, { dead_pager, "a pager that died" },
		{ end_by_exec, "a pager that executes another program" }, { crowd, "a crowd, and a pager that needs the disk" },
		{ own_client, "a pager that waits for itself" }, { refusals, "what is refused" }, { second_try, "second try" }, { 0 },
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	count = test_main(count, arguments, tests);
	unlink(path);
	return count;
}
