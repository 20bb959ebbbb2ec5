/*
 * core_check: walks every structure and compares what is kept twice: tree order, heights and gaps, node and frame counts, tags
 * against page flags, counters against sums, frames against their users and their mappings. For tests; it has no bound.
 */
#include "internal.h"

#define CHECK(fact) core_assert(fact)

struct sums { uint64_t vmas, anons, cache, dirty, anonymous, memory, spaces, objects, slabs, writable; };

/* ---- VMAs */

static uint64_t previous_end;

static void check_vma(const struct space *space, const struct vma *vma, struct sums *sums)
{
	int left, right;
	uint64_t widest = vma->gap, pages = (vma->end - vma->start) >> PAGE_SHIFT;

	if (vma->left) {
		CHECK(vma->left->up == vma);
		check_vma(space, vma->left, sums);
		widest = widest > vma->left->widest ? widest : vma->left->widest;
	}
	CHECK(vma->space == space && vma->start < vma->end && !((vma->start | vma->end) & PAGE_MASK));
	CHECK(vma->gap == vma->start - previous_end && vma->start >= previous_end);
	CHECK(!vma->object || !(vma->offset & PAGE_MASK));
	CHECK(!(vma->flags & VMA_SHARED) || vma->object);
	CHECK((vma->flags & VMA_COPIES) || !anon_count((struct space *)space, vma->start >> PAGE_SHIFT, &pages, UINT64_MAX));
	CHECK(!(vma->prot & ~vma->max_prot));
	previous_end = vma->end;
	sums->vmas++;
	if (vma->right) {
		CHECK(vma->right->up == vma);
		check_vma(space, vma->right, sums);
		widest = widest > vma->right->widest ? widest : vma->right->widest;
	}
	left = vma->left ? vma->left->height : 0;
	right = vma->right ? vma->right->height : 0;
	CHECK(vma->height == 1 + (left > right ? left : right) && left - right <= 1 && right - left <= 1);
	CHECK(vma->widest == widest);
}

/* ---- anonymous layers: how often each node and frame is named, counted in `seen` */

static void see_node(const struct space *space, struct node *node, unsigned level, struct sums *sums)
{
	if (node->seen++)
		return;
	CHECK(level || node->tag[TAG_USED] || node->tag[TAG_CUT] || (space->leaf == node && space->leaf_own));
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		CHECK(!node->slot[i] == !(node->tag[TAG_USED] >> i & 1));
		if (!node->slot[i])
			continue;
		if (level) {
			see_node(space, node->slot[i], level - 1, sums);
		} else {
			struct frame *frame = node->slot[i];

			CHECK(frame->kind == FRAME_ANON);
			sums->anons += !frame->seen++;
		}
	}
}

static void unsee_node(struct node *node, unsigned level)
{
	CHECK(!node->seen || node->seen == node->count);
	if (!node->seen)
		return;
	node->seen = 0;
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		struct frame *frame = node->slot[i];

		if (level && node->slot[i])
			unsee_node(node->slot[i], level - 1);
		else if (frame && frame->seen)
			CHECK(frame->seen == frame->count), frame->seen = 0;
	}
}

static void check_spaces(struct sums *sums)
{
	for (struct space *space = core.all_spaces; space; space = space->next) {
		uint64_t before = sums->vmas;

		previous_end = 0;
		if (space->root) {
			CHECK(!space->root->up);
			check_vma(space, space->root, sums);
		}
		CHECK(space->vmas == sums->vmas - before);
		for (unsigned i = 0; i < ANON_ROOTS; i++)
			if (space->anon[i])
				see_node(space, space->anon[i], ANON_LEVELS - 1, sums);
	}
	for (struct space *space = core.all_spaces; space; space = space->next)
		for (unsigned i = 0; i < ANON_ROOTS; i++)
			if (space->anon[i])
				unsee_node(space->anon[i], ANON_LEVELS - 1);
}

/* ---- from frames to mappings: each that a frame names is one, and there are as many as the VMAs have pages */

struct mappings { struct frame *frame; uint64_t count; };

static void count_mapping(struct vma *vma, uint64_t address, void *context)
{
	struct mappings *mappings = context;
	struct frame *frame = mappings->frame;

	CHECK(address >= vma->start && address < vma->end);
	if (frame->kind == FRAME_ANON)
		CHECK(anon_peek(vma->space, address >> PAGE_SHIFT) == frame);
	else
		CHECK(pages_find(vma->object, (address - vma->start + vma->offset) >> PAGE_SHIFT) == frame);
	mappings->count++;
}

static uint64_t pages_of_vmas(const struct space *space)
{
	uint64_t pages = 0;

	for (struct vma *vma = vma_above((struct space *)space, 0); vma; vma = vma_next(vma)) {
		uint64_t within = (vma->end - vma->start) >> PAGE_SHIFT;

		if (vma->flags & VMA_COPIES)
			pages += anon_count((struct space *)space, vma->start >> PAGE_SHIFT, &within, UINT64_MAX);
		if (vma->object)
			pages += pages_count(vma->object, vma->offset >> PAGE_SHIFT, &within, TAG_USED, UINT64_MAX);
	}
	return pages;
}

static void check_mappings(void)
{
	struct mappings mappings = { 0 };
	uint64_t pages = 0;

	for (uint64_t i = 0; i < frames_made(); i++) {
		mappings.frame = frame_made(i);
		if (mappings.frame->kind == FRAME_ANON || mappings.frame->kind == FRAME_CACHE)
			frame_each_mapping(mappings.frame, count_mapping, &mappings);
	}
	for (struct space *space = core.all_spaces; space; space = space->next) {
		CHECK(space->family_previous ? space->family_previous->family_next == space : space->family->spaces == space);
		CHECK(!space->family_next || space->family_next->family == space->family);
		pages += pages_of_vmas(space);
	}
	CHECK(mappings.count == pages);
}

/* ---- objects */

static void check_page(const struct object *object, const struct frame *frame, uint64_t index, const struct node *leaf)
{
	unsigned bit = index & (NODE_SLOTS - 1);
	uint64_t tail = object->length & PAGE_MASK;

	CHECK(frame->kind == FRAME_CACHE && frame->object == object && frame->index == index);
	CHECK((leaf->tag[TAG_DIRTY] >> bit & 1) == !!(frame->flags & PAGE_DIRTY));
	CHECK((leaf->tag[TAG_WRITING] >> bit & 1) == !!(frame->flags & PAGE_WRITING));
	CHECK(!(frame->flags & PAGE_DIRTY) || (frame->flags & PAGE_BLOCK));
	CHECK(!frame->next == (!object->backed || (frame->flags & PAGE_READING)));
	CHECK(index < object_end(object) || object->past_end || object->lock.owner || object->trim || (frame->flags & PAGE_BUSY)
		|| (!object->opens && !object->holds));
	if (index == object->length >> PAGE_SHIFT && tail && !(frame->flags & (PAGE_STORED | PAGE_READING)))
		for (uint64_t i = tail; i < CORE_PAGE; i++)
			CHECK(!((uint8_t *)frame_bytes(frame))[i]);
}

static uint64_t check_node(const struct object *object, const struct node *node, unsigned level, uint64_t base, uint64_t *dirty)
{
	uint64_t pages = 0;

	CHECK(node->tag[TAG_USED]);
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		const struct node *child = node->slot[i];
		uint64_t index = base + ((uint64_t)i << (level * NODE_BITS));

		CHECK(!child == !(node->tag[TAG_USED] >> i & 1));
		if (!child)
			continue;
		if (!level) {
			check_page(object, node->slot[i], index, node);
			*dirty += node->tag[TAG_DIRTY] >> i & 1;
			pages++;
			continue;
		}
		for (unsigned tag = 0; tag < PAGE_TAGS; tag++)
			CHECK((node->tag[tag] >> i & 1) == (child->tag[tag] != 0));
		CHECK(child->above == node);
		pages += check_node(object, child, level - 1, index, dirty);
	}
	return pages;
}

static void check_objects(struct sums *sums)
{
	for (struct object *object = core.all_objects; object; object = object->next) {
		uint64_t dirty = 0, pages = object->root ? check_node(object, object->root, object->height - 1, 0, &dirty) : 0;
		uint64_t writable = 0;

		sums->objects++;
		CHECK(pages == object->pages && dirty == object->dirty_pages);
		CHECK(!object->number || core_object_find(object->number) == object);
		CHECK(object->backed == (object->number && !(object->number & OBJECT_IN_MEMORY)));
		sums->memory += object_in_memory(object) && !object->discarded ? pages : 0;
		*(object->backed ? &sums->cache : &sums->anonymous) += pages;
		sums->dirty += dirty;
		for (struct vma *vma = object->vmas; vma; vma = vma->next) {
			CHECK(vma->object == object && (!vma->next || vma->next->previous == vma));
			writable += (vma->flags & VMA_SHARED) && (vma->prot & PROT_WRITE);
		}
		CHECK(writable == object->writable_vmas);
	}
}

/* ---- frames */

static bool is_clear(const struct frame *frame)
{
	const uint64_t *word = frame_bytes(frame);
	uint64_t bits = 0;

	for (unsigned i = 0; i < CORE_PAGE / sizeof *word; i++)
		bits |= word[i];
	return !bits;
}

static uint64_t check_clear(void)
{
	uint64_t frames = 0;

	for (struct frame *frame = core.clear; frame; frame = frame->next, frames++)
		CHECK(frame->kind == FRAME_FREE && !frame->waiters && is_clear(frame));
	CHECK(frames == core.clear_frames && frames <= CLEAR_FRAMES_MAX);
	return frames;
}

static void check_frames(const struct sums *sums)
{
	uint64_t kinds[FRAME_CACHE + 1] = { 0 }, free = check_clear(), never = 0, pages = 0;

	for (uint64_t i = 0; i < frames_made(); i++)
		kinds[frame_made(i)->kind]++;
	for (struct frame *frame = core.free; frame; frame = frame->next, free++)
		CHECK(frame->kind == FRAME_FREE && !frame->waiters);
	for (unsigned i = 0; i < core.extents_used; i++) {
		never += (uint64_t)(core.extents[i].end - core.extents[i].unused);
		pages += (uint64_t)(core.extents[i].end - core.extents[i].first);
	}
	CHECK(free == kinds[FRAME_FREE] && free + never == core_counters.free_pages);
	CHECK(kinds[FRAME_CACHE] == sums->cache + sums->anonymous);
	CHECK(kinds[FRAME_ANON] == sums->anons && core_counters.anons == sums->anons);
	CHECK(core_counters.anonymous_pages == sums->anons + sums->anonymous);
	CHECK(core_counters.cache_pages == sums->cache && core_counters.cache_dirty_pages == sums->dirty);
	CHECK(core_counters.memory_pages == sums->memory && sums->memory <= core_counters.memory_pages_max);
	CHECK(core_counters.own_pages - kinds[FRAME_OWN] - kinds[FRAME_SLAB] == core_counters.total_pages - pages);	/* the table */
}

/* Those who are still to be woken stand before those who came after that. */
static void check_memory_waiters(void)
{
	struct waiter **end = &core.memory_waiters;
	bool old = true;

	for (; *end; end = &(*end)->next) {
		CHECK((*end)->link == end && (old || (*end)->since == core.memory_news));
		old = (*end)->since != core.memory_news;
	}
	CHECK(core.memory_end == end);
}

void core_check(void)
{
	struct sums sums = { 0 };

	check_memory_waiters();
	check_spaces(&sums);
	check_objects(&sums);
	check_mappings();
	CHECK(core_counters.vmas == sums.vmas && core_counters.objects == sums.objects);
	check_frames(&sums);
}
