/*
 * The model of the kernel for proc_life.c: threads with their tokens, marks and loans, and the calls that proc makes. It checks what the kernel would
 * refuse and what proc must never ask for.
 */
#ifndef PROC_KERNEL_H
#define PROC_KERNEL_H

static uint64_t token_of(const struct thread *thread)
{
	return thread->number << TOKEN_THREAD_BITS | (thread - threads);
}

static struct thread *thread_of(uint64_t token)
{
	struct thread *thread = &threads[TOKEN_THREAD(token)];

	return TOKEN_THREAD(token) < thread_count && thread->where == HELD && thread->server == SERVER_PROC && token_of(thread) == token ?
	       thread : NULL;
}

static void queue(struct thread *thread, enum server server, bool forwarded)
{
	thread->where = QUEUED;
	thread->server = server;
	thread->forwarded = forwarded;
	thread->number++;
	thread->told = false;
}

static void make_exception(struct thread *thread, uint64_t cause)
{
	CHECK(thread->has_exception);
	thread->exception = thread->lends = true;
	thread->routed = false;
	thread->redelivered = false;
	thread->badge = BADGE_EXCEPTION;
	thread->label = LABEL_EXCEPTION;
	thread->word[0] = thread->cause = cause;
	queue(thread, SERVER_PROC, false);
}

static void call_linux(struct thread *thread, enum server server, uint64_t number)
{
	thread->exception = false;
	thread->routed = thread->lends = true;
	thread->redelivered = false;
	thread->badge = BADGE_CLIENT;
	thread->label = number;
	thread->registers.x[9] = random_number(1000000);
	queue(thread, server, false);
}

/* It would run user code now. */
static void resume(struct thread *thread)
{
	uint32_t pid = IDENTITY_PID(thread->identity), child = pids[pid].vfork_child;

	if (random_number(2))
		thread->present = false;
	if (thread->marked) {
		thread->marked = false;
		make_exception(thread, EXCEPTION_INTERRUPT);
		return;
	}
	CHECK(!slots[IDENTITY_SLOT(thread->identity)].exited);
	CHECK(slots[IDENTITY_SLOT(thread->identity)].fs == thread->identity);
	CHECK(!child || !pids[child].shares);
	CHECK(!thread->begins || pid == 1 || (thread->registers.x[9] == thread->inherits && !thread->registers.x[10]));
	CHECK(!thread->begins || !thread->tid_address || !memcmp(thread->memory + (thread->tid_address - MEMORY_BASE), &pid, sizeof(pid)));
	thread->begins = false;
	pids[pid].vfork_child = 0;
	thread->where = USER;
}

static void interrupt(struct thread *thread)
{
	CHECK(thread->where != NEW && thread->where != DEAD);
	switch (thread->where) {
	case USER:
		make_exception(thread, EXCEPTION_INTERRUPT);
		break;
	case QUEUED:
		/* A call not yet received is withdrawn, a forward carries the mark. */
		if (!thread->exception && !thread->forwarded && (!thread->redelivered || random_number(2)))
			make_exception(thread, EXCEPTION_INTERRUPT);
		else
			thread->marked = true;
		break;
	default:
		thread->marked = thread->told = true;
	}
}

static long copy(struct thread *thread, uint64_t remote, uint8_t *own, size_t bytes, enum copy_direction direction)
{
	uint8_t *at = thread->memory + (remote - MEMORY_BASE);

	if (remote < MEMORY_BASE || remote >= MEMORY_BASE + MEMORY || !thread->present) {
		if (remote >= INITCODE_BASE && remote < INITCODE_BASE + PAGE_BYTES * INITCODE_PAGES && thread->present)
			return bytes;
		return 0;
	}
	if (bytes > MEMORY_BASE + MEMORY - remote)
		bytes = MEMORY_BASE + MEMORY - remote;
	memcpy(direction == COPY_IN ? own : at, direction == COPY_IN ? at : own, bytes);
	return bytes;
}

static long set_thread(uint64_t slot, uint64_t field, uint64_t value)
{
	struct thread *thread = &threads[capability[slot] - 1];

	CHECK(capability[slot] && (thread->where == NEW || (thread->where == HELD && thread->server == SERVER_PROC && field == THREAD_IDENTITY)));
	switch (field) {
	case THREAD_EXCEPTION:
		CHECK(value == SLOT_EXCEPTION_MASTER);
		thread->has_exception = true;
		break;
	case THREAD_IDENTITY:
		CHECK(value == slots[slot - 64].pager);
		thread->identity = value;
		break;
	case THREAD_START:
		make_exception(thread, EXCEPTION_START);
		break;
	}
	return 0;
}

struct result syscall6(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	struct thread *thread = thread_of(a);
	long value = 0;

	(void)f;
	switch (number) {
	case SYS_copy:
		CHECK(thread);
		value = thread->lends ? copy(thread, b, (uint8_t *)c, d, e) : ERR_NO_LOAN;
		break;
	case SYS_fault:
		CHECK(thread && thread->lends && c & (ACCESS_READ | ACCESS_WRITE));
		thread->where = FAULTING;
		thread->word[5] = b;	/* no call here has six words */
		break;
	case SYS_registers:
		CHECK(thread);
		if (c & REGISTERS_WRITE) {
			thread->registers = *(struct registers *)b;
			thread->exception = thread->lends = true;	/* from now on: the answer leaves them as they are */
		} else if (!thread->routed && !thread->exception)
			value = ERR_INVALID;
		else
			*(struct registers *)b = thread->registers;
		break;
	case SYS_interrupt:
		CHECK(capability[a]);
		interrupt(&threads[capability[a] - 1]);
		break;
	case SYS_cap_mint:
		if (c == SLOT_NOTIFICATION) {
			value = b < 64 + leaves * LEAF_SLOTS ? 0 : ERR_BAD_SLOT;
			break;
		}
		CHECK(b < 64 + leaves * LEAF_SLOTS && d == RIGHT_CONTROL);
		if (capability[b] && threads[capability[b] - 1].where != DEAD)
			value = ERR_IN_USE;
		else
			capability[b] = capability[c];
		break;
	case SYS_cap_delete:
		capability[b] = 0;
		break;
	case SYS_thread_set:
		value = set_thread(a, b, c);
		break;
	default:
		CHECK(!"a kernel call that proc does not make");
	}
	return (struct result){ value, 0 };
}

long ipc_reply(uint64_t token, struct message *message)
{
	struct thread *thread = thread_of(token);

	CHECK(thread);
	if (!thread->exception)
		thread->registers.x[10] = message->word[0];
	if (verbose && thread->routed)
		printf("pid %lu: call %lu = %ld\n", IDENTITY_PID(thread->identity), thread->label, (long)message->word[0]);
	resume(thread);
	return 0;
}

long ipc_forward(uint64_t token, uint64_t slot, struct message *message)
{
	struct thread *thread = thread_of(token);

	CHECK(thread);
	CHECK(message->label != PAGER_fork || message->word[2] == ends_heard);
	CHECK(message->label != PAGER_exit || message->word[1] == ends_heard);
	if (message->label == PAGER_commit || message->label == PAGER_exit)
		pids[IDENTITY_PID(thread->identity)].shares = false;	/* it never runs in that space again */
	thread->label = message->label;
	memcpy(thread->word, message->word, sizeof(thread->word));
	thread->badge = BADGE_PROC;
	queue(thread, slot == SLOT_PAGER ? SERVER_PAGER : SERVER_FS, true);
	return 0;
}

#endif
