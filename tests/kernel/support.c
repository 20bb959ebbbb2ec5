/* See test.h: resources, workers, and the small talk with the kernel's log. */
#include "test.h"

#define WORKERS 10
#define SLOTS_FIRST SPACE_SLOTS
#define SLOTS_LAST (SPACE_SLOTS + 2 * LEAF_SLOTS)
#define IMAGE_PAGES INIT_PAGES

const struct boot_info *boot;
uint64_t exceptions, second_space;

static unsigned passed, failed;
static uint64_t lent_objects, lent_pages;
static uint64_t next_frame, next_object, free_objects[512], free_object_count;
static uint64_t free_slots[SLOTS_LAST - SLOTS_FIRST], free_slot_count;
static uint64_t physical_of_slot[SLOTS_LAST];
static uint64_t settled, settle_wanted;		/* notifications: beacon to main, main to beacon */
static struct worker workers[WORKERS];
static bool worker_used[WORKERS];

void print(const char *text)
{
	size_t bytes = 0;

	while (text[bytes])
		bytes++;
	for (size_t part; bytes; bytes -= part, text += part) {
		part = bytes < LOG_MAX ? bytes : LOG_MAX;
		sys_log(INIT_SLOT_CONTROL, text, part);
	}
}

void print_number(const char *text, long number)
{
	char digits[24], *at = digits + sizeof(digits) - 1;
	uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;

	*at = 0;
	do
		*--at = (char)('0' + left % 10);
	while (left /= 10);
	if (number < 0)
		*--at = '-';
	print(text);
	print(at);
}

void check(const char *file, int line, const char *what, long value, long expected)
{
	if (value == expected) {
		passed++;
		return;
	}
	failed++;
	print(file);
	print_number(":", line);
	print(": ");
	print(what);
	print_number(" is ", value);
	print_number(", not ", expected);
	print("\n");
}

uint64_t frame_new(void)
{
	next_frame += PAGE_BYTES;
	return next_frame - PAGE_BYTES;
}

uint64_t object_page_new(void)
{
	if (free_object_count)
		return free_objects[--free_object_count];
	next_object += PAGE_BYTES;
	return next_object - PAGE_BYTES;
}

void object_page_free(uint64_t physical)
{
	if (physical - lent_objects < lent_pages * PAGE_BYTES)
		return;
	free_objects[free_object_count++] = physical;
}

uint64_t object_pages_lend(uint64_t pages)
{
	lent_objects = next_object;
	lent_pages = pages;
	next_object += pages * PAGE_BYTES;
	return lent_objects;
}

uint64_t slot_new(void)
{
	return free_slots[--free_slot_count];
}

void slot_free(uint64_t slot)
{
	sys_cap_delete(OWN, slot);
	free_slots[free_slot_count++] = slot;
}

uint64_t object_new(enum kind kind)
{
	uint64_t slot = slot_new();

	physical_of_slot[slot] = object_page_new();
	CHECK(sys_create(INIT_SLOT_OBJECT_MEMORY, physical_of_slot[slot], kind, slot), OK);
	return slot;
}

uint64_t object_physical(uint64_t slot)
{
	return physical_of_slot[slot];
}

void object_free(uint64_t slot)
{
	long error;

	while ((error = sys_destroy(slot)) == ERR_AGAIN)
		;
	CHECK(error, OK);
	object_page_free(physical_of_slot[slot]);
	slot_free(slot);
}

uint64_t mint(uint64_t source, unsigned rights, uint64_t badge)
{
	uint64_t slot = slot_new();

	CHECK(sys_cap_mint(OWN, slot, source, rights, badge, 0), OK);
	return slot;
}

uint64_t space_new(unsigned tables)
{
	uint64_t space = object_new(KIND_SPACE);

	for (unsigned i = 0; i < 3 + tables; i++)
		CHECK(sys_give(space, INIT_SLOT_OBJECT_MEMORY, object_page_new()), OK);
	CHECK(sys_map(space, INIT_BASE | 7, IMAGE_PAGES, boot->page_base, INIT_SLOT_PAGE_MEMORY, 0), IMAGE_PAGES);
	return space;
}

long space_clear(uint64_t space)
{
	long result = 1;

	for (uint64_t page = 0; page < USER_END / PAGE_BYTES && result > 0; page += (uint64_t)result)
		result = sys_unmap(space, page * PAGE_BYTES, USER_END / PAGE_BYTES - page, NULL, 0).value;
	return result > 0 ? OK : result;
}

void space_free(uint64_t space)
{
	long result;

	CHECK(space_clear(space), OK);
	while ((result = sys_take(space)) > 0)
		object_page_free((uint64_t)result);
	CHECK(result, ERR_EMPTY);
	object_free(space);
}

void give_slot(uint64_t space, uint64_t slot, uint64_t source, unsigned rights, uint64_t badge)
{
	CHECK(sys_cap_mint(space, slot, source, rights, badge, 0), OK);
}

static void worker_body(struct worker *worker)
{
	struct message message = { 0 };

	worker->function(worker);
	worker->done = true;
	for (;;)
		ipc_recv(0, &message);
}

struct worker *worker_new(void (*function)(struct worker *), uint64_t space, uint64_t fault_endpoint, unsigned priority)
{
	unsigned i = 0;
	struct worker *worker;

	while (i < WORKERS && worker_used[i])
		i++;
	if (i == WORKERS) {
		print("no worker left\n");
		i = 0;
	}
	worker_used[i] = true;
	worker = &workers[i];
	*worker = (struct worker){ .function = function, .space = space, .thread = object_new(KIND_THREAD) };
	CHECK(sys_thread_set(worker->thread, THREAD_SPACE, space), OK);
	CHECK(sys_thread_set(worker->thread, THREAD_EXCEPTION, exceptions), OK);
	if (fault_endpoint)
		CHECK(sys_thread_set(worker->thread, THREAD_FAULT, fault_endpoint), OK);
	CHECK(sys_thread_set(worker->thread, THREAD_PRIORITY, priority), OK);
	CHECK(sys_thread_set(worker->thread, THREAD_IDENTITY, 1000 + i), OK);
	return worker;
}

/* The exception call with which it begins is answered with its registers. */
static void worker_launch(struct worker *worker)
{
	struct registers registers = { .pc = (uint64_t)worker_body };
	struct message *message;

	CHECK(sys_thread_set(worker->thread, THREAD_START, 0), OK);
	message = receive(exceptions, EVENT_MESSAGE);
	CHECK(message->label, LABEL_EXCEPTION);
	CHECK(message->word[0], EXCEPTION_START);
	registers.x[2] = (uint64_t)(worker->stack + sizeof(worker->stack) / sizeof(worker->stack[0]));
	__asm__ volatile("mv %0, gp" : "=r"(registers.x[3]));
	registers.x[10] = (uint64_t)worker;
	CHECK(sys_registers(message->token, &registers, REGISTERS_WRITE), OK);
	CHECK(reply(message->token, 0, 0), OK);
}

void worker_start(struct worker *worker)
{
	worker_launch(worker);
	settle();
}

void worker_free(struct worker *worker)
{
	object_free(worker->thread);
	worker_used[worker - workers] = false;
}

uint64_t *page_end(void)
{
	return (uint64_t *)((uint64_t)(&workers[WORKERS - 1] + 1) & ~(PAGE_BYTES - 1)) - 1;
}

static void beacon(struct worker *worker)
{
	for (;;) {
		ipc_recv(0, &worker->message);
		sys_notify(settled, 1);
	}
}

void settle(void)
{
	struct message message = { 0 };

	sys_notify(settle_wanted, 1);
	CHECK(ipc_recv(0, &message), EVENT_NOTIFICATION);
}

struct message *receive(uint64_t endpoint, long event)
{
	static struct message message;
	long result;

	message = (struct message){ .deadline = read_time() + 100 * boot->timebase_hz, .receive_slot = ARRIVAL };
	result = ipc_recv(endpoint, &message);
	CHECK(result, event);
	if (result < 0)
		message = (struct message){ 0 };
	return &message;
}

long reply(uint64_t token, uint64_t label, uint64_t word)
{
	struct message message = { .label = label, .word = { word } };

	return ipc_reply(token, &message);
}

/* "sifive,test0": the way out. Its node is found by its name in the structure block, which is enough for a test. */
static uint64_t finisher_address(void)
{
	const uint8_t *tree = (const uint8_t *)boot->device_tree;

	for (uint64_t i = 0; i + 32 < boot->device_tree_bytes; i++)
		if (!__builtin_memcmp(tree + i, "test@", 5)) {
			uint64_t address = 0;

			for (const uint8_t *digit = tree + i + 5; *digit; digit++)
				address = address << 4 | (uint64_t)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
			return address;
		}
	return 0;
}

static void finish(void)
{
	uint64_t address = finisher_address();
	unsigned status = failed ? 1 << 16 | 0x3333 : 0x5555;

	print_number("", passed);
	print_number(" passed, ", failed);
	print(" failed\n");
	CHECK(sys_give(OWN, INIT_SLOT_OBJECT_MEMORY, object_page_new()), OK);
	CHECK(sys_map(OWN, 0x600000 | RIGHT_READ | RIGHT_WRITE, 1, address, INIT_SLOT_DEVICES_BELOW, 0), 1);
	*(volatile uint32_t *)0x600000 = status;
}

const char *argument_text(const char *name)
{
	size_t length = __builtin_strlen(name);

	for (const char *at = boot->arguments; *at; at++)
		if (!__builtin_memcmp(at, name, length))
			return at + length;
	return NULL;
}

static uint64_t argument(const char *name, uint64_t otherwise)
{
	const char *at = argument_text(name);
	uint64_t value = 0;

	if (!at)
		return otherwise;
	for (; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (uint64_t)(*at - '0');
	return value;
}

static void set_up(void)
{
	struct worker *worker;

	next_frame = boot->page_first_free;
	next_object = boot->object_first_free;
	for (uint64_t i = 0; i < 2; i++) {
		CHECK(sys_create(INIT_SLOT_OBJECT_MEMORY, object_page_new(), KIND_LEAF, INIT_SLOT_FREE + i), OK);
		CHECK(sys_space_set(OWN, SPACE_LEAF, INIT_SLOT_FREE + i, i), OK);
	}
	for (uint64_t slot = SLOTS_FIRST; slot < SLOTS_LAST; slot++)
		free_slots[free_slot_count++] = slot;
	exceptions = object_new(KIND_ENDPOINT);
	settled = object_new(KIND_NOTIFICATION);
	settle_wanted = object_new(KIND_NOTIFICATION);
	CHECK(sys_thread_set(INIT_SLOT_THREAD, THREAD_BOUND, settled), OK);
	worker = worker_new(beacon, OWN, 0, 0);
	CHECK(sys_thread_set(worker->thread, THREAD_BOUND, settle_wanted), OK);
	worker_launch(worker);
	second_space = space_new(4);
}

static const struct {
	void (*function)(void);
	const char *name;
} tests[] = {
	{ test_capabilities, "capabilities" },
	{ test_arguments, "arguments" },
	{ test_messages, "messages" },
	{ test_tokens, "tokens" },
	{ test_threads, "threads" },
	{ test_notifications, "notifications" },
	{ test_faults, "faults" },
	{ test_loans, "loans" },
	{ test_mapping, "mapping" },
	{ test_interrupts, "interrupts" },
	{ test_routes, "routes" },
	{ test_death, "death" },
	{ test_paths, "paths" },
	{ test_fuzz, "fuzz" },
	{ bench, "bench" },
};

void test_main(const struct boot_info *info)
{
	boot = info;
	print("the kernel's tests begin\n");
	fuzz_calls = argument("fuzz=", 200000);
	fuzz_seed = argument("seed=", 1);
	set_up();
	if (scaling())
		finish();
	for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		unsigned before = passed, before_failed = failed;

		tests[i].function();
		print(tests[i].name);
		print_number(": ", passed - before);
		print_number(" passed, ", failed - before_failed);
		print(" failed\n");
	}
	finish();
}
