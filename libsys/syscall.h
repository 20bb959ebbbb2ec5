/*
 * The kernel's calls as C functions. Message calls work on one struct message, which holds what is sent before the call and what
 * was delivered after it; plain calls take and return words. Semantics, units and errors: abi/kernel.h.
 *
 * Nothing here keeps state. libsys/server.h builds the message loop on top.
 */
#ifndef LIBSYS_SYSCALL_H
#define LIBSYS_SYSCALL_H

#include "kernel.h"

#include <stddef.h>

struct message {
	uint64_t word[6];	/* a0..a5 */
	uint64_t label;		/* a6 */
	uint64_t badge;		/* delivered: badge of the sender's capability */
	uint64_t token;		/* delivered: the right to reply once */
	uint64_t identity;	/* delivered: first caller's identity */
	uint64_t capability;	/* sent: slot of a capability to go along, 0: none; delivered: the slot that it lies in now, or 0 */
	uint64_t receive_slot;	/* sent: where an arriving capability is stored, 0: dropped. Kept. */
	uint64_t address;	/* delivered with EVENT_REDELIVERED: refused address or 0 */
	uint64_t deadline;	/* sent with receives: absolute rdtime ticks, 0: none. Kept. */
	uint64_t flags;		/* sent with replies: REPLY_*. Cleared by every call. */
};

struct result { long value, second; };

/*
 * The message calls return an event (>= 0) or an error (< 0). After an error of a call that delivers (all but ipc_reply and ipc_forward)
 * nothing in the message means anything but what is kept; flags is cleared.
 */
#ifdef __riscv
#include "ecall.h"
#else	/* tests on the host stand in for the kernel */
long ipc_call(uint64_t slot, struct message *message);
long ipc_recv(uint64_t endpoint, struct message *message);
long ipc_reply(uint64_t token, struct message *message);
long ipc_reply_recv(uint64_t token, uint64_t endpoint, struct message *message);
long ipc_forward(uint64_t token, uint64_t slot, struct message *message);
long ipc_forward_recv(uint64_t token, uint64_t slot, uint64_t endpoint, struct message *message);
struct result syscall6(long number, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
#endif

/* Each is one ecall. Errors are returned as negative values. */
static inline long sys_copy(uint64_t token, uint64_t remote, void *own, size_t bytes, enum copy_direction direction)
{
	return syscall6(SYS_copy, token, remote, (uint64_t)own, bytes, direction, 0).value;
}
static inline long sys_fault(uint64_t token, uint64_t address, unsigned access)
{
	return syscall6(SYS_fault, token, address, access, 0, 0, 0).value;
}
static inline long sys_notify(uint64_t slot, uint64_t bits)
{
	return syscall6(SYS_notify, slot, bits, 0, 0, 0, 0).value;
}
static inline long sys_registers(uint64_t token, struct registers *registers, unsigned flags)
{
	return syscall6(SYS_registers, token, (uint64_t)registers, flags, 0, 0, 0).value;
}
static inline long sys_interrupt(uint64_t thread)
{
	return syscall6(SYS_interrupt, thread, 0, 0, 0, 0, 0).value;
}
static inline long sys_cap_mint(uint64_t space, uint64_t destination, uint64_t source, unsigned rights, uint64_t badge, uint64_t extent)
{
	return syscall6(SYS_cap_mint, space, destination, source, rights, badge, extent).value;
}
static inline long sys_cap_delete(uint64_t space, uint64_t slot)
{
	return syscall6(SYS_cap_delete, space, slot, 0, 0, 0, 0).value;
}
static inline long sys_create(uint64_t memory, uint64_t physical, enum kind kind, uint64_t slot)
{
	return syscall6(SYS_create, memory, physical, kind, slot, 0, 0).value;
}
static inline long sys_destroy(uint64_t slot)
{
	return syscall6(SYS_destroy, slot, 0, 0, 0, 0, 0).value;
}
static inline long sys_thread_set(uint64_t thread, enum thread_field field, uint64_t value)
{
	return syscall6(SYS_thread_set, thread, field, value, 0, 0, 0).value;
}
static inline long sys_space_set(uint64_t space, enum space_field field, uint64_t value, uint64_t value2)
{
	return syscall6(SYS_space_set, space, field, value, value2, 0, 0).value;
}
static inline long sys_route_set(uint64_t route, uint64_t number, uint64_t slot)
{
	return syscall6(SYS_route_set, route, number, slot, 0, 0, 0).value;
}
static inline long sys_give(uint64_t space, uint64_t memory, uint64_t physical)
{
	return syscall6(SYS_give, space, memory, physical, 0, 0, 0).value;
}
static inline long sys_take(uint64_t space)
{
	return syscall6(SYS_take, space, 0, 0, 0, 0, 0).value;
}
static inline long sys_map(uint64_t space, uint64_t address_rights, uint64_t pages, uint64_t frames, uint64_t memory, unsigned flags)
{
	return syscall6(SYS_map, space, address_rights, pages, frames, memory, flags).value;
}
static inline struct result sys_unmap(uint64_t space, uint64_t address, uint64_t pages, uint64_t *report, uint64_t entries)
{
	return syscall6(SYS_unmap, space, address, pages, (uint64_t)report, entries, 0);
}
static inline struct result sys_protect(uint64_t space, uint64_t address_rights, uint64_t pages, uint64_t *report, uint64_t entries)
{
	return syscall6(SYS_protect, space, address_rights, pages, (uint64_t)report, entries, 0);
}
static inline struct result sys_scan(uint64_t space, uint64_t address_flags, uint64_t pages, uint64_t *report, uint64_t entries)
{
	return syscall6(SYS_scan, space, address_flags, pages, (uint64_t)report, entries, 0);
}
static inline long sys_irq_bind(uint64_t slot, uint64_t irq, uint64_t notification, uint64_t bits)
{
	return syscall6(SYS_irq_bind, slot, irq, notification, bits, 0, 0).value;
}
static inline long sys_irq_ack(uint64_t slot, uint64_t irq)
{
	return syscall6(SYS_irq_ack, slot, irq, 0, 0, 0, 0).value;
}
static inline long sys_timer_set(uint64_t control, uint64_t notification, uint64_t bits, uint64_t deadline)
{
	return syscall6(SYS_timer_set, control, notification, bits, deadline, 0, 0).value;
}
static inline long sys_log(uint64_t control, const char *text, size_t bytes)
{
	return syscall6(SYS_log, control, (uint64_t)text, bytes, 0, 0, 0).value;
}
static inline long sys_info(uint64_t control, struct kernel_info *info)
{
	return syscall6(SYS_info, control, (uint64_t)info, 0, 0, 0, 0).value;
}

static inline uint64_t read_time(void)
{
	uint64_t ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks));
	return ticks;
}

#endif
