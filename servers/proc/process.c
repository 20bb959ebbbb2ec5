/*
 * The table of processes: slots, pids, and who is whose child. A slot is also the process's number at fs and pager, so
 * it is given out again only when both have forgotten it. A pid stays taken while it names a group or a session.
 * It refuses to decide anything: see clone.c, exit.c, signal.c.
 */
#include "process.h"

struct process processes[PROCESS_MAX];
unsigned process_highest;
unsigned process_living;

static uint16_t free_slots;
static uint32_t last_pid;
static uint16_t slot_of_pid[PID_MAX];
static uint16_t pid_uses[PID_MAX];	/* as a process, a group, a session */

/* How many processes have a slot for their thread's capability: with little memory init gives fewer leaves. */
static unsigned slots_given(void)
{
	unsigned given = 0;

	while (given < PROCESS_MAX &&
	       sys_cap_mint(SLOT_SELF_SPACE, 64 + given, SLOT_NOTIFICATION, RIGHT_SEND, 0, 0) != ERR_BAD_SLOT) {
		sys_cap_delete(SLOT_SELF_SPACE, 64 + given);
		given += LEAF_SLOTS;
	}
	return given < PROCESS_MAX ? given : PROCESS_MAX;
}

void processes_init(void)
{
	processes[0].identity = ~0UL;	/* nobody's */
	for (unsigned slot = slots_given() - 1; slot >= 1 && slot < PROCESS_MAX; slot--) {
		processes[slot].slot = slot;
		processes[slot].next_free = free_slots;
		free_slots = slot;
	}
}

uint32_t process_next_pid(void)
{
	for (uint32_t tried = 0, pid = last_pid; tried < PID_MAX; tried++) {
		pid = pid + 1 < PID_MAX ? pid + 1 : 1;
		if (!pid_uses[pid])
			return pid;
	}
	return 0;
}

static void link_child(struct process *child, struct process *parent)
{
	child->parent = parent->slot;
	child->previous_sibling = 0;
	child->next_sibling = parent->first_child;
	if (parent->first_child)
		processes[parent->first_child].previous_sibling = child->slot;
	parent->first_child = child->slot;
}

void process_unlink(struct process *child)
{
	if (!child->parent)
		return;
	if (child->next_sibling)
		processes[child->next_sibling].previous_sibling = child->previous_sibling;
	if (child->previous_sibling)
		processes[child->previous_sibling].next_sibling = child->next_sibling;
	else
		processes[child->parent].first_child = child->next_sibling;
	child->parent = child->next_sibling = child->previous_sibling = 0;
}

static void inherit(struct process *child, const struct process *parent)
{
	child->user = parent->user;
	child->groups = parent->groups;
	child->blocked = parent->blocked;
	child->command_bytes = parent->command_bytes;
	memcpy(child->command, parent->command, parent->command_bytes);
	memcpy(child->name, parent->name, sizeof(child->name));
}

struct process *process_allocate(struct process *parent)
{
	uint32_t pid = process_next_pid();
	struct process *process;

	if (!free_slots || !pid)
		return NULL;
	process = &processes[free_slots];
	free_slots = process->next_free;
	*process = (struct process){ .identity = IDENTITY(process->slot, pid), .slot = process->slot, .pid = pid, .state = PROCESS_MAKING,
				     .last_token = process->last_token, .start_ticks = read_time() };
	last_pid = pid;
	slot_of_pid[pid] = process->slot;
	pid_uses[pid]++;
	process_join(process, parent ? parent->group : pid, parent ? parent->session : pid);
	if (parent) {
		inherit(process, parent);
		link_child(process, parent);
	}
	if (process->slot > process_highest)
		process_highest = process->slot;
	process_living++;
	return process;
}

void process_free(struct process *process)
{
	if (process->state == PROCESS_FREE)
		panic("slot %u is free already", process->slot);
	if (process->state != PROCESS_ZOMBIE)
		process_living--;
	signal_forget(process);
	process_unlink(process);
	process_join(process, 0, 0);
	slot_of_pid[process->pid] = 0;
	pid_uses[process->pid]--;
	process->state = PROCESS_FREE;
	process->identity = 0;
	process->next_free = free_slots;
	free_slots = process->slot;
	while (process_highest && processes[process_highest].state == PROCESS_FREE)
		process_highest--;
}

struct process *process_of_pid(uint32_t pid)
{
	uint16_t slot = pid < PID_MAX ? slot_of_pid[pid] : 0;

	return slot ? &processes[slot] : NULL;
}

/* Group and session 0: none, when it is freed. */
void process_join(struct process *process, uint32_t group, uint32_t session)
{
	pid_uses[group]++;
	pid_uses[session]++;
	if (process->group)
		pid_uses[process->group]--;
	if (process->session)
		pid_uses[process->session]--;
	process->group = group;
	process->session = session;
	pid_uses[0] = 0;
}

bool process_group_exists(uint32_t group, uint32_t session)
{
	for (unsigned slot = 1; slot <= process_highest; slot++)
		if (processes[slot].state != PROCESS_FREE && processes[slot].group == group && processes[slot].session == session)
			return true;
	return false;
}

void process_park(struct process *process, enum process_state state, const struct message *message)
{
	process->state = state;
	process->parked.token = message->token;
	process->parked.label = message->label;
	memcpy(process->parked.word, message->word, sizeof(process->parked.word));
	process->parked_ticks = read_time();
	/* A deadly signal that came while we were serving it would find nobody to answer. */
	signal_wake(process);
}

void process_unpark(struct process *process)
{
	sleeper_remove(process);
	process->idle_ticks += read_time() - process->parked_ticks;
	process->state = PROCESS_RUNNING;
}

/*
 * The kernel does not count processor time per thread. What proc knows is when a process slept or waited here; all other time
 * counts, also that in which it waited for another server or for its turn.
 */
uint64_t process_used(const struct process *process)
{
	if (process->state == PROCESS_ZOMBIE)
		return process->used_ticks;
	return read_time() - process->start_ticks - process->idle_ticks;
}

void process_set_name(struct process *process, const char *name)
{
	size_t length = 0;

	memset(process->name, 0, sizeof(process->name));
	for (; length < sizeof(process->name) - 1 && name[length]; length++)
		process->name[length] = name[length];
}
