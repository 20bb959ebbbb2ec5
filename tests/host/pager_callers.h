/*
 * Who calls the pager in pager_server.c: threads that fault, map, fork, exec and exit at random, by way of fs and proc or not, with sense and without.
 */
#ifndef PAGER_CALLERS_H
#define PAGER_CALLERS_H

#define SEEDS 18
#define FILES 8
#define FILE_ELF 6
#define FILE_SCRIPT 7
#define AREA 0x10000000UL	/* where programs map */
#define AREA_PAGES 300

static uint64_t pids = 1;
static uint8_t process_used[64];
static uint64_t file_serial[FILES];
static uint64_t file_length[FILES];

static uint64_t object_number(unsigned file)
{
	return file_serial[file] << 32 | (file + 1);
}

/* Uses that fs has announced and the pager has not given back, by file. A use that the pager never counts keeps a file for ever. */
static long announced[FILES];

static void announce(uint64_t object, long uses)
{
	for (unsigned file = 0; file < FILES; file++)
		if (object == object_number(file))
			announced[file] += uses;
}

static uint64_t new_identity(void)
{
	unsigned slot = 1 + rand() % 63;

	if (process_used[slot])
		return 0;
	process_used[slot] = 1;
	return IDENTITY(slot, ++pids);
}

static uint64_t some_address(void)
{
	switch (rand() % 12) {
	case 0: return rand() % 2 ? 0x10000 + rand() % 0x3000 : CORE_USER_END - rand() % 100000;
	case 1: return (uint64_t)rand() << 20 | rand();
	case 2: return STACK_TOP - rand() % (rand() % 2 ? 20000 : 9 << 20);
	default: return AREA + rand() % AREA_PAGES * PAGE_BYTES + (rand() % 4 ? 0 : rand() % PAGE_BYTES);
	}
}

static uint64_t some_length(void)
{
	return rand() % 20 == 0 ? (uint64_t)rand() << (rand() % 32) : rand() % (rand() % 4 ? 20 : 400) * PAGE_BYTES + (rand() % 2 ? 0 : rand() % PAGE_BYTES);
}

static void garbage(uint64_t *word)
{
	for (int i = 0; i < 6; i++)
		word[i] = rand() % 3 ? some_length() : rand() % 2 ? some_address() : (uint64_t)rand() << 33 ^ (uint64_t)rand() << 10;
}

static void deliver(struct message *message, struct thread *thread, uint64_t badge, uint64_t label)
{
	message->label = label;
	message->badge = badge;
	message->identity = thread->identity;
	thread->place = AT_PAGER;
	thread->label = label;
	thread->fault = label == LABEL_FAULT;
	memcpy(thread->word, message->word, sizeof(thread->word));
	message->token = new_token(thread);
}

static struct thread *pick(enum whereabouts place)
{
	int start = rand() % OBJECT_PAGES;

	for (int i = 0; i < OBJECT_PAGES; i++)
		if (threads[(start + i) % OBJECT_PAGES].place == place)
			return &threads[(start + i) % OBJECT_PAGES];
	return NULL;
}

static bool touch(struct message *message, struct thread *thread)
{
	unsigned access = rand() % 3 ? ACCESS_READ : rand() % 5 ? ACCESS_WRITE : ACCESS_EXECUTE;
	uint64_t address = some_address() % CORE_USER_END;
	struct entry *entry;

	if (thread->space < 0 || kind_of[thread->space] != KIND_SPACE)
		DIE("thread %ld runs in no space", (long)(thread - threads));
	entry = entry_of(thread->space, address / PAGE_BYTES);
	if (entry && entry->rights & access) {
		entry->a = 1;
		entry->d |= access == ACCESS_WRITE;
		if (access == ACCESS_WRITE)
			ram[entry->frame - RAM_PHYSICAL + address % PAGE_BYTES] = rand();
		return false;
	}
	message->word[0] = address;
	message->word[1] = access | (rand() % 10 ? 0 : ACCESS_COPY);
	message->word[2] = 0x10000;
	thread->lied = false;
	deliver(message, thread, thread->fault_badge, LABEL_FAULT);
	return true;
}

static void linux_call(struct message *message, struct thread *thread)
{
	static const uint64_t labels[] = { LINUX_mmap, LINUX_mmap, LINUX_mmap, LINUX_munmap, LINUX_brk, LINUX_mprotect, LINUX_msync, LINUX_madvise, LINUX_madvise };
	uint64_t label = labels[rand() % (sizeof(labels) / sizeof(labels[0]))], *word = message->word;

	garbage(word);
	word[0] = some_address() & -(uint64_t)(rand() % 8 ? PAGE_BYTES : 1);
	word[1] = some_length();
	word[2] = rand() % 8;
	if (label == LINUX_mmap) {
		word[3] = (rand() % 2 ? 1 : 2) | (rand() % 2 ? 0x20 : 0) | (rand() % 4 ? 0x10 : 0) | (rand() % 50 ? 0 : rand());
		word[4] = rand() % 8;
		word[5] = rand() % 40 * PAGE_BYTES;
	} else if (label == LINUX_brk) {
		word[0] = rand() % 3 ? 0x20000 + rand() % 0x100000 : 0;
	} else if (label == LINUX_madvise) {
		word[2] = rand() % 3 ? 4 : rand() % 24;
	} else if (label == LINUX_msync) {
		word[2] = rand() % 3 ? 4 : rand() % 8;
	}
	if (rand() % 30 == 0)
		garbage(word);
	deliver(message, thread, BADGE_CLIENT, rand() % 40 ? label : rand() % 600);
}

/* How many ends proc has heard of. */
static uint64_t heard;

static void exit_of(struct message *message, struct thread *thread)
{
	thread->dying = true;
	message->word[0] = 0;
	message->word[1] = told = heard;
	deliver(message, thread, BADGE_PROC, PAGER_exit);
}

/* Now and then an exec finds no memory at all. It is there again for the next message. */
static struct { struct frame *frame[RAM_PAGES]; void *record[RAM_PAGES]; unsigned frames, records; } taken;
static unsigned execs_failed;

static void take_memory(void)
{
	if (rand() % 20 || ending)
		return;
	while (taken.frames < RAM_PAGES && (taken.frame[taken.frames] = frame_take(FRAME_OWN)))
		taken.frames++;
	while (taken.records < RAM_PAGES && (taken.record[taken.records] = slab_take(sizeof(struct object))))
		taken.records++;
}

static void give_memory(void)
{
	while (taken.records)
		slab_free(taken.record[--taken.records], sizeof(struct object));
	while (taken.frames)
		frame_free(taken.frame[--taken.frames]);
}

/* A call that comes by way of fs or proc. */
static void through_server(struct message *message, struct thread *thread)
{
	uint64_t *word = message->word, file = rand() % FILES, identity;

	garbage(word);
	switch (rand() % 12 * !ending) {
	case 0:
		if (!ending && rand() % 8)
			break;
		exit_of(message, thread);
		return;
	case 1: case 2: case 3:
		word[0] = identity = rand() % 30 ? new_identity() : thread->identity;
		word[1] = rand() % 4 == 0;
		word[2] = told = heard;
		if (identity) {
			deliver(message, thread, BADGE_PROC, PAGER_fork);
			return;
		}
		/* fall through */
	case 4: case 5: case 6:
		word[0] = rand() % 20;
		word[1] = some_address();
		word[2] = rand() % 4 ? rand() % 20000 : some_length();
		word[3] = rand() % 200000;
		word[4] = rand() % 4 ? rand() % 2 : rand() % 8;		/* TRANSFER_* */
		deliver(message, thread, BADGE_FS, rand() % 2 ? PAGER_read : PAGER_write);
		return;
	case 7:
		word[0] = rand() % 20;
		word[1] = rand() % 100000;
		word[2] = rand() % 6;
		deliver(message, thread, BADGE_FS, PAGER_seek);
		return;
	case 8:
		word[0] = object_number(file);
		word[1] = rand() % 4 ? rand() % 200000 : 0;
		deliver(message, thread, BADGE_FS, PAGER_truncate);
		return;
	case 9:
		word[0] = rand() % 3 ? object_number(file) : 0;
		deliver(message, thread, BADGE_FS, PAGER_sync);
		return;
	case 10:
		file = rand() % 3 ? FILE_ELF : rand() % 2 ? FILE_SCRIPT : file;
		word[0] = object_number(file);
		word[1] = file_length[file];
		word[2] = some_address();
		word[3] = rand() % 2 ? 0 : some_address();
		word[4] = rand() % 2 ? 0 : some_address();
		word[5] = rand() % 10 == 0;
		announce(word[0], 1);
		take_memory();
		deliver(message, thread, BADGE_FS, PAGER_exec);
		return;
	}
	if (thread->place == RUNNING) {
		word[1] %= 4096;
		deliver(message, thread, BADGE_FS, rand() % 8 ? PAGER_drop_caches : PAGER_commit + rand() % 48);
	}
}

static bool lie(struct message *message, struct thread *thread)
{
	garbage(message->word);
	thread->lied = true;
	deliver(message, thread, rand() % 2 ? BADGE_CLIENT : BADGE_FAULT + (uint64_t)(rand() % 70000), rand() % 2 ? LABEL_FAULT : 0x1000 + rand() % 0x30);
	if (rand() % 2)
		message->identity ^= 1UL << (rand() % 64);
	return true;
}

#endif
