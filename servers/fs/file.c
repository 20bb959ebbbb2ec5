/*
 * Calls on descriptors: seeking, listing, duplicating, closing, mapping. Reading and writing: transfer.c.
 */
#include "shell.h"

#include "console.h"

#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <linux/mman.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#define SEEK_SET 0	/* Linux's uapi header for these, <linux/fs.h>, brings block devices along */
#define SEEK_CUR 1
#define SEEK_END 2

/* ---- position */

int64_t linux_lseek(struct call *call)
{
	const uint64_t *word = call->message.word;
	struct open *open = descriptor_get(call->process, word[0]);
	int64_t position = word[1];

	if (!open || open->kind == OPEN_PATH)
		return -EBADF;
	if (open->kind == OPEN_FILE) {
		const struct pager_seek words = { open->number, word[1], word[2] };

		return forward_call(call, SLOT_PAGER, PAGER_seek, &words, sizeof(words));
	}
	if (open_is_stream(open))
		return -ESPIPE;
	if (open->kind == OPEN_DEVICE)
		return 0;
	if (word[2] == SEEK_CUR && __builtin_add_overflow(position, (int64_t)open->position, &position))
		return -EOVERFLOW;
	if ((word[2] != SEEK_SET && word[2] != SEEK_CUR) || position < 0)
		return -EINVAL;
	open->position = position;
	return position;
}

struct listing { uint8_t *bytes; size_t used, room; uint64_t cookie; bool full; };
struct directory_record { uint64_t inode, next; uint16_t bytes; uint8_t type; char name[]; } __attribute__((packed));

static bool list_entry(void *context, const char *name, size_t length, uint64_t inode, unsigned type, uint64_t next)
{
	struct listing *listing = context;
	struct directory_record *record = (void *)(listing->bytes + listing->used);
	size_t bytes = (sizeof(*record) + length + 1 + 7) & ~7UL;

	listing->full = listing->used + bytes > listing->room;
	if (listing->full)
		return false;
	memset(record, 0, bytes);
	record->inode = inode;
	record->next = next;
	record->bytes = bytes;
	record->type = type;
	memcpy(record->name, name, length);
	listing->used += bytes;
	listing->cookie = next;
	return true;
}

int64_t linux_getdents64(struct call *call)
{
	static uint64_t buffer[2 * BLOCK_BYTES / 8];
	const uint64_t *word = call->message.word;
	struct open *open = descriptor_get(call->process, word[0]);
	struct listing listing = { .bytes = (uint8_t *)buffer, .room = (uint32_t)word[2] < sizeof(buffer) ? (uint32_t)word[2] : sizeof(buffer) };
	uint64_t cookie;
	int result;

	if (!open || open->kind == OPEN_PATH)
		return -EBADF;
	if (open->kind != OPEN_DIRECTORY)
		return -ENOTDIR;
	cookie = listing.cookie = open->position;
	result = open->place.tree->list(open->place.number, &cookie, list_entry, &listing);
	if (result < 0)
		return result;
	if (!listing.used)
		return listing.full ? -EINVAL : 0;
	result = copy_out(call, word[1], buffer, listing.used);
	if (result < 0)
		return result;
	open->position = listing.cookie;
	return listing.used;
}

/* ---- descriptors */

int64_t linux_close(struct call *call)
{
	if (!descriptor_get(call->process, call->message.word[0]))
		return -EBADF;
	descriptor_set(call->process, (int32_t)call->message.word[0], NULL, false);
	return 0;
}

static int64_t duplicate(struct call *call, struct open *open, uint64_t from, bool close_on_exec)
{
	int descriptor = from < DESCRIPTORS ? descriptor_free(call->process, from) : -EINVAL;

	if (descriptor < 0)
		return descriptor;
	open->references++;
	descriptor_set(call->process, descriptor, open, close_on_exec);
	return descriptor;
}

int64_t linux_dup(struct call *call)
{
	struct open *open = descriptor_get(call->process, call->message.word[0]);

	return open ? duplicate(call, open, 0, false) : -EBADF;
}

int64_t linux_dup3(struct call *call)
{
	const uint64_t *word = call->message.word;
	uint32_t from = word[0], to = word[1], flags = word[2];
	struct open *open = descriptor_get(call->process, from);

	if (flags & ~O_CLOEXEC || from == to)
		return -EINVAL;
	if (!open || to >= DESCRIPTORS)
		return -EBADF;
	open->references++;
	descriptor_set(call->process, to, open, flags & O_CLOEXEC);
	return to;
}

#define FLAGS_SETTABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static int64_t set_flags(struct open *open, uint32_t flags)
{
	uint32_t changed = (open->flags ^ flags) & FLAGS_SETTABLE;
	struct message message = { .label = PAGER_set_append, .word = { open->number, !!(flags & O_APPEND) } };

	if (open->kind == OPEN_PATH)
		return -EBADF;
	if (changed & O_APPEND && open->kind == OPEN_FILE)
		call_server(SLOT_PAGER, &message);
	open->flags ^= changed;
	return 0;
}

int64_t linux_fcntl(struct call *call)
{
	const uint64_t *word = call->message.word;
	struct process *process = call->process;
	struct open *open = descriptor_get(process, word[0]);
	static const struct f_owner_ex nobody = { F_OWNER_TID, 0 };
	uint32_t descriptor = word[0];

	if (!open)
		return -EBADF;
	switch ((uint32_t)word[1]) {
	case F_DUPFD: return duplicate(call, open, (uint32_t)word[2], false);
	case F_DUPFD_CLOEXEC: return duplicate(call, open, (uint32_t)word[2], true);
	case F_GETFD: return process->close_on_exec[descriptor / 64] >> descriptor % 64 & 1 ? FD_CLOEXEC : 0;
	case F_SETFD:
		open->references++;	/* setting a descriptor to what it is gives one back */
		descriptor_set(process, descriptor, open, word[2] & FD_CLOEXEC);
		return 0;
	case F_GETFL: return open->flags;
	case F_SETFL: return set_flags(open, word[2]);
	case F_GETOWN: return open->kind == OPEN_PATH ? -EBADF : 0;
	case F_GETOWN_EX: return open->kind == OPEN_PATH ? -EBADF : copy_out(call, word[2], &nobody, sizeof(nobody));
	case F_GETPIPE_SZ: return open_is_pipe(open) ? (int64_t)PIPE_BYTES : -EBADF;
	}
	return -EINVAL;		/* no locks, no leases, no signals */
}

/* Of what has an end: from where the description stands; texts have length 0. The rest is no question for this kind. */
static int bytes_left(const struct open *open, int32_t *bytes)
{
	struct message message = { .label = PAGER_unread, .word = { open->number } };
	int result = 0;

	if (open->kind == OPEN_FILE)
		result = call_server(SLOT_PAGER, &message);
	else if (open->kind == OPEN_TEXT)
		message.word[0] = -open->position;
	else if (open_is_pipe(open))
		message.word[0] = pipe_bytes(open);
	else
		result = -ENOTTY;
	*bytes = message.word[0];
	return result;
}

int64_t linux_ioctl(struct call *call)
{
	const uint64_t *word = call->message.word;
	struct open *open = descriptor_get(call->process, word[0]);
	const uint64_t words[2] = { (uint32_t)word[1], word[2] };
	int32_t bytes;
	int result;

	if (!open || open->kind == OPEN_PATH)
		return -EBADF;
	if (words[0] == FIOCLEX || words[0] == FIONCLEX) {
		open->references++;
		descriptor_set(call->process, (uint32_t)word[0], open, words[0] == FIOCLEX);
		return 0;
	}
	if (words[0] == FIONBIO) {
		result = copy_in(call, word[2], &bytes, sizeof(bytes));
		return result < 0 ? result : set_flags(open, bytes ? open->flags | O_NONBLOCK : open->flags & ~O_NONBLOCK);
	}
	if (open->kind == OPEN_TTY)
		return forward_call(call, SLOT_CONSOLE, CONSOLE_ioctl, words, sizeof(words));
	result = words[0] == FIONREAD ? bytes_left(open, &bytes) : -ENOTTY;
	return result < 0 ? result : copy_out(call, word[2], &bytes, sizeof(bytes));
}

/* ---- mapping: the pager asks whether, and what */

static int64_t map_device(struct call *call, struct open *open, struct pager_mmap *words)
{
	if (open->kind != OPEN_DEVICE || open->place.number != DEVICE_ZERO)
		return -ENODEV;
	words->prot_flags |= (uint64_t)MAP_ANONYMOUS << 32;
	return forward_call(call, SLOT_PAGER, PAGER_mmap, words, sizeof(*words));
}

int64_t fs_serve(struct call *call)
{
	struct open *open = descriptor_get(call->process, call->message.word[0]);
	struct pager_serve words;

	if (!open || open->kind == OPEN_PATH)
		return -EBADF;
	if (open->kind != OPEN_FILE)
		return -EINVAL;
	if (!open_readable(open) || !open_writable(open))
		return -EACCES;
	words.object = (uint64_t)open->node->generation << 32 | open->node->inode;
	return forward_call(call, SLOT_PAGER, PAGER_serve, &words, sizeof(words));
}

int64_t fs_mmap(struct call *call)
{
	const uint64_t *word = call->message.word;
	uint32_t prot = word[2], flags = word[3];
	struct open *open = descriptor_get(call->process, word[4]);
	struct pager_mmap words = { .address = word[0], .length = word[1], .prot_flags = (uint64_t)flags << 32 | prot, .offset = word[5],
				    .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC };
	bool shared = (flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;

	if (!open || open->kind == OPEN_PATH)
		return -EBADF;
	if (open->kind == OPEN_FILE && words.length && words.length <= LENGTH_MAX && words.offset > LENGTH_MAX - words.length)
		return -EOVERFLOW;
	if (!open_readable(open) || (shared && prot & PROT_WRITE && !open_writable(open)))
		return -EACCES;
	if (shared && !open_writable(open))
		words.max_prot &= ~PROT_WRITE;
	if (open->kind != OPEN_FILE)
		return map_device(call, open, &words);
	words.object = (uint64_t)open->node->generation << 32 | open->node->inode;
	return forward_call(call, SLOT_PAGER, PAGER_mmap, &words, sizeof(words));
}
