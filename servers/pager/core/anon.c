/*
 * The anonymous layer: private pages, copied on write. One tree per space, by page of the address, serves all of its private VMAs, so
 * splitting and merging VMAs does not concern it. A leaf slot names a frame; the frame counts the leaves that name it.
 *
 * Trees share nodes: fork only counts the roots once more. Who writes below a node with a count above one gets its own copy of
 * that node first, each child counted once more; so the cost of a fork is paid by leaf, 64 pages at a time, by who writes.
 *
 *     parent   child              parent   child
 *        \     /                     |       |
 *        root (2)      --child-->  root(1) root'(1)        a page may be written in place if all nodes on its way
 *         /  \          writes      /   \  /    |          and its frame have count 1
 *       leaf leaf                 leaf  leaf   leaf'
 *        (1)  (1)                  (1)   (2)    (1)        frames of leaf and leaf' have count 2
 */
#include "internal.h"

#define BIT(index) (1UL << ((index) & (NODE_SLOTS - 1)))
#define ROOT_BITS (ANON_LEVELS * NODE_BITS)
#define SLOT(page, level) (((page) >> ((level) * NODE_BITS)) & (NODE_SLOTS - 1))

/* own: nobody shares it, nor a node above it. */
static inline struct node *leaf_below(struct space *space, uint64_t page, bool *own)
{
	struct node *node = space->anon[page >> ROOT_BITS];

	*own = node && node->count == 1;
	for (unsigned level = ANON_LEVELS - 1; node && level; level--) {
		node = node->slot[SLOT(page, level)];
		*own &= node && node->count == 1;
	}
	return node;
}

struct frame *anon_peek(struct space *space, uint64_t page)
{
	bool own;
	struct node *leaf = leaf_below(space, page, &own);

	return leaf ? leaf->slot[SLOT(page, 0)] : NULL;
}

/* ---- letting go */

/* The frames in these slots of a leaf have one leaf less. */
static void frames_drop(struct node *leaf, uint64_t bits)
{
	uint64_t freed = 0;

	leaf->tag[TAG_USED] &= ~bits;
	for (void **slot = leaf->slot; bits; bits >>= 1, slot++) {
		unsigned gap = bits & 1 ? 0 : __builtin_ctzl(bits);
		struct frame *frame = *(slot += gap);

		bits >>= gap;
		*slot = NULL;
		if (--frame->count)
			continue;
		frame_chain(frame);
		freed++;
	}
	core_counters.anons -= freed;
	frames_freed(&core_counters.anonymous_pages, freed);
}

static void node_drop(struct node *node, unsigned level)
{
	if (--node->count)
		return;
	if (!level)
		frames_drop(node, node->tag[TAG_USED]);
	for (uint64_t left = node->tag[TAG_USED]; left; left &= left - 1)
		node_drop(node->slot[__builtin_ctzl(left)], level - 1);
	slab_free(node, sizeof *node);
}

static uint64_t bits_between(uint64_t base, unsigned shift, uint64_t first, uint64_t last)	/* slots that first..last-1 touch, of a node at base */
{
	uint64_t bits = ~0UL;

	if (first > base)
		bits <<= (first - base) >> shift;
	if ((last - 1 - base) >> shift < NODE_SLOTS)
		bits &= ~0UL >> (NODE_SLOTS - 1 - ((last - 1 - base) >> shift));
	return bits;
}

/* first..last-1 lies at least in part in the node, which begins at base. */
static void remove_below(void **slot, unsigned level, uint64_t base, uint64_t first, uint64_t last)
{
	unsigned bits = level * NODE_BITS;
	struct node *node = *slot;
	uint64_t left;

	if (first <= base && last >= base + (1UL << (bits + NODE_BITS))) {
		node_drop(node, level);
		*slot = NULL;
		return;
	}
	core_assert(node->count == 1);
	left = node->tag[TAG_USED] & bits_between(base, bits, first, last);
	if (!level)
		frames_drop(node, left);
	for (; level && left; left &= left - 1) {
		unsigned i = __builtin_ctzl(left);

		remove_below(&node->slot[i], level - 1, base + ((uint64_t)i << bits), first, last);
		if (!node->slot[i])
			node->tag[TAG_USED] &= ~BIT(i);
	}
	if (!node->tag[TAG_USED]) {
		slab_free(node, sizeof *node);
		*slot = NULL;
	}
}

static void remove_range(struct space *space, uint64_t first, uint64_t last)
{
	for (unsigned i = first >> ROOT_BITS; i <= (last - 1) >> ROOT_BITS; i++)
		if (space->anon[i])
			remove_below((void **)&space->anon[i], ANON_LEVELS - 1, (uint64_t)i << ROOT_BITS, first, last);
}

/* ---- the leaf that is remembered */

/* What is unmapped is often mapped again, so an emptied leaf stays until another one is wanted. */
static void leaf_forget(struct space *space)
{
	uint64_t first = space->leaf_base << NODE_BITS;
	bool empty = space->leaf_own && !space->leaf->tag[TAG_USED];

	space->leaf_base = NO_LEAF;
	space->leaf_own = false;
	if (empty)
		remove_range(space, first, first + NODE_SLOTS);
}

static void leaf_remember(struct space *space, uint64_t page, struct node *leaf, bool own)
{
	space->leaf = leaf;
	space->leaf_base = page >> NODE_BITS;
	space->leaf_own = own;
}

const struct node *anon_walk(struct space *space, uint64_t page)
{
	static struct node none;
	struct node *leaf;
	bool own;

	leaf_forget(space);
	leaf = leaf_below(space, page, &own);
	leaf_remember(space, page, leaf ? leaf : &none, own);
	return space->leaf;
}

/* ---- leaves of one's own */

static struct node *node_copy(struct node *node, unsigned level)
{
	struct node *copy = slab_raw(sizeof *copy);

	if (!copy)
		return NULL;
	*copy = *node;
	copy->count = 1;
	copy->seen = 0;
	for (uint64_t left = node->tag[TAG_USED]; left; left &= left - 1) {
		void *child = node->slot[__builtin_ctzl(left)];

		if (level)
			((struct node *)child)->count++;
		else
			((struct frame *)child)->count++;
	}
	node->count--;
	return copy;
}

/* The node in a slot, our own; make: also if there was none. Null: no memory, or none there. */
static RARE struct node *make_own(void **slot, unsigned level, bool make)
{
	struct node *node = *slot;

	if (!node && make) {
		node = slab_take(sizeof *node);
		if (node)
			node->count = 1;
	} else if (node && node->count > 1) {
		node = node_copy(node, level);
	}
	if (node)
		*slot = node;
	return node;
}

static inline struct node *own_node(void **slot, unsigned level, bool make)
{
	struct node *node = *slot;

	return node && node->count == 1 ? node : make_own(slot, level, make);
}

/* Our own leaf, the way to it made ours. `make` false: as far as it exists; then null may also mean that there is no leaf. */
static RARE struct node *own_leaf(struct space *space, uint64_t page, bool make, bool *memory)
{
	struct node *node;

	leaf_forget(space);
	node = own_node((void **)&space->anon[page >> ROOT_BITS], ANON_LEVELS - 1, make);
	*memory = node || (!make && !space->anon[page >> ROOT_BITS]);
	for (unsigned level = ANON_LEVELS - 1; node && level; level--) {
		void **slot = &node->slot[SLOT(page, level)];
		struct node *child = own_node(slot, level - 1, make);

		if (child)
			node->tag[TAG_USED] |= BIT(SLOT(page, level));
		else
			*memory = !make && !*slot;
		node = child;
	}
	if (node)
		leaf_remember(space, page, node, true);
	return node;
}

struct frame **anon_slot(struct space *space, uint64_t page)
{
	struct node *leaf = space->leaf;
	bool memory;

	if (!anon_near(space, page, page + 1))
		leaf = own_leaf(space, page, true, &memory);
	return leaf ? (struct frame **)&leaf->slot[SLOT(page, 0)] : NULL;
}

bool anon_part(struct space *space, uint64_t page)
{
	bool memory = true;

	if (!anon_near(space, page, page + 1))
		own_leaf(space, page, false, &memory);
	return memory;
}

bool anon_part_range(struct space *space, uint64_t first, uint64_t last)
{
	return anon_near(space, first, last) || (anon_part(space, first) && (last >= USER_PAGES || anon_part(space, last)));
}

/* ---- ranges */

void anon_remove(struct space *space, uint64_t first, uint64_t last)
{
	if (anon_near(space, first, last)) {
		frames_drop(space->leaf, space->leaf->tag[TAG_USED] & bits_between(space->leaf_base << NODE_BITS, 0, first, last));
	} else {
		leaf_forget(space);
		remove_range(space, first, last);
	}
}

/* What a walk over leaves looks for: pages of first..last-1. Visits get the bits of those in a leaf; true ends the walk. */
struct walk {
	uint64_t first, last;
	bool (*visit)(struct walk *walk, uint64_t base, uint64_t bits);
	uint64_t pages, result, leaves;
};

static bool leaves(struct walk *walk, const struct node *node, unsigned level, uint64_t base)
{
	unsigned shift = level * NODE_BITS;
	uint64_t left = node->tag[TAG_USED] & bits_between(base, shift, walk->first, walk->last);

	if (!level)
		return walk->visit(walk, base, left);
	for (; left; left &= left - 1) {
		unsigned i = __builtin_ctzl(left);

		if (leaves(walk, node->slot[i], level - 1, base + ((uint64_t)i << shift)))
			return true;
	}
	return false;
}

static void each_leaf(struct space *space, struct walk *walk)
{
	for (unsigned i = walk->first >> ROOT_BITS; i <= (walk->last - 1) >> ROOT_BITS; i++)
		if (space->anon[i] && leaves(walk, space->anon[i], ANON_LEVELS - 1, (uint64_t)i << ROOT_BITS))
			break;
}

/* A leaf that anon_cut has emptied counts as well. */
static bool reach_leaf(struct walk *walk, uint64_t base, uint64_t bits)
{
	uint64_t pages = bits ? __builtin_popcountl(bits) : 1;

	if (pages < walk->pages) {
		walk->pages -= pages;
		return false;
	}
	walk->result = base + NODE_SLOTS;
	return true;
}

uint64_t anon_reach(struct space *space, uint64_t first, uint64_t last, uint64_t pages)
{
	struct walk walk = { first, last, reach_leaf, pages, last, 0 };

	each_leaf(space, &walk);
	return minimum(walk.result, last);
}

static bool count_leaf(struct walk *walk, uint64_t base, uint64_t bits)
{
	walk->pages += __builtin_popcountl(bits);
	if (--walk->leaves)
		return false;
	walk->result = base + NODE_SLOTS;
	return true;
}

uint64_t anon_count(struct space *space, uint64_t first, uint64_t *pages, uint64_t leaves)
{
	struct walk walk = { first, first + *pages, count_leaf, 0, first + *pages, leaves };

	each_leaf(space, &walk);
	*pages = minimum(walk.result, walk.last) - first;
	return walk.pages;
}

/* ---- behind the new end of a file */

static uint64_t cut_leaf(struct node *leaf, uint64_t bits, struct frame **copies)
{
	uint64_t count = __builtin_popcountl(bits);

	leaf->tag[TAG_USED] &= ~bits;
	for (; bits; bits &= bits - 1) {
		void **slot = &leaf->slot[__builtin_ctzl(bits)];
		struct frame *frame = *slot;

		*slot = NULL;
		if (--frame->count)
			continue;
		core_counters.anons--;
		core_counters.anonymous_pages--;
		core_counters.own_pages++;
		frame->kind = FRAME_OWN;
		frame->next = *copies;
		*copies = frame;
	}
	return count;
}

/* A node that others have stays, perhaps with nothing in it: they may remember it. */
static uint64_t cut_below(void **slot, unsigned level, uint64_t base, uint64_t first, uint64_t last, bool shared, struct frame **copies)
{
	unsigned bits = level * NODE_BITS;
	struct node *node = *slot;
	uint64_t left = node->tag[TAG_USED] & bits_between(base, bits, first, last), count = level ? 0 : cut_leaf(node, left, copies);

	shared |= node->count > 1;
	for (; level && left; left &= left - 1) {
		unsigned i = __builtin_ctzl(left);

		count += cut_below(&node->slot[i], level - 1, base + ((uint64_t)i << bits), first, last, shared, copies);
		if (!node->slot[i])
			node->tag[TAG_USED] &= ~BIT(i);
	}
	node->tag[TAG_CUT] |= shared;
	if (!shared && !node->tag[TAG_USED]) {
		slab_free(node, sizeof *node);
		*slot = NULL;
	}
	return count;
}

/*
 * A node is shared only as long as nobody has changed what lies below it, mappings included. So behind the end of a file a page in it is past
 * the end for all who share it, and leaves the node itself: this needs no memory. Others may have the frame in their page tables
 * until these have been emptied, too: so it goes onto a list.
 */
uint64_t anon_cut(struct space *space, uint64_t first, uint64_t last, struct frame **copies)
{
	uint64_t count = 0;

	leaf_forget(space);
	for (unsigned i = first >> ROOT_BITS; i <= (last - 1) >> ROOT_BITS; i++)
		if (space->anon[i])
			count += cut_below((void **)&space->anon[i], ANON_LEVELS - 1, (uint64_t)i << ROOT_BITS, first, last, false, copies);
	return count;
}

/* ---- the end */

/* Lets go of about *budget pages of a whole tree, leaf by leaf; needs no memory, since what is shared is only counted down. */
static void drop_some(void **slot, unsigned level, uint64_t *budget)
{
	struct node *node = *slot;
	uint64_t left = node->tag[TAG_USED];

	if (node->count > 1) {
		node->count--;
		*slot = NULL;
		return;
	}
	if (!level) {
		frames_drop(node, left);
		*budget -= minimum(*budget, __builtin_popcountl(left));
	}
	for (; level && left && *budget; left &= left - 1) {
		unsigned i = __builtin_ctzl(left);

		drop_some(&node->slot[i], level - 1, budget);
		if (!node->slot[i])
			node->tag[TAG_USED] &= ~BIT(i);
	}
	if (!node->tag[TAG_USED]) {
		slab_free(node, sizeof *node);
		*slot = NULL;
	}
}

bool anon_drop_some(struct space *space, uint64_t budget)
{
	leaf_forget(space);
	for (unsigned i = 0; i < ANON_ROOTS && budget; i++)
		if (space->anon[i])
			drop_some((void **)&space->anon[i], ANON_LEVELS - 1, &budget);
	return space->anon[0] || space->anon[1] || space->anon[2] || space->anon[3];
}

void anon_share(struct space *parent, struct space *child)
{
	leaf_forget(parent);
	leaf_forget(child);
	family_join(child, parent->family);
	for (unsigned i = 0; i < ANON_ROOTS; i++) {
		child->anon[i] = parent->anon[i];
		if (child->anon[i])
			child->anon[i]->count++;
	}
}
