/*
 * An object's pages: a radix tree, 64 ways, as high as the highest page needs. Each node has a bitmap per tag (there is a page, a dirty
 * page, a page under write below this slot), so walks skip what is not there. The last leaf found is remembered. Emptied nodes go
 * at once. Knows nothing of page states: object.c and writeback.c keep the tags.
 */
#include "internal.h"

#define BIT(index) (1UL << ((index) & (NODE_SLOTS - 1)))
#define SLOT(index, level) (((index) >> ((level) * NODE_BITS)) & (NODE_SLOTS - 1))

static bool covers(const struct object *object, uint64_t index)
{
	unsigned bits = object->height * NODE_BITS;

	return bits >= 64 || !(index >> bits);
}

struct node *pages_walk(struct object *object, uint64_t index)
{
	struct node *node = object->root;

	if (!node || !covers(object, index))
		return NULL;
	for (unsigned level = object->height - 1; node && level; level--)
		node = node->slot[SLOT(index, level)];
	if (node) {
		object->leaf = node;
		object->leaf_base = index >> NODE_BITS;
	}
	return node;
}

/* Takes away the empty nodes on the way to index. */
static void prune(struct object *object, uint64_t index)
{
	struct node *node = object->root, *below, *above;
	unsigned level = object->height - 1;

	object->leaf = NULL;
	for (; level && (below = node->slot[SLOT(index, level)]); level--)
		node = below;
	for (; node && !node->tag[TAG_USED]; node = above) {
		above = node->above;
		slab_free(node, sizeof(struct node));
		if (above) {
			level++;
			above->slot[SLOT(index, level)] = NULL;
			above->tag[TAG_USED] &= ~BIT(SLOT(index, level));
		} else {
			object->root = NULL;
			object->height = 0;
		}
	}
}

static bool grow(struct object *object, uint64_t index)
{
	if (!object->root) {
		object->root = slab_take(sizeof(struct node));
		object->leaf = NULL;
		for (object->height = object->root != NULL; object->height && !covers(object, index);)
			object->height++;
	}
	while (object->root && !covers(object, index)) {
		struct node *node = slab_take(sizeof(struct node));

		if (!node)
			return false;
		node->slot[0] = object->root;
		for (unsigned tag = 0; tag < PAGE_TAGS; tag++)
			node->tag[tag] = object->root->tag[tag] != 0;
		object->root->above = node;
		object->root = node;
		object->height++;
	}
	return object->root;
}

static bool make_path(struct object *object, uint64_t index)
{
	struct node *node;

	if (!grow(object, index))
		return false;
	node = object->root;
	for (unsigned level = object->height - 1; level; level--) {
		struct node **slot = (struct node **)&node->slot[SLOT(index, level)];

		if (!*slot) {
			*slot = slab_take(sizeof(struct node));
			if (!*slot)
				return false;
			(*slot)->above = node;
			node->tag[TAG_USED] |= BIT(SLOT(index, level));
		}
		node = *slot;
	}
	return true;
}

static void count(const struct object *object, int difference)
{
	*(object->backed ? &core_counters.cache_pages : &core_counters.anonymous_pages) += difference;
	core_counters.memory_pages += object_in_memory(object) && !object->discarded ? difference : 0;
}

bool pages_insert(struct object *object, uint64_t index, struct frame *frame)
{
	struct node *leaf = pages_leaf(object, index);

	if (!leaf) {
		if (!make_path(object, index)) {
			if (object->root && covers(object, index))
				prune(object, index);
			return false;
		}
		leaf = pages_leaf(object, index);
	}
	core_assert(!leaf->slot[SLOT(index, 0)]);
	leaf->slot[SLOT(index, 0)] = frame;
	leaf->tag[TAG_USED] |= BIT(index);
	frame->object = object;
	frame->index = index;
	object->pages++;
	count(object, 1);
	return true;
}

void pages_remove(struct object *object, uint64_t index)
{
	struct node *leaf = pages_leaf(object, index);

	core_assert(leaf && leaf->slot[SLOT(index, 0)]);
	core_assert(!((leaf->tag[TAG_DIRTY] | leaf->tag[TAG_WRITING]) & BIT(index)));
	leaf->slot[SLOT(index, 0)] = NULL;
	leaf->tag[TAG_USED] &= ~BIT(index);
	object->pages--;
	count(object, -1);
	if (!leaf->tag[TAG_USED])
		prune(object, index);
}

/* A leaf has its first page with this tag, or has lost its last one: the nodes above it follow. */
void pages_tag_above(struct node *leaf, uint64_t index, enum page_tag tag, bool on)
{
	for (struct node *node = leaf->above; node; node = node->above) {
		uint64_t before = node->tag[tag];

		index >>= NODE_BITS;
		node->tag[tag] = on ? before | BIT(index) : before & ~BIT(index);
		if (!before == !node->tag[tag])
			return;
	}
}

/* The first tagged page at or after index below a node that covers it; base: the node's first page. */
static struct frame *next_below(const struct node *node, unsigned level, uint64_t base, uint64_t index, enum page_tag tag)
{
	uint64_t step = 1UL << (level * NODE_BITS);
	uint64_t from = index > base ? (index - base) >> (level * NODE_BITS) : 0;
	uint64_t left = from < NODE_SLOTS ? node->tag[tag] & (~0UL << from) : 0;

	for (; left; left &= left - 1) {
		unsigned slot = __builtin_ctzl(left);
		struct frame *frame = level ? next_below(node->slot[slot], level - 1, base + slot * step, index, tag) : node->slot[slot];

		if (frame)
			return frame;
	}
	return NULL;
}

struct frame *pages_search(struct object *object, uint64_t index, enum page_tag tag)
{
	uint64_t near = object->leaf && object->leaf_base == index >> NODE_BITS ? object->leaf->tag[tag] & (~0UL << SLOT(index, 0)) : 0;

	if (near)
		return object->leaf->slot[__builtin_ctzl(near)];
	if (!object->root || !covers(object, index))
		return NULL;
	return next_below(object->root, object->height - 1, 0, index, tag);
}

uint64_t pages_count(struct object *object, uint64_t first, uint64_t *pages, enum page_tag tag, uint64_t leaves)
{
	uint64_t at = first, last = first + *pages, count = 0;

	for (; at < last && leaves; leaves--) {
		struct frame *frame = pages_next(object, at, tag);
		struct node *leaf;
		uint64_t bits;

		if (!frame || frame->index >= last)
			return count;
		leaf = pages_leaf(object, frame->index);
		at = (frame->index | (NODE_SLOTS - 1)) + 1;
		bits = leaf->tag[tag] & (~0UL << (frame->index & (NODE_SLOTS - 1)));
		if (at > last)
			bits &= ~0UL >> (NODE_SLOTS - 1 - ((last - 1) & (NODE_SLOTS - 1)));
		count += __builtin_popcountl(bits);
	}
	*pages = minimum(at, last) - first;
	return count;
}
