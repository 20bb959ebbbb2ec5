/*
 * Reads the flattened device tree (Devicetree Specification 0.4, chapter 5) in one pass: what a node says of itself is
 * gathered while it is open and looked at when it ends. Nodes are known by their names, the interrupt controller by a property that
 * only its kind has, as are the numbers that init wants to know. Firmware is trusted to hand over a well-formed tree; a machine without what the kernel needs is a panic that names it.
 */
#include "memory.h"

#define MAGIC 0xd00dfeed
#define CAUSE_SUPERVISOR_EXTERNAL 9

enum token { TOKEN_NODE = 1, TOKEN_END_NODE, TOKEN_PROPERTY };	/* others are passed over */

struct header {		/* all big-endian */
	uint32_t magic, total_bytes, structure, strings;
};

struct node {
	struct node *parent;
	const char *name;
	uint64_t address_cells, size_cells, phandle, interrupts;
	struct extent where;	/* the first range of reg */
	const uint32_t *contexts, *contexts_end;	/* of an interrupt controller: for each a cpu's controller and a cause */
	uint64_t controller;	/* of a cpu: the phandle of its own interrupt controller */
};

struct machine machine = { .kept = ~0UL };

static const char *strings;
static uint64_t boot_hart, boot_controller;
static struct node controller;

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

static void read_property(struct node *node, const char *name, const uint32_t *cells, uint32_t bytes)
{
	const struct { const char *name; uint64_t *place; } numbers[] = {
		{ "#address-cells", &node->address_cells }, { "#size-cells", &node->size_cells }, { "phandle", &node->phandle },
		{ "riscv,ndev", &node->interrupts }, { "timebase-frequency", &boot_info.timebase_hz },
		{ "linux,initrd-start", &boot_info.initrd_base }, { "linux,initrd-end", &boot_info.initrd_bytes },	/* a length in the end */
	};
	uint64_t address_cells = node->parent->address_cells;

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (named(name, numbers[i].name))
			*numbers[i].place = number(cells, bytes / 4);
	if (named(name, "reg"))
		node->where = (struct extent){ number(cells, address_cells), number(cells + address_cells, node->parent->size_cells) };
	else if (named(name, "interrupts-extended"))
		node->contexts = cells, node->contexts_end = cells + bytes / 4;
	else if (named(name, "bootargs"))
		memcpy(boot_info.arguments, cells, min(bytes, sizeof(boot_info.arguments) - 1));
}

static void node_ends(const struct node *node)
{
	struct extent where = node->where;

	if (named(node->parent->name, "reserved-memory")) {
		if (where.base + where.bytes > physical_of(kernel_end))
			machine.kept = min(machine.kept, where.base);
	} else if (named(node->name, "memory") && range_inside(KERNEL_PHYSICAL, 1, where.base, where.bytes)) {
		machine.ram = where;
	} else if (named(node->name, "cpu")) {
		boot_info.harts++;
		if (where.base == boot_hart)
			boot_controller = node->controller;
	} else if (node->interrupts) {
		controller = *node;
	} else if (named(node->name, "interrupt-controller")) {
		node->parent->controller = node->phandle;
	}
}

/* `cell` lies behind the token that opens the node; the result behind the one that ends it. */
static const uint32_t *read_node(const uint32_t *cell, struct node *parent)
{
	struct node node = { .parent = parent, .name = (const char *)cell, .address_cells = 2, .size_cells = 1 };
	const char *text = node.name;
	uint32_t token;

	while (*text)
		text++;
	cell += (text - node.name) / 4 + 1;
	while ((token = big_endian(*cell++)) != TOKEN_END_NODE) {
		if (token == TOKEN_NODE) {
			cell = read_node(cell, &node);
		} else if (token == TOKEN_PROPERTY) {
			read_property(&node, strings + big_endian(cell[1]), cell + 2, big_endian(cell[0]));
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
	const uint32_t *pair;

	if (big_endian(header->magic) != MAGIC)
		panic("no device tree at %lx", physical);
	machine.tree = physical;
	boot_info.device_tree_bytes = big_endian(header->total_bytes);
	boot_hart = hart;
	strings = (const char *)header + big_endian(header->strings);
	read_node((const uint32_t *)((const char *)header + big_endian(header->structure)) + 1, &none);
	boot_info.initrd_bytes -= boot_info.initrd_base;
	machine.controller = controller.where;
	machine.interrupts = controller.interrupts;
	pair = controller.contexts;
	while (pair < controller.contexts_end && (big_endian(pair[0]) != boot_controller || big_endian(pair[1]) != CAUSE_SUPERVISOR_EXTERNAL))
		pair += 2;
	machine.context = (uint64_t)(pair - controller.contexts) / 2;
	if (!machine.ram.bytes || !boot_info.timebase_hz || pair == controller.contexts_end)
		panic("the device tree lacks memory at %lx, a timebase or the interrupts of hart %lx", (uint64_t)KERNEL_PHYSICAL, hart);
}
