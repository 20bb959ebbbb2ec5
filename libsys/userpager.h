/*
 * What a program needs to page files of its own, on top of libsys: the two calls of abi/fs.h and abi/pager.h. They are native
 * calls through the capabilities that every program has; under Linux there are none, and a program must not try.
 *
 *	open a file in /dev/shm, O_RDWR, give it a length --> pager_serve --> pager_next ... pager_next ...
 */
#ifndef LIBSYS_USERPAGER_H
#define LIBSYS_USERPAGER_H

#include "fs.h"
#include "init.h"
#include "pager.h"
#include "syscall.h"

/*
 * 0, or -errno; *object: the file's name for pager_next. It lasts until the caller ends or calls execve, and is tied to the file, not to the descriptor. After
 * that the file's absent pages are errors until somebody serves it again or its last name and use are gone.
 */
static inline long pager_serve(int descriptor, uint64_t *object)
{
	struct message message = { .label = FS_serve, .word = { (uint64_t)descriptor } };
	const struct fs_serve_reply *reply = (const struct fs_serve_reply *)message.word;
	long error = ipc_call(CLIENT_SLOT_FS, &message);

	*object = reply->object;
	return error < 0 ? error : reply->result;
}

/*
 * Brings `supply` (object 0: nothing), then waits until a page is wanted, which *supply names; its address is still to be
 * set. 0, or -errno: nothing was brought, *supply is as it was.
 */
static inline long pager_next(struct pager_supply *supply)
{
	struct message message = { .label = PAGER_supply, .word = { supply->object, supply->offset, supply->address, supply->failed } };
	const struct pager_supply_reply *reply = (const struct pager_supply_reply *)message.word;
	long error = ipc_call(CLIENT_SLOT_PAGER, &message);

	if (error >= 0)
		error = reply->result;
	if (!error)
		*supply = (struct pager_supply){ .object = reply->object, .offset = reply->offset };
	return error;
}

#endif
