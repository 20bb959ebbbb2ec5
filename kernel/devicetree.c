/*
 * Reads the flattened device tree (Devicetree Specification 0.4, chapter 5) in one pass: each node's interesting properties
 * are gathered while it is open and looked at when it ends. Firmware is trusted to hand over a well-formed tree;
 * a machine without what the kernel needs is a panic that names it.
 */
#include "machine.h"

#define DEPTH_MAX 8
#define MAGIC 0xd00dfeed
#define INTERRUPT_SUPERVISOR_EXTERNAL 9

enum token { TOKEN_NODE = 1, TOKEN_END_NODE, TOKEN_PROPERTY, TOKEN_NOTHING, TOKEN_END = 9 };

struct header {		/* all big-endian */
	uint32_t magic, total_bytes, structure, strings, reserve_map, version, compatible_version, boot_hart, strings_bytes, structure_bytes;
};

#define PROPERTY_LIST(X) \
	X(REG, "reg") X(COMPATIBLE, "compatible") X(DEVICE_TYPE, "device_type") X(PHANDLE, "phandle") \
	X(ADDRESS_CELLS, "#address-cells") X(SIZE_CELLS, "#size-cells") X(BOOTARGS, "bootargs") \
	X(INITRD_START, "linux,initrd-start") X(INITRD_END, "linux,initrd-end") X(TIMEBASE, "timebase-frequency") \
	X(EXTENDED, "interrupts-extended") X(NDEV, "riscv,ndev")

enum property_name {
#define X(name, text) PROPERTY_##name,
	PROPERTY_LIST(X)
#undef X
	PROPERTIES
};

static const char *const property_names[] = {
#define X(name, text) text,
	PROPERTY_LIST(X)
#undef X
};

struct property {
	const uint32_t *cells;	/* NULL: the node has none */
	uint32_t bytes;
};

struct node {
	const char *name;
	struct property property[PROPERTIES];
	uint32_t interrupt_phandle;	/* of a cpu: its own controller's */
};

struct machine machine;

static struct node path[DEPTH_MAX];	/* the open nodes; path[0] is the root */
static struct property plic_contexts;
static uint32_t boot_hart_phandle;

static uint32_t big_endian(uint32_t value)
{
	return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

static bool equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static size_t length(const char *text)
{
	size_t count = 0;

	while (text[count])
		count++;
	return count;
}

/* Does the node's name, without the address behind an @, say this? */
static bool named(const struct node *node, const char *name)
{
	const char *other = node->name;

	while (*name && *name == *other)
		name++, other++;
	return !*name && (!*other || *other == '@');
}

/* A number of one or two cells. */
static uint64_t number(const uint32_t *cells, uint32_t count)
{
	return count == 1 ? big_endian(cells[0]) : (uint64_t)big_endian(cells[0]) << 32 | big_endian(cells[1]);
}

static uint64_t property_number(const struct node *node, enum property_name name, uint64_t otherwise)
{
	const struct property *property = &node->property[name];

	return property->cells ? number(property->cells, property->bytes / 4) : otherwise;
}

static bool property_lists(const struct node *node, enum property_name name, const char *text)
{
	const struct property *property = &node->property[name];
	const char *strings = (const char *)property->cells;

	for (uint32_t at = 0; strings && at < property->bytes; at++)
		if ((!at || !strings[at - 1]) && equal(strings + at, text))
			return true;
	return false;
}

/* Entry `i` of reg, in the parent's cells; false: there are not so many. */
static bool node_range(const struct node *node, unsigned i, struct range_of_memory *range)
{
	const struct property *reg = &node->property[PROPERTY_REG];
	uint32_t address_cells = (uint32_t)property_number(node - 1, PROPERTY_ADDRESS_CELLS, 2);
	uint32_t size_cells = (uint32_t)property_number(node - 1, PROPERTY_SIZE_CELLS, 1), at = i * (address_cells + size_cells);

	if (!reg->cells || (at + address_cells + size_cells) * 4 > reg->bytes)
		return false;
	range->base = number(reg->cells + at, address_cells);
	range->bytes = size_cells ? number(reg->cells + at + address_cells, size_cells) : 0;
	return true;
}

static void end_memory(const struct node *node)
{
	struct range_of_memory range;

	for (unsigned i = 0; node_range(node, i, &range); i++)
		if (range_inside(KERNEL_PHYSICAL, 1, range.base, range.bytes))
			machine.ram = range;
}

static void end_reserved(const struct node *node)
{
	struct range_of_memory range;

	for (unsigned i = 0; node_range(node, i, &range); i++) {
		if (machine.reserved_count == RESERVED_MAX)
			panic("more than %u reserved memory ranges", RESERVED_MAX);
		machine.reserved[machine.reserved_count++] = range;
	}
}

static void end_chosen(const struct node *node)
{
	machine.initrd_base = property_number(node, PROPERTY_INITRD_START, 0);
	machine.initrd_end = property_number(node, PROPERTY_INITRD_END, 0);
	if (node->property[PROPERTY_BOOTARGS].cells)
		machine.arguments = (const char *)node->property[PROPERTY_BOOTARGS].cells;
}

static void end_cpu(const struct node *node, uint64_t boot_hart)
{
	struct range_of_memory id;

	machine.harts++;
	if (node_range(node, 0, &id) && id.base == boot_hart)
		boot_hart_phandle = node->interrupt_phandle;
}

static void end_controller(const struct node *node)
{
	node_range(node, 0, &machine.interrupt_controller);
	machine.interrupts = property_number(node, PROPERTY_NDEV, 0);
	plic_contexts = node->property[PROPERTY_EXTENDED];
}

static void node_end(struct node *node, unsigned depth, uint64_t boot_hart)
{
	const struct node *parent = node - 1;

	if (depth == 0)
		return;
	if (property_lists(node, PROPERTY_DEVICE_TYPE, "memory"))
		end_memory(node);
	else if (depth == 1 && named(node, "chosen"))
		end_chosen(node);
	else if (depth == 1 && named(node, "cpus"))
		machine.timebase_hz = property_number(node, PROPERTY_TIMEBASE, 0);
	else if (property_lists(node, PROPERTY_DEVICE_TYPE, "cpu"))
		end_cpu(node, boot_hart);
	else if (named(node, "interrupt-controller") && depth == 3 && named(parent, "cpu"))
		path[depth - 1].interrupt_phandle = (uint32_t)property_number(node, PROPERTY_PHANDLE, 0);
	else if (depth == 2 && named(parent, "reserved-memory"))
		end_reserved(node);
	else if (property_lists(node, PROPERTY_COMPATIBLE, "riscv,plic0") || property_lists(node, PROPERTY_COMPATIBLE, "sifive,plic-1.0.0"))
		end_controller(node);
}

static void node_property(struct node *node, const char *name, const uint32_t *value, uint32_t bytes)
{
	for (unsigned i = 0; i < PROPERTIES; i++)
		if (equal(name, property_names[i]))
			node->property[i] = (struct property){ value, bytes };
}

static void walk_tree(const struct header *header, uint64_t boot_hart)
{
	const uint32_t *cell = (const uint32_t *)((const char *)header + big_endian(header->structure));
	const char *strings = (const char *)header + big_endian(header->strings);
	unsigned depth = 0;	/* open nodes */

	for (uint32_t token; (token = big_endian(*cell++)) != TOKEN_END; ) {
		if (token == TOKEN_NODE) {
			if (depth == DEPTH_MAX)
				panic("the device tree is deeper than %u", DEPTH_MAX);
			path[depth] = (struct node){ .name = (const char *)cell };
			cell += length(path[depth].name) / 4 + 1;
			depth++;
		} else if (token == TOKEN_PROPERTY) {
			uint32_t bytes = big_endian(cell[0]);

			node_property(&path[depth - 1], strings + big_endian(cell[1]), cell + 2, bytes);
			cell += 2 + (bytes + 3) / 4;
		} else if (token == TOKEN_END_NODE) {
			depth--;
			node_end(&path[depth], depth, boot_hart);
		} else if (token != TOKEN_NOTHING) {
			panic("the device tree has a token %u", token);
		}
	}
}

/* interrupts-extended lists (controller of a hart, cause) per context. */
static uint64_t find_context(void)
{
	for (uint32_t i = 0; plic_contexts.cells && i + 1 < plic_contexts.bytes / 4; i += 2)
		if (big_endian(plic_contexts.cells[i]) == boot_hart_phandle &&
		    big_endian(plic_contexts.cells[i + 1]) == INTERRUPT_SUPERVISOR_EXTERNAL)
			return i / 2;
	panic("the device tree names no interrupt context for hart controller %u", boot_hart_phandle);
}

void device_tree_read(uint64_t physical, uint64_t boot_hart)
{
	const struct header *header = direct(physical);

	if (big_endian(header->magic) != MAGIC)
		panic("no device tree at %lx", physical);
	machine.device_tree = physical;
	machine.device_tree_bytes = big_endian(header->total_bytes);
	machine.arguments = "";
	walk_tree(header, boot_hart);
	if (!machine.ram.bytes || !machine.timebase_hz)
		panic("the device tree lacks memory at %x or a timebase", KERNEL_PHYSICAL);
	machine.interrupt_context = find_context();
}
