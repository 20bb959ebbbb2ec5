/*
 * Random steps against a shadow copy: randomsteps [-v] [SEED [STEPS]]. An arena of pages is mapped, unmapped, protected,
 * stored to and forked, while the files behind it are written, read and truncated; a plain model knows every byte.
 *
 *	objects[]  what a page's content comes from: three files and a few shared anonymous areas, with a shadow of each
 *	pages[]    for each page of the arena: object and page in it, rights, shared or private, own copy or not
 *
 * A child makes steps of its own; the parent then repeats them in the model only and keeps what was shared. Stores past
 * the end of a file (in its last page) are left out, because their fate is not defined. -v shows every step.
 */
#include "test.h"

enum { ARENA_PAGES = 96, FILES = 3, OBJECTS = FILES + 4, OBJECT_PAGES = 40, SPAN_MAX = 9000, CHILD_STEPS = 24 };
enum { UNMAPPED = -1, ZEROES = -2 };	/* instead of an object */

static struct object {
	int descriptor;
	size_t length, offset;			/* offset: of the descriptor */
	unsigned char bytes[OBJECT_PAGES * PAGE];	/* zero behind length */
} objects[OBJECTS];

static struct page {
	int object, number, rights;
	bool shared, copied;			/* copied: copies[] holds its content */
} pages[ARENA_PAGES];

static unsigned char copies[ARENA_PAGES][PAGE];
static unsigned char *arena;
static bool real = true;			/* false: change the model only */
static bool counters;				/* drop_caches works here */
static uint64_t random_state;
static char step_name[100];
static long step_number;
static bool show_steps;

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dUL >> 11;
}

static size_t below(size_t limit)
{
	return limit ? random_word() % limit : 0;
}

static void step(const char *what, long a, long b, long c)
{
	snprintf(step_name, sizeof(step_name), "step %ld, %s(%ld, %ld, %ld)", step_number, what, a, b, c);
	test_name = step_name;
	if (show_steps && real)
		printf("%s%s\n", getpid() == test_pid ? "" : "  ", step_name);
}

/* --- the model --- */

static bool within_object(const struct page *page)
{
	return page->object < 0 || (size_t)page->number * PAGE < objects[page->object].length;
}

static bool accessible(const struct page *page, int rights)
{
	return page->object != UNMAPPED && (page->rights & rights) == rights && within_object(page);
}

static const unsigned char *content(size_t number)
{
	static const unsigned char zeroes[PAGE];
	const struct page *page = &pages[number];

	if (page->copied)
		return copies[number];
	return page->object == ZEROES ? zeroes : objects[page->object].bytes + (size_t)page->number * PAGE;
}

/* Where a store to this page goes in the model. */
static unsigned char *content_to_change(size_t number)
{
	struct page *page = &pages[number];

	if (page->shared)
		return objects[page->object].bytes + (size_t)page->number * PAGE;
	if (!page->copied) {
		memcpy(copies[number], content(number), PAGE);
		page->copied = true;
	}
	return copies[number];
}

/* Bytes from here that are accessible, and for a store to shared file pages not behind the end of the file. */
static size_t accessible_bytes(size_t start, size_t wanted, int rights)
{
	size_t done = 0;

	while (done < wanted && (start + done) / PAGE < ARENA_PAGES) {
		const struct page *page = &pages[(start + done) / PAGE];
		size_t offset = (start + done) % PAGE, part = PAGE - offset;

		if (!accessible(page, rights))
			break;
		if ((rights & PROT_WRITE) && page->shared) {
			size_t left = objects[page->object].length - (size_t)page->number * PAGE;

			if (offset >= left)
				break;
			if (left < PAGE)
				part = left - offset;
			done += part;
			if (left < PAGE)
				break;
			continue;
		}
		done += part;
	}
	return done < wanted ? done : wanted;
}

static void model_load(unsigned char *to, size_t start, size_t bytes)
{
	while (bytes) {
		size_t part = PAGE - start % PAGE < bytes ? PAGE - start % PAGE : bytes;

		memcpy(to, content(start / PAGE) + start % PAGE, part);
		to += part;
		start += part;
		bytes -= part;
	}
}

static void model_store(const unsigned char *from, size_t start, size_t bytes)
{
	while (bytes) {
		size_t part = PAGE - start % PAGE < bytes ? PAGE - start % PAGE : bytes;

		memcpy(content_to_change(start / PAGE) + start % PAGE, from, part);
		from += part;
		start += part;
		bytes -= part;
	}
}

static void model_write(struct object *object, size_t offset, const unsigned char *from, size_t bytes)
{
	memcpy(object->bytes + offset, from, bytes);
	if (bytes && offset + bytes > object->length)
		object->length = offset + bytes;
}

/* Does the span show the object? Copying an object onto itself has no defined order. */
static bool span_shows(size_t start, size_t bytes, int object)
{
	for (size_t number = start / PAGE; number * PAGE < start + bytes; number++)
		if (pages[number].object == object)
			return true;
	return false;
}

static bool all_mapped(size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		if (pages[i].object == UNMAPPED)
			return false;
	return true;
}

/* --- steps that change mappings --- */

static void random_range(size_t *first, size_t *count)
{
	*first = below(ARENA_PAGES);
	*count = 1 + below(12);
	if (*first + *count > ARENA_PAGES)
		*count = ARENA_PAGES - *first;
}

static int random_rights(void)
{
	static const int choices[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };

	return choices[below(5)];
}

static void forget_page(size_t number)
{
	pages[number] = (struct page){ .object = UNMAPPED };
}

static int free_area(void)
{
	for (int object = FILES; object < OBJECTS; object++) {
		bool used = false;

		for (size_t i = 0; i < ARENA_PAGES; i++)
			used |= pages[i].object == object;
		if (!used)
			return object;
	}
	return ZEROES;
}

static void step_map(void)
{
	int kind = (int)below(4), rights = random_rights(), object, flags = MAP_FIXED;
	size_t first, count, offset = 0;
	bool shared;

	random_range(&first, &count);
	object = kind == 0 ? ZEROES : kind == 1 ? free_area() : (int)below(FILES);
	shared = kind == 1 ? object != ZEROES : kind != 0 && below(3);
	if (object >= 0 && object < FILES)
		offset = below(OBJECT_PAGES - 12);
	else
		flags |= MAP_ANONYMOUS;
	step("map", (long)first, (long)count, object * 1000 + (long)offset);
	CHECK(mmap(arena + first * PAGE, count * PAGE, rights, flags | (shared ? MAP_SHARED : MAP_PRIVATE),
		   object >= 0 && object < FILES ? objects[object].descriptor : -1, (off_t)(offset * PAGE)) == arena + first * PAGE);
	if (object >= FILES) {
		memset(objects[object].bytes, 0, sizeof(objects[object].bytes));
		objects[object].length = count * PAGE;
	}
	for (size_t i = 0; i < count; i++)
		pages[first + i] = (struct page){ .object = object, .number = (int)(offset + i), .rights = rights, .shared = shared };
}

static void step_unmap(void)
{
	size_t first, count;

	random_range(&first, &count);
	step("unmap", (long)first, (long)count, 0);
	CHECK(munmap(arena + first * PAGE, count * PAGE) == 0);
	for (size_t i = 0; i < count; i++)
		forget_page(first + i);
}

static void step_protect(void)
{
	int rights = random_rights();
	size_t first, count;

	random_range(&first, &count);
	if (!all_mapped(first, count))
		return;
	step("protect", (long)first, (long)count, rights);
	CHECK(mprotect(arena + first * PAGE, count * PAGE, rights) == 0);
	for (size_t i = 0; i < count; i++)
		pages[first + i].rights = rights;
}

static void step_sync(void)
{
	size_t first, count;

	random_range(&first, &count);
	if (!all_mapped(first, count))
		return;
	step("msync", (long)first, (long)count, 0);
	CHECK(msync(arena + first * PAGE, count * PAGE, below(2) ? MS_SYNC : MS_ASYNC) == 0);
}

static void step_forget(void)
{
	size_t first, count;

	random_range(&first, &count);
	if (!all_mapped(first, count))
		return;
	step("dontneed", (long)first, (long)count, 0);
	CHECK(madvise(arena + first * PAGE, count * PAGE, MADV_DONTNEED) == 0);
	for (size_t i = 0; i < count; i++)
		pages[first + i].copied = false;
}

/* --- steps that move bytes; a child makes these, too --- */

static unsigned char span[SPAN_MAX], other_span[SPAN_MAX];

static void random_bytes(size_t bytes)
{
	uint64_t seed = random_word();

	for (size_t i = 0; i < bytes; i++)
		span[i] = (unsigned char)(seed + i * 3 + i / 256);
}

static void step_store(void)
{
	size_t start = below(ARENA_PAGES * PAGE), bytes = accessible_bytes(start, 1 + below(SPAN_MAX - 1), PROT_READ | PROT_WRITE);

	if (!bytes)
		return;
	step("store", (long)(start / PAGE), (long)(start % PAGE), (long)bytes);
	random_bytes(bytes);
	if (real)
		memcpy(arena + start, span, bytes);
	model_store(span, start, bytes);
}

static void step_load(void)
{
	size_t start = below(ARENA_PAGES * PAGE), bytes = accessible_bytes(start, 1 + below(SPAN_MAX - 1), PROT_READ);

	if (!bytes || !real)
		return;
	step("load", (long)(start / PAGE), (long)(start % PAGE), (long)bytes);
	model_load(span, start, bytes);
	CHECK(!memcmp(arena + start, span, bytes));
}

/* A file's bytes out of a buffer, or straight out of the arena. */
static void step_write(void)
{
	struct object *object = &objects[below(FILES)];
	bool at_offset = below(2);
	size_t offset = at_offset ? below((OBJECT_PAGES - 4) * PAGE) : object->offset, bytes = 1 + below(SPAN_MAX - 1);
	size_t start = below(ARENA_PAGES * PAGE), from_arena = accessible_bytes(start, bytes, PROT_READ);
	const unsigned char *source = span;

	if (!at_offset && offset > (OBJECT_PAGES - 4) * PAGE)
		return;
	if (from_arena && below(2) && !span_shows(start, from_arena, (int)(object - objects))) {
		bytes = from_arena;
		model_load(span, start, bytes);
		source = arena + start;
	} else {
		random_bytes(bytes);
	}
	step(at_offset ? "pwrite" : "write", object - objects, (long)offset, (long)bytes);
	if (real)
		CHECK_EQUAL(at_offset ? pwrite(object->descriptor, source, bytes, (off_t)offset) : write(object->descriptor, source, bytes), bytes);
	model_write(object, offset, span, bytes);
	if (!at_offset)
		object->offset += bytes;
}

/* Into a buffer, or straight into the arena. */
static void step_read(void)
{
	struct object *object = &objects[below(FILES)];
	bool at_offset = below(2);
	size_t offset = at_offset ? below(OBJECT_PAGES * PAGE) : object->offset, bytes = 1 + below(SPAN_MAX - 1);
	size_t start = below(ARENA_PAGES * PAGE), into_arena = accessible_bytes(start, bytes, PROT_READ | PROT_WRITE), wanted;
	bool to_arena = into_arena && below(2) && !span_shows(start, into_arena, (int)(object - objects));

	if (to_arena)
		bytes = into_arena;
	wanted = offset >= object->length ? 0 : object->length - offset < bytes ? object->length - offset : bytes;
	step(at_offset ? "pread" : "read", object - objects, (long)offset, (long)bytes);
	if (real) {
		unsigned char *to = to_arena ? arena + start : other_span;

		CHECK_EQUAL(at_offset ? pread(object->descriptor, to, bytes, (off_t)offset) : read(object->descriptor, to, bytes), wanted);
		CHECK(!memcmp(to, object->bytes + offset, wanted));
	}
	if (to_arena)
		model_store(object->bytes + offset, start, wanted);
	if (!at_offset)
		object->offset += wanted;
}

static void step_seek(void)
{
	struct object *object = &objects[below(FILES)];

	object->offset = below(object->length + PAGE);
	if (object->offset > (OBJECT_PAGES - 4) * PAGE)
		object->offset = 0;
	step("lseek", object - objects, (long)object->offset, 0);
	if (real)
		CHECK_EQUAL(lseek(object->descriptor, (off_t)object->offset, SEEK_SET), object->offset);
}

static void step_truncate(void)
{
	size_t number = below(FILES), length = below(3) ? below(OBJECT_PAGES * PAGE) : below(OBJECT_PAGES) * PAGE;
	struct object *object = &objects[number];

	step("ftruncate", (long)number, (long)length, (long)object->length);
	CHECK(ftruncate(object->descriptor, (off_t)length) == 0);
	if (length < object->length)
		memset(object->bytes + length, 0, object->length - length);
	object->length = length;
	for (size_t i = 0; i < ARENA_PAGES; i++)
		if (pages[i].object == (int)number && !within_object(&pages[i]))
			pages[i].copied = false;
}

/* Rarely: everything to the disk, clean pages forgotten, the file opened anew. */
static void step_reopen(void)
{
	size_t number = below(FILES);
	char name[2] = { (char)('a' + number) };

	step("reopen", (long)number, 0, 0);
	if (counters)
		drop_caches();
	CHECK(close(objects[number].descriptor) == 0);
	objects[number].descriptor = open(name, O_RDWR);
	CHECK(objects[number].descriptor >= 0);
	objects[number].offset = 0;
}

static void verify(void)
{
	for (size_t i = 0; i < ARENA_PAGES; i++) {
		if (!accessible(&pages[i], PROT_READ))
			continue;
		if (memcmp(arena + i * PAGE, content(i), PAGE))
			test_stop(TEST_FAILED, __LINE__, "page %zu of the arena has wrong bytes", i);
	}
	for (size_t number = 0; number < FILES; number++) {
		static unsigned char have[OBJECT_PAGES * PAGE + 1];
		struct object *object = &objects[number];

		CHECK_EQUAL(pread(object->descriptor, have, sizeof(have), 0), object->length);
		if (memcmp(have, object->bytes, object->length))
			test_stop(TEST_FAILED, __LINE__, "file %zu has wrong bytes", number);
	}
}

/* --- steps with a second process --- */

static void move_bytes(void)
{
	static void (*const moves[])(void) = { step_store, step_store, step_load, step_write, step_read, step_seek };

	moves[below(6)]();
}

/* The child's steps once more, in the model; what was private to the child is undone. */
static void replay_child(uint64_t state)
{
	static struct page pages_before[ARENA_PAGES];
	static unsigned char copies_before[ARENA_PAGES][PAGE];
	uint64_t own_state = random_state;

	memcpy(pages_before, pages, sizeof(pages));
	memcpy(copies_before, copies, sizeof(copies));
	random_state = state;
	real = false;
	for (int i = 0; i < CHILD_STEPS; i++)
		move_bytes();
	real = true;
	random_state = own_state;
	memcpy(pages, pages_before, sizeof(pages));
	memcpy(copies, copies_before, sizeof(copies));
}

/* A child that ends by itself, without unmapping anything, or that is killed in the midst of life. */
static void step_fork(void)
{
	bool killed = below(2);
	uint64_t state = random_word() | 1;
	int ends[2], status;
	pid_t pid;
	char byte;

	step("fork", killed, 0, 0);
	CHECK(pipe(ends) == 0);
	pid = fork_child();
	if (pid == 0) {
		random_state = state;
		for (int i = 0; i < CHILD_STEPS; i++)
			move_bytes();
		verify();
		if (killed && write(ends[1], "", 1) == 1)
			sleep(1000);
		_exit(0);
	}
	close(ends[1]);
	if (killed) {
		if (read(ends[0], &byte, 1) == 1)
			kill(pid, SIGKILL);
		status = wait_status(pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	} else {
		wait_success(pid);
	}
	close(ends[0]);
	replay_child(state);
}

static void step_bad_touch(void)
{
	size_t number = below(ARENA_PAGES);
	const struct page *page = &pages[number];
	bool store = below(2);
	int wanted = 0;

	if (page->object == UNMAPPED || (page->rights & (store ? PROT_WRITE : PROT_READ)) == 0)
		wanted = SIGSEGV;
	else if (!within_object(page))
		wanted = SIGBUS;
	if (!wanted)
		return;
	step("bad touch", (long)number, store, 0);
	CHECK_EQUAL(touch_signal((uintptr_t)(arena + number * PAGE + below(PAGE)), store ? TOUCH_WRITE : TOUCH_READ), wanted);
}

/* --- the run --- */

static const struct {
	void (*run)(void);
	unsigned int weight;
} steps[] = {
	{ step_map, 12 }, { step_unmap, 5 }, { step_protect, 6 }, { step_sync, 2 }, { step_forget, 2 }, { step_store, 24 }, { step_load, 16 },
	{ step_write, 10 }, { step_read, 10 }, { step_seek, 4 }, { step_truncate, 4 }, { step_fork, 2 }, { step_bad_touch, 2 }, { step_reopen, 1 },
};

static void random_step(void)
{
	size_t choice = below(100), i = 0;

	while (choice >= steps[i].weight)
		choice -= steps[i++].weight;
	steps[i].run();
}

static void begin(void)
{
	counters = on_quire();
	for (int i = 0; i < FILES; i++) {
		char name[2] = { (char)('a' + i) };

		objects[i].descriptor = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
		CHECK(objects[i].descriptor >= 0);
	}
	arena = mmap(NULL, ARENA_PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(arena != MAP_FAILED);
	for (size_t i = 0; i < ARENA_PAGES; i++)
		pages[i].object = ZEROES;
}

/* After everything is unmapped and closed, the files hold what the model says. */
static void finish(void)
{
	static unsigned char have[OBJECT_PAGES * PAGE + 1];

	verify();
	CHECK(munmap(arena, ARENA_PAGES * PAGE) == 0);
	for (int i = 0; i < FILES; i++)
		CHECK(close(objects[i].descriptor) == 0);
	if (counters)
		drop_caches();
	for (int i = 0; i < FILES; i++) {
		char name[2] = { (char)('a' + i) };

		step("last look", i, 0, 0);
		CHECK_EQUAL(get_bytes(name, have, sizeof(have)), objects[i].length);
		CHECK(!memcmp(have, objects[i].bytes, objects[i].length));
	}
}

int main(int count, char **arguments)
{
	int first = count > 1 && !strcmp(arguments[1], "-v") ? 2 : 1, failed;
	uint64_t seed = count > first ? strtoul(arguments[first], NULL, 0) : 1;
	long total = count > first + 1 ? atol(arguments[first + 1]) : 2000;

	show_steps = first == 2;
	random_state = seed * 0x9e3779b97f4a7c15UL | 1;
	test_begin(arguments[0]);
	failed = setjmp(test_end);
	if (!failed) {
		begin();
		for (step_number = 1; step_number <= total; step_number++) {
			random_step();
			if (step_number % 64 == 0)
				verify();
		}
		finish();
	}
	test_empty_directory(test_directory);
	printf("seed %lu, %ld steps: ", (unsigned long)seed, failed ? step_number : total);
	return test_finish(!failed, failed != 0, 0);
}
