/*
 * Faults. fault_resolve finds or makes the frame that a page of a VMA needs for an access; core_fault turns it into a map item and
 * adds neighbours that are in memory already; user_bytes is the same for the core's own copies.
 *
 *                      private                                        shared
 *   read    our copy, else the object's page, else the zero page      the object's page
 *   write   our copy, if nobody shares it, else a new one             the object's page, if it has a block
 *
 * Refuses to map a shared page writable before it has a block on the disk: a full disk is told at the store.
 */
#include "internal.h"
#include "kernel.h"

bool fault_allowed(const struct vma *vma, unsigned access)
{
	if (access & ACCESS_WRITE)
		return vma->prot & PROT_WRITE;
	if (access & ACCESS_EXECUTE)
		return vma->prot & PROT_EXEC;
	return vma->prot & (PROT_READ | PROT_WRITE);
}

static uint64_t object_page(const struct vma *vma, uint64_t address)
{
	return (address - vma->start + vma->offset) >> PAGE_SHIFT;
}

/* The object's page behind a private or shared one. */
static struct frame *page_behind(struct vma *vma, uint64_t address, struct waiter *waiter, long *status)
{
	uint64_t index = object_page(vma, address);

	if (index >= object_end(vma->object)) {
		*status = -EIO;
		return NULL;
	}
	return page_get(vma->object, index, &vma->ahead, 1, waiter, status);
}

/* A copy of our own: of what others hold, of the object's page, or of nothing. */
static long resolve_copy(struct vma *vma, uint64_t page, struct frame *from, struct waiter *waiter, struct place *place)
{
	struct space *space = vma->space;
	struct frame **slot = anon_slot(space, page);
	struct frame *frame = slot ? frame_take(FRAME_ANON) : NULL;

	if (!frame)
		return memory_wait(waiter);
	if (from) {
		page_copy(frame, from);
		core_counters.faults_cow++;
	} else {
		page_clear(frame);
	}
	anon_set(space, slot, page, frame);
	place->frame = frame;
	place->rights = vma_rights(vma);
	place->replaced = from || (vma->flags & VMA_ZERO);
	return 0;
}

static long private_write(struct vma *vma, uint64_t address, struct waiter *waiter, struct place *place)
{
	struct space *space = vma->space;
	uint64_t page = address >> PAGE_SHIFT;
	struct frame *frame = anon_find(space, page);
	long status;

	if (frame) {
		struct frame **slot = frame->count == 1 ? anon_slot(space, page) : NULL;

		if (frame->count == 1 && !slot)
			return memory_wait(waiter);
		if (frame->count > 1)	/* perhaps only now, by our leaf's copy */
			return resolve_copy(vma, page, frame, waiter, place);
		place->frame = frame;
		place->rights = vma_rights(vma);
		return 0;
	}
	if (vma->object) {
		frame = page_behind(vma, address, waiter, &status);
		if (!frame)
			return status;
	}
	return resolve_copy(vma, page, frame, waiter, place);
}

static long private_read(struct vma *vma, uint64_t address, struct waiter *waiter, struct place *place)
{
	struct space *space = vma->space;
	struct frame *frame = anon_find(space, address >> PAGE_SHIFT);
	long status;

	place->rights = vma_rights(vma) & ~RIGHT_WRITE;
	if (frame) {
		if (frame->count == 1 && space->leaf_own)
			place->rights = vma_rights(vma);
	} else if (vma->object) {
		frame = page_behind(vma, address, waiter, &status);
		if (!frame)
			return status;
	} else {
		frame = core.zero;
	}
	place->frame = frame;
	return 0;
}

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

static long resolve_shared(struct vma *vma, uint64_t address, bool write, struct waiter *waiter, struct place *place)
{
	long status;
	struct frame *frame = page_behind(vma, address, waiter, &status);

	if (!frame)
		return status;
	place->frame = frame;
	place->rights = vma_rights(vma);
	if (may_store(frame))
		return 0;
	place->rights &= ~RIGHT_WRITE;
	if (!write)
		return 0;
	return frame->flags & PAGE_BLOCK ? wait_park(&frame->waiters, waiter) : page_want_blocks(vma->object, frame->index, 1, waiter);
}

long fault_resolve(struct vma *vma, uint64_t address, bool write, struct waiter *waiter, struct place *place)
{
	place->replaced = false;
	if (vma->flags & VMA_SHARED)
		return resolve_shared(vma, address, write, waiter, place);
	return write ? private_write(vma, address, waiter, place) : private_read(vma, address, waiter, place);
}

/* ---- map items */

/* The frame that a page near the fault may be mapped to right away, with just these rights; null: leave it. */
static struct frame *neighbour(struct vma *vma, uint64_t address, unsigned rights)
{
	struct frame *frame;

	if (!(vma->flags & VMA_SHARED)) {
		frame = anon_find(vma->space, address >> PAGE_SHIFT);
		if (frame || !vma->object)
			return frame;
	}
	frame = pages_find(vma->object, object_page(vma, address));
	if (!frame || (frame->flags & PAGE_READING) || frame->index >= object_end(vma->object))
		return NULL;
	return (rights & RIGHT_WRITE) && !may_store(frame) ? NULL : frame;
}

static void note_mapped(struct frame *frame, unsigned rights)
{
	if (frame->kind != FRAME_CACHE)
		return;
	frame->flags |= PAGE_MAPPED | (rights & RIGHT_WRITE ? PAGE_STORED : 0);
	frame->epoch = frame->object->epoch;
}

static void fill_around(struct vma *vma, uint64_t address, struct frame *at, struct map_item *item)
{
	uint64_t window = minimum(core_fault_around_pages, CORE_BATCH) * CORE_PAGE;
	uint64_t start = address - address % window, end = minimum(start + window, vma->end);

	if (start < vma->start)
		start = vma->start;
	item->address = start;
	item->pages = (end - start) >> PAGE_SHIFT;
	item->at = (address - start) >> PAGE_SHIFT;
	for (unsigned i = 0; i < item->pages; i++) {
		struct frame *frame = i == item->at ? at : neighbour(vma, start + i * CORE_PAGE, item->rights);

		item->frame[i] = frame ? frame_physical(frame) : 0;
		if (frame)
			note_mapped(frame, item->rights);
	}
}

static void fill_one(uint64_t address, struct frame *frame, struct map_item *item)
{
	item->address = address;
	item->pages = 1;
	item->at = 0;
	item->frame[0] = frame_physical(frame);
	note_mapped(frame, item->rights);
}

static void fill(struct vma *vma, uint64_t address, const struct place *place, struct map_item *item)
{
	bool private = !(vma->flags & VMA_SHARED);

	item->rights = place->rights;
	if (core_fault_around_pages <= 1 || (private && (place->rights & RIGHT_WRITE)) || place->frame == core.zero)
		fill_one(address, place->frame, item);
	else
		fill_around(vma, address, place->frame, item);
	if (place->frame == core.zero)
		vma->flags |= VMA_ZERO;
	if (private && (place->rights & RIGHT_WRITE))
		vma->flags |= VMA_WRITTEN;
	vma->mapped_pages += item->pages < UINT32_MAX - vma->mapped_pages ? item->pages : 0;
	if (vma->object && vma->object->backed)
		page_ahead(vma->object, &vma->ahead, object_page(vma, item->address), object_page(vma, item->address) + item->pages - 1);
}

static bool takes_anonymous(const struct vma *vma, bool write)
{
	return vma->flags & VMA_SHARED ? !vma->object->backed : write;
}

long core_fault(struct space *space, uint64_t address, unsigned access, struct waiter *waiter, struct map_item *item)
{
	bool write = access & ACCESS_WRITE;
	struct place place;
	struct vma *vma;
	long status = wait_error(waiter);

	if (status || (status = lock_check(&space->busy, waiter)))
		return status;
	vma = address < CORE_USER_END ? space_vma(space, address) : NULL;
	if (!vma || !fault_allowed(vma, access)) {
		core_counters.faults_refused++;
		return -EFAULT;
	}
	address &= ~PAGE_MASK;
	status = memory_want(waiter, takes_anonymous(vma, write));
	if (!status)
		status = fault_resolve(vma, address, write, waiter, &place);
	if (status) {
		waiter->progress[0] = status == CORE_WAIT;
		return status;
	}
	fill(vma, address, &place, item);
	++*(write ? &core_counters.faults_write : &core_counters.faults_read);
	core_counters.faults_major += waiter->progress[0];
	return 0;
}

/* ---- the core's own copies */

long user_bytes(struct space *space, uint64_t address, bool write, struct waiter *waiter, uint8_t **bytes)
{
	struct place place;
	struct vma *vma;
	long status = lock_check(&space->busy, waiter);

	if (status)
		return status;
	vma = address < CORE_USER_END ? space_vma(space, address) : NULL;
	if (!vma || !fault_allowed(vma, write ? ACCESS_WRITE : ACCESS_READ))
		return -EFAULT;
	if (takes_anonymous(vma, write) && core_counters.free_pages < core.want[1]) {
		status = memory_want(waiter, true);
		if (status)
			return status;
	}
	status = fault_resolve(vma, address, write, waiter, &place);
	if (status)
		return status == -EIO || status == -ENOSPC ? -EFAULT : status;
	if (place.replaced && vma->mapped_pages)
		core.ops.unmap(space->table, address & ~PAGE_MASK, 1, NULL, NULL);
	if (write && place.frame->kind == FRAME_CACHE) {
		place.frame->flags |= PAGE_STORED;
		page_dirty(place.frame);
		object_modify(vma->object);
	}
	*bytes = (uint8_t *)frame_bytes(place.frame) + (address & PAGE_MASK);
	return CORE_PAGE - (address & PAGE_MASK);
}
