/*
 * Reads the flattened device tree (Devicetree Specification 0.4, chapter 5) in one pass: the interesting properties of each
 * node are gathered while it is open and looked at when it ends. Nodes are known by their names, the interrupt controller by a property that
 * only its kind has. Firmware is trusted to hand over a well-formed tree; a machine without what the kernel needs is a panic that names it.
 */
#include "memory.h"

#define MAGIC 0xd00dfeed
#define CAUSE_SUPERVISOR_EXTERNAL 9

enum token { TOKEN_NODE = 1, TOKEN_END_NODE, TOKEN_PROPERTY };	/* others are passed over */

struct header {		/* all big-endian */
	uint32_t magic, total_bytes, structure, strings;
};

enum property_name { REG, PHANDLE, ADDRESS_CELLS, SIZE_CELLS, BOOTARGS, INITRD_START, INITRD_END, TIMEBASE, CONTEXTS, NUMBERS, PROPERTIES };
static const char *const property_names[PROPERTIES] = {
	"reg", "phandle", "#address-cells", "#size-cells", "bootargs", "linux,initrd-start", "linux,initrd-end", "timebase-frequency",
	"interrupts-extended", "riscv,ndev",
};

struct property {
	const uint32_t *cells;	/* NULL: the node has none */
	uint32_t bytes;
};

struct node {
	struct node *parent;
	const char *name;
	struct property property[PROPERTIES];
	uint64_t controller;	/* of a cpu: the phandle of its own interrupt controller */
};

struct machine machine;

static const char *strings;
static uint64_t boot_hart, boot_controller;
static struct property contexts;	/* of the interrupt controller; for each a cpu's controller and a cause */

static uint32_t big_endian(uint32_t value)
{
	return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

/* Is this `name`, perhaps with an address behind it? */
static bool named(const char *text, const char *name)
{
	const char *rest = text_after(text, name);

	return rest && (!*rest || *rest == '@');
}

/* A number of no, one or two cells. */
static uint64_t number(const uint32_t *cells, uint64_t count)
{
	uint64_t value = 0;

	for (uint64_t i = 0; i < count; i++)
		value = value << 32 | big_endian(cells[i]);
	return value;
}

static uint64_t value(const struct node *node, enum property_name name, uint64_t otherwise)
{
	const struct property *property = &node->property[name];

	return property->cells ? number(property->cells, property->bytes / 4) : otherwise;
}

/* The first range of reg, in the parent's cells. */
static struct extent range(const struct node *node)
{
	uint64_t base_cells = value(node->parent, ADDRESS_CELLS, 2), size_cells = value(node->parent, SIZE_CELLS, 1);
	const uint32_t *reg = node->property[REG].cells;

	return reg ? (struct extent){ number(reg, base_cells), number(reg + base_cells, size_cells) } : (struct extent){ 0, 0 };
}

static void node_ends(const struct node *node)
{
	struct extent where = range(node);

	if (named(node->parent->name, "reserved-memory")) {
		assert(machine.reserved_count < RESERVED_MAX);
		machine.reserved[machine.reserved_count++] = where;
	} else if (named(node->name, "memory") && range_inside(KERNEL_PHYSICAL, 1, where.base, where.bytes)) {
		machine.ram = where;
	} else if (named(node->name, "chosen")) {
		machine.initrd_base = value(node, INITRD_START, 0);
		machine.initrd_bytes = value(node, INITRD_END, 0) - machine.initrd_base;
		machine.arguments = (const char *)node->property[BOOTARGS].cells;
	} else if (named(node->name, "cpus")) {
		machine.timebase_hz = value(node, TIMEBASE, 0);
	} else if (named(node->name, "cpu")) {
		machine.harts++;
		if (where.base == boot_hart)
			boot_controller = node->controller;
	} else if (node->property[NUMBERS].cells) {
		machine.controller = where;
		machine.interrupts = value(node, NUMBERS, 0);
		contexts = node->property[CONTEXTS];
	} else if (named(node->name, "interrupt-controller")) {
		node->parent->controller = value(node, PHANDLE, 0);
	}
}

/* `cell` lies behind the token that opens the node; the result behind the one that ends it. */
static const uint32_t *read_node(const uint32_t *cell, struct node *parent)
{
	struct node node = { .parent = parent, .name = (const char *)cell };
	const char *text = node.name;
	uint32_t token;

	while (*text)
		text++;
	cell += (text - node.name) / 4 + 1;
	while ((token = big_endian(*cell++)) != TOKEN_END_NODE) {
		if (token == TOKEN_NODE) {
			cell = read_node(cell, &node);
		} else if (token == TOKEN_PROPERTY) {
			for (unsigned i = 0; i < PROPERTIES; i++)
				if (named(strings + big_endian(cell[1]), property_names[i]))
					node.property[i] = (struct property){ cell + 2, big_endian(cell[0]) };
			cell += 2 + (big_endian(cell[0]) + 3) / 4;
		}
	}
	node_ends(&node);
	return cell;
}

void device_tree_read(uint64_t physical, uint64_t hart)
{
	const struct header *header = direct(physical);
	struct node none = { .name = "" };
	uint32_t pairs;

	if (big_endian(header->magic) != MAGIC)
		panic("no device tree at %lx", physical);
	machine.tree = physical;
	machine.tree_bytes = big_endian(header->total_bytes);
	boot_hart = hart;
	strings = (const char *)header + big_endian(header->strings);
	read_node((const uint32_t *)((const char *)header + big_endian(header->structure)) + 1, &none);
	pairs = contexts.bytes / 8;
	while (machine.context < pairs && (big_endian(contexts.cells[2 * machine.context]) != boot_controller ||
					   big_endian(contexts.cells[2 * machine.context + 1]) != CAUSE_SUPERVISOR_EXTERNAL))
		machine.context++;
	if (!machine.ram.bytes || !machine.timebase_hz || machine.context == pairs)
		panic("the device tree lacks memory at %lx, a timebase or the interrupts of hart %lu", (uint64_t)KERNEL_PHYSICAL, hart);
	if (!machine.arguments)
		machine.arguments = "";
}
