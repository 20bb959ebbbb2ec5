/* See fdt.h. All numbers in a device tree are big-endian. */
#include "fdt.h"

#include "server.h"

#define FDT_MAGIC 0xd00dfeedu
#define FDT_VERSION 17
#define DEPTH_MAX 16

enum token { BEGIN_NODE = 1, END_NODE, PROPERTY, NOP, END = 9 };

struct header {
	uint32_t magic, total_bytes, structure, strings, reservations, version, compatible_version, boot_hart, strings_bytes,
		structure_bytes;
};

struct walk {
	const uint8_t *structure, *strings;
	uint32_t structure_bytes, strings_bytes, position;
	unsigned depth;
	struct { uint32_t address_cells, size_cells; } level[DEPTH_MAX];	/* what each open node says about its children */
};

static uint32_t big32(const void *bytes)
{
	const uint8_t *byte = bytes;

	return (uint32_t)byte[0] << 24 | byte[1] << 16 | byte[2] << 8 | byte[3];
}

/* A string that ends within `bytes`, or null. */
static const char *text_within(const uint8_t *text, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		if (!text[i])
			return (const char *)text;
	return NULL;
}

static bool open_blob(struct walk *walk, const void *blob, size_t bytes)
{
	const struct header *header = blob;
	uint32_t total, structure, strings;

	if (bytes < sizeof(*header) || big32(&header->magic) != FDT_MAGIC || big32(&header->compatible_version) > FDT_VERSION)
		return false;
	total = big32(&header->total_bytes);
	structure = big32(&header->structure), walk->structure_bytes = big32(&header->structure_bytes);
	strings = big32(&header->strings), walk->strings_bytes = big32(&header->strings_bytes);
	if (total > bytes || structure > total || walk->structure_bytes > total - structure || strings > total ||
	    walk->strings_bytes > total - strings)
		return false;
	walk->structure = (const uint8_t *)blob + structure;
	walk->strings = (const uint8_t *)blob + strings;
	return true;
}

/* `bytes` of the structure block, the position moved behind them and their padding; null: past its end. */
static const uint8_t *take(struct walk *walk, uint32_t bytes)
{
	uint32_t left = walk->structure_bytes - walk->position;
	const uint8_t *data = walk->structure + walk->position;
	uint32_t padded;

	if (bytes > left)
		return NULL;
	padded = (bytes + 3) & ~3u;
	walk->position += padded > left ? left : padded;
	return data;
}

/* The next token that is no NOP; END if there is none. */
static enum token next_token(struct walk *walk)
{
	const uint8_t *data;

	do {
		data = take(walk, 4);
		if (!data)
			return END;
	} while (big32(data) == NOP);
	return big32(data);
}

static uint32_t cells(const struct fdt_property *property, uint32_t otherwise)
{
	return property->bytes == 4 ? big32(property->data) : otherwise;
}

static bool read_property(struct walk *walk, struct fdt_node *node)
{
	const uint8_t *head = take(walk, 8);
	struct fdt_property property;
	const char *name;
	uint32_t offset;

	if (!head)
		return false;
	property.bytes = big32(head);
	offset = big32(head + 4);
	property.data = take(walk, property.bytes);
	if (!property.data || offset >= walk->strings_bytes)
		return false;
	name = text_within(walk->strings + offset, walk->strings_bytes - offset);
	if (!name)
		return false;
	if (!strcmp(name, "compatible"))
		node->compatible = property;
	else if (!strcmp(name, "reg"))
		node->reg = property;
	else if (!strcmp(name, "interrupts"))
		node->interrupts = property;
	else if (!strcmp(name, "rng-seed"))
		node->rng_seed = property;
	else if (!strcmp(name, "#address-cells"))
		walk->level[walk->depth].address_cells = cells(&property, 2);
	else if (!strcmp(name, "#size-cells"))
		walk->level[walk->depth].size_cells = cells(&property, 1);
	return true;
}

/* After BEGIN_NODE: the name and the properties, which precede all children. Gives the token behind them in *token. */
static bool read_node(struct walk *walk, struct fdt_node *node, enum token *token)
{
	*node = (struct fdt_node){ .depth = walk->depth, .address_cells = 2, .size_cells = 1 };
	node->name = text_within(walk->structure + walk->position, walk->structure_bytes - walk->position);
	if (!node->name || !take(walk, strlen(node->name) + 1))
		return false;
	if (walk->depth) {
		node->address_cells = walk->level[walk->depth - 1].address_cells;
		node->size_cells = walk->level[walk->depth - 1].size_cells;
	}
	walk->level[walk->depth].address_cells = 2;
	walk->level[walk->depth].size_cells = 1;
	while ((*token = next_token(walk)) == PROPERTY)
		if (!read_property(walk, node))
			return false;
	return true;
}

bool fdt_walk(const void *blob, size_t bytes, void (*visit)(void *context, const struct fdt_node *node), void *context)
{
	struct walk walk = { 0 };
	enum token token;

	if (!open_blob(&walk, blob, bytes))
		return false;
	token = next_token(&walk);
	do {
		struct fdt_node node;

		if (token == BEGIN_NODE) {
			if (walk.depth == DEPTH_MAX || !read_node(&walk, &node, &token))
				return false;
			visit(context, &node);
			walk.depth++;
		} else if (token == END_NODE && walk.depth) {
			walk.depth--;
			token = next_token(&walk);
		} else {
			return false;
		}
	} while (walk.depth);
	return true;
}

bool fdt_compatible(const struct fdt_node *node, const char *name)
{
	const uint8_t *text = node->compatible.data;
	uint32_t left = node->compatible.bytes;

	while (left) {
		const char *entry = text_within(text, left);
		uint32_t length;

		if (!entry)
			return false;
		if (!strcmp(entry, name))
			return true;
		length = strlen(entry) + 1;
		text += length, left -= length;
	}
	return false;
}

static uint64_t read_cells(const uint8_t *data, uint32_t count)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < count; i++)
		value = value << 32 | big32(data + 4 * i);
	return value;
}

bool fdt_reg(const struct fdt_node *node, uint64_t *address, uint64_t *bytes)
{
	uint32_t address_cells = node->address_cells, size_cells = node->size_cells;

	if (address_cells < 1 || address_cells > 2 || size_cells > 2 || node->reg.bytes < 4 * (address_cells + size_cells))
		return false;
	*address = read_cells(node->reg.data, address_cells);
	*bytes = read_cells(node->reg.data + 4 * address_cells, size_cells);
	return true;
}

bool fdt_interrupt(const struct fdt_node *node, uint32_t *number)
{
	if (node->interrupts.bytes < 4)
		return false;
	*number = big32(node->interrupts.data);
	return true;
}
