/*
 * The tree of a space's VMAs: an AVL tree by address. Each VMA knows the gap below it and the widest gap in its subtree, so a
 * free place is found as quickly as a VMA. The last VMA found or inserted is remembered. Knows nothing of what VMAs mean (space.c).
 */
#include "internal.h"

static int height_of(const struct vma *vma)
{
	return vma ? vma->height : 0;
}

static uint64_t widest_of(const struct vma *vma)
{
	return vma ? vma->widest : 0;
}

/* Its height and widest gap, from its children's; returns how much higher the left one is. */
static STRAIGHT int update(struct vma *vma)
{
	int left = height_of(vma->left), right = height_of(vma->right);
	uint64_t widest = vma->gap;

	vma->height = 1 + (left > right ? left : right);
	if (widest_of(vma->left) > widest)
		widest = widest_of(vma->left);
	if (widest_of(vma->right) > widest)
		widest = widest_of(vma->right);
	vma->widest = widest;
	return left - right;
}

static void replace_child(struct space *space, struct vma *up, struct vma *old, struct vma *new)
{
	if (!up)
		space->root = new;
	else if (up->left == old)
		up->left = new;
	else
		up->right = new;
	if (new)
		new->up = up;
}

static struct vma *rotate_left(struct space *space, struct vma *vma)
{
	struct vma *right = vma->right;

	replace_child(space, vma->up, vma, right);
	vma->right = right->left;
	if (vma->right)
		vma->right->up = vma;
	right->left = vma;
	vma->up = right;
	update(vma);
	update(right);
	return right;
}

static struct vma *rotate_right(struct space *space, struct vma *vma)
{
	struct vma *left = vma->left;

	replace_child(space, vma->up, vma, left);
	vma->left = left->right;
	if (vma->left)
		vma->left->up = vma;
	left->right = vma;
	vma->up = left;
	update(vma);
	update(left);
	return left;
}

static RARE void repair_leaning(struct space *space, struct vma *vma, int lean, const struct vma *other);

/* From a changed VMA up: heights, gaps, balance. As far as anything changes, and at least to `other`, the gap below which has changed, too:
 * null, or it lies on the way. */
static STRAIGHT void repair(struct space *space, struct vma *vma, const struct vma *other)
{
	for (; vma; vma = vma->up) {
		uint64_t widest = vma->widest;
		uint8_t height = vma->height;
		int lean = update(vma);

		if (vma == other)
			other = NULL;
		if (__builtin_expect(lean > 1 || lean < -1, 0)) {
			repair_leaning(space, vma, lean, other);
			break;
		}
		if (vma->widest == widest && vma->height == height && !other)
			break;
	}
}

static void repair_leaning(struct space *space, struct vma *vma, int lean, const struct vma *other)
{
	if (lean > 0) {
		if (height_of(vma->left->left) < height_of(vma->left->right))
			rotate_left(space, vma->left);
		vma = rotate_right(space, vma);
	} else {
		if (height_of(vma->right->right) < height_of(vma->right->left))
			rotate_right(space, vma->right);
		vma = rotate_left(space, vma);
	}
	repair(space, vma->up, other);
}

struct vma *vma_search(struct space *space, uint64_t address)
{
	struct vma *found = NULL;

	for (struct vma *vma = space->root; vma;) {
		if (address < vma->end) {
			found = vma;
			if (address >= vma->start)
				break;
			vma = vma->left;
		} else {
			vma = vma->right;
		}
	}
	if (found)
		space->last = found;
	return found;
}

struct vma *vma_last(const struct space *space)
{
	struct vma *vma = space->root;

	while (vma && vma->right)
		vma = vma->right;
	return vma;
}

struct vma *vma_next(const struct vma *vma)
{
	if (vma->right) {
		for (vma = vma->right; vma->left;)
			vma = vma->left;
		return (struct vma *)vma;
	}
	while (vma->up && vma->up->right == vma)
		vma = vma->up;
	return vma->up;
}

struct vma *vma_previous(const struct vma *vma)
{
	if (vma->left) {
		for (vma = vma->left; vma->right;)
			vma = vma->right;
		return (struct vma *)vma;
	}
	while (vma->up && vma->up->left == vma)
		vma = vma->up;
	return vma->up;
}

/* The gap below a VMA has changed because it or its lower neighbour moved. Stops where nothing changes any more. */
static void set_gap(struct vma *vma, const struct vma *previous)
{
	vma->gap = vma->start - (previous ? previous->end : 0);
	for (; vma; vma = vma->up) {
		uint64_t widest = vma->widest;

		update(vma);
		if (vma->widest == widest)
			break;
	}
}

/* One of two neighbours has no child on this side. */
void vma_insert(struct space *space, struct vma *vma, struct vma *previous, struct vma *next)
{
	struct vma *up = next && !next->left ? next : previous;

	*(!up ? &space->root : up == next ? &up->left : &up->right) = vma;
	vma->up = up;
	vma->left = vma->right = NULL;
	vma->height = 1;
	vma->space = space;
	space->last = vma;
	space->vmas++;
	core_counters.vmas++;
	vma->gap = vma->widest = vma->start - (previous ? previous->end : 0);
	if (next)
		next->gap = next->start - vma->end;
	repair(space, up, next);
}

/* A VMA with two children changes places with its successor, which has none on the left; one that has it for its only child makes room for it. */
void vma_remove(struct space *space, struct vma *vma)
{
	struct vma *previous = vma_previous(vma), *next = vma_next(vma), *from;

	if (space->last == vma)
		space->last = next;
	space->vmas--;
	core_counters.vmas--;
	if (vma->left && vma->right) {
		from = next->up == vma ? next : next->up;
		if (next->up != vma) {
			replace_child(space, next->up, next, next->right);
			next->right = vma->right;
			next->right->up = next;
		}
		next->left = vma->left;
		next->left->up = next;
	} else {
		from = vma->right ? next : vma->up;
	}
	if (vma->right) {
		next->height = vma->height;	/* what those above have seen there */
		next->widest = vma->widest;
	}
	replace_child(space, vma->up, vma, vma->right ? next : vma->left);
	if (next)
		next->gap = next->start - (previous ? previous->end : 0);
	repair(space, from, next);
}

void vma_move(struct vma *vma, uint64_t start, uint64_t end)
{
	struct vma *previous = vma_previous(vma), *next = vma_next(vma);

	core_assert(start < end && (!previous || previous->end <= start) && (!next || end <= next->start));
	vma->start = start;
	vma->end = end;
	set_gap(vma, previous);
	if (next)
		set_gap(next, vma);
}

/* The highest place for so many bytes below top and, if there is one, in a gap of this subtree. */
static uint64_t search(const struct vma *vma, uint64_t bytes, uint64_t top)
{
	while (vma && vma->widest >= bytes) {
		uint64_t high = minimum(vma->start, top), low = vma->start - vma->gap;
		uint64_t found = vma->end + bytes <= top ? search(vma->right, bytes, top) : 0;

		if (found)
			return found;
		if (low < USER_START)
			low = USER_START;
		if (high >= low + bytes)
			return high - bytes;
		vma = vma->left;
	}
	return 0;
}

uint64_t vma_gap_below(struct space *space, uint64_t bytes, uint64_t top)
{
	struct vma *last = vma_last(space);
	uint64_t low = USER_START;

	if (last && last->end > low)
		low = last->end;
	if (bytes > top)
		return 0;
	if (top - bytes >= low)
		return top - bytes;
	return search(space->root, bytes, top);
}
