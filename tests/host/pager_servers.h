/*
 * fs and proc in pager_server.c: what they do with callers that the pager has handed on, what they ask for themselves, and the ring, which answers late, out
 * of order and wrongly.
 */
#ifndef PAGER_SERVERS_H
#define PAGER_SERVERS_H

/* What fs says to a caller that the pager has handed on. */
static struct ring *test_ring;
static unsigned passed_on;	/* syncs whose writes were left to fs */
static unsigned long quiet;	/* receives with a ring that is quiet */

/* All that was asked before the forward, nothing that is asked after it. */
static void check_forward(uint64_t label, const uint64_t *word)
{
	uint64_t writes = label == FS_msync ? word[3] : label == FS_synced ? word[5] : 0;

	if (writes && FS_WRITES_ASKED(writes) != test_ring->request_head)
		DIE("writes asked: %lx, head %x", (long)writes, test_ring->request_head);
	passed_on += writes != 0;
}

static bool fs_step(struct message *message, struct thread *thread)
{
	uint64_t *word = message->word, file = rand() % FILES;

	memcpy(word, thread->word, sizeof(message->word));
	switch (thread->label) {
	case FS_mmap:
		word[2] = thread->word[2] | thread->word[3] << 32;
		word[4] = word[5];
		word[3] = object_number(file);
		word[5] = rand() % 3 ? 7 : 5;
		if ((thread->word[2] & 2) && (thread->word[3] & 1) && !(word[5] & 2))
			break;
		deliver(message, thread, BADGE_FS, PAGER_mmap);
		return true;
	case FS_script:
		word[0] = object_number(rand() % 4 ? FILE_ELF : FILE_SCRIPT);
		word[1] = file_length[FILE_ELF];
		word[2] = thread->word[1];
		word[3] = thread->word[2];
		word[4] = thread->word[3];
		word[5] = 1;
		if (rand() % 8 == 0)
			break;
		announce(word[0], 1);
		take_memory();
		deliver(message, thread, BADGE_FS, PAGER_exec);
		return true;
	case FS_exec_failed:
		announce(word[0], -1);
		execs_failed++;
		break;
	case FS_truncated: case FS_synced: case FS_msync:
		break;
	default:
		DIE("fs cannot know label %lx", (long)thread->label);
	}
	thread->place = RUNNING;
	return false;
}

static bool server_call(struct message *message, uint64_t badge, uint64_t label)
{
	message->label = label;
	message->badge = badge;
	message->identity = 0;
	message->token = SERVER_TOKEN;
	server_waits = true;
	return true;
}

/* proc hears of them in their order. */
static struct thread *exited_next(void)
{
	for (int i = 0; i < OBJECT_PAGES; i++)
		if (threads[i].place == AT_PROC && threads[i].exit_number == heard + 1)
			return &threads[i];
	DIE("exit %lu is not on its way to proc", (long)heard + 1);
}

static bool proc_step(struct message *message, struct thread *thread)
{
	memset(message->word, 0, sizeof(message->word));
	switch (thread->label) {
	case PROC_forked:
		if (thread->word[1] && thread->word[0] != thread->identity)
			process_used[IDENTITY_SLOT(thread->word[0])] = 0;
		thread->place = RUNNING;
		return false;
	case PROC_exec:
		if (rand() % 5) {
			deliver(message, thread, BADGE_PROC, PAGER_commit);
			accepted[5]++;
			return true;
		}
		thread->place = RUNNING;
		message->word[0] = thread - threads;
		return server_call(message, BADGE_PROC, PAGER_abort);
	case PROC_bad_access:
		if (rand() % 16 && !ending) {	/* a handler, or ignored */
			thread->place = RUNNING;
			return false;
		}
		exit_of(message, thread);
		return true;
	case PROC_exited:
		thread = exited_next();
		process_used[IDENTITY_SLOT(thread->identity)] = 0;
		thread->place = ENDED;
		thread->dying = false;
		accepted[6]++;
		heard++;
		return false;
	}
	DIE("proc cannot know label %lx", (long)thread->label);
}

/* fs' and proc's own calls, with sense and without. */
static bool prompt_step(struct message *message)
{
	uint64_t *word = message->word;

	garbage(word);
	word[0] = rand() % 20;
	word[1] = object_number(rand() % FILES);
	word[2] = rand() % 100000;
	word[3] = rand() % 2;
	switch (rand() % 8) {
	case 0: case 1: return server_call(message, BADGE_FS, PAGER_open);
	case 2: return server_call(message, BADGE_FS, PAGER_close);
	case 3:
		word[0] = word[1];
		return server_call(message, BADGE_FS, rand() % 2 ? PAGER_stat : PAGER_unlinked);
	case 4:
		word[0] = threads[rand() % OBJECT_PAGES].identity;
		word[1] = some_address();
		word[2] = rand() % 9 ? (uint64_t)server_buffer : 8;
		return server_call(message, BADGE_FS, PAGER_vma);
	case 5:
		word[0] = rand() % OBJECT_PAGES;
		word[1] = (uint64_t)server_buffer;
		word[2] = rand() % 300;
		return server_call(message, BADGE_FS, PAGER_script);
	case 6:
		word[0] = new_identity();
		if (word[0])
			return server_call(message, BADGE_PROC, PAGER_spawn);
		return false;
	default:
		garbage(word);
		do message->label = 0x1000 + rand() % 0x30; while (message->label == PAGER_spawn);
		return server_call(message, rand() % 2 ? BADGE_FS : rand() % 2 ? BADGE_PROC : (uint64_t)(rand() % 12), message->label);
	}
}

/* After a successful spawn the thread is there, but nobody knows its identity. */
static void adopt(uint64_t identity)
{
	if (server_reply.label) {
		process_used[IDENTITY_SLOT(identity)] = 0;
		return;
	}
	struct thread *thread = server_reply.capability ? &threads[slot_object[server_reply.capability] - 1] : ended_of(identity);
	thread->identity = identity;
	thread->place = RUNNING;
}

static struct ring_request waiting[RING_SLOTS];
static unsigned waiting_count;

static void fill_frame(char *to, uint64_t object, uint64_t page)
{
	static const char script[] = "#! /bin/interpreter one argument \necho\n";
	unsigned file = (object & 0xff) - 1;
	struct { Elf64_Ehdr elf; Elf64_Phdr row[2]; } program = {
		.elf = { .e_ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, .e_type = rand() % 2 ? ET_EXEC : ET_DYN, .e_machine = 243, .e_phoff = 64, .e_phentsize = 56, .e_phnum = 2, .e_entry = 0x10100 },
		.row = { { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x10000, .p_filesz = 0x2000, .p_memsz = 0x2000, .p_align = 0x1000 },
			 { .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x2800, .p_vaddr = 0x13800, .p_filesz = 0x100, .p_memsz = 0x3000, .p_align = 0x1000 } },
	};

	memset(to, 'x', PAGE_BYTES);
	if (page == 0 && file == FILE_ELF)
		memcpy(to, &program, sizeof(program));
	if (page == 0 && file == FILE_SCRIPT)
		memcpy(to, script, sizeof(script));
}

static void ring_answer(const struct ring_request *request)
{
	int64_t status = 0;
	uint64_t value = 0;

	if (request->operation == FS_REQUEST_page_in) {
		if (!ending && rand() % 20 == 0)
			status = rand() % 2 ? -EIO : -EAGAIN;
		for (unsigned i = 0; i < request->count; i++) {
			if (rand() % 4 == 0 && request->first)
				value |= 1UL << i;
			else
				fill_frame(ram + ((uint64_t)request->frame[i] * PAGE_BYTES - RAM_PHYSICAL), request->object, request->first + i);
		}
	} else if (request->operation == FS_REQUEST_allocate) {
		value = rand() % 3 ? request->count : 1;
		if (!ending && rand() % 10 == 0)
			status = rand() % 2 ? -ENOSPC : -EAGAIN;
	} else if (request->operation == FS_REQUEST_release) {
		announce(request->object, -(long)request->length);
	} else if (!ending && rand() % 30 == 0) {
		status = -EIO;
	}
	if (!ending && rand() % 50 == 0)
		value = ~value;
	if (!ending && rand() % 50 == 0)
		status = (int64_t)rand() << 20;
	ring_complete(test_ring, request->id, status, value);
}

static bool ring_step(struct message *message)
{
	bool any = false;

	while (waiting_count < RING_SLOTS && ring_next_request(test_ring, &waiting[waiting_count])) {
		if (waiting[waiting_count].operation < 1 || waiting[waiting_count].operation > FS_REQUEST_trim)
			DIE("request %u", waiting[waiting_count].operation);
		waiting_count++;
	}
	while (waiting_count && (rand() % 3 || ending)) {
		unsigned which = rand() % waiting_count;
		struct ring_request request = waiting[which];

		waiting[which] = waiting[--waiting_count];
		ring_answer(&request);
		any = true;
	}
	if (!any || ring_is_quiet(test_ring))
		return false;
	message->word[0] = NOTIFY_RING_UPPER | (rand() % 20 ? 0 : 0xfff0 & ~NOTIFY_TIMER);
	return true;
}

#endif
