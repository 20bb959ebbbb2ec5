/*
 * Reads the flattened device tree (Devicetree Specification 0.4, chapter 5) in one pass: the interesting properties of each
 * node are gathered while it is open and looked at when it ends. Firmware is trusted to hand over a well-formed tree;
 * a machine without what the kernel needs is a panic that names it.
 */
#include "memory.h"

#define DEPTH_MAX 8
#define MAGIC 0xd00dfeed
#define CAUSE_SUPERVISOR_EXTERNAL 9

enum token { TOKEN_NODE = 1, TOKEN_END_NODE, TOKEN_PROPERTY, TOKEN_NOTHING, TOKEN_END = 9 };

struct header {		/* all big-endian */
	uint32_t magic, total_bytes, structure, strings;
};

enum property_name {
	REG, COMPATIBLE, DEVICE_TYPE, PHANDLE, ADDRESS_CELLS, SIZE_CELLS, BOOTARGS, INITRD_START, INITRD_END, TIMEBASE, EXTENDED, NDEV, PROPERTIES,
};
static const char *const property_names[PROPERTIES] = {
	"reg", "compatible", "device_type", "phandle", "#address-cells", "#size-cells", "bootargs", "linux,initrd-start",
	"linux,initrd-end", "timebase-frequency", "interrupts-extended", "riscv,ndev",
};

struct property {
	const uint32_t *cells;	/* NULL: the node has none */
	uint32_t bytes;
};

struct node {
	const char *name;
	struct property property[PROPERTIES];
	uint32_t controller;	/* of a cpu: the phandle of its own interrupt controller */
};

struct machine machine;

static struct node path[DEPTH_MAX];	/* the open nodes; path[0] is the root */
static struct property contexts;	/* the interrupt controller's */
static uint32_t boot_controller;	/* the boot hart's */

static uint32_t big_endian(uint32_t value)
{
	return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

/* Does `text` begin with `name`, and then end or go on with an @? */
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

/* Is `text` one of the strings of the property? */
static bool lists(const struct node *node, enum property_name name, const char *text)
{
	const char *strings = (const char *)node->property[name].cells;

	for (uint32_t at = 0; strings && at < node->property[name].bytes; at++)
		if ((!at || !strings[at - 1]) && named(strings + at, text))
			return true;
	return false;
}

/* The first range of reg, in the parent's cells. */
static struct extent range(const struct node *node)
{
	uint64_t base_cells = value(node - 1, ADDRESS_CELLS, 2), size_cells = value(node - 1, SIZE_CELLS, 1);
	const uint32_t *reg = node->property[REG].cells;

	if (!reg)
		return (struct extent){ 0, 0 };
	return (struct extent){ number(reg, base_cells), number(reg + base_cells, size_cells) };
}

static void node_ends(const struct node *node, unsigned depth, uint64_t boot_hart)
{
	struct extent where = range(node);

	if (depth == 1 && named(node->name, "chosen")) {
		machine.initrd_base = value(node, INITRD_START, 0);
		machine.initrd_bytes = value(node, INITRD_END, 0) - machine.initrd_base;
		if (node->property[BOOTARGS].cells)
			machine.arguments = (const char *)node->property[BOOTARGS].cells;
	} else if (depth == 1 && named(node->name, "cpus")) {
		machine.timebase_hz = value(node, TIMEBASE, 0);
	} else if (depth == 2 && named(path[1].name, "reserved-memory")) {
		assert(machine.reserved_count < RESERVED_MAX);
		machine.reserved[machine.reserved_count++] = where;
	} else if (depth == 3 && named(path[1].name, "cpus") && named(node->name, "interrupt-controller")) {
		path[2].controller = (uint32_t)value(node, PHANDLE, 0);
	} else if (lists(node, DEVICE_TYPE, "cpu")) {
		machine.harts++;
		if (where.base == boot_hart)
			boot_controller = node->controller;
	} else if (lists(node, DEVICE_TYPE, "memory") && range_inside(KERNEL_PHYSICAL, 1, where.base, where.bytes)) {
		machine.ram = where;
	} else if (lists(node, COMPATIBLE, "riscv,plic0") || lists(node, COMPATIBLE, "sifive,plic-1.0.0")) {
		machine.controller = where;
		machine.interrupts = value(node, NDEV, 0);
		contexts = node->property[EXTENDED];
	}
}

static void walk_tree(const struct header *header, uint64_t boot_hart)
{
	const uint32_t *cell = (const uint32_t *)((const char *)header + big_endian(header->structure));
	const char *strings = (const char *)header + big_endian(header->strings), *text;
	unsigned depth = 0;	/* open nodes */

	for (uint32_t token; (token = big_endian(*cell++)) != TOKEN_END; ) {
		if (token == TOKEN_NODE) {
			assert(depth < DEPTH_MAX);
			path[depth++] = (struct node){ .name = text = (const char *)cell };
			while (*text)
				text++;
			cell += (text - (const char *)cell) / 4 + 1;
		} else if (token == TOKEN_PROPERTY) {
			uint32_t bytes = big_endian(cell[0]);

			for (unsigned i = 0; i < PROPERTIES; i++)
				if (named(strings + big_endian(cell[1]), property_names[i]))
					path[depth - 1].property[i] = (struct property){ cell + 2, bytes };
			cell += 2 + (bytes + 3) / 4;
		} else if (token == TOKEN_END_NODE && --depth) {
			node_ends(&path[depth], depth, boot_hart);
		}
	}
}

void device_tree_read(uint64_t physical, uint64_t boot_hart)
{
	const struct header *header = direct(physical);
	uint32_t pairs;

	if (big_endian(header->magic) != MAGIC)
		panic("no device tree at %lx", physical);
	machine.tree = physical;
	machine.tree_bytes = big_endian(header->total_bytes);
	machine.arguments = "";
	walk_tree(header, boot_hart);
	pairs = contexts.bytes / 8;	/* per context: controller of a hart, cause */
	while (machine.context < pairs && (big_endian(contexts.cells[2 * machine.context]) != boot_controller ||
					   big_endian(contexts.cells[2 * machine.context + 1]) != CAUSE_SUPERVISOR_EXTERNAL))
		machine.context++;
	if (!machine.ram.bytes || !machine.timebase_hz || machine.context == pairs)
		panic("the device tree lacks memory at %lx, a timebase or the interrupts of hart %lu", (uint64_t)KERNEL_PHYSICAL, boot_hart);
}
