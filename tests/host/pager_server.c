/*
 * Host test of the whole pager server, core included, on a small model of the kernel: threads that fault, map, fork, exec and exit
 * at random; an fs and a proc that are mostly honest and now and then lie; a ring that answers late, out of order and wrongly. The
 * model checks what the kernel would check. At the end everybody exits and every object page and frame must be free again, and the pager has seen
 * each use of a file that fs has announced, or said that it has not.
 *
 * pager_server [seed [steps]]; PAGER_LOG=1 shows the pager's log and what happened
 */
/* sources: servers/pager/calls.c servers/pager/elf.c servers/pager/exec.c servers/pager/files.c servers/pager/gather.c servers/pager/image.c */
/* sources: servers/pager/park.c servers/pager/processes.c servers/pager/reply.c servers/pager/report.c servers/pager/requests.c servers/pager/served.c */
/* sources: servers/pager/spaces.c servers/pager/stack.c servers/pager/straight.c servers/pager/table.c servers/pager/core/ libsys/ring.c libsys/argument.c */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* read_time is RISC-V assembly: here `__asm__ volatile(...)` becomes a counter. */
static unsigned long fake_ticks;
#define __asm__
#define volatile(...) ticks = ++fake_ticks
#include "server.h"
#undef volatile
#undef __asm__

#include "memory.h"
#define RAM_PHYSICAL 0x80400000UL
#define RAM_PAGES 6000UL
static char *ram;
#undef WINDOW
#define WINDOW ((uint64_t)ram - RAM_PHYSICAL)
#include "../../servers/pager/memory.c"
#include "../../servers/pager/main.c"

#include "core/internal.h"
#include "fs.h"
#include <linux/elf.h>

#define rand() ((unsigned long)rand())
#define DIE(...) (printf("seed %u step %lu: ", seed, step), printf(__VA_ARGS__), putchar('\n'), fflush(stdout), abort())

static unsigned seed;
static unsigned long step, steps, accepted[8];
static bool ending;
static jmp_buf finish;

#include "pager_kernel.h"

/* ---- the world that sends messages */
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

/* What fs says to a caller that the pager has handed on. */
static struct ring *test_ring;
static unsigned passed_on;	/* syncs whose writes were left to fs */
static unsigned long quiet;	/* receives with a ring that is quiet */

/* All that was asked before the forward, nothing that is asked after it. */
static void check_forward(uint64_t label, const uint64_t *word)
{
	uint64_t writes = label == FS_msync ? word[3] : label == FS_synced ? word[5] : 0;

	if (writes && FS_WRITES_ASKED(writes) != test_ring->request_head)
		DIE("writes asked: %lx, head %x", (long)writes, test_ring->request_head);
	passed_on += writes != 0;
}

static bool fs_step(struct message *message, struct thread *thread)
{
	uint64_t *word = message->word, file = rand() % FILES;

	memcpy(word, thread->word, sizeof(message->word));
	switch (thread->label) {
	case FS_mmap:
		word[2] = thread->word[2] | thread->word[3] << 32;
		word[4] = word[5];
		word[3] = object_number(file);
		word[5] = rand() % 3 ? 7 : 5;
		if ((thread->word[2] & 2) && (thread->word[3] & 1) && !(word[5] & 2))
			break;
		deliver(message, thread, BADGE_FS, PAGER_mmap);
		return true;
	case FS_script:
		word[0] = object_number(rand() % 4 ? FILE_ELF : FILE_SCRIPT);
		word[1] = file_length[FILE_ELF];
		word[2] = thread->word[1];
		word[3] = thread->word[2];
		word[4] = thread->word[3];
		word[5] = 1;
		if (rand() % 8 == 0)
			break;
		announce(word[0], 1);
		take_memory();
		deliver(message, thread, BADGE_FS, PAGER_exec);
		return true;
	case FS_exec_failed:
		announce(word[0], -1);
		execs_failed++;
		break;
	case FS_truncated: case FS_synced: case FS_msync:
		break;
	default:
		DIE("fs cannot know label %lx", (long)thread->label);
	}
	thread->place = RUNNING;
	return false;
}

static bool server_call(struct message *message, uint64_t badge, uint64_t label)
{
	message->label = label;
	message->badge = badge;
	message->identity = 0;
	message->token = SERVER_TOKEN;
	server_waits = true;
	return true;
}

/* proc hears of them in their order. */
static struct thread *exited_next(void)
{
	for (int i = 0; i < OBJECT_PAGES; i++)
		if (threads[i].place == AT_PROC && threads[i].exit_number == heard + 1)
			return &threads[i];
	DIE("exit %lu is not on its way to proc", (long)heard + 1);
}

static bool proc_step(struct message *message, struct thread *thread)
{
	memset(message->word, 0, sizeof(message->word));
	switch (thread->label) {
	case PROC_forked:
		if (thread->word[1] && thread->word[0] != thread->identity)
			process_used[IDENTITY_SLOT(thread->word[0])] = 0;
		thread->place = RUNNING;
		return false;
	case PROC_exec:
		if (rand() % 5) {
			deliver(message, thread, BADGE_PROC, PAGER_commit);
			accepted[5]++;
			return true;
		}
		thread->place = RUNNING;
		message->word[0] = thread - threads;
		return server_call(message, BADGE_PROC, PAGER_abort);
	case PROC_bad_access:
		if (rand() % 16 && !ending) {	/* a handler, or ignored */
			thread->place = RUNNING;
			return false;
		}
		exit_of(message, thread);
		return true;
	case PROC_exited:
		thread = exited_next();
		process_used[IDENTITY_SLOT(thread->identity)] = 0;
		thread->place = ENDED;
		thread->dying = false;
		accepted[6]++;
		heard++;
		return false;
	}
	DIE("proc cannot know label %lx", (long)thread->label);
}

/* fs' and proc's own calls, with sense and without. */
static bool prompt_step(struct message *message)
{
	uint64_t *word = message->word;

	garbage(word);
	word[0] = rand() % 20;
	word[1] = object_number(rand() % FILES);
	word[2] = rand() % 100000;
	word[3] = rand() % 2;
	switch (rand() % 8) {
	case 0: case 1: return server_call(message, BADGE_FS, PAGER_open);
	case 2: return server_call(message, BADGE_FS, PAGER_close);
	case 3:
		word[0] = word[1];
		return server_call(message, BADGE_FS, rand() % 2 ? PAGER_stat : PAGER_unlinked);
	case 4:
		word[0] = threads[rand() % OBJECT_PAGES].identity;
		word[1] = some_address();
		word[2] = rand() % 9 ? (uint64_t)server_buffer : 8;
		return server_call(message, BADGE_FS, PAGER_vma);
	case 5:
		word[0] = rand() % OBJECT_PAGES;
		word[1] = (uint64_t)server_buffer;
		word[2] = rand() % 300;
		return server_call(message, BADGE_FS, PAGER_script);
	case 6:
		word[0] = new_identity();
		if (word[0])
			return server_call(message, BADGE_PROC, PAGER_spawn);
		return false;
	default:
		garbage(word);
		do message->label = 0x1000 + rand() % 0x30; while (message->label == PAGER_spawn);
		return server_call(message, rand() % 2 ? BADGE_FS : rand() % 2 ? BADGE_PROC : (uint64_t)(rand() % 12), message->label);
	}
}

/* After a successful spawn the thread is there, but nobody knows its identity. */
static void adopt(uint64_t identity)
{
	if (server_reply.label) {
		process_used[IDENTITY_SLOT(identity)] = 0;
		return;
	}
	struct thread *thread = server_reply.capability ? &threads[slot_object[server_reply.capability] - 1] : ended_of(identity);
	thread->identity = identity;
	thread->place = RUNNING;
}

static struct ring_request waiting[RING_SLOTS];
static unsigned waiting_count;

static void fill_frame(char *to, uint64_t object, uint64_t page)
{
	static const char script[] = "#! /bin/interpreter one argument \necho\n";
	unsigned file = (object & 0xff) - 1;
	struct { Elf64_Ehdr elf; Elf64_Phdr row[2]; } program = {
		.elf = { .e_ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, .e_type = rand() % 2 ? ET_EXEC : ET_DYN, .e_machine = 243, .e_phoff = 64, .e_phentsize = 56, .e_phnum = 2, .e_entry = 0x10100 },
		.row = { { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x10000, .p_filesz = 0x2000, .p_memsz = 0x2000, .p_align = 0x1000 },
			 { .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x2800, .p_vaddr = 0x13800, .p_filesz = 0x100, .p_memsz = 0x3000, .p_align = 0x1000 } },
	};

	memset(to, 'x', PAGE_BYTES);
	if (page == 0 && file == FILE_ELF)
		memcpy(to, &program, sizeof(program));
	if (page == 0 && file == FILE_SCRIPT)
		memcpy(to, script, sizeof(script));
}

static void ring_answer(const struct ring_request *request)
{
	int64_t status = 0;
	uint64_t value = 0;

	if (request->operation == FS_REQUEST_page_in) {
		if (!ending && rand() % 20 == 0)
			status = rand() % 2 ? -EIO : -EAGAIN;
		for (unsigned i = 0; i < request->count; i++) {
			if (rand() % 4 == 0 && request->first)
				value |= 1UL << i;
			else
				fill_frame(ram + ((uint64_t)request->frame[i] * PAGE_BYTES - RAM_PHYSICAL), request->object, request->first + i);
		}
	} else if (request->operation == FS_REQUEST_allocate) {
		value = rand() % 3 ? request->count : 1;
		if (!ending && rand() % 10 == 0)
			status = rand() % 2 ? -ENOSPC : -EAGAIN;
	} else if (request->operation == FS_REQUEST_release) {
		announce(request->object, -(long)request->length);
	} else if (!ending && rand() % 30 == 0) {
		status = -EIO;
	}
	if (!ending && rand() % 50 == 0)
		value = ~value;
	if (!ending && rand() % 50 == 0)
		status = (int64_t)rand() << 20;
	ring_complete(test_ring, request->id, status, value);
}

static bool ring_step(struct message *message)
{
	bool any = false;

	while (waiting_count < RING_SLOTS && ring_next_request(test_ring, &waiting[waiting_count])) {
		if (waiting[waiting_count].operation < 1 || waiting[waiting_count].operation > FS_REQUEST_trim)
			DIE("request %u", waiting[waiting_count].operation);
		waiting_count++;
	}
	while (waiting_count && (rand() % 3 || ending)) {
		unsigned which = rand() % waiting_count;
		struct ring_request request = waiting[which];

		waiting[which] = waiting[--waiting_count];
		ring_answer(&request);
		any = true;
	}
	if (!any || ring_is_quiet(test_ring))
		return false;
	message->word[0] = NOTIFY_RING_UPPER | (rand() % 20 ? 0 : 0xfff0 & ~NOTIFY_TIMER);
	return true;
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

static bool anybody(void)
{
	for (int i = 0; i < OBJECT_PAGES; i++)
		if (threads[i].place != NOWHERE && threads[i].place != ENDED)
			return true;
	return false;
}

/* No page table names a frame that the core holds for free. */
static void check_tables(void)
{
	for (int i = 0; i < OBJECT_PAGES; i++)
		for (int j = 0; kind_of[i] == KIND_SPACE && j < spaces[i].entries; j++) {
			unsigned kind = core.frames[(spaces[i].entry[j].frame - core.lowest) / PAGE_BYTES].kind;

			if (kind == FRAME_FREE || kind == FRAME_SLAB)
				DIE("page %lx of space %d is a frame of kind %u", (long)spaces[i].entry[j].page, i, kind);
		}
}

static long choose(struct message *message)
{
	struct thread *thread;

	if (!ending && step >= steps)
		ending = true;
	switch (rand() % 10) {
	case 0:
		if (ring_step(message))
			return EVENT_NOTIFICATION;
		break;
	case 1:
		message->word[0] = NOTIFY_TIMER;
		if (rand() % 30 == 0)
			return EVENT_NOTIFICATION;
		message->word[0] = NOTIFY_IRQ;
		if (idle_wanted && rand() % 2)
			return idle_wanted = false, EVENT_NOTIFICATION;
		if (!ending && rand() % 2 && prompt_step(message))
			return EVENT_MESSAGE;
		break;
	case 2: case 3:
		thread = pick(AT_FS);
		if (thread && fs_step(message, thread))
			return EVENT_MESSAGE;
		break;
	case 4: case 5:
		thread = pick(AT_PROC);
		if (thread && proc_step(message, thread))
			return EVENT_MESSAGE;
		break;
	case 6:
		thread = pick(RUNNING);
		if (!ending && thread && rand() % 10 == 0)
			return lie(message, thread) ? EVENT_MESSAGE : 0;
		if (thread && rand() % 3 == 0) {
			through_server(message, thread);
			return EVENT_MESSAGE;
		}
		break;
	default:
		thread = pick(RUNNING);
		if (!thread || ending)
			break;
		if (rand() % 3 == 0) {
			linux_call(message, thread);
			return EVENT_MESSAGE;
		}
		for (int touches = 0; touches < 10; touches++)
			if (touch(message, thread))
				return EVENT_MESSAGE;
	}
	return -1;
}

long ipc_recv(uint64_t endpoint, struct message *message)
{
	static uint64_t spawned, opened;
	static unsigned long idle;

	assert(endpoint == SLOT_ENDPOINT);
	if (server_waits)
		DIE("a prompt call was not answered at once");
	if (spawned)
		adopt(spawned);
	spawned = 0;
	if (opened && !server_reply.label)
		announce(opened, 1);
	opened = 0;
	if (!message->deadline && ring_is_quiet(test_ring)) {
		if (pick(AT_PAGER))
			DIE("somebody waits in the pager, and fs is not to notify");
		quiet++;
	}
	give_memory();
	for (;;) {
		bool poll = message->deadline != 0;
		long event;

		step++;
		if (step % 1024 == 0) {
			core_check();
			check_tables();
		}
		if (poll && rand() % 2)
			return EVENT_TIMEOUT;
		event = choose(message);
		if (event >= 0) {
			if (event == EVENT_MESSAGE && message->label == PAGER_spawn && message->badge == BADGE_PROC)
				spawned = message->word[0];
			if (event == EVENT_MESSAGE && message->label == PAGER_open && message->badge == BADGE_FS)
				opened = message->word[1];
			idle = event == EVENT_NOTIFICATION && !(message->word[0] & NOTIFY_RING_UPPER) ? idle : 0;
			return event;
		}
		if (ending && !anybody() && !poll && test_ring->request_head == test_ring->completion_tail)
			longjmp(finish, 1);
		if (++idle > 100000) {
			for (int i = 0; i < OBJECT_PAGES; i++)
				if (threads[i].place != NOWHERE)
					printf("thread %d: place %d, label %lx, words %lx %lx %lx\n", i, threads[i].place, threads[i].label, threads[i].word[0], threads[i].word[1], threads[i].word[2]);
			DIE("nothing moves any more");
		}
	}
}

long ipc_reply_recv(uint64_t token, uint64_t endpoint, struct message *message)
{
	long result = ipc_reply(token, message);

	return result < 0 ? result : ipc_recv(endpoint, message);
}

long ipc_forward_recv(uint64_t token, uint64_t slot, uint64_t endpoint, struct message *message)
{
	long result = ipc_forward(token, slot, message);

	return result < 0 ? result : ipc_recv(endpoint, message);
}

/* Before the caches are dropped: what that releases, nobody takes from the ring any more. */
static void check_uses(void)
{
	for (unsigned file = 0; file < FILES; file++) {
		const struct object *object = core_object_find(object_number(file));

		if (announced[file] != (object ? (long)object->uses : 0))
			DIE("of file %u fs has announced %ld uses, the pager has seen %ld", file, announced[file], object ? (long)object->uses : 0);
	}
}

static void drop_caches(void)
{
	struct waiter waiter = { 0 };

	while (core_drop_caches(&waiter))
		;
}

static void check_end(uint64_t objects_before)
{
	check_uses();
	processes_heard(heard);
	while (spaces_give_back(0))
		;
	drop_caches();
	core_check();
	if (domain_count || object_pages_free + (objects_before - object_pages) != objects_before - 3)
		DIE("%lu domains, %lu of %lu object pages free", (long)domain_count, (long)object_pages_free, (long)object_pages);
	if (getenv("PAGER_LOG"))
		printf("maps %lu, prompt %lu, refused %lu, calls %lu, forks %lu (%lu with an ended thread), commits %lu, exits %lu; execs without memory %u; syncs passed on %u, %lu receives without notification; free %lu of %lu, cache %lu, anonymous %lu, objects %lu, own %lu\n",
	       accepted[0], accepted[1], accepted[2], accepted[3], accepted[4], accepted[7], accepted[5], accepted[6], execs_failed, passed_on, quiet, (long)core_counters.free_pages,
	       (long)core_counters.total_pages, (long)core_counters.cache_pages, (long)core_counters.anonymous_pages, (long)core_counters.objects, (long)core_counters.own_pages);
	if (core_counters.anonymous_pages || core_counters.vmas || core_counters.anons)
		DIE("memory is lost");
}

static void run(void)
{
	static struct start_info start = { .timebase_hz = 10000000 };
	static struct ring ring;
	uint64_t objects;

	srand(seed);
	objects = seed % 2 ? OBJECT_PAGES : 60 + rand() % 60;	/* or too few, so that creations fail */
	ram = mmap(NULL, RAM_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(ram, 0xaa, RAM_PAGES * PAGE_BYTES);
	for (unsigned i = 0; i < FILES; i++) {
		file_serial[i] = 1;
		file_length[i] = i < FILE_ELF ? rand() % 300000 : i == FILE_ELF ? 0x8000 : 41;
	}
	test_ring = &ring;
	start.ring_pager_fs = (uint64_t)&ring;
	start.memory[0] = (struct extent){ RAM_PHYSICAL, 100 };
	start.memory[1] = (struct extent){ RAM_PHYSICAL + 110 * PAGE_BYTES, RAM_PAGES - 110 };
	start.objects = (struct extent){ OBJECT_PHYSICAL, objects };
	if (!setjmp(finish))
		server_main(&start);
	check_end(objects);
}

/* The server has no end, and so no second start: each seed gets a process. */
int main(int argc, char **argv)
{
	int status, failed = 0;

	steps = argc > 2 ? atol(argv[2]) : 150000;
	if (argc > 1) {
		seed = atoi(argv[1]);
		run();
		return 0;
	}
	for (seed = 1; seed <= SEEDS; seed++) {
		fflush(stdout);
		if (!fork()) {
			run();
			fflush(stdout);
			_exit(0);
		}
		wait(&status);
		failed |= status != 0;
	}
	return failed;
}
