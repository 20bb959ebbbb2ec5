/*
 * /proc: the files that ps, vmmap and vmstat read, in Linux's formats, and the counters that tests rely on.
 */
#include "test.h"

static char *whole(const char *path)
{
	static char text[65536];

	text[get_bytes(path, text, sizeof(text) - 1)] = 0;
	return text;
}

/* The number behind a name at the beginning of a line; fails if there is none. */
static unsigned long value_of(const char *text, const char *name)
{
	for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, name, strlen(name)))
			return strtoul(line + strlen(name), NULL, 10);
	test_stop(TEST_FAILED, __LINE__, "no line %s", name);
}

static void meminfo(void)
{
	const char *text = whole("/proc/meminfo");
	unsigned long total = value_of(text, "MemTotal:"), available = value_of(text, "MemAvailable:"), unused = value_of(text, "MemFree:");

	CHECK(total > 8192 && unused < total && available <= total);
	CHECK(value_of(text, "Cached:") <= total);
	value_of(text, "Dirty:");
}

static void vmstat(void)
{
	static const char *const names[] = { "nr_free_pages ", "pgpgin ", "pgpgout ", "pgfault ", "pgmajfault " };
	const char *text = whole("/proc/vmstat");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		value_of(text, names[i]);
}

/* What each counter counts, counted: other processes are quiet meanwhile. */
static void counters_count(void)
{
	unsigned char *memory;
	long calls, faults, writes, copies, reads;
	pid_t pid;

	NEED_COUNTERS();
	memory = map_memory(64 * PAGE, MAP_PRIVATE);
	counter("quire_faults");		/* its own pages are there from now on */
	calls = counter("quire_routed_calls");
	for (int i = 0; i < 1000; i++)
		getppid();
	calls = counter("quire_routed_calls") - calls;
	CHECK(calls >= 1000 && calls < 1040);
	faults = counter("quire_faults");
	writes = counter("quire_write_faults");
	reads = counter("quire_read_faults");
	for (size_t page = 0; page < 32; page++)
		memory[page * PAGE] = 1;
	writes = counter("quire_write_faults") - writes;
	CHECK(writes >= 32 && writes < 40);
	CHECK(((volatile unsigned char *)memory)[40 * PAGE] == 0);
	reads = counter("quire_read_faults") - reads;
	CHECK(reads >= 1 && reads < 10);
	faults = counter("quire_faults") - faults;
	CHECK(faults >= 33 && faults < 50);
	copies = counter("quire_cow_faults");
	pid = fork_child();
	if (pid == 0) {
		for (size_t page = 0; page < 32; page++)
			memory[page * PAGE] = 2;
		_exit(0);
	}
	wait_success(pid);
	copies = counter("quire_cow_faults") - copies;
	CHECK(copies >= 32 && copies < 60);
	munmap(memory, 64 * PAGE);
}

static void process_stat(void)
{
	char path[64], *text, name[32], state;
	int pid, parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", getpid());
	text = whole(path);
	CHECK_EQUAL(sscanf(text, "%d (%31[^)]) %c %d", &pid, name, &state, &parent), 4);
	CHECK(pid == getpid() && parent == getppid() && !strncmp(name, "procfiles", 9));
	snprintf(path, sizeof(path), "/proc/%d/cmdline", getpid());
	text = whole(path);
	CHECK(strstr(text, "procfiles"));
}

static void mappings(void)
{
	char path[64], wanted[64], *text, *line;
	char *memory = map_memory(8 * PAGE, MAP_PRIVATE);

	memset(memory, 1, 3 * PAGE);
	CHECK(mprotect(memory + 6 * PAGE, 2 * PAGE, PROT_READ) == 0);
	snprintf(path, sizeof(path), "/proc/%d/smaps", getpid());
	text = whole(path);
	snprintf(wanted, sizeof(wanted), "%lx-%lx rw-p", (unsigned long)memory, (unsigned long)memory + 6 * PAGE);
	line = strstr(text, wanted);
	CHECK(line != NULL);
	CHECK_EQUAL(value_of(line, "Size:"), 24);
	snprintf(wanted, sizeof(wanted), "%lx-%lx r--p", (unsigned long)memory + 6 * PAGE, (unsigned long)memory + 8 * PAGE);
	CHECK(strstr(text, wanted) != NULL);
	munmap(memory, 8 * PAGE);
}

static void resident_and_dirty(void)
{
	int file = make_file("file", 8 * PAGE, 1);
	unsigned char *memory;
	char path[64], wanted[64], *line;

	NEED_COUNTERS();
	memory = map_file(file, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	CHECK(msync(memory, 8 * PAGE, MS_SYNC) == 0);
	memory[0] = memory[5 * PAGE] = 'd';
	snprintf(path, sizeof(path), "/proc/%d/smaps", getpid());
	snprintf(wanted, sizeof(wanted), "%lx-%lx rw-s", (unsigned long)memory, (unsigned long)memory + 8 * PAGE);
	line = strstr(whole(path), wanted);
	CHECK(line != NULL && strstr(line, "[stack]"));
	*strchr(line, '\n') = 0;
	CHECK(strstr(line, "/file"));
	line += strlen(line) + 1;
	CHECK(value_of(line, "Rss:") >= 8 && value_of(line, "Rss:") <= 32);
	CHECK_EQUAL(value_of(line, "Shared_Dirty:") + value_of(line, "Private_Dirty:"), 8);
	munmap(memory, 8 * PAGE);
	close(file);
}

/* All of a file is dirty, and a part of it is mapped: no more of the mapping is dirty than resident. */
static void dirty_but_not_mapped(void)
{
	int file = make_file("file", 64 * PAGE, 1);
	const volatile unsigned char *memory = map_file(file, 64 * PAGE, PROT_READ, MAP_SHARED, 0);
	char path[64], wanted[64], *line;

	NEED_COUNTERS();
	CHECK(memory[7 * PAGE] <= 255);
	snprintf(path, sizeof(path), "/proc/%d/smaps", getpid());
	snprintf(wanted, sizeof(wanted), "%lx-%lx r--s", (unsigned long)memory, (unsigned long)memory + 64 * PAGE);
	line = strstr(whole(path), wanted);
	CHECK(line != NULL);
	CHECK(value_of(line, "Rss:") >= 4 && value_of(line, "Rss:") < 64 * 4);
	CHECK(value_of(line, "Shared_Dirty:") <= value_of(line, "Rss:"));
	CHECK_EQUAL(value_of(line, "Shared_Clean:"), value_of(line, "Rss:") - value_of(line, "Shared_Dirty:"));
	munmap((void *)memory, 64 * PAGE);
	close(file);
}

/* Five thousand pages far from each other: the counting takes many steps, the sums are right. */
static void sparse_and_large(void)
{
	const size_t pages = 5000, step = 64 * PAGE, size = pages * step;
	char path[64], wanted[64], *line, *memory;

	NEED_COUNTERS();
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(memory != MAP_FAILED);
	for (size_t at = 0; at < size; at += step)
		memory[at] = 1;
	snprintf(path, sizeof(path), "/proc/%d/smaps", getpid());
	snprintf(wanted, sizeof(wanted), "%lx-%lx rw-p", (unsigned long)memory, (unsigned long)memory + size);
	line = strstr(whole(path), wanted);
	CHECK(line != NULL && strstr(line, "[stack]"));
	CHECK_EQUAL(value_of(line, "Rss:"), pages * 4);
	CHECK_EQUAL(value_of(line, "Private_Dirty:"), pages * 4);
	snprintf(path, sizeof(path), "/proc/%d/status", getpid());
	line = whole(path);
	CHECK(value_of(line, "VmSize:") > size / 1024 && value_of(line, "VmRSS:") > pages * 4 && value_of(line, "VmRSS:") < pages * 4 + 8192);
	munmap(memory, size);
}

/* Three hundred mappings between gaps, read whole, in small pieces and from the middle on: always the same text. */
static void many_mappings_in_pieces(void)
{
	static char all[65536], parts[65536];
	size_t length, done = 0, middle;
	char path[64], wanted[64], *memory = map_memory(600 * PAGE, MAP_PRIVATE);
	ssize_t got;
	int file;

	for (size_t i = 0; i < 600; i += 2)
		CHECK(munmap(memory + i * PAGE, PAGE) == 0);
	snprintf(path, sizeof(path), "/proc/%d/maps", getpid());
	length = get_bytes(path, all, sizeof(all) - 1);
	for (size_t i = 1; i < 600; i += 2) {
		snprintf(wanted, sizeof(wanted), "%lx-%lx rw-p", (unsigned long)memory + i * PAGE, (unsigned long)memory + (i + 1) * PAGE);
		CHECK(strstr(all, wanted));
	}
	file = open(path, O_RDONLY);
	while ((got = read(file, parts + done, 1000)) > 0)
		done += got;
	CHECK(got == 0 && done == length && !memcmp(all, parts, length));
	middle = length / 2;
	CHECK_EQUAL(pread(file, parts, 500, middle), 500);
	CHECK(!memcmp(all + middle, parts, 500));
	CHECK_EQUAL(pread(file, parts, 500, 100), 500);
	CHECK(!memcmp(all + 100, parts, 500));
	close(file);
	munmap(memory, 600 * PAGE);
}

static void a_process_leaves(void)
{
	char path[64];
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(0);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	CHECK(access(path, F_OK) == 0);		/* a zombie is still there */
	wait_success(pid);
	CHECK_ERROR(open(path, O_RDONLY), ENOENT);
}

static void listing(void)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	CHECK(directory != NULL);
	while ((entry = readdir(directory)))
		found |= atoi(entry->d_name) == getpid();
	closedir(directory);
	CHECK(found);
	CHECK_ERROR(open("/proc/meminfo", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_ERROR(mkdir("/proc/new", 0755), ENOENT);
}

/* Memory comes back: after children have come, mapped, dirtied and gone, as much is free as before. */
static void nothing_leaks(void)
{
	long before = 0, after;

	NEED_COUNTERS();
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 10; i++) {
			pid_t pid = fork_child();

			if (pid == 0) {
				memset(map_memory(50 * PAGE, MAP_PRIVATE), 1, 50 * PAGE);
				memset(map_memory(50 * PAGE, MAP_SHARED), 1, 50 * PAGE);
				fork_child();
				_exit(0);
			}
			wait_success(pid);
		}
		usleep(50000);		/* grandchildren that init collects */
		drop_caches();
		after = counter("nr_free_pages");
		if (round)
			CHECK(labs(after - before) <= 4);
		before = after;
	}
}

static const struct test tests[] = {
	{ meminfo, "meminfo" },
	{ vmstat, "vmstat" },
	{ counters_count, "counters_count" },
	{ process_stat, "process_stat" },
	{ mappings, "mappings" },
	{ resident_and_dirty, "resident_and_dirty" },
	{ dirty_but_not_mapped, "dirty_but_not_mapped" },
	{ sparse_and_large, "sparse_and_large" },
	{ many_mappings_in_pieces, "many_mappings_in_pieces" },
	{ a_process_leaves, "a_process_leaves" },
	{ listing, "listing" },
	{ nothing_leaks, "nothing_leaks" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
