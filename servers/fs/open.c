/*
 * Open file descriptions, shared by descriptors through dup and fork. Those of regular files are announced to the pager,
 * which keeps their offset. The last release gives back whatever the description held.
 */
#include "shell.h"

#include <asm/fcntl.h>

struct table opens = { .record_bytes = sizeof(struct open), .limit = PAGER_OPENS - 1 };

static unsigned access_of(enum open_kind kind, uint32_t flags, struct place place)
{
	static const uint8_t access[O_ACCMODE + 1] = { [O_RDONLY] = MAY_READ, [O_WRONLY] = MAY_WRITE, [O_RDWR] = MAY_READ | MAY_WRITE };	/* both bits: needs the rights to both and gives neither */
	bool durable = kind == OPEN_FILE && flags & O_DSYNC && place.tree != &memory_tree;	/* as fsync: memory has no disk */

	return kind == OPEN_PATH ? 0 : access[flags & O_ACCMODE] | (durable ? WRITES_DURABLY : 0);
}

static uint8_t at_once(enum open_kind kind, unsigned access)
{
	unsigned all = (access & MAY_READ ? TRANSFER_READS : 0) | (access & MAY_WRITE && !(access & WRITES_DURABLY) ? TRANSFER_READS << 1 : 0);

	return kind == OPEN_FILE ? all : kind == OPEN_PIPE_READER || kind == OPEN_PIPE_WRITER ? all & TRANSFER_PLAIN : 0;
}

struct open *open_take(enum open_kind kind, uint32_t flags, struct place place)
{
	uint32_t number;
	unsigned access = access_of(kind, flags, place);
	struct open *open = table_take(&opens, &number);

	if (open)
		*open = (struct open){ .number = number, .references = 1, .kind = kind, .access = access, .at_once = at_once(kind, access),
				       .flags = flags, .place = place };
	return open;
}

int open_announce(struct open *open, struct node *node, uint64_t length)
{
	struct pager_open words = { open->number, (uint64_t)node->generation << 32 | node->inode, length, !!(open->flags & O_APPEND) };
	struct message message = { .label = PAGER_open };
	int result;

	memcpy(message.word, &words, sizeof(words));
	result = call_server(SLOT_PAGER, &message);
	if (result < 0)
		return result;
	node_hold(node);
	node_used(node);
	node->writers += open_writable(open);
	open->node = node;
	return 0;
}

void open_release(struct open *open)
{
	struct message message = { .label = PAGER_close, .word = { open->number } };

	if (--open->references)
		return;
	if (open->kind == OPEN_FILE && open->node) {
		open->node->writers -= open_writable(open);
		call_server(SLOT_PAGER, &message);
	}
	if (open_is_pipe(open))
		pipe_close(open);
	if (open->node)
		node_drop(open->node);
	table_free(&opens, open->number);
}
