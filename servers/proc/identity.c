/*
 * The small calls: who a process is (pids, users, groups, sessions), its limits, the system's name and size. fs decides about
 * files and keeps its own copy of the effective ids: a change goes there, too.
 */
#include "simple.h"

#include "fs.h"
#include "pager.h"

#include <asm/errno.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

#define KEEP UINT32_MAX		/* setresuid's -1: leave it */

#define ANSWER(call, value) LINUX_CALL(call) { (void)process; (void)message; (void)event; return (value); }
#define SIMPLE(call, value) ANSWER(call, simple_##call(process))

SIMPLE_CALL_LIST(SIMPLE)
ANSWER(getgroups, (int32_t)message->word[0] < 0 ? -EINVAL : 0)

static long copy_out(const struct message *message, long event, uint64_t address, const void *from, size_t bytes)
{
	return loan_error(loan_out(message, event, address, from, bytes, NULL));
}

/* ---- users and groups */
static void tell_fs(const struct process *process)
{
	struct message message = { .label = FS_credentials,
				   .word = { process_identity(process), process->user.effective, process->groups.effective } };

	call_server(SLOT_FS, &message);
}

static bool may_become(const struct process *process, const struct ids *ids, uint32_t id)
{
	return id == KEEP || !process->user.effective || id == ids->real || id == ids->effective || id == ids->saved;
}

static long set_three(struct process *process, struct ids *ids, const struct message *message)
{
	uint32_t real = message->word[0], effective = message->word[1], saved = message->word[2];

	if (!may_become(process, ids, real) || !may_become(process, ids, effective) || !may_become(process, ids, saved))
		return -EPERM;
	if (real != KEEP)
		ids->real = real;
	if (effective != KEEP)
		ids->effective = effective;
	if (saved != KEEP)
		ids->saved = saved;
	tell_fs(process);
	return 0;
}

/* setuid and setgid: the superuser changes all three, others only their effective id. */
static long set_one(struct process *process, struct ids *ids, uint32_t id)
{
	if (id == KEEP)
		return -EINVAL;
	if (!process->user.effective)
		ids->real = ids->saved = id;
	else if (id != ids->real && id != ids->saved)
		return -EPERM;
	ids->effective = id;
	tell_fs(process);
	return 0;
}

static long get_three(const struct ids *ids, const struct message *message, long event)
{
	const uint32_t value[3] = { ids->real, ids->effective, ids->saved };

	for (unsigned i = 0; i < 3; i++) {
		long error = copy_out(message, event, message->word[i], &value[i], sizeof(value[i]));

		if (error)
			return error;
	}
	return 0;
}

ANSWER(setuid, set_one(process, &process->user, message->word[0]))
ANSWER(setgid, set_one(process, &process->groups, message->word[0]))
ANSWER(setresuid, set_three(process, &process->user, message))
ANSWER(setresgid, set_three(process, &process->groups, message))
ANSWER(getresuid, get_three(&process->user, message, event))
ANSWER(getresgid, get_three(&process->groups, message, event))

/* ---- process groups and sessions */
static struct process *self_or_pid(struct process *process, int32_t pid)
{
	return !pid ? process : pid > 0 ? process_of_pid(pid) : NULL;
}

LINUX_CALL(getpgid)
{
	struct process *of = self_or_pid(process, message->word[0]);

	(void)event;
	return of ? (long)of->group : -ESRCH;
}

LINUX_CALL(getsid)
{
	struct process *of = self_or_pid(process, message->word[0]);

	(void)event;
	return of ? (long)of->session : -ESRCH;
}

LINUX_CALL(setpgid)
{
	struct process *of = self_or_pid(process, message->word[0]);
	int32_t group = message->word[1];

	(void)event;
	if (group < 0)
		return -EINVAL;
	if (!of || (of != process && of->parent != process->slot))
		return -ESRCH;
	if (of->session != process->session || of->session == of->pid)
		return -EPERM;
	if (of != process && of->has_executed)
		return -EACCES;
	if (!group)
		group = of->pid;
	if ((uint32_t)group != of->pid && !process_group_exists(group, of->session))
		return -EPERM;
	process_join(of, group, of->session);
	return 0;
}

LINUX_CALL(setsid)
{
	(void)message;
	(void)event;
	for (unsigned slot = 1; slot <= process_highest; slot++)
		if (processes[slot].state != PROCESS_FREE && processes[slot].group == process->pid)
			return -EPERM;
	process_join(process, process->pid, process->pid);
	return process->pid;
}

LINUX_CALL(set_tid_address)
{
	(void)event;
	process->clear_child_tid = message->word[0];
	return process->pid;
}

/* ---- limits: what the servers enforce, and nothing can be changed */
static struct rlimit64 limit_of(unsigned resource)
{
	switch (resource) {
	case RLIMIT_STACK: return (struct rlimit64){ 8UL << 20, 8UL << 20 };
	case RLIMIT_NOFILE: return (struct rlimit64){ 1024, 1024 };
	case RLIMIT_NPROC: return (struct rlimit64){ PROCESS_MAX - 1, PROCESS_MAX - 1 };
	case RLIMIT_CORE: return (struct rlimit64){ 0, 0 };
	}
	return (struct rlimit64){ RLIM64_INFINITY, RLIM64_INFINITY };
}

LINUX_CALL(prlimit64)
{
	struct process *of = self_or_pid(process, message->word[0]);
	unsigned resource = message->word[1];
	uint64_t new_address = message->word[2], old_address = message->word[3];
	struct rlimit64 limit = limit_of(resource), wanted = limit;
	long error = 0;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (!of)
		return -ESRCH;
	if (new_address)
		error = loan_error(loan_in(message, event, new_address, &wanted, sizeof(wanted), NULL));
	if (error)
		return error;
	if (wanted.rlim_cur > wanted.rlim_max)
		return -EINVAL;
	if (wanted.rlim_cur != limit.rlim_cur || wanted.rlim_max != limit.rlim_max)
		return -EPERM;
	if (old_address)
		error = copy_out(message, event, old_address, &limit, sizeof(limit));
	return error;
}

/* ---- the system */
LINUX_CALL(uname)
{
	static const struct new_utsname name = {
		.sysname = "Linux", .nodename = "quire", .release = "6.1.0-quire", .version = "#1 Quire", .machine = "riscv64",
		.domainname = "(none)",
	};

	(void)process;
	return copy_out(message, event, message->word[0], &name, sizeof(name));
}

LINUX_CALL(sysinfo)
{
	static struct pager_counters counters;
	struct message call = { .label = PAGER_counters, .word = { (uint64_t)&counters, sizeof(counters) } };
	struct sysinfo information = { 0 };

	(void)process;
	if (call_server(SLOT_PAGER, &call) != 0)
		return -EFAULT;
	information.uptime = read_time() / start_info->timebase_hz;
	information.totalram = counters.total_pages * PAGE_BYTES;
	information.freeram = counters.free_pages * PAGE_BYTES;
	information.procs = process_living;
	information.mem_unit = 1;
	return copy_out(message, event, message->word[0], &information, sizeof(information));
}
