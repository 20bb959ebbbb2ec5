/*
 * Faults. resolve finds or makes the frame that a page of a VMA needs for an access: first what is there (ready), then what is to be made
 * or waited for (make). core_fault turns it into a map item and adds neighbours that are in memory already; user_bytes is the same for the
 * core's own copies.
 *
 *                      private                                        shared
 *   read    our copy, else the object's page, else the zero page      the object's page; a file in memory may lack it: the zero page
 *   write   our copy, if nobody shares it, else a new one             the object's page, if it has a block
 *
 * Refuses to map a shared page writable before it has a block on the disk: a full disk is told at the store.
 */
#include "internal.h"

struct place {
	struct frame *frame;
	unsigned rights;		/* that it may be mapped with */
	bool replaced;			/* another frame may be in the page table there */
	bool alone;			/* nothing around it that is not mapped already */
};

static uint64_t object_page(const struct vma *vma, uint64_t address)
{
	return (address - vma->start + vma->offset) >> PAGE_SHIFT;
}

/* ---- what is there */

/* The last page, under write from the very frame: a store past the end would reach the disk with it. */
static bool tail_under_write(const struct frame *frame)
{
	return (frame->flags & (PAGE_WRITING | PAGE_STORED)) == PAGE_WRITING && frame->index == frame->object->length >> PAGE_SHIFT;
}

/* May a shared page be mapped writable? */
static bool may_store(const struct frame *frame)
{
	return !frame->object->backed || ((frame->flags & PAGE_BLOCK) && !tail_under_write(frame));
}

/* The object's page, with its content; null: there is none, or not yet. */
static STRAIGHT struct frame *behind(const struct vma *vma, uint64_t address)
{
	struct object *object = vma->object;
	uint64_t index = object_page(vma, address);
	struct frame *frame = object_holds(object, index) ? pages_find(object, index) : NULL;

	if (!frame || (frame->flags & PAGE_READING))
		return NULL;
	frame->flags |= PAGE_TOUCHED;
	return frame;
}

/* The frame that is there already and good for the access, but for a store to a private page (own_page); null: something is to be made,
 * fetched or waited for. */
static STRAIGHT struct frame *ready(struct vma *vma, uint64_t address, bool write, unsigned *rights)
{
	bool private = !(vma->flags & VMA_SHARED);
	struct frame *frame;

	*rights = vma_rights(vma);
	if (private) {
		struct space *space = vma->space;

		frame = anon_find(space, address >> PAGE_SHIFT);
		if (!frame || frame->count > 1 || !space->leaf_own)
			*rights &= ~RIGHT_WRITE;
		if (frame || !vma->object)
			return frame ? frame : core.zero;
	}
	frame = behind(vma, address);
	if (!frame || private || may_store(frame))
		return frame;
	*rights &= ~RIGHT_WRITE;
	return write ? NULL : frame;
}

/* A page of our own, into a slot of a leaf of our own: a copy of what others hold or of the object's page, or clear. Null: no free frame. */
static STRAIGHT struct frame *own_copy(struct vma *vma, struct frame **slot, uint64_t page, const struct frame *from)
{
	bool copy = from && from != core.zero;
	struct frame *frame = copy ? frame_take(FRAME_ANON) : frame_take_clear(FRAME_ANON);

	if (!frame)
		return NULL;
	anon_set(vma->space, slot, page, frame);
	vma->flags |= VMA_COPIES;
	if (copy) {
		core_counters.faults_cow++;
		page_copy(frame, from);
	}
	return frame;
}

/* For a store to a private page: it if it is ours alone, else one more. Null: that takes more than a free frame. */
static STRAIGHT struct frame *own_page(struct vma *vma, uint64_t page, bool *replaced)
{
	struct space *space = vma->space;
	struct frame **slot = anon_own_slot(space, page), *from;

	if (!slot)
		return NULL;
	from = *slot;
	if (from && from->count == 1)
		return from;
	if (core_counters.free_pages < core.want[1] || !core.free)
		return NULL;
	if (!from && vma->object) {
		from = behind(vma, page << PAGE_SHIFT);
		if (!from)
			return NULL;
	}
	*replaced = from || (vma->flags & VMA_ZERO);
	return own_copy(vma, slot, page, from);
}

/* ---- what is not */

/* The object's page behind a private or shared one. */
static struct frame *page_behind(struct vma *vma, uint64_t address, struct waiter *waiter, long *status)
{
	uint64_t index = object_page(vma, address);

	if (!object_holds(vma->object, index)) {
		*status = -EIO;
		return NULL;
	}
	return page_get(vma->object, index, &vma->ahead, 1, waiter, status);
}

static long make_private(struct vma *vma, uint64_t address, struct waiter *waiter, struct place *place)
{
	struct space *space = vma->space;
	uint64_t page = address >> PAGE_SHIFT;
	struct frame *frame = anon_find(space, page), **slot;
	long status;

	if (frame && frame->count == 1) {
		if (!anon_slot(space, page))
			return memory_wait(waiter);
		place->frame = frame;
		if (frame->count == 1)	/* no more, perhaps, by our leaf's copy */
			return 0;
	}
	if (!frame && vma->object) {
		frame = page_behind(vma, address, waiter, &status);
		if (!frame)
			return status;
	}
	place->replaced = frame || (vma->flags & VMA_ZERO);
	slot = anon_slot(space, page);
	place->frame = slot ? own_copy(vma, slot, page, frame) : NULL;
	return place->frame ? 0 : memory_wait(waiter);
}

static bool takes_anonymous(const struct vma *vma, bool write)
{
	return vma->flags & VMA_SHARED ? !vma->object->number : write;
}

static RARE long make(struct vma *vma, uint64_t address, bool write, struct waiter *waiter, struct place *place)
{
	struct frame *frame;
	long status = memory_want(waiter, takes_anonymous(vma, write));

	if (status)
		return status;
	if (write && !(vma->flags & VMA_SHARED))
		return make_private(vma, address, waiter, place);
	frame = page_behind(vma, address, waiter, &status);
	if (frame == core.zero && write)
		frame = page_make(vma->object, object_page(vma, address), waiter, &status);
	if (!frame)
		return status;
	if (frame == core.zero) {
		place->frame = frame;
		place->rights = vma_rights(vma) & ~RIGHT_WRITE;
		return 0;
	}
	place->frame = ready(vma, address, write, &place->rights);
	if (place->frame)
		return 0;
	return frame->flags & PAGE_BLOCK ? wait_park(&frame->waiters, waiter) : page_want_blocks(vma->object, frame->index, 1, waiter);
}

/* Shared memory without a file gets the page that is not ready. Who made the others has mapped them. */
static RARE bool new_page(struct vma *vma, uint64_t address, struct place *place)
{
	uint64_t index = object_page(vma, address);
	bool may_be = !vma->object->number && object_holds(vma->object, index);

	place->frame = may_be && core_counters.free_pages >= core.want[1] ? page_new(vma->object, index) : NULL;
	return place->alone = place->frame;
}

/* What needs no waiting: it is there, or a free frame makes it. False: nothing was done. */
static STRAIGHT bool at_hand(struct vma *vma, uint64_t address, bool write, struct place *place)
{
	place->replaced = place->alone = false;
	if (write && !(vma->flags & VMA_SHARED)) {
		place->rights = vma_rights(vma);
		place->frame = own_page(vma, address >> PAGE_SHIFT, &place->replaced);
		return place->frame;
	}
	place->frame = ready(vma, address, write, &place->rights);
	return place->frame || ((vma->flags & VMA_SHARED) && new_page(vma, address, place));
}

/* Reads nothing but what it needs if the page is at hand; else makes room before anything is looked at. */
static long resolve(struct vma *vma, uint64_t address, bool write, struct waiter *waiter, struct place *place)
{
	return at_hand(vma, address, write, place) ? 0 : make(vma, address, write, waiter, place);
}

/* ---- map items */

static STRAIGHT uint64_t show(struct frame *frame, unsigned rights)
{
	frame->flags |= PAGE_MAPPED | (rights & RIGHT_WRITE ? PAGE_STORED : 0);
	frame->epoch = frame->object->epoch;
	return frame_physical(frame);
}

/* The object's pages that are there and may be mapped right away with the item's rights; the first page of the item is `index`. */
static void fill_object(struct object *object, uint64_t index, struct map_item *item)
{
	bool write = item->rights & RIGHT_WRITE;
	uint64_t end = object_end(object);
	unsigned pages = end <= index ? 0 : minimum(item->pages, end - index);

	for (unsigned i = 0; i < pages;) {
		struct node *leaf = pages_leaf(object, index + i);
		unsigned stop = minimum(pages, i + NODE_SLOTS - (index + i) % NODE_SLOTS);

		for (; i < stop; i++) {
			struct frame *frame = leaf ? leaf->slot[(index + i) % NODE_SLOTS] : NULL;

			if (frame && !(frame->flags & PAGE_READING) && (!write || may_store(frame)))
				item->frame[i] = show(frame, item->rights);
		}
	}
}

/* The item lies in one leaf: it is no longer than its alignment. */
static void fill_private(struct space *space, struct map_item *item)
{
	uint64_t page = item->address >> PAGE_SHIFT;
	const struct node *leaf = anon_leaf(space, page);
	uint64_t used = leaf->tag[TAG_USED] >> page % NODE_SLOTS;

	for (unsigned i = 0; used && i < item->pages; i++, used >>= 1)
		if (used & 1)
			item->frame[i] = frame_physical(leaf->slot[page % NODE_SLOTS + i]);
}

/* Neighbours get the rights that the faulting page has: for a private mapping, none to write. */
static RARE void fill_around(struct vma *vma, uint64_t address, struct map_item *item)
{
	uint64_t window = core_fault_around_pages * CORE_PAGE;
	uint64_t start = address & -window, end = minimum(start + window, vma->end);

	if (start < vma->start)
		start = vma->start;
	item->address = start;
	item->pages = (end - start) >> PAGE_SHIFT;
	item->at = (address - start) >> PAGE_SHIFT;
	for (unsigned i = 0; i < item->pages; i++)
		item->frame[i] = 0;
	if (vma->object)
		fill_object(vma->object, object_page(vma, start), item);
	if (!(vma->flags & VMA_SHARED))
		fill_private(vma->space, item);
}

/* Private pages that may be written, and the zero page, come without neighbours. */
static STRAIGHT bool comes_alone(const struct place *place)
{
	unsigned kind = place->frame->kind;

	return core_fault_around_pages == 1 || place->alone || (kind != FRAME_CACHE && (kind != FRAME_ANON || (place->rights & RIGHT_WRITE)));
}

static STRAIGHT uint64_t map_frame(struct vma *vma, const struct place *place)
{
	struct frame *frame = place->frame;

	if (frame->kind == FRAME_CACHE)
		return show(frame, place->rights);
	if (frame == core.zero) {
		vma->flags |= VMA_ZERO;
		if (vma->object)
			vma->object->zero_mapped = true;
	} else if (place->rights & RIGHT_WRITE) {
		vma->flags |= VMA_WRITTEN;
	}
	return frame_physical(frame);
}

static STRAIGHT void count_fault(struct vma *vma, bool write, unsigned pages)
{
	uint32_t mapped = vma->mapped_pages + pages;

	vma->mapped_pages = mapped < pages ? UINT32_MAX : mapped;
	if (write && (vma->flags & VMA_SHARED) && !vma->object->backed)
		object_modify(vma->object);	/* as on Linux the fault counts: nobody looks for D bits here */
	++*(write ? &core_counters.faults_write : &core_counters.faults_read);
}

static void fill(struct vma *vma, uint64_t address, const struct place *place, struct map_item *item)
{
	item->address = address;
	item->rights = place->rights;
	item->pages = 1;
	item->at = 0;
	if (!comes_alone(place))
		fill_around(vma, address, item);
	item->frame[item->at] = map_frame(vma, place);
}

/* Not while something is read ahead: that goes on when the reader comes to the marker. */
STRAIGHT enum at_once core_fault_at_once(struct space *space, uint64_t address, unsigned access, struct map_page *page, struct map_item *item)
{
	struct vma *vma = space->busy.owner ? NULL : space_vma(space, address);
	bool write = access & ACCESS_WRITE;
	struct place place;

	if (!vma || (access & ~vma_rights(vma)) || vma->ahead.marker || !at_hand(vma, address, write, &place))
		return NOT_AT_ONCE;
	page->rights = place.rights;
	if (comes_alone(&place)) {
		page->frame = map_frame(vma, &place);
		count_fault(vma, write, 1);
		return ONE_PAGE;
	}
	fill(vma, address & ~PAGE_MASK, &place, item);
	page->frame = item->frame[item->at];
	count_fault(vma, write, item->pages);
	return item->pages == 1 ? ONE_PAGE : MANY_PAGES;
}

long core_fault(struct space *space, uint64_t address, unsigned access, struct waiter *waiter, struct map_item *item)
{
	bool write = access & ACCESS_WRITE;
	struct place place;
	struct vma *vma;
	long status = wait_error(waiter);

	if (status || (status = lock_check(&space->busy, waiter)))
		return status;
	vma = space_vma(space, address);
	if (!vma || (access & ~vma_rights(vma))) {
		core_counters.faults_refused++;
		return -EFAULT;
	}
	status = resolve(vma, address, write, waiter, &place);
	if (status) {
		waiter->progress[0] = status == CORE_WAIT;
		return status;
	}
	fill(vma, address & ~PAGE_MASK, &place, item);
	count_fault(vma, write, item->pages);
	if (vma->ahead.marker) {
		uint64_t first = object_page(vma, item->address);

		page_ahead(vma->object, &vma->ahead, first, first + item->pages - 1);
	}
	core_counters.faults_major += waiter->progress[0];
	return 0;
}

/* ---- the core's own copies */

static STRAIGHT uint8_t *bytes_of(struct vma *vma, uint64_t address, const struct place *place)
{
	if (place->replaced && vma->mapped_pages)
		core.ops.unmap(vma->space->table, address & ~PAGE_MASK, 1, NULL, NULL);
	return (uint8_t *)frame_bytes(place->frame) + (address & PAGE_MASK);
}

STRAIGHT uint8_t *user_at_hand(struct vma *vma, uint64_t address, bool write)
{
	struct place place;

	if ((write && (vma->flags & VMA_SHARED)) || !at_hand(vma, address, write, &place))
		return NULL;
	return bytes_of(vma, address, &place);
}

static RARE long user_bring(struct space *space, uint64_t address, bool write, struct waiter *waiter, uint8_t **bytes)
{
	struct place place;
	struct vma *vma;
	long status = lock_check(&space->busy, waiter);

	if (status)
		return status;
	vma = space_vma(space, address);
	if (!vma || !user_may(vma, write))
		return -EFAULT;
	status = resolve(vma, address, write, waiter, &place);
	if (status)
		return status == -EIO || status == -ENOSPC ? -EFAULT : status;
	if (write && place.frame->kind == FRAME_CACHE) {
		place.frame->flags |= PAGE_STORED;
		page_dirty(place.frame);
		object_modify(vma->object);
	}
	*bytes = bytes_of(vma, address, &place);
	return CORE_PAGE - (address & PAGE_MASK);
}

long user_bytes(struct space *space, uint64_t address, bool write, struct waiter *waiter, uint8_t **bytes)
{
	struct vma *vma = space->busy.owner ? NULL : space_vma(space, address);

	*bytes = vma && user_may(vma, write) ? user_at_hand(vma, address, write) : NULL;
	return *bytes ? (long)(CORE_PAGE - (address & PAGE_MASK)) : user_bring(space, address, write, waiter, bytes);
}
