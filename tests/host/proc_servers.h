/*
 * fs and the pager for proc_life.c: what proc asks of them is answered at once, what it hands on to them takes its time. They check that they hear of each
 * process once, and of all.
 */
#ifndef PROC_SERVERS_H
#define PROC_SERVERS_H

/* ---- fs and pager, as far as proc calls them */

static struct thread *new_thread(uint64_t identity)
{
	struct thread *thread = NULL;
	unsigned slot = IDENTITY_SLOT(identity);

	for (unsigned i = 0; i < THREADS && !thread; i++)
		if (threads[i].where == NOWHERE || threads[i].where == DEAD)
			thread = &threads[i];
	CHECK(thread);
	if (thread - threads >= thread_count)
		thread_count = thread - threads + 1;
	CHECK(!slots[slot].pager && !slots[slot].ended);
	slots[slot].pager = identity;
	slots[slot].exited = slots[slot].again = false;
	slots[slot].thread = thread - threads;
	*thread = (struct thread){ .where = NEW, .number = thread->number + 1, .identity = identity, .begins = true };
	capability[SLOT_RECEIVED] = thread - threads + 1;
	made++;
	return thread;
}

/* The thread that the slot's last process has left, if it is still there. */
static struct thread *old_thread(uint64_t identity)
{
	unsigned slot = IDENTITY_SLOT(identity);

	if (!slots[slot].ended)
		return NULL;
	CHECK(!slots[slot].pager && threads[slots[slot].thread].where == HELD && threads[slots[slot].thread].server == SERVER_PROC);
	slots[slot].pager = identity;
	slots[slot].ended = slots[slot].exited = false;
	slots[slot].again = threads[slots[slot].thread].begins = true;
	made++;
	used_again++;
	return &threads[slots[slot].thread];
}

/* The pager destroys it, if proc has heard of its end, which it counts. */
static void destroy_ended(unsigned slot)
{
	if (!slots[slot].ended || threads[slots[slot].thread].where != HELD)
		return;
	threads[slots[slot].thread].where = DEAD;
	CHECK(capability[64 + slot] == slots[slot].thread + 1);
	capability[64 + slot] = 0;
	if (capability[SLOT_RECEIVED] == slots[slot].thread + 1)
		capability[SLOT_RECEIVED] = 0;
	slots[slot].ended = false;
}

static long fs_call(struct message *message)
{
	uint64_t identity = message->word[0];
	unsigned slot = IDENTITY_SLOT(identity);

	switch (message->label) {
	case FS_fork:
		slot = IDENTITY_SLOT(message->word[1]);
		CHECK(!slots[slot].fs);
		if (message->word[0] && random_number(20) == 0)
			return -ENOMEM;
		slots[slot].fs = message->word[1];
		slots[slot].closed = false;
		memset(&pids[IDENTITY_PID(message->word[1])], 0, sizeof(pids[0]));
		pids[IDENTITY_PID(message->word[1])].exit_code = -1;
		pids[IDENTITY_PID(message->word[1])].sent = BIT(SIGCHLD);	/* a child of its own may end */
		return 0;
	case FS_exit:
		CHECK(slots[slot].fs == identity && !slots[slot].closed);
		slots[slot].closed = true;
		return 0;
	case FS_reap:
		CHECK(slots[slot].fs == identity);
		slots[slot].fs = 0;
		return 0;
	}
	CHECK(slots[slot].fs == identity);
	return 0;
}

static long pager_call(struct message *message)
{
	uint64_t identity = message->word[0];

	switch (message->label) {
	case PAGER_spawn:
		new_thread(identity);
		message->capability = SLOT_RECEIVED;
		return 0;
	case PAGER_vma:
		return -ENOENT;
	}
	return 0;
}

static void check_end(void)
{
	unsigned left = 0;

	for (unsigned slot = 1; slot < PROCESS_MAX; slot++) {
		CHECK(!slots[slot].fs || slots[slot].closed);	/* a zombie of the last process at most */
		left += slots[slot].pager != 0;
	}
	CHECK(left == 1);
	left = 0;
	for (unsigned entry = free_entries; entry; entry = entries[entry].next)
		left++;
	for (unsigned slot = 1; slot < PROCESS_MAX; slot++)
		for (unsigned entry = processes[slot].state == PROCESS_FREE ? 0 : processes[slot].actions; entry; entry = entries[entry].next)
			left++;
	CHECK(left == first_unused - 1u);
}

long ipc_call(uint64_t slot, struct message *message)
{
	long label = 0;

	message->flags = 0;
	if (slot == SLOT_INIT) {
		CHECK(message->label == INIT_poweroff);
		check_end();
		longjmp(off, 1);
	}
	label = slot == SLOT_FS ? fs_call(message) : pager_call(message);
	message->label = label;
	return 0;
}

/* ---- fs and pager, as far as tokens pass through them */

static void to_proc(struct thread *thread, enum badge badge, uint64_t label)
{
	thread->label = label;
	thread->badge = badge;
	queue(thread, SERVER_PROC, true);
}

static void pager_forked(struct thread *thread)
{
	struct proc_forked request = { .identity = thread->word[0], .error = random_number(10) ? 0 : -ENOMEM };
	uint32_t pid = IDENTITY_PID(request.identity), parent = IDENTITY_PID(thread->identity);
	struct thread *child;

	for (unsigned i = 0; i < 2; i++)
		destroy_ended(random_number(process_highest + 2) % PROCESS_MAX);
	CHECK(slots[IDENTITY_SLOT(request.identity)].fs == request.identity);
	pids[pid].parent = parent;
	pids[pid].shares = !request.error && thread->word[1];
	if (!request.error) {
		child = old_thread(request.identity);
		if (!child)
			child = new_thread(request.identity);
		child->inherits = thread->registers.x[9];
		child->tid_address = thread->tid_wanted;
		if (thread->word[1])
			pids[parent].vfork_child = pid;
	}
	memcpy(thread->word, &request, sizeof(request));
	to_proc(thread, BADGE_PAGER, PROC_forked);
}

static void bad_access_of(struct thread *thread, unsigned signal)
{
	struct proc_bad_access request = { signal, 0x123, ACCESS_READ, 0x456 };

	pids[IDENTITY_PID(thread->identity)].sent |= BIT(signal);
	memcpy(thread->word, &request, sizeof(request));
	to_proc(thread, BADGE_PAGER, PROC_bad_access);
}

static void pager_step(struct thread *thread)
{
	struct proc_exec request = { .pc = 0x5000, .sp = 0x6000, .name = "program" };
	unsigned slot = IDENTITY_SLOT(thread->identity);

	switch (thread->label) {
	case PAGER_fork:
		pager_forked(thread);
		break;
	case PAGER_exit:
		CHECK(slots[slot].pager == thread->identity && !slots[slot].exited && !slots[slot].closed);
		slots[slot].exited = true;
		if (!thread->word[0]) {
			slots[slot].ended = true;
			slots[slot].pager = 0;
		}
		to_proc(thread, BADGE_PAGER, PROC_exited);
		break;
	case PAGER_commit:
		CHECK(thread->registers.pc == 0x5000 && thread->registers.x[2] == 0x6000);
		resume(thread);
		break;
	case PAGER_exec:
		memcpy(thread->word, &request, sizeof(request));
		to_proc(thread, BADGE_PAGER, PROC_exec);
		break;
	case LABEL_FAULT:
		if (random_number(6) == 0)
			bad_access_of(thread, random_number(3) ? SIGSEGV : SIGKILL);
		else
			resume(thread);
		break;
	default:
		CHECK(!"the pager's label");
	}
}

/* A fault that proc's copy made. */
static void copy_fault_step(struct thread *thread)
{
	thread->refused = thread->word[5] / PAGE_BYTES != MEMORY_BASE / PAGE_BYTES && thread->word[5] / PAGE_BYTES != INITCODE_BASE / PAGE_BYTES;
	thread->present |= !thread->refused;
	if (random_number(100) == 0 && IDENTITY_PID(thread->identity) != 1) {
		bad_access_of(thread, SIGKILL);		/* memory has run out */
		return;
	}
	thread->redelivered = true;
	queue(thread, SERVER_PROC, false);
	if (thread->marked && !thread->exception && random_number(2)) {
		thread->marked = false;
		make_exception(thread, EXCEPTION_INTERRUPT);
	}
}

enum { MODEL_READ = 63, MODEL_EXECVE = 221 };

static void fs_step(struct thread *thread)
{
	struct proc_signal pipe = { SIGPIPE, -EPIPE };
	struct proc_status_request status = { random_number(20), random_number(5), MEMORY_BASE, 200, random_number(100) };

	if (thread->label == FS_shutdown) {
		to_proc(thread, BADGE_FS, PROC_shut);
		return;
	}
	if (thread->label == MODEL_EXECVE && !thread->marked) {
		thread->label = PAGER_exec;
		queue(thread, SERVER_PAGER, true);
		return;
	}
	switch (random_number(4)) {
	case 0:
		pids[IDENTITY_PID(thread->identity)].sent |= BIT(SIGPIPE);
		memcpy(thread->word, &pipe, sizeof(pipe));
		to_proc(thread, BADGE_FS, PROC_signal);
		break;
	case 1:
		memcpy(thread->word, &status, sizeof(status));
		to_proc(thread, BADGE_FS, PROC_status);
		break;
	default:
		resume(thread);
	}
}

#endif
