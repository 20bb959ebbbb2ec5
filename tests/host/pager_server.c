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
#include "pager_callers.h"
#include "pager_servers.h"

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
	if (core_counters.anonymous_pages != core_counters.memory_pages || core_counters.vmas || core_counters.anons)	/* a lie may have made a file in memory */
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
