/*
 * What a native round trip costs, against the number of mappings and of pages in the caller's space, and of processes: a space and a
 * thread each, which wait. For ./quire scaling; the boot argument scaling=AXIS:POINT,POINT,... (ascending) asks for it in the tests' place.
 *
 *	S AXIS POINT ipc C	guest instructions for ROUND_TRIPS of them, the least of ROUNDS: without the end of a time slice
 */
#include "test.h"

#define AREA 0x100000000UL	/* of second_space, which calls */

#define ROUNDS 4

static uint64_t made, crowd;

static void map_at(uint64_t page, uint64_t place, unsigned rights)
{
	uint64_t physical = boot->page_base + place % boot->page_pages * PAGE_BYTES;
	long done;

	while ((done = sys_map(second_space, (AREA + page * PAGE_BYTES) | rights, 1, physical, INIT_SLOT_PAGE_MEMORY, 0)) == ERR_NO_TABLE)
		CHECK(sys_give(second_space, INIT_SLOT_OBJECT_MEMORY, object_page_new()), OK);
	if (done != 1)
		CHECK(done, 1);
}

static void add_page(void)
{
	map_at(made, made, RIGHT_READ);
}

/* Neighbours differ in their rights, and none has a neighbour's frame behind its own. */
static void add_mapping(void)
{
	map_at(made, 2 * made, made % 2 ? RIGHT_READ : RIGHT_READ | RIGHT_WRITE);
}

/* Its thread waits in the call with which every thread begins: nobody receives it. */
static void add_process(void)
{
	CHECK(sys_create(INIT_SLOT_OBJECT_MEMORY, object_page_new(), KIND_SPACE, PLACE), OK);
	CHECK(sys_give(PLACE, INIT_SLOT_OBJECT_MEMORY, object_page_new()), OK);
	CHECK(sys_create(INIT_SLOT_OBJECT_MEMORY, object_page_new(), KIND_THREAD, EMPTY_SLOT), OK);
	CHECK(sys_thread_set(EMPTY_SLOT, THREAD_SPACE, PLACE), OK);
	CHECK(sys_thread_set(EMPTY_SLOT, THREAD_EXCEPTION, crowd), OK);
	CHECK(sys_thread_set(EMPTY_SLOT, THREAD_PRIORITY, 5), OK);
	CHECK(sys_thread_set(EMPTY_SLOT, THREAD_START, 0), OK);
	CHECK(sys_cap_delete(OWN, PLACE), OK);
	CHECK(sys_cap_delete(OWN, EMPTY_SLOT), OK);
	settle();
}

static const struct {
	const char *name;
	void (*add)(void);
} axes[] = { { "vmas:", add_mapping }, { "pages:", add_page }, { "processes:", add_process } };

static uint64_t least_round_trips(void)
{
	uint64_t least = round_trips(NULL);

	for (unsigned i = 1; i < ROUNDS; i++) {
		uint64_t next = round_trips(NULL);

		least = next < least ? next : least;
	}
	return least;
}

static void measure(const char *text, size_t name_bytes, void (*add)(void))
{
	for (const char *digit = text + name_bytes; *digit >= '0' && *digit <= '9'; digit += *digit == ',') {
		uint64_t point = 0;

		for (; *digit >= '0' && *digit <= '9'; digit++)
			point = point * 10 + (uint64_t)(*digit - '0');
		for (; made < point; made++)
			add();
		print("S ");
		for (size_t i = 0; i < name_bytes - 1; i++)
			print((char[]){ text[i], 0 });
		print_number(" ", (long)point);
		print_number(" ipc ", (long)least_round_trips());
		print("\n");
	}
}

bool scaling(void)
{
	const char *text = argument_text("scaling=");

	crowd = object_new(KIND_ENDPOINT);
	for (unsigned i = 0; text && i < sizeof(axes) / sizeof(axes[0]); i++)
		if (!__builtin_strncmp(text, axes[i].name, __builtin_strlen(axes[i].name)))
			measure(text, __builtin_strlen(axes[i].name), axes[i].add);
	return text;
}
