/* Slots, minting, creating and destroying; and every plain call with slots that do not do. */
#include "test.h"

static void minting(void)
{
	uint64_t endpoint = object_new(KIND_ENDPOINT), badged = mint(endpoint, RIGHT_ALL, 5);
	uint64_t weak = mint(OWN, RIGHT_ALL & ~RIGHT_CONTROL, 0), memory = INIT_SLOT_PAGE_MEMORY, base = boot->page_base;

	CHECK(sys_cap_mint(OWN, PLACE, endpoint, RIGHT_SEND, 7, 0), OK);
	CHECK(sys_cap_mint(OWN, PLACE, endpoint, RIGHT_SEND, 7, 0), ERR_IN_USE);
	CHECK(sys_cap_mint(OWN, 0, endpoint, RIGHT_SEND, 0, 0), ERR_BAD_SLOT);
	CHECK(sys_cap_mint(OWN, SPACE_SLOTS + SPACE_LEAVES * LEAF_SLOTS, endpoint, RIGHT_SEND, 0, 0), ERR_BAD_SLOT);
	CHECK(sys_cap_mint(OWN, SPACE_SLOTS + 3 * LEAF_SLOTS, endpoint, RIGHT_SEND, 0, 0), ERR_BAD_SLOT);
	CHECK(sys_cap_mint(OWN, ~0UL, endpoint, RIGHT_SEND, 0, 0), ERR_BAD_SLOT);
	CHECK(sys_cap_delete(OWN, PLACE), OK);
	CHECK(sys_cap_delete(OWN, PLACE), ERR_BAD_SLOT);
	CHECK(sys_cap_delete(OWN, 0), ERR_BAD_SLOT);
	CHECK(sys_cap_delete(weak, PLACE), ERR_NO_RIGHT);
	CHECK(sys_cap_mint(weak, PLACE, endpoint, RIGHT_SEND, 0, 0), ERR_NO_RIGHT);
	CHECK(sys_cap_mint(endpoint, PLACE, endpoint, RIGHT_SEND, 0, 0), ERR_WRONG_KIND);
	CHECK(sys_cap_mint(OWN, PLACE, EMPTY_SLOT, 0, 0, 0), ERR_BAD_SLOT);
	CHECK(sys_cap_mint(OWN, PLACE, endpoint, RIGHT_ALL + 1, 0, 0), ERR_INVALID);
	CHECK(sys_cap_mint(OWN, PLACE, weak, RIGHT_CONTROL, 0, 0), ERR_NO_RIGHT);
	CHECK(sys_cap_mint(OWN, PLACE, badged, RIGHT_SEND, 6, 0), ERR_NO_RIGHT);
	CHECK(sys_cap_mint(OWN, PLACE, OWN, RIGHT_CONTROL, 6, 0), ERR_INVALID);
	CHECK(sys_cap_mint(OWN, PLACE, endpoint, RIGHT_SEND, 0, 1), ERR_INVALID);
	CHECK(sys_cap_mint(OWN, PLACE, INIT_SLOT_CONTROL, 0, 0, 1), ERR_INVALID);
	CHECK(sys_cap_mint(OWN, PLACE, memory, 0, base, boot->page_pages + 1), ERR_INVALID);
	CHECK(sys_cap_mint(OWN, PLACE, memory, 0, base - PAGE_BYTES, 2), ERR_INVALID);
	CHECK(sys_cap_mint(OWN, PLACE, memory, 0, base + 1, 1), ERR_INVALID);
	CHECK(sys_cap_mint(OWN, PLACE, memory, 0, base, 0), ERR_INVALID);
	CHECK(sys_cap_mint(OWN, PLACE, memory, 0, base + PAGE_BYTES, ~0UL), ERR_INVALID);
	CHECK(sys_cap_mint(OWN, PLACE, memory, 0, base + PAGE_BYTES, ~0UL / PAGE_BYTES), ERR_INVALID);
	CHECK(sys_cap_mint(OWN, PLACE, memory, RIGHT_READ, base + PAGE_BYTES, 2), OK);
	CHECK(sys_cap_mint(OWN, ARRIVAL, PLACE, RIGHT_READ, base, 1), ERR_INVALID);
	CHECK(sys_cap_mint(OWN, ARRIVAL, PLACE, RIGHT_READ, base + PAGE_BYTES, 2), OK);
	sys_cap_delete(OWN, ARRIVAL);
	sys_cap_delete(OWN, PLACE);
	CHECK(sys_cap_mint(OWN, PLACE, INIT_SLOT_IRQ, 0, 10, 1), OK);
	CHECK(sys_irq_ack(PLACE, 10), OK);
	CHECK(sys_irq_ack(PLACE, 11), ERR_INVALID);
	sys_cap_delete(OWN, PLACE);
	slot_free(weak);
	slot_free(badged);
	object_free(endpoint);
}

static void creating(void)
{
	uint64_t page = object_page_new(), memory = INIT_SLOT_OBJECT_MEMORY, base = boot->object_base, copy;

	CHECK(sys_create(memory, page, KIND_NONE, PLACE), ERR_INVALID);
	CHECK(sys_create(memory, page, KIND_TABLE, PLACE), ERR_INVALID);
	CHECK(sys_create(memory, page, KIND_USER_MEMORY, PLACE), ERR_INVALID);
	CHECK(sys_create(memory, page, (enum kind)~0U, PLACE), ERR_INVALID);
	CHECK(sys_create(memory, page + 8, KIND_ENDPOINT, PLACE), ERR_INVALID);
	CHECK(sys_create(memory, base - PAGE_BYTES, KIND_ENDPOINT, PLACE), ERR_INVALID);
	CHECK(sys_create(memory, base + boot->object_pages * PAGE_BYTES, KIND_ENDPOINT, PLACE), ERR_INVALID);
	CHECK(sys_create(memory, ~0UL << PAGE_SHIFT, KIND_ENDPOINT, PLACE), ERR_INVALID);
	CHECK(sys_create(memory, base, KIND_ENDPOINT, PLACE), ERR_IN_USE);
	CHECK(sys_create(memory, page, KIND_ENDPOINT, OWN), ERR_IN_USE);
	CHECK(sys_create(memory, page, KIND_ENDPOINT, 0), ERR_BAD_SLOT);
	CHECK(sys_create(INIT_SLOT_PAGE_MEMORY, boot->page_first_free, KIND_ENDPOINT, PLACE), ERR_WRONG_KIND);
	CHECK(sys_create(memory, page, KIND_ENDPOINT, PLACE), OK);
	CHECK(sys_create(memory, page, KIND_ENDPOINT, ARRIVAL), ERR_IN_USE);
	copy = mint(PLACE, RIGHT_SEND, 1);
	CHECK(sys_destroy(copy), ERR_NO_RIGHT);
	CHECK(sys_destroy(PLACE), OK);
	CHECK(sys_destroy(PLACE), ERR_BAD_SLOT);	/* dead generations */
	CHECK(sys_cap_mint(OWN, ARRIVAL, copy, 0, 0, 0), ERR_BAD_SLOT);
	CHECK(sys_create(memory, page, KIND_ENDPOINT, PLACE), OK);	/* a dead capability leaves its slot free */
	CHECK(sys_cap_mint(OWN, ARRIVAL, copy, 0, 0, 0), ERR_BAD_SLOT);	/* the same page, another life */
	CHECK(sys_destroy(PLACE), OK);
	CHECK(sys_destroy(INIT_SLOT_PAGE_MEMORY), ERR_WRONG_KIND);
	CHECK(sys_destroy(EMPTY_SLOT), ERR_BAD_SLOT);
	slot_free(copy);
	object_page_free(page);
	sys_cap_delete(OWN, PLACE);
}

static void leaves(void)
{
	uint64_t leaf = object_new(KIND_LEAF), first = SPACE_SLOTS + 5 * LEAF_SLOTS, weak = mint(leaf, 0, 0);

	CHECK(sys_cap_mint(OWN, first, OWN, RIGHT_CONTROL, 0, 0), ERR_BAD_SLOT);
	CHECK(sys_space_set(OWN, SPACE_LEAF, leaf, SPACE_LEAVES), ERR_INVALID);
	CHECK(sys_space_set(OWN, SPACE_LEAF, weak, 5), ERR_NO_RIGHT);
	CHECK(sys_space_set(OWN, SPACE_LEAF, OWN, 5), ERR_WRONG_KIND);
	CHECK(sys_space_set(OWN, 99, leaf, 5), ERR_INVALID);
	CHECK(sys_space_set(OWN, SPACE_LEAF, leaf, 5), OK);
	CHECK(sys_cap_mint(OWN, first + LEAF_SLOTS - 1, OWN, RIGHT_CONTROL, 0, 0), OK);
	CHECK(sys_cap_mint(OWN, first + LEAF_SLOTS, OWN, RIGHT_CONTROL, 0, 0), ERR_BAD_SLOT);
	CHECK(sys_cap_mint(first + LEAF_SLOTS - 1, first, OWN, RIGHT_CONTROL, 0, 0), OK);
	object_free(leaf);
	CHECK(sys_cap_delete(OWN, first), ERR_BAD_SLOT);
	slot_free(weak);
}

void test_capabilities(void)
{
	minting();
	creating();
	leaves();
}

static long plain(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	return syscall6(number, a, b, c, d, e, f).value;
}

/* Each call that begins with a slot: number, kind it wants (0: any extent), a right it needs. */
static const struct {
	int number;
	enum kind kind;
	unsigned right;
} slot_calls[] = {
	{ SYS_notify, KIND_NOTIFICATION, RIGHT_SEND },
	{ SYS_interrupt, KIND_THREAD, RIGHT_CONTROL },
	{ SYS_cap_mint, KIND_SPACE, RIGHT_CONTROL },
	{ SYS_cap_delete, KIND_SPACE, RIGHT_CONTROL },
	{ SYS_create, KIND_OBJECT_MEMORY, 0 },
	{ SYS_thread_set, KIND_THREAD, RIGHT_CONTROL },
	{ SYS_space_set, KIND_SPACE, RIGHT_CONTROL },
	{ SYS_route_set, KIND_ROUTE, RIGHT_CONTROL },
	{ SYS_give, KIND_SPACE, RIGHT_CONTROL },
	{ SYS_take, KIND_SPACE, RIGHT_CONTROL },
	{ SYS_map, KIND_SPACE, RIGHT_CONTROL },
	{ SYS_unmap, KIND_SPACE, RIGHT_CONTROL },
	{ SYS_protect, KIND_SPACE, RIGHT_CONTROL },
	{ SYS_scan, KIND_SPACE, RIGHT_CONTROL },
	{ SYS_irq_bind, KIND_IRQ, 0 },
	{ SYS_irq_ack, KIND_IRQ, 0 },
	{ SYS_timer_set, KIND_CONTROL, 0 },
	{ SYS_log, KIND_CONTROL, 0 },
	{ SYS_info, KIND_CONTROL, 0 },
};

static void slots(void)
{
	static const uint64_t bad[] = { 0, EMPTY_SLOT, SPACE_SLOTS + 4 * LEAF_SLOTS, SPACE_SLOTS + SPACE_LEAVES * LEAF_SLOTS, 1UL << 32, ~0UL };
	uint64_t sample[KIND_CONTROL + 1] = { 0 };

	for (enum kind kind = KIND_SPACE; kind <= KIND_ROUTE; kind++)
		sample[kind] = object_new(kind);
	for (unsigned i = 0; i < sizeof(slot_calls) / sizeof(slot_calls[0]); i++) {
		uint64_t good = sample[slot_calls[i].kind], wrong = sample[slot_calls[i].kind == KIND_LEAF ? KIND_ROUTE : KIND_LEAF];

		for (unsigned j = 0; j < sizeof(bad) / sizeof(bad[0]); j++)
			CHECK(plain(slot_calls[i].number, bad[j], 1, 1, 1, 1, 0), ERR_BAD_SLOT);
		CHECK(plain(slot_calls[i].number, wrong, 1, 1, 1, 1, 0), ERR_WRONG_KIND);
		if (slot_calls[i].right) {
			uint64_t weak = mint(good, RIGHT_ALL & ~slot_calls[i].right, 0);

			CHECK(plain(slot_calls[i].number, weak, 1, 1, 1, 1, 0), ERR_NO_RIGHT);
			slot_free(weak);
		}
	}
	for (enum kind kind = KIND_SPACE; kind <= KIND_ROUTE; kind++)
		object_free(sample[kind]);
}

/* s0..s11: a plain call keeps them. */
static bool saved(unsigned number)
{
	return number == 8 || number == 9 || (number >= 18 && number <= 27);
}

static void numbers(void)
{
	uint64_t x[32];

	CHECK(plain(-(long)KERNEL_CALLS - 1, 0, 0, 0, 0, 0, 0), ERR_NO_CALL);
	CHECK(plain((long)(1UL << 63), 0, 0, 0, 0, 0, 0), ERR_NO_CALL);
	for (unsigned i = 0; i < 32; i++)	/* nothing but the results and what is kept is left in any register */
		x[i] = 0x1234567800000000 + i;
	x[17] = (uint64_t)SYS_cap_delete;
	x[10] = EMPTY_SLOT;
	raw_call(x);
	for (unsigned i = 1; i < 32; i++)
		if (i < 2 || i > 4)
			CHECK(x[i], i == 10 ? ERR_BAD_SLOT : saved(i) ? 0x1234567800000000 + i : 0);
	for (unsigned i = 0; i < 32; i++)
		x[i] = 0x1234567800000000 + i;
	x[17] = (uint64_t)SYS_ipc_recv;
	raw_call(x);
	for (unsigned i = 1; i < 32; i++)
		if (i < 2 || i > 4)
			CHECK(x[i], i == 17 ? ERR_BAD_SLOT : 0);
}

static void logging(void)
{
	static struct kernel_info info;
	static const char text[] = "";

	CHECK(sys_log(INIT_SLOT_CONTROL, text, 0), OK);
	CHECK(sys_log(INIT_SLOT_CONTROL, text, LOG_MAX + 1), ERR_INVALID);
	CHECK(sys_log(INIT_SLOT_CONTROL, text, ~0UL), ERR_INVALID);
	CHECK(sys_log(INIT_SLOT_CONTROL, (const char *)NOWHERE, 1), ERR_BAD_ADDRESS);
	CHECK(sys_log(INIT_SLOT_CONTROL, (const char *)(USER_END - 1), 2), ERR_BAD_ADDRESS);
	CHECK(sys_log(INIT_SLOT_CONTROL, (const char *)0xffffffc080200000, 1), ERR_BAD_ADDRESS);
	CHECK(sys_log(INIT_SLOT_CONTROL, (const char *)~0UL, 2), ERR_BAD_ADDRESS);
	CHECK(sys_info(INIT_SLOT_CONTROL, &info), OK);
	CHECK(info.timebase_hz, boot->timebase_hz);
	CHECK(info.object_pages, boot->object_pages);
	CHECK(info.object_pages_free < info.object_pages && info.kernel_bytes > 4096, true);
	CHECK(sys_info(INIT_SLOT_CONTROL, (struct kernel_info *)0), ERR_BAD_ADDRESS);
	CHECK(sys_info(INIT_SLOT_CONTROL, (struct kernel_info *)0xffffffc080200000), ERR_BAD_ADDRESS);
	CHECK(sys_info(INIT_SLOT_CONTROL, (struct kernel_info *)BOOT_INFO_BASE), ERR_BAD_ADDRESS);	/* read-only */
	CHECK(sys_info(INIT_SLOT_CONTROL, (struct kernel_info *)(~0UL - 7)), ERR_BAD_ADDRESS);
}

void test_arguments(void)
{
	slots();
	numbers();
	logging();
}
