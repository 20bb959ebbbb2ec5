/*
 * Both ends of a ring (abi/ring.h). Each index has one writer; an entry is written before the index that publishes it
 * (release) and read after it (acquire), and is copied out before its slot is given back. What the other side wrote is
 * input: an index that runs ahead of what can be outstanding yields nothing.
 */
#include "server.h"

static uint32_t load(const uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void publish(uint32_t *index, uint32_t value)
{
	__atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/* Is there an entry between tail and head? */
static bool pending(const uint32_t *head, const uint32_t *tail)
{
	uint32_t count = load(head) - *tail;

	return count && count <= RING_SLOTS;
}

/* No more of a request than it has: frames that it does not name stay as they are. `count` is the other side's word. */
static void copy_request(struct ring_request *to, const struct ring_request *from)
{
	uint32_t count = from->count;

	to->id = from->id;
	to->operation = from->operation;
	to->count = count;
	to->object = from->object;
	to->first = from->first;
	to->length = from->length;
	to->modified = from->modified;
	to->flags = from->flags;
	for (uint32_t i = 0; i < count && i < RING_FRAMES; i++)
		to->frame[i] = from->frame[i];
}

struct ring_request *ring_next_place(struct ring *ring)
{
	uint32_t head = ring->request_head;

	/* Asked but not yet taken back: a slot and a place for the answer belong together. */
	return head - ring->completion_tail < RING_SLOTS ? &ring->request[head % RING_SLOTS] : NULL;
}

void ring_ask_placed(struct ring *ring)
{
	publish(&ring->request_head, ring->request_head + 1);
}

bool ring_ask(struct ring *ring, const struct ring_request *request)
{
	struct ring_request *place = ring_next_place(ring);

	if (!place)
		return false;
	copy_request(place, request);
	ring_ask_placed(ring);
	return true;
}

const struct ring_request *ring_asked(struct ring *ring)
{
	uint32_t tail = ring->request_tail;

	return pending(&ring->request_head, &tail) ? &ring->request[tail % RING_SLOTS] : NULL;
}

void ring_taken(struct ring *ring)
{
	publish(&ring->request_tail, ring->request_tail + 1);
}

bool ring_next_request(struct ring *ring, struct ring_request *request)
{
	const struct ring_request *asked = ring_asked(ring);

	if (!asked)
		return false;
	copy_request(request, asked);
	ring_taken(ring);
	return true;
}

void ring_complete(struct ring *ring, uint64_t id, int64_t status, uint64_t value)
{
	uint32_t head = ring->completion_head;

	ring->completion[head % RING_SLOTS] = (struct ring_completion){ .id = id, .status = status, .value = value };
	publish(&ring->completion_head, head + 1);
}

/* `quiet` and completion_head: each side writes one and then reads the other, so one of them sees the news. */
bool ring_is_quiet(const struct ring *ring)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&ring->quiet, __ATOMIC_RELAXED);
}

void ring_set_quiet(struct ring *ring, bool quiet)
{
	__atomic_store_n(&ring->quiet, quiet, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool ring_has_completion(const struct ring *ring)
{
	return pending(&ring->completion_head, &ring->completion_tail);
}

bool ring_next_completion(struct ring *ring, struct ring_completion *completion)
{
	uint32_t tail = ring->completion_tail;

	if (!pending(&ring->completion_head, &tail))
		return false;
	*completion = ring->completion[tail % RING_SLOTS];
	publish(&ring->completion_tail, tail + 1);
	return true;
}
