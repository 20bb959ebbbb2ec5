/* See build.h. plan[] below is the table of who gets what; abi/init.h says the same in words. */
#include "build.h"

#include "archive.h"
#include "image.h"
#include "linux.h"
#include "power.h"
#include "random.h"
#include "supply.h"

#define BIT(server) (1u << SERVER_##server)
#define MEBIBYTE (1UL << 20)

static const struct plan {
	const char *name;
	unsigned priority;
	uint64_t pool_bytes;
	unsigned calls;		/* the servers whose endpoints it has */
	unsigned notifies;	/* and whose notifications */
	bool leaves;
} plan[SERVERS] = {
	[SERVER_PAGER]	 = { "pager", PRIORITY_PAGER, 0, BIT(INIT) | BIT(FS) | BIT(PROC), BIT(FS), true },
	[SERVER_FS]	 = { "fs", PRIORITY_FS, 4 * MEBIBYTE, BIT(INIT) | BIT(PAGER) | BIT(PROC) | BIT(BLK) | BIT(CONSOLE),
			     BIT(PAGER) | BIT(BLK), false },
	[SERVER_PROC]	 = { "proc", PRIORITY_PROC, 0, BIT(INIT) | BIT(PAGER) | BIT(FS), 0, true },
	[SERVER_BLK]	 = { "blk", PRIORITY_BLK, MEBIBYTE / 4, BIT(INIT), BIT(FS), false },
	[SERVER_CONSOLE] = { "console", PRIORITY_CONSOLE, 0, BIT(INIT), BIT(PROC), false },
};

/* X(slot of the notification, its server) */
static const struct { uint64_t slot; enum server server; } notification_slot[] = {
	{ SLOT_NOTIFY_PAGER, SERVER_PAGER }, { SLOT_NOTIFY_FS, SERVER_FS }, { SLOT_NOTIFY_PROC, SERVER_PROC }, { SLOT_NOTIFY_BLK, SERVER_BLK },
};

static uint64_t pool_physical[SERVERS];
static const struct boot_info *const boot = (const struct boot_info *)BOOT_INFO_BASE;

static void must(long result, const char *what, const char *server)
{
	if (result < 0)
		give_up("cannot start %s: %s: error %ld", server, what, result);
}

static void mint(enum server to, uint64_t slot, uint64_t source, unsigned rights, uint64_t badge, uint64_t extent)
{
	long error = sys_cap_mint(OWN_SPACE + to, slot, source, rights, badge, extent);

	if (error < 0)
		give_up("cannot start %s: capability for slot %lu: error %ld", plan[to].name, slot, error);
}

/* Slots in the client spaces, as LINUX_CALL_LIST names the servers. */
static void fill_route(void)
{
	supply_object(KIND_ROUTE, OWN_ROUTE);
#define X(number, name, server) must(sys_route_set(OWN_ROUTE, number, CLIENT_SLOT_##server), "the route", #name);
	LINUX_CALL_LIST(X)
#undef X
}

static uint64_t ram_bytes(void)
{
	return (boot->object_pages + boot->page_pages) * PAGE_BYTES;
}

/* fs gets a share of the memory, in large pages. */
static uint64_t pool_bytes(enum server server)
{
	uint64_t most = SERVER_SPACE_FREE - SERVER_POOL, share = (ram_bytes() / 16 + LARGE_BYTES - 1) / LARGE_BYTES * LARGE_BYTES;

	if (server != SERVER_FS || share < plan[server].pool_bytes)
		return plan[server].pool_bytes;
	return share < most ? share : most;
}

/* Before all other memory, so that fs' pool lies where large pages can map it. */
static void take_pools(void)
{
	for (enum server server = SERVER_INIT + 1; server < SERVERS; server++)
		pool_physical[server] = supply_frames(pool_bytes(server) / PAGE_BYTES).physical;
}

void build_objects(void)
{
	take_pools();
	supply_object(KIND_ENDPOINT, OWN_ENDPOINT);
	fill_route();
	for (enum server server = SERVER_INIT + 1; server < SERVERS; server++) {
		supply_object(KIND_SPACE, OWN_SPACE + server);
		supply_object(KIND_THREAD, OWN_THREAD + server);
		supply_object(KIND_ENDPOINT, OWN_SERVER_ENDPOINT + server);
		supply_object(KIND_NOTIFICATION, OWN_NOTIFICATION + server);
		must(sys_cap_mint(INIT_SLOT_SPACE, OWN_REPORT + server, OWN_ENDPOINT, RIGHT_SEND | RIGHT_LEND, server_badge(server), 0),
		     "the badge", plan[server].name);
	}
}

static void load_segment(enum server server, const struct image_segment *segment, const char *file)
{
	struct frames frames = supply_frames(segment->pages);

	uint64_t end = segment->start + segment->file_bytes;

	memset(frames.view, 0, segment->start);
	memcpy((char *)frames.view + segment->start, file + segment->offset, segment->file_bytes);
	memset((char *)frames.view + end, 0, segment->pages * PAGE_BYTES - end);
	supply_map(OWN_SPACE + server, segment->address, segment->rights, segment->pages, frames.physical, INIT_SLOT_PAGE_MEMORY);
}

static uint64_t load_image(enum server server, const struct archive *archive)
{
	size_t bytes;
	const char *file = archive_find(archive->data, archive->bytes, plan[server].name, &bytes), *error;
	struct image image;

	if (!file)
		give_up("the boot archive holds no %s", plan[server].name);
	error = image_parse(&image, file, bytes, SERVER_IMAGE_BASE, SERVER_IMAGE_END);
	if (error)
		give_up("cannot start %s: %s", plan[server].name, error);
	for (unsigned i = 0; i < image.count; i++)
		load_segment(server, &image.segment[i], file);
	return image.entry;
}

/* New zeroed memory at `address` of the server. */
static struct frames add_memory(enum server server, uint64_t address, uint64_t bytes, unsigned rights)
{
	struct frames frames = supply_frames(bytes / PAGE_BYTES);

	memset(frames.view, 0, bytes);
	supply_map(OWN_SPACE + server, address, rights, bytes / PAGE_BYTES, frames.physical, INIT_SLOT_PAGE_MEMORY);
	return frames;
}

static void add_pool(enum server server, struct start_info *start)
{
	uint64_t bytes = pool_bytes(server);

	*start = (struct start_info){ .pool = SERVER_POOL, .pool_bytes = bytes, .pool_physical = pool_physical[server] };
	if (bytes)
		supply_map(OWN_SPACE + server, SERVER_POOL, RIGHT_READ | RIGHT_WRITE, bytes / PAGE_BYTES, pool_physical[server], INIT_SLOT_PAGE_MEMORY);
}

/* The frames of a ring are made once and mapped at the same address of both servers. */
static uint64_t share_ring(enum server server, uint64_t address, uint64_t *physical)
{
	if (!*physical)
		*physical = supply_frames(RING_PAGES).physical;
	supply_map(OWN_SPACE + server, address, RIGHT_READ | RIGHT_WRITE, RING_PAGES, *physical, INIT_SLOT_PAGE_MEMORY);
	return address;
}

static void add_rings(enum server server, struct start_info *start)
{
	static uint64_t pager_fs, fs_blk;

	if (server == SERVER_PAGER || server == SERVER_FS)
		start->ring_pager_fs = share_ring(server, SERVER_RING_PAGER_FS, &pager_fs);
	if (server == SERVER_FS || server == SERVER_BLK)
		start->ring_fs_blk = share_ring(server, SERVER_RING_FS_BLK, &fs_blk);
}

static void add_devices(enum server server, struct start_info *start, const struct device *device, unsigned count)
{
	uint32_t low = UINT32_MAX, high = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t offset = device[i].registers % PAGE_BYTES, address = SERVER_DEVICES + i * SERVER_DEVICE_STEP;
		uint64_t bytes = device[i].bytes < SERVER_DEVICE_STEP - PAGE_BYTES ? device[i].bytes : SERVER_DEVICE_STEP - PAGE_BYTES;

		supply_map(OWN_SPACE + server, address, RIGHT_READ | RIGHT_WRITE, (offset + bytes + PAGE_BYTES - 1) / PAGE_BYTES,
			   device[i].registers - offset, supply_device(device[i].registers));
		start->device[i].registers = address + offset;
		start->device[i].bytes = bytes;
		start->device[i].irq = device[i].irq;
		low = device[i].irq < low ? device[i].irq : low;
		high = device[i].irq > high ? device[i].irq : high;
	}
	if (count)
		mint(server, SLOT_IRQ, INIT_SLOT_IRQ, RIGHT_ALL, low, high - low + 1);
}

/* A driver gets the interrupts from its lowest to its highest: on machines where others lie between, those too. */
static void add_all_devices(enum server server, struct start_info *start, const struct machine *machine)
{
	if (server == SERVER_CONSOLE)
		add_devices(server, start, &machine->uart, machine->uart.bytes != 0);
	if (server == SERVER_BLK)
		add_devices(server, start, machine->virtio, machine->virtio_count);
}

/* CLOCK_REALTIME when rdtime was 0. Reading the goldfish clock's low word latches the high one. */
static uint64_t realtime_ns(const struct machine *machine)
{
	static volatile uint32_t *rtc;
	uint64_t ticks = read_time(), hz = boot->timebase_hz, now;

	if (!machine->rtc.bytes || !hz)
		return 0;
	if (!rtc)
		rtc = supply_view(machine->rtc.registers, machine->rtc.bytes, RIGHT_READ, supply_device(machine->rtc.registers));
	now = rtc[0];
	now |= (uint64_t)rtc[1] << 32;
	return now - (ticks / hz * 1000000000 + ticks % hz * 1000000000 / hz);
}

static void fill_start_info(enum server server, struct start_info *start, const struct machine *machine)
{
	static uint64_t realtime;

	if (!realtime)
		realtime = realtime_ns(machine);
	start->timebase_hz = boot->timebase_hz;
	start->realtime_ns = realtime;
	start->ram_bytes = ram_bytes();
	start->harts = boot->harts;
	random_split(machine->seed, server, start->random);
	memcpy(start->arguments, boot->arguments, sizeof(start->arguments));
	start->arguments[sizeof(start->arguments) - 1] = '\0';
	if (server == SERVER_BLK)
		start->memory[0] = (struct extent){ boot->page_base, boot->page_pages };
}

/* Little object memory is for programs, not for slots that they will never need. */
static unsigned leaves(void)
{
	static unsigned each;

	if (!each)
		each = supply_objects_free() / 28 < SERVER_LEAVES ? supply_objects_free() / 28 : SERVER_LEAVES;
	return each;
}

static void add_leaves(enum server server)
{
	for (unsigned i = 0; i < leaves(); i++) {
		supply_object(KIND_LEAF, OWN_TEMPORARY);
		must(sys_space_set(OWN_SPACE + server, SPACE_LEAF, OWN_TEMPORARY, i), "a leaf", plan[server].name);
		must(sys_cap_delete(INIT_SLOT_SPACE, OWN_TEMPORARY), "a leaf's slot", plan[server].name);
	}
}

static void add_common_slots(enum server server)
{
	mint(server, SLOT_SELF_SPACE, OWN_SPACE + server, RIGHT_ALL, 0, 0);
	mint(server, SLOT_SELF_THREAD, OWN_THREAD + server, RIGHT_ALL, 0, 0);
	mint(server, SLOT_ENDPOINT, OWN_SERVER_ENDPOINT + server, RIGHT_RECEIVE, 0, 0);
	mint(server, SLOT_NOTIFICATION, OWN_NOTIFICATION + server, RIGHT_SEND | RIGHT_RECEIVE, 0, 0);
	mint(server, SLOT_CONTROL, INIT_SLOT_CONTROL, RIGHT_ALL, 0, 0);
	for (enum server other = SERVER_INIT; other < SERVERS; other++) {
		uint64_t endpoint = other == SERVER_INIT ? OWN_ENDPOINT : OWN_SERVER_ENDPOINT + other;

		if (plan[server].calls & 1u << other)
			mint(server, SLOT_INIT + other, endpoint, other == SERVER_BLK ? RIGHT_SEND : RIGHT_SEND | RIGHT_LEND,
			     server_badge(server), 0);
	}
	for (size_t i = 0; i < sizeof(notification_slot) / sizeof(notification_slot[0]); i++)
		if (plan[server].notifies & 1u << notification_slot[i].server)
			mint(server, notification_slot[i].slot, OWN_NOTIFICATION + notification_slot[i].server, RIGHT_SEND, 0, 0);
}

static void add_pager_slots(void)
{
	unsigned client = RIGHT_SEND | RIGHT_LEND;

	mint(SERVER_PAGER, SLOT_PAGE_MEMORY, INIT_SLOT_PAGE_MEMORY, RIGHT_ALL, 0, 0);
	mint(SERVER_PAGER, SLOT_OBJECT_MEMORY, INIT_SLOT_OBJECT_MEMORY, RIGHT_ALL, 0, 0);
	mint(SERVER_PAGER, SLOT_FAULT_MASTER, OWN_SERVER_ENDPOINT + SERVER_PAGER, RIGHT_SEND, 0, 0);
	mint(SERVER_PAGER, SLOT_CLIENT_PAGER, OWN_SERVER_ENDPOINT + SERVER_PAGER, client, BADGE_CLIENT, 0);
	mint(SERVER_PAGER, SLOT_CLIENT_FS, OWN_SERVER_ENDPOINT + SERVER_FS, client, BADGE_CLIENT, 0);
	mint(SERVER_PAGER, SLOT_CLIENT_PROC, OWN_SERVER_ENDPOINT + SERVER_PROC, client, BADGE_CLIENT, 0);
	mint(SERVER_PAGER, SLOT_ROUTE, OWN_ROUTE, RIGHT_ALL, 0, 0);
	mint(SERVER_PAGER, SLOT_IRQ, INIT_SLOT_IRQ, RIGHT_ALL, IRQ_IDLE, 1);
}

static void set_thread(enum server server)
{
	static const struct { enum thread_field field; uint64_t base; } field[] = {
		{ THREAD_SPACE, OWN_SPACE }, { THREAD_FAULT, OWN_REPORT }, { THREAD_EXCEPTION, OWN_REPORT }, { THREAD_BOUND, OWN_NOTIFICATION },
	};

	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		must(sys_thread_set(OWN_THREAD + server, field[i].field, field[i].base + server), "its thread", plan[server].name);
	must(sys_thread_set(OWN_THREAD + server, THREAD_PRIORITY, plan[server].priority), "its priority", plan[server].name);
}

void build_server(enum server server, const struct archive *archive, const struct machine *machine, struct built *built)
{
	_Static_assert(sizeof(struct start_info) <= PAGE_BYTES, "start_info is one page");
	struct start_info *start = add_memory(server, SERVER_START_INFO, PAGE_BYTES, RIGHT_READ).view;

	add_pool(server, start);
	built->name = plan[server].name;
	built->start = start;
	built->entry = load_image(server, archive);
	add_memory(server, SERVER_STACK_TOP - SERVER_STACK_BYTES, SERVER_STACK_BYTES, RIGHT_READ | RIGHT_WRITE);
	add_rings(server, start);
	add_all_devices(server, start, machine);
	fill_start_info(server, start, machine);
	add_common_slots(server);
	if (server == SERVER_PAGER)
		add_pager_slots();
	if (server == SERVER_PROC)
		mint(server, SLOT_EXCEPTION_MASTER, OWN_SERVER_ENDPOINT + server, RIGHT_SEND, BADGE_EXCEPTION, 0);
	if (plan[server].leaves)
		add_leaves(server);
	set_thread(server);
}
