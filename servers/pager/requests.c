/*
 * The asking end of the ring between pager and fs (requests.h). At most RING_SLOTS are in the ring; the others wait here, in order,
 * in records of which there are as many as the core can have requests under way: to queue one never fails. Records keep a
 * request until its answer, so that all can be asked again of an fs that has started anew (the ring's epoch tells).
 */
#include "requests.h"

#include "fs.h"
#include "park.h"
#include "served.h"

#include <linux/errno.h>

#define RECORDS (CORE_REQUESTS + 1)	/* while an answer is looked at, the core may ask for one more */
#define MOST_ERRNO 4095

struct record {
	struct record *next;
	uint64_t core_id;
	struct ring_request request;
};

static struct ring *ring;
static uint32_t epoch;
static struct record *asked[RING_SLOTS];	/* in the ring; ring id = generation << 8 | index */
static uint64_t generation;
static unsigned asked_count;
static uint32_t failures;			/* of writes */
static struct record *first, *last;		/* waiting for a place */
static struct record records[RECORDS], *spare;
bool requests_news, requests_quiet;

static void set_quiet(bool quiet)
{
	requests_quiet = quiet;
	ring_set_quiet(ring, quiet);
}

static void spare_put(struct record *record)
{
	record->next = spare;
	spare = record;
}

void requests_start(const struct start_info *start)
{
	ring = (struct ring *)start->ring_pager_fs;
	if (!ring)
		panic("pager: no ring to fs");
	epoch = ring->epoch;
	for (unsigned i = 0; i < RECORDS; i++)
		spare_put(&records[i]);
}

static bool ask(struct record *record)
{
	unsigned index = 0;

	if (asked_count == RING_SLOTS)
		return false;
	while (asked[index])
		index++;
	record->request.id = ++generation << 8 | index;
	if (!ring_ask(ring, &record->request))
		return false;
	asked[index] = record;
	asked_count++;
	requests_news = true;
	return true;
}

static void ask_waiting(void)
{
	while (first) {
		struct record *record = first, *next = first->next;

		if (!ask(record))
			return;
		first = next;
	}
}

void request_queue(const struct core_request *request)
{
	struct record *record = spare;

	if (request->pager) {
		served_request(request);
		return;
	}
	if (!record)
		panic("pager: more than %u requests under way", CORE_REQUESTS);
	spare = record->next;
	record->core_id = request->id;
	record->request.operation = request->operation;	/* not the record as a whole: it has room for many frames */
	record->request.count = request->count;
	record->request.object = request->object;
	record->request.first = request->first;
	record->request.length = request->length;
	record->request.modified = request->modified;
	record->request.flags = request->sync ? RING_SYNC : 0;
	for (unsigned i = 0; i < request->count && i < RING_FRAMES; i++)
		record->request.frame[i] = request->frame[i] >> PAGE_SHIFT;
	if (!first && ask(record))
		return;
	record->next = 0;
	if (first)
		last->next = record;
	else
		first = record;
	last = record;
}

/* The answer, as far as it can be true. */
static void answer(const struct ring_request *request, const struct ring_completion *completion, uint64_t core_id)
{
	int64_t status = completion->status > 0 || completion->status < -MOST_ERRNO ? -EIO : completion->status;
	uint64_t value = completion->value;

	failures += request->operation == FS_REQUEST_write && completion->status;
	if (request->operation == FS_REQUEST_page_in)
		value &= (1UL << request->count) - 1;
	else if (value > request->count)
		value = request->count;
	if (request->operation == FS_REQUEST_allocate && !status && !value)
		status = -EIO;
	core_complete(core_id, status, value);
}

/* All that fs has not answered is asked again. */
static void ask_again(void)
{
	epoch = __atomic_load_n(&ring->epoch, __ATOMIC_ACQUIRE);
	for (unsigned i = 0; i < RING_SLOTS; i++) {
		struct record *record = asked[i];

		if (!record)
			continue;
		asked[i] = 0;
		asked_count--;
		record->next = first;
		if (!first)
			last = record;
		first = record;
	}
}

void requests_answers(void)
{
	struct ring_completion completion;

	if (requests_quiet)
		set_quiet(false);
	if (__atomic_load_n(&ring->epoch, __ATOMIC_ACQUIRE) != epoch)
		ask_again();
	while (ring_next_completion(ring, &completion)) {
		unsigned index = completion.id & 0xff;
		struct record *record = index < RING_SLOTS ? asked[index] : 0;

		if (!record || record->request.id != completion.id)
			continue;
		asked[index] = 0;
		asked_count--;
		answer(&record->request, &completion, record->core_id);
		spare_put(record);
	}
	if (first)
		ask_waiting();
}

void requests_tell(void)
{
	requests_news = false;
	sys_notify(SLOT_NOTIFY_FS, NOTIFY_RING_LOWER);
}

bool requests_none(void)
{
	return !asked_count;
}

uint64_t requests_writes(bool alone)
{
	if (first)
		return 0;
	requests_news = false;
	set_quiet(alone && !jobs_waiting());
	return FS_WRITES(ring->request_head, failures);
}

bool requests_room(void)
{
	return !first && asked_count < RING_SLOTS / 2;
}
