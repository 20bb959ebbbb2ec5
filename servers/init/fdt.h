/*
 * A reader of flattened device trees (Devicetree Specification, chapter 5). It walks the tree once and shows each node
 * with the few properties that init wants. The blob is input: every offset, length and string is checked against the
 * blob's size, and nesting is bounded. It refuses to follow phandles or to translate `ranges`.
 */
#ifndef INIT_FDT_H
#define INIT_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fdt_property {
	const uint8_t *data;	/* null: the node has no such property */
	uint32_t bytes;
};

struct fdt_node {
	const char *name;
	unsigned depth;				/* 0: the root */
	uint32_t address_cells, size_cells;	/* of the parent: how to read reg */
	struct fdt_property compatible, reg, interrupts, rng_seed;
};

/* Calls visit for each node, parents first. False: the blob is malformed; nodes before the fault have been shown. */
bool fdt_walk(const void *blob, size_t bytes, void (*visit)(void *context, const struct fdt_node *node), void *context);

/* Is `name` one of the node's compatible strings? */
bool fdt_compatible(const struct fdt_node *node, const char *name);
/* The first range of reg. */
bool fdt_reg(const struct fdt_node *node, uint64_t *address, uint64_t *bytes);
/* The first cell of interrupts. */
bool fdt_interrupt(const struct fdt_node *node, uint32_t *number);

#endif
