/*
 * What init gives each server at its start, and what may be asked of init. init loads a server's ELF file from the boot
 * archive into pinned page memory, maps it, fills the slots below and starts its thread with a0 = address of struct
 * start_info (mapped read-only) and a stack. Slots that a server has no business with are empty.
 */
#ifndef ABI_INIT_H
#define ABI_INIT_H

#include <stdint.h>

enum server { SERVER_INIT, SERVER_PAGER, SERVER_FS, SERVER_PROC, SERVER_BLK, SERVER_CONSOLE, SERVERS };

/* Slots of a server's capability table. */
enum server_slot {
	SLOT_SELF_SPACE = 1, SLOT_SELF_THREAD,
	SLOT_ENDPOINT,			/* receive here */
	SLOT_NOTIFICATION,		/* own notification (SEND and RECEIVE), already bound to the thread */
	SLOT_CONTROL,			/* timers, log, info */
	/* Endpoints of others, with SEND, and LEND except blk; badge = BADGE_* of the holder. Who has which:
	 *   all: INIT.  pager: FS PROC.  fs: PAGER PROC BLK CONSOLE.  proc: PAGER FS.  console, blk: none. */
	SLOT_INIT, SLOT_PAGER, SLOT_FS, SLOT_PROC, SLOT_BLK, SLOT_CONSOLE,
	/* Notifications of others, with SEND. pager: FS.  fs: PAGER BLK.  blk: FS.  console: PROC. */
	SLOT_NOTIFY_PAGER, SLOT_NOTIFY_FS, SLOT_NOTIFY_PROC, SLOT_NOTIFY_BLK,
	/* pager only: all memory that is left; its endpoint with SEND and no badge, to mint fault endpoints from; and the client
	 * capabilities to mint into each program's space (badge BADGE_CLIENT, SEND and LEND). */
	SLOT_PAGE_MEMORY, SLOT_OBJECT_MEMORY, SLOT_FAULT_MASTER, SLOT_CLIENT_PAGER, SLOT_CLIENT_FS, SLOT_CLIENT_PROC,
	SLOT_ROUTE,			/* pager only: the Route of all Linux spaces, filled by init from abi/linux.h */
	SLOT_EXCEPTION_MASTER,		/* proc only: its own endpoint with SEND and badge BADGE_EXCEPTION, for THREAD_EXCEPTION */
	SLOT_IRQ,			/* drivers: the interrupts of their devices. pager: IRQ_IDLE */
	SLOT_RECEIVED,			/* where arriving capabilities land */
	SLOT_FREE = 32,			/* from here on the server's own; pager and proc also have leaves for SERVER_LEAVES * 128 more from slot 64 on */
};
#define SERVER_LEAVES 64	/* with little memory init makes fewer: their slots answer BAD_SLOT */

/*
 * A server's address space. init maps everything below SERVER_SPACE_FREE (addresses of pool, rings and devices stand in
 * struct start_info); from there to USER_END a server that has object memory maps what it likes.
 *
 *   0x00100000 image (text, rodata, data) anywhere up to 0x10000000; start_info, rings, devices from there on
 *   0x11000000 end of the stack (SERVER_STACK_BYTES, with nothing mapped below and above)     0x12000000 pool
 */
#define SERVER_IMAGE_BASE 0x100000UL
#define SERVER_IMAGE_END 0x10000000UL
#define SERVER_START_INFO SERVER_IMAGE_END
#define SERVER_RING_PAGER_FS 0x10010000UL
#define SERVER_RING_FS_BLK 0x10020000UL
#define SERVER_DEVICES 0x10100000UL
#define SERVER_DEVICE_STEP 0x10000UL
#define SERVER_STACK_TOP 0x11000000UL
#define SERVER_STACK_BYTES 0x10000UL
#define SERVER_POOL 0x12000000UL
#define SERVER_SPACE_FREE 0x40000000UL

/* Slots of a Linux program's space; the Route names them. */
enum client_slot { CLIENT_SLOT_PAGER = 1, CLIENT_SLOT_FS, CLIENT_SLOT_PROC };

/* Badges. Authority comes from them. */
enum badge {
	BADGE_CLIENT = 1,		/* a Linux program; message.identity says which */
	BADGE_INIT, BADGE_PAGER, BADGE_FS, BADGE_PROC, BADGE_BLK, BADGE_CONSOLE,
	BADGE_EXCEPTION,		/* kernel-made exception calls of programs, at proc */
	BADGE_FAULT = 1 << 16,		/* plus the pager's space number: kernel-made fault calls, at the pager */
};

/* Bits of the servers' notifications. */
enum { NOTIFY_RING_UPPER = 1, NOTIFY_RING_LOWER = 2,	/* work in the ring shared with the server that stands above, below (see ring.h) */
       NOTIFY_IRQ = 4, NOTIFY_TIMER = 8,
       NOTIFY_CONSOLE_INTERRUPT = 16,	/* console -> proc: ^C was typed */
       NOTIFY_CONSOLE_QUIT = 32 };	/* console -> proc: ^\ was typed */

/* Priorities: each server above its callers. */
enum { PRIORITY_INIT = 31, PRIORITY_BLK = 26, PRIORITY_CONSOLE = 25, PRIORITY_PAGER = 24, PRIORITY_FS = 23,
       PRIORITY_PROC = 22, PRIORITY_PROGRAM = 10 };

struct extent { uint64_t physical, pages; };

struct start_info {
	uint64_t pool, pool_physical, pool_bytes;	/* fs, blk: own pinned read-write memory, physically contiguous, its content old: clear what you use */
	uint64_t ring_pager_fs, ring_fs_blk;		/* addresses of the shared rings, 0: not for this server */
	struct extent memory[4];			/* pager: free page memory, all covered by SLOT_PAGE_MEMORY; not zeroed. blk: where DMA may go */
	struct extent objects;				/* pager: free object memory, covered by SLOT_OBJECT_MEMORY */
	struct { uint64_t registers; uint32_t irq, bytes; } device[16]; /* drivers: mapped registers; registers 0 ends the list */
	uint64_t timebase_hz;				/* rdtime ticks per second */
	uint64_t realtime_ns;				/* CLOCK_REALTIME when rdtime was 0 */
	uint64_t ram_bytes, harts;
	uint8_t random[32];				/* from the device tree's rng-seed, different for each server */
	char arguments[1024];				/* the boot arguments */
};

/* Calls to init. */
enum init_label {
	INIT_poweroff = 0x5000,	/* from proc. words: exit status 0..255. Never answered: the machine is off. fs must have synced before. */
	INIT_fatal,		/* from any server, with lend. words: address, bytes of a sentence. init writes BOOT_FATAL and the sentence to the
				 * console, whether log=1 or not, and powers off with status 1. libsys: fatal(). */
};

#endif
