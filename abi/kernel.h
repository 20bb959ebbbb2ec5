/*
 * The kernel's contract: calls, objects, rights, registers of a message. Everything else in abi/ is agreed between
 * servers; the kernel knows only what stands here.
 *
 * HOW A CALL IS MADE.  `ecall` from user mode with a7 = call number. Native calls are negative. A number >= 0 is a
 * foreign system call and becomes an IPC call through the space's Route (see ROUTED CALLS below).
 *
 * Registers of a native call. A message call keeps sp, gp, tp and the pc, nothing else: its stub declares every other register
 * clobbered. A plain call keeps s0..s11, too, like any C function. On return every register that is neither kept nor listed as a
 * result is zero.
 *
 *   plain calls    in:  a0..a5 arguments                       out: a0 result (>= 0, or an error < 0), a1 second result
 *   message calls  in:  a0..a5 words, a6 label,                out: see DELIVERY
 *                       t0 capability slot (call, forward) or endpoint slot to receive from (recv, reply_recv)
 *                       t1 token (reply, reply_recv, forward)
 *                       t2 flags (REPLY_*); of a forward: endpoint slot to receive from afterwards, 0: do not receive
 *                       t3 slot of the capability to send along, 0: none
 *                       t4 slot into which a capability that arrives is stored (replacing its content), 0: drop it
 *                       t5 deadline of a receive in rdtime ticks, absolute; 0: none
 *
 * DELIVERY (what recv, reply_recv and call come back with)
 *   a7 event (EVENT_* >= 0) or an error (< 0); on an error no other register means anything and nothing has happened
 *   a0..a5 words, a6 label
 *   t0 badge of the capability through which the sender called or forwarded
 *   t1 token: the right to reply once        (0 for notifications, timeouts and for the result of call)
 *   t2 identity of the first caller (a word that THREAD_IDENTITY sets)
 *   t3 slot where a received capability lies, 0: none came
 *   t4 EVENT_REDELIVERED only: the address that the pager refused (0 comes as 1), or 0: the page is there now
 *   For the result of `call`: a7 = 0 or error, a6 label and a0..a5 words of the reply, t3 as above, everything else 0.
 *   A call looks at no register but those that it needs: t1, t2 and t5 may hold anything in a call, for instance.
 *
 * TOKENS.  token = call number << 24 | object index of the caller's thread. The number changes at every delivery, is never
 * zero, and survives re-typing of the page. A token is good while that thread waits for an answer from this very space with this number.
 * TOKEN_THREAD(token) is stable for one outstanding call through all forwards and redeliveries: servers keep parked
 * calls by it.
 *
 * ROUTED CALLS.  ecall with a7 >= 0: the space's Route gives a slot of the caller's own table for the number; the call goes
 * there with label = number, words = a0..a5. The reply sets a0 := word 0 and nothing else. No Route, no row: a0 := -38 (ENOSYS).
 * A routed call whose server has died, or whose slot is dead, becomes an exception call (EXCEPTION_ROUTE_LOST).
 *
 * KERNEL-MADE CALLS have bit 63 set in their label; no user call or forward can carry such a label (ERR_INVALID; a reply's label is free).
 *   LABEL_FAULT      to the thread's fault endpoint.    words: address, access (ACCESS_*), pc
 *                    answers: reply with REPLY_MAP (map item, then resume); plain reply with label 0: resume (retry);
 *                    plain reply with another label: refused (only meaningful for ACCESS_COPY; otherwise the thread
 *                    makes an exception call EXCEPTION_REFUSED); or forward the token to whoever ends the process.
 *   LABEL_EXCEPTION  to the thread's exception endpoint, always with a loan. words: cause (EXCEPTION_*), pc, value
 *                    answers: reply (any label): the thread resumes with its registers as they are.
 *   A thread begins life with an exception call EXCEPTION_START: its starter writes pc, sp, ... with `registers`, replies.
 *
 * MAP ITEM (REPLY_MAP): word0 = address of the first page | rights (RIGHT_READ/WRITE/EXECUTE in bits 0..2),
 *   word1 = number of pages, 1..MAP_ITEM_MAX, word2 = one page: the frame's physical address; more: the address, in the
 *   replier's own memory, of an array of that many uint64_t physical addresses, 0: skip this page (across the end of a page: ERR_BAD_ADDRESS), word3 = slot of the memory capability that
 *   covers all frames. The pages lie in the same 2 MiB. The faulting page replaces what was mapped there; other pages fill only empty entries.
 *   The faulting page gets A (and D for a write), others neither. Any bad frame, ERR_NO_TABLE, ...: nothing mapped, token stays.
 */
#ifndef ABI_KERNEL_H
#define ABI_KERNEL_H

#include "error.h"

#include <stdint.h>

#define PAGE_BYTES 4096UL
#define PAGE_SHIFT 12

/*
 * X(number, name, first argument, its kind, the rights that it needs, further arguments and result)
 * The first argument of a plain call is a token (direct: one that its handler checks) that the caller's space holds, or a slot with a capability of this kind (NONE: any object)
 * and these rights, or the call fails with BAD_TOKEN, BAD_SLOT, WRONG_KIND or NO_RIGHT.
 */
#define KERNEL_CALL_LIST(X) \
	X(-1,  ipc_call,	message, KIND_NONE,		0,		"send to t0, wait for the answer") \
	X(-2,  ipc_reply_recv,	message, KIND_NONE,		0,		"answer t1, then receive from t0. A failed reply returns at once without receiving") \
	X(-3,  ipc_recv,	message, KIND_NONE,		0,		"receive from t0; t0 = 0: only the bound notification and the deadline") \
	X(-4,  ipc_reply,	message, KIND_NONE,		0,		"answer t1 and go on; a7 = 0 or error") \
	X(-5,  ipc_forward,	message, KIND_NONE,		0,		"hand the caller of t1 on to t0 with these words, which never blocks; a7 = 0 or error. Then receive from t2 if that is not 0; a failed forward returns at once without receiving") \
	X(-6,  copy,		direct,	KIND_NONE,		0,		"(remote address, own address, bytes, COPY_IN|COPY_OUT) -> bytes copied; short: the remote page there is absent or lacks the right. More than COPY_MAX bytes: ERR_INVALID") \
	X(-7,  fault,		token,	KIND_NONE,		0,		"(address, access): the caller faults there on its pager, then its call is redelivered to the endpoint that delivered it; the token is spent") \
	X(-8,  notify,		slot,	KIND_NOTIFICATION,	RIGHT_SEND,	"(bits): or the bits in, wake the waiter; never blocks") \
	X(-9,  registers,	token,	KIND_NONE,		0,		"(own address of struct registers, REGISTERS_*): read all registers of the caller of an exception, fault or routed call, or write those of any caller but one whose native call lends nothing; it then waits as if in EXCEPTION_START, with a loan: a plain reply resumes it with these registers") \
	X(-10, interrupt,	slot,	KIND_THREAD,		RIGHT_CONTROL,	"(): it makes an exception call EXCEPTION_INTERRUPT before it next runs user code") \
	X(-11, cap_mint,	slot,	KIND_SPACE,		RIGHT_CONTROL,	"(destination slot, source slot, rights, badge, extent): copy a capability with no more rights; see below") \
	X(-12, cap_delete,	slot,	KIND_SPACE,		RIGHT_CONTROL,	"(slot): empty the slot") \
	X(-13, create,		slot,	KIND_OBJECT_MEMORY,	0,		"(physical address, kind, destination slot): type a free object page, all rights, badge 0") \
	X(-14, destroy,		slot,	KIND_NONE,		RIGHT_CONTROL,	"(): the object dies, its page is free, all capabilities to it are dead. ERR_AGAIN: repeat") \
	X(-15, thread_set,	slot,	KIND_THREAD,		RIGHT_CONTROL,	"(THREAD_*, value)") \
	X(-16, space_set,	slot,	KIND_SPACE,		RIGHT_CONTROL,	"(SPACE_*, value, value2)") \
	X(-17, route_set,	slot,	KIND_ROUTE,		RIGHT_CONTROL,	"(system call number, slot in the caller's table or 0)") \
	X(-18, give,		slot,	KIND_SPACE,		RIGHT_CONTROL,	"(object memory slot, physical address): a free page into the page-table reserve; the first becomes the root") \
	X(-19, take,		slot,	KIND_SPACE,		RIGHT_CONTROL,	"() -> physical address of a page from the reserve, now free; the root comes last, when nothing is mapped; ERR_EMPTY") \
	X(-20, map,		slot,	KIND_SPACE,		RIGHT_CONTROL,	"(address|rights, pages, first frame, memory slot, 0 or MAP_LARGE) -> pages done") \
	X(-21, unmap,		slot,	KIND_SPACE,		RIGHT_CONTROL,	"(address, pages, report address, report entries) -> pages done, entries written") \
	X(-22, protect,		slot,	KIND_SPACE,		RIGHT_CONTROL,	"(address|rights kept, pages, report address, report entries) -> pages done, entries written") \
	X(-23, scan,		slot,	KIND_SPACE,		RIGHT_CONTROL,	"(address|SCAN_*, pages, report address, report entries) -> pages done, entries written (no report: the bits found)") \
	X(-24, irq_bind,	slot,	KIND_IRQ,		0,		"(irq number, notification slot, bits): deliver as notification, as long as that lives. IRQ_IDLE comes once for each irq_bind") \
	X(-25, irq_ack,		slot,	KIND_IRQ,		0,		"(irq number): handled; the next may come") \
	X(-26, timer_set,	slot,	KIND_CONTROL,		0,		"(notification slot, bits, rdtime deadline; 0: cancel): one timer per notification") \
	X(-27, log,		slot,	KIND_CONTROL,		0,		"(address, bytes <= LOG_MAX): to the firmware's console") \
	X(-28, info,		slot,	KIND_CONTROL,		0,		"(own address of struct kernel_info)")

enum kernel_call {
#define X(number, name, ...) SYS_##name = number,
	KERNEL_CALL_LIST(X)
#undef X
	KERNEL_CALLS = 28,
};

/* Object kinds. Capabilities to the last four are not to object pages. */
enum kind {
	KIND_NONE,		/* an empty slot; a free object page */
	KIND_SPACE,
	KIND_THREAD,
	KIND_ENDPOINT,
	KIND_NOTIFICATION,
	KIND_LEAF,		/* 128 more capability slots of a space */
	KIND_ROUTE,
	KIND_TABLE,		/* page-table page; never named by a capability */
	KIND_OBJECT_MEMORY,	/* extent: physical pages that may become objects */
	KIND_USER_MEMORY,	/* extent: physical pages that may be mapped: page memory, or registers of devices */
	KIND_IRQ,		/* extent: interrupt numbers */
	KIND_CONTROL,		/* timers, log, info */
};

/* Rights of a capability. Rights of a mapping use the first three with the same values. */
enum right {
	RIGHT_READ	= 1,	/* map for reading */
	RIGHT_WRITE	= 2,	/* map for writing */
	RIGHT_EXECUTE	= 4,	/* map for execution */
	RIGHT_SEND	= 8,	/* endpoint: call and forward to it; notification: notify */
	RIGHT_RECEIVE	= 16,	/* endpoint: receive from it; notification: bind it to a thread, an irq, a timer */
	RIGHT_LEND	= 32,	/* endpoint: calls through it lend the caller's memory; forwards keep a loan */
	RIGHT_CONTROL	= 64,	/* space, thread, route: all that changes them; anything: destroy */
	RIGHT_ALL	= 127,
};

/*
 * A space's capability table: slots 1..SPACE_SLOTS-1 lie in the Space page; SPACE_LEAF adds leaves of LEAF_SLOTS each:
 * leaf i holds the slots SPACE_SLOTS + i * LEAF_SLOTS and on. Slot 0 is never valid: "none".
 * In calls that take a space slot, the thread's own space needs a capability like any other.
 *
 * cap_mint: badge is used for endpoints and notifications whose source badge is 0 (otherwise the source's badge stays; a different one: ERR_NO_RIGHT).
 * For extents, badge and extent are the first physical address (irq: number) and the number of pages (irq: numbers)
 * of the part wanted; both 0: all. The destination slot must be empty (ERR_IN_USE).
 */
#define SPACE_SLOTS 64
#define LEAF_SLOTS 128
#define SPACE_LEAVES 64

enum thread_field {
	THREAD_SPACE = 1,	/* value: space slot. The thread must be new or waiting for an answer; its token stays good */
	THREAD_FAULT,		/* value: endpoint slot (needs SEND); its badge comes with every fault */
	THREAD_EXCEPTION,	/* value: endpoint slot (needs SEND). A thread stuck for want of one makes its exception call now */
	THREAD_BOUND,		/* value: notification slot (needs RECEIVE). ERR_IN_USE: one of them is bound, and lasts until one of the two dies */
	THREAD_PRIORITY,	/* value: 0..PRIORITIES-1, not above the setter's own */
	THREAD_IDENTITY,	/* value: the word that comes with its calls */
	THREAD_START,		/* value ignored: leave the state "new": make the exception call EXCEPTION_START */
};
#define PRIORITIES 32

enum space_field {
	SPACE_ROUTE = 1,	/* value: route slot */
	SPACE_LEAF,		/* value: leaf slot, value2: index of the leaf, below SPACE_LEAVES */
};

enum event {
	EVENT_MESSAGE,		/* a call, a forward, a fault or an exception */
	EVENT_NOTIFICATION,	/* word 0: the bits, now cleared */
	EVENT_INTERRUPTED,	/* t1: the token of a call that you hold and whose caller was interrupted: answer soon, or let it finish.
				 * Comes once per delivery; never for exception calls, after which another one follows */
	EVENT_REDELIVERED,	/* the same call again after `fault`; t4 says how that ended */
	EVENT_TIMEOUT,
};

#define LABEL_KERNEL	(1UL << 63)
#define LABEL_FAULT	(LABEL_KERNEL | 1)
#define LABEL_EXCEPTION	(LABEL_KERNEL | 2)

enum access {
	ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_EXECUTE = 4,
	ACCESS_COPY = 8,	/* made by a server's `fault`, not by the thread itself */
};

enum exception {		/* first, what the processor refuses, as RISC-V numbers it */
	EXCEPTION_FETCH_MISALIGNED,
	EXCEPTION_FETCH_ACCESS,	/* no such physical memory; value: address */
	EXCEPTION_ILLEGAL,	/* illegal instruction; value: the instruction, if known */
	EXCEPTION_BREAKPOINT,
	EXCEPTION_LOAD_MISALIGNED,	/* value: address */
	EXCEPTION_LOAD_ACCESS,
	EXCEPTION_STORE_MISALIGNED,
	EXCEPTION_STORE_ACCESS,

	EXCEPTION_START = 16,	/* a new thread */
	EXCEPTION_INTERRUPT,	/* after `interrupt`. A call that nobody had received is withdrawn: pc at the ecall of a foreign one (a plain
				 * reply repeats it), a7 = ERR_INTERRUPTED for a native one */
	EXCEPTION_REFUSED,	/* the pager refused a fault; value: address */
	EXCEPTION_ROUTE_LOST,	/* a routed call (or a fault) found no live server; value: the label. The registers still
				 * hold the call: pc is at the ecall, so a plain reply repeats it */
};

enum reply_flag {
	REPLY_MAP = 1,		/* the words are a map item */
};

#define MAP_ITEM_MAX 32

#define COPY_MAX 65536UL
enum copy_direction { COPY_IN, COPY_OUT };	/* into my memory; out of it */

enum registers_flag { REGISTERS_READ = 0, REGISTERS_WRITE = 1, REGISTERS_FPU = 2 };

/* The pc stands where x0 would. That of a routed call is already behind the ecall. */
struct registers {
	union {
		uint64_t pc;
		uint64_t x[32];
	};
	uint64_t f[32];
	uint64_t fcsr;
};

/*
 * Mapping calls. `pages` counts 4 KiB pages; a range must lie below USER_END. They do a bounded amount: result = pages
 * handled so far from the start of the range (> 0), so the caller repeats with the rest. map answers ERR_NO_TABLE only if nothing was done.
 *   map:     frames are contiguous and fill empty entries only. MAP_LARGE: 2 MiB pages; address, frame and pages must be multiples
 *            of 2 MiB. A page of the other size is there: ERR_IN_USE.
 *   protect: every present leaf keeps at most the rights given: it never grants.
 *   report:  unmap and protect write one entry per page whose D bit (or, for unmap with REPORT_ACCESSED, A bit) was set, scan one
 *            per page with a bit set that SCAN_* selects. Entry: address | REPORT_A | REPORT_D. No room left, or the page of the report is full: they stop early. report
 *            address 0: no report. unmap and protect clear what they report (protect: D only).
 *   scan:    SCAN_ACCESSED, SCAN_DIRTY: report and, with SCAN_CLEAR, clear these bits. Without a report the second result is what the entries would have
 *            said, of all pages together: REPORT_A | REPORT_D. For one page that is all there is to know.
 * Large leaves are only taken apart whole (unmap of a part: ERR_INVALID).
 */
#define USER_END (1UL << 38)
#define LARGE_BYTES (2UL << 20)
enum map_flag { MAP_LARGE = 1 };
enum scan_flag { SCAN_ACCESSED = 1, SCAN_DIRTY = 2, SCAN_CLEAR = 4 };
enum report_bit { REPORT_A = 1, REPORT_D = 2 };
#define REPORT_ACCESSED 1	/* in the low bits of unmap's address */

#define IRQ_IDLE 0	/* a number that no device has: nobody is ready, and the hart would wait */

#define LOG_MAX 256

/* Counters since boot and constants. All 64 bits; times in rdtime ticks, idle also in rdinstret units. */
struct kernel_info {
	uint64_t ipc_calls, routed_calls, faults, ipc_forwards;	/* each call that is not given up has one answer */
	uint64_t exceptions, notifications, interrupts, copies;
	uint64_t idle_instret, idle_waits;	/* counter units spent, and times, waiting for interrupts */
	uint64_t entry_instret;			/* rdinstret at the kernel's first instruction */
	uint64_t timebase_hz;
	uint64_t kernel_bytes;			/* text and data of the kernel image */
	uint64_t object_pages, object_pages_free, page_pages;
};

/*
 * WHAT THE KERNEL GIVES TO init. init's flat image (linked at INIT_BASE, header below) lies in page memory, mapped read, write and execute,
 * INIT_PAGES pages in all: image, zeroes, and the stack growing down from the end. init starts at INIT_BASE with a0 = address of a
 * read-only mapped struct boot_info and sp = end of the pages. It receives EXCEPTION_START from nobody: the kernel starts it itself.
 */
#define INIT_BASE 0x6000000UL
#define INIT_PAGES 64
#define BOOT_INFO_BASE 0x200000UL	/* struct boot_info, and behind it, on the next page on, the device tree */

enum init_slot {
	INIT_SLOT_SPACE = 1, INIT_SLOT_THREAD, INIT_SLOT_OBJECT_MEMORY, INIT_SLOT_PAGE_MEMORY,
	INIT_SLOT_DEVICES_BELOW, INIT_SLOT_DEVICES_ABOVE,	/* all below RAM but the interrupt controller, which is the kernel's and lies between */
	INIT_SLOT_IRQ, INIT_SLOT_CONTROL, INIT_SLOT_FREE,
};

struct boot_info {
	uint64_t object_base, object_pages, object_first_free;	/* physical; pages before first_free are in use */
	uint64_t page_base, page_pages, page_first_free;	/* physical; init's own pages lie before first_free */
	uint64_t controller_base;				/* physical; devices below it are in DEVICES_BELOW */
	uint64_t initrd_base, initrd_bytes;			/* physical, inside page memory, not before first_free: init takes care of it */
	uint64_t device_tree, device_tree_bytes;		/* virtual in init */
	uint64_t timebase_hz, harts;
	char arguments[1024];					/* /chosen/bootargs, NUL-terminated, cut if longer */
};

#define TOKEN_THREAD_BITS 24
#define TOKEN_THREAD(token) ((token) & ((1UL << TOKEN_THREAD_BITS) - 1))

_Static_assert(sizeof(struct registers) == 65 * 8, "struct registers is shared with assembly");

#endif
