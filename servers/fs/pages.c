/*
 * The pager's requests (abi/ring.h): page in, write, allocate, trim, release. Each is a task that gathers metadata by retry like a
 * call, and then turns pages into runs of adjacent blocks for the driver, with the pager's own frames.
 *
 * ORDER.  A request must come after the calls that the pager has sent before it (a truncation above all), but a notification
 * overtakes queued calls. So the ring's head is observed when it comes, then the endpoint is polled until it is empty, and only then are
 * the requests seen at that time admitted.
 */
#include "shell.h"

#define TASKS RING_SLOTS

enum task_state { TASK_FREE, TASK_READY, TASK_WAITING, TASK_MOVING };

static struct task {
	enum task_state state;
	uint64_t key;
	uint32_t asked;			/* its place in the ring */
	uint32_t next, moving;		/* first page not yet dealt with; transfers under way */
	bool begun;
	uint64_t flush;			/* 0, or what it waits for besides */
	int64_t status;
	uint64_t value;
	struct ring_request request;
} tasks[TASKS];
static unsigned in_state[TASK_MOVING + 1] = { [TASK_FREE] = TASKS };
static struct ring *ring;
static uint32_t observed, admitted;
static bool answered;
static uint32_t failures;		/* of writes */
static bool flush_owed;			/* transfers have begun that are to be durable */

static void set_state(struct task *task, enum task_state state)
{
	in_state[task->state]--;
	in_state[state]++;
	task->state = state;
}

void pages_init(struct ring *shared)
{
	ring = shared;
	admitted = ring->request_tail;
	pages_observe();
}

void pages_observe(void)
{
	observed = __atomic_load_n(&ring->request_head, __ATOMIC_ACQUIRE);
}

void pages_admit(void)
{
	admitted = observed;
}

bool pages_unadmitted(void)
{
	return observed != admitted;
}

uint32_t pages_admit_asked(uint32_t asked)
{
	if (asked - ring->request_tail > RING_SLOTS)
		return ring->request_tail;	/* it has long been taken */
	if ((int32_t)(asked - admitted) > 0)
		admitted = asked;
	if ((int32_t)(admitted - observed) > 0)
		observed = admitted;
	work_left = true;
	return asked;
}

bool pages_written(uint64_t object, uint32_t asked)
{
	if ((int32_t)(asked - ring->request_tail) > 0)
		return false;
	for (unsigned i = 0, left = TASKS - in_state[TASK_FREE]; left; i++) {
		const struct task *task = &tasks[i];

		if (task->state == TASK_FREE)
			continue;
		if (task->request.operation == FS_REQUEST_write && task->request.object == object && (int32_t)(task->asked - asked) < 0)
			return false;
		left--;
	}
	return true;
}

uint32_t pages_failures(void)
{
	return failures;
}

bool pages_ready(void)
{
	return in_state[TASK_READY];
}

void pages_wake(uint64_t key)
{
	if (!in_state[TASK_WAITING])
		return;
	for (unsigned i = 0; i < TASKS; i++)
		if (tasks[i].state == TASK_WAITING && tasks[i].key == key)
			set_state(&tasks[i], TASK_READY);
	work_left = work_left || in_state[TASK_READY];
}

static void finish(struct task *task)
{
	ring_complete(ring, task->request.id, task->status, task->value);
	set_state(task, TASK_FREE);
	answered = true;
	failures += task->request.operation == FS_REQUEST_write && task->status;
	wake_calls(WAIT_KEY(WAIT_DATA, 0));
}

/* ---- transfers */

static int get_object(const struct task *task, struct inode_ref *ref)
{
	int result = inode_get((uint32_t)task->request.object, ref);

	if (result == 0 && (inode_object(ref) != task->request.object || !inode_is(ref->raw, MODE_REGULAR)))
		result = -ESTALE;
	return result;
}

/* A run of adjacent blocks from page task->next on: *length pages. *block 0: a hole. */
static int find_run(struct task *task, const struct inode_ref *ref, uint32_t *block, uint32_t *length)
{
	uint64_t end = (inode_length(ref->raw) + BLOCK_BYTES - 1) / BLOCK_BYTES;
	uint64_t page = task->request.first + task->next;
	bool reading = task->request.operation == FS_REQUEST_page_in;
	uint32_t count = task->request.count - task->next, number, run;

	*block = 0;
	for (*length = 0; *length < count; *length += run) {
		uint64_t at = page + *length;
		int result = 0;

		number = 0;
		run = count - *length;
		if (!reading || at < end)
			result = map_run(ref, at, reading && run > end - at ? end - at : run, &number, &run);
		if (result < 0)
			return *length && result != WAIT ? 0 : result;
		if (*length == 0)
			*block = number;
		else if (number != (*block ? *block + *length : 0))
			return 0;
	}
	return 0;
}

static bool is_sync(const struct task *task)
{
	return task->request.operation == FS_REQUEST_write && task->request.flags & RING_SYNC;
}

static int transfer_run(struct task *task, struct inode_ref *ref)
{
	bool reading = task->request.operation == FS_REQUEST_page_in;
	uint32_t block, length;
	int result = find_run(task, ref, &block, &length);

	if (result < 0)
		return result;
	if (!block && !reading) {
		log_line("fs: page %lu of inode %u is to be written but has no block", (unsigned long)task->request.first + task->next, ref->number);
		return -EIO;
	}
	if (block && !blocks_start(reading ? BLK_REQUEST_read : BLK_REQUEST_write, block, length, &task->request.frame[task->next], task - tasks, is_sync(task)))
		return wait_for(WAIT_KEY(WAIT_SLOT, 0));
	flush_owed = flush_owed || is_sync(task);
	for (uint32_t i = 0; i < length && !block; i++)
		task->value |= 1UL << (task->next + i);
	task->moving += !!block;
	task->next += length;
	return 0;
}

void pages_io_done(uint32_t number, bool failed)
{
	struct task *task = &tasks[number % TASKS];

	if (failed)
		task->status = -EIO;
	if (--task->moving == 0 && task->state == TASK_MOVING && blocks_flushed(task->flush))
		finish(task);
}

void pages_flushed(void)
{
	for (unsigned i = 0; in_state[TASK_MOVING] && i < TASKS; i++)
		if (tasks[i].state == TASK_MOVING && !tasks[i].moving && blocks_flushed(tasks[i].flush))
			finish(&tasks[i]);
	work_left = work_left || answered;
}

/* Whose transfers are all on their way. The flush comes behind all of them. */
static void flush_moving(void)
{
	uint64_t stamp, flush = blocks_write_and_flush(&stamp);

	flush_owed = false;
	for (unsigned i = 0, left = in_state[TASK_MOVING]; left; i++)
		if (tasks[i].state == TASK_MOVING) {
			left--;
			if (is_sync(&tasks[i]) && !tasks[i].flush)
				tasks[i].flush = flush;
		}
}

/* The write tells the pager's length and time; the inode learns them with it, in the step that has found the blocks. */
static void note_write(struct task *task, struct inode_ref *ref)
{
	inode_set_length(ref, task->request.length);
	set_modified(ref, task->request.modified);
	step_commit();
}

static int page_in_or_write(struct task *task)
{
	uint64_t end = task->request.first + task->request.count;
	struct inode_ref ref;
	bool writing = task->request.operation == FS_REQUEST_write;
	const struct node *node;
	int result = task->request.count <= RING_FRAMES ? get_object(task, &ref) : -EINVAL;

	if (result < 0)
		return result;
	node = writing ? NULL : node_find_object(task->request.object);
	if (node && node->trimming && end > node->keep_pages)
		return wait_for(WAIT_KEY(WAIT_NODE, node->inode));
	if (writing && volume.read_only)
		return -EROFS;
	while (result == 0 && task->next < task->request.count)
		result = transfer_run(task, &ref);
	if (writing && result != WAIT)
		note_write(task, &ref);
	return result;
}

/* ---- blocks */

#define ALLOCATE_AT_ONCE 1024

static int allocate(struct task *task)
{
	uint64_t count = task->request.count < ALLOCATE_AT_ONCE ? task->request.count : ALLOCATE_AT_ONCE;
	struct inode_ref ref;
	struct node *node;
	int result = get_object(task, &ref);

	if (result < 0)
		return result;
	node = node_find_object(task->request.object);
	if (volume.read_only)
		return -EROFS;
	if (task->request.first >= LENGTH_MAX / BLOCK_BYTES)
		return -EFBIG;
	if (!count || !node)
		return count ? -ESTALE : -EINVAL;
	if (node->trimming)
		return wait_for(WAIT_KEY(WAIT_NODE, node->inode));
	result = map_allocate(&ref, task->request.first, count, node->privileged, &task->value);
	if (result == -ENOSPC && node_jobs_pending())
		return wait_for(WAIT_KEY(WAIT_JOBS, 0));
	if (result == -ENOSPC && release_expected())
		return -EAGAIN;		/* kept back here, it might keep the release back */
	if (result < 0)
		return result;
	step_commit();
	if (node->end_page < task->request.first + task->value)
		node->end_page = task->request.first + task->value;
	return 0;
}

/*
 * To programs the blocks of a deleted file are free at once, here only after the pager's release. It comes by itself if no descriptor and
 * no mapping keeps the object. Who is told that there is no space must not be able to say: but I have removed that file.
 */
bool release_expected(void)
{
	struct pager_stat_reply reply;
	uint32_t cursor = 0;

	for (struct node *node = node_next(&cursor); node; node = node_next(&cursor))
		if (node->dead && !node->held && node->uses && !node->freeing &&
		    (!object_stat((uint64_t)node->generation << 32 | node->inode, &reply) || reply.leaving))
			return true;
	return false;
}

/* A write past the end that was given up may have told the disk a length that never came to be. */
static int take_over_length(uint64_t object, uint64_t length)
{
	struct inode_ref ref;
	int result = inode_get((uint32_t)object, &ref);

	if (result < 0 || inode_object(&ref) != object || inode_length(ref.raw) <= length)
		return result;
	result = inode_set_length(&ref, length);
	if (result == 0)
		step_commit();
	return result;
}

static int trim(struct task *task)
{
	struct node *node = node_find_object(task->request.object);
	int result;

	if (!node || volume.read_only)
		return 0;
	if (!task->begun) {
		result = take_over_length(task->request.object, task->request.length);
		if (result < 0)
			return result;
		node_trim(node, task->request.first);
		task->begun = true;
		return 1;
	}
	return node->trimming ? wait_for(WAIT_KEY(WAIT_NODE, node->inode)) : 0;
}

static int release(struct task *task)
{
	struct node *node = node_find_object(task->request.object);

	if (node)
		node_released(node, task->request.length);
	return 0;
}

/* ---- tasks */

static int execute(struct task *task)
{
	switch (task->request.operation) {
	case FS_REQUEST_page_in:
	case FS_REQUEST_write: return page_in_or_write(task);
	case FS_REQUEST_allocate: return allocate(task);
	case FS_REQUEST_trim: return trim(task);
	case FS_REQUEST_release: return release(task);
	}
	return -EINVAL;
}

static void run(struct task *task)
{
	int result;

	do {
		step_begin();
		result = volume.mounted ? execute(task) : -EIO;
		step_abort();
	} while (result == 1);
	if (result == WAIT) {
		task->key = volume.wait_key;
		set_state(task, TASK_WAITING);
		return;
	}
	if (result < 0)
		task->status = result;
	if (task->moving)
		set_state(task, TASK_MOVING);
	else
		finish(task);
}

static void take_requests(void)
{
	for (unsigned i = 0; i < TASKS && ring->request_tail != admitted; i++) {
		struct task *task = &tasks[i];

		if (task->state != TASK_FREE)
			continue;
		if (!ring_next_request(ring, &task->request)) {
			admitted = observed = ring->request_tail;
			return;
		}
		task->asked = ring->request_tail - 1;
		task->next = task->moving = 0;
		task->begun = false;
		task->flush = task->value = task->status = 0;
		set_state(task, TASK_READY);
	}
}

void pages_run(void)
{
	take_requests();
	for (unsigned i = 0; in_state[TASK_READY] && i < TASKS; i++)
		if (tasks[i].state == TASK_READY)
			run(&tasks[i]);
	if (flush_owed)
		flush_moving();
	if (answered && !ring_is_quiet(ring))
		sys_notify(SLOT_NOTIFY_PAGER, NOTIFY_RING_UPPER);
	answered = false;
}
