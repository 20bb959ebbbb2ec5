/*
 * The model of the kernel for pager_server.c: objects, slots, page tables, tokens. It checks what the kernel would refuse and what the
 * pager must never ask for. It draws no line between callers: the pager is the only one.
 */
/* ---- object memory, slots */
#define OBJECT_PHYSICAL 0x80000000UL
#define OBJECT_PAGES 700
#define SLOTS (SPACE_SLOTS + 20 * LEAF_SLOTS)

static uint8_t kind_of[OBJECT_PAGES];
static int slot_object[SLOTS];			/* index + 1 */
static uint64_t scratch_badge;

struct entry { uint64_t page, frame; uint8_t rights, a, d; };
static struct space_model {
	int reserve[OBJECT_PAGES], given;	/* reserve[0] is the root */
	struct entry *entry;
	int entries, room;
} spaces[OBJECT_PAGES];

enum whereabouts { NOWHERE, RUNNING, AT_PAGER, AT_FS, AT_PROC, ENDED };	/* ENDED: proc keeps its token, for the slot's next process */
static struct thread {
	enum whereabouts place;
	int space;
	uint64_t fault_badge, identity, token, label, word[6], exit_number;
	bool fault, dying, lied;
} threads[OBJECT_PAGES];
static uint64_t call_number = 1, exits, told;	/* told: how many exits the pager knows proc to have heard of */

static int object_index(uint64_t physical)
{
	uint64_t index = (physical - OBJECT_PHYSICAL) / PAGE_BYTES;

	if (physical % PAGE_BYTES || physical < OBJECT_PHYSICAL || index >= OBJECT_PAGES)
		DIE("bad object page %lx", (long)physical);
	return index;
}

static uint64_t physical_of(int index)
{
	return OBJECT_PHYSICAL + index * PAGE_BYTES;
}

static int space_of(uint64_t slot)
{
	if (slot >= SLOTS || !slot_object[slot] || kind_of[slot_object[slot] - 1] != KIND_SPACE)
		DIE("slot %lu holds no space", (long)slot);
	return slot_object[slot] - 1;
}

/* Tables that the entries need: one per 2 MiB and per 1 GiB with something in it, and the root. */
static int tables_needed(const struct space_model *space, uint64_t page, uint64_t pages)
{
	uint64_t seen[1024];
	int count = 0;

	for (int i = -1; i < space->entries; i++)
		for (int shift = 9; shift <= 18; shift += 9) {
			uint64_t last = i < 0 ? page + pages - 1 : space->entry[i].page;

			for (uint64_t at = i < 0 ? page : last; pages && at <= last; at++) {
				uint64_t name = at >> shift | (uint64_t)shift << 56;
				int j = 0;

				while (j < count && seen[j] != name)
					j++;
				if (j == count && count < 1024)
					seen[count++] = name;
			}
			if (!pages && i >= 0) {
				uint64_t name = last >> shift | (uint64_t)shift << 56;
				int j = 0;

				while (j < count && seen[j] != name)
					j++;
				if (j == count && count < 1024)
					seen[count++] = name;
			}
		}
	return count + 1;
}

static struct entry *entry_of(int space, uint64_t page)
{
	for (int i = 0; i < spaces[space].entries; i++)
		if (spaces[space].entry[i].page == page)
			return &spaces[space].entry[i];
	return NULL;
}

static void entry_set(int space, uint64_t page, uint64_t frame, unsigned rights, bool faulting, bool write)
{
	struct space_model *s = &spaces[space];
	struct entry *entry = entry_of(space, page);

	if (entry && !faulting)
		return;
	if (!entry) {
		if (s->entries == s->room)
			s->entry = realloc(s->entry, (s->room = s->room * 2 + 16) * sizeof(*s->entry));
		entry = &s->entry[s->entries++];
	}
	*entry = (struct entry){ page, frame, rights, faulting, faulting && write };
}

/* ---- plain calls */
static struct result walk(long number, int space, uint64_t address, uint64_t pages, uint64_t *report, uint64_t room)
{
	struct space_model *s = &spaces[space];
	uint64_t first = address / PAGE_BYTES, bits = address % PAGE_BYTES, last, written = 0;

	if (!pages || (address & ~4095UL) + pages * PAGE_BYTES > USER_END || pages > USER_END / PAGE_BYTES)
		DIE("range %lx, %lu pages", (long)address, (long)pages);
	/* A bounded amount: sometimes less than asked for. */
	last = first + (rand() % 4 ? pages : 1 + rand() % pages);
	if (report && s->entries > (int)room && last - first > room)
		last = first + room;
	for (int i = 0; i < s->entries; i++) {
		struct entry *entry = &s->entry[i];
		uint64_t found = 0;

		if (entry->page < first || entry->page >= last)
			continue;
		if (entry->d && (number != SYS_scan || bits & SCAN_DIRTY))
			found |= REPORT_D;
		if (entry->a && number == SYS_scan && bits & SCAN_ACCESSED)
			found |= REPORT_A;
		if (found && report) {
			report[written++] = entry->page * PAGE_BYTES | found;
		} else if (number == SYS_scan) {
			written |= found;
		}
		if (number == SYS_protect) {
			entry->rights &= bits;
			entry->d = report ? 0 : entry->d;
		} else if (number == SYS_scan && bits & SCAN_CLEAR) {
			entry->d = bits & SCAN_DIRTY ? 0 : entry->d;
			entry->a = bits & SCAN_ACCESSED ? 0 : entry->a;
		} else if (number == SYS_unmap) {
			*entry = s->entry[--s->entries];
			i--;
		}
	}
	return (struct result){ .value = last - first, .second = written };
}

static long create(uint64_t physical, enum kind kind, uint64_t slot)
{
	int index = object_index(physical);

	if (slot >= SLOTS)
		return ERR_BAD_SLOT;
	if (kind_of[index] || slot_object[slot])
		DIE("create of kind %d at %lx into slot %lu: in use", kind, (long)physical, (long)slot);
	if (rand() % 500 == 0 && !ending)
		return ERR_RETIRED;
	kind_of[index] = kind;
	slot_object[slot] = index + 1;
	if (kind == KIND_SPACE)
		spaces[index].given = spaces[index].entries = 0;
	else
		threads[index] = (struct thread){ .place = NOWHERE, .space = -1 };
	return 0;
}

static long destroy(uint64_t slot)
{
	int index = slot_object[slot] - 1;

	if (index < 0)
		DIE("destroy of empty slot %lu", (long)slot);
	if (rand() % 4 == 0)
		return ERR_AGAIN;
	if (kind_of[index] == KIND_SPACE && spaces[index].given)
		DIE("destroy of a space with %d tables", spaces[index].given);
	if (kind_of[index] == KIND_THREAD && threads[index].place == AT_PROC)
		DIE("thread %d is destroyed on its way to proc", index);
	if (kind_of[index] == KIND_THREAD)
		threads[index] = (struct thread){ 0 };
	for (int i = 0; i < OBJECT_PAGES && kind_of[index] == KIND_SPACE; i++)
		if (kind_of[i] == KIND_THREAD && threads[i].space == index) {
			if (threads[i].place == RUNNING)
				DIE("the space of running thread %d is destroyed", i);
			threads[i].space = -1;
		}
	kind_of[index] = KIND_NONE;
	slot_object[slot] = 0;		/* a dead capability is none */
	return 0;
}

static long give(uint64_t slot, uint64_t physical)
{
	int index = object_index(physical), space;

	if (kind_of[index])
		DIE("give of a page in use");
	kind_of[index] = KIND_TABLE;
	if (slot == SLOT_SELF_SPACE)
		return 0;
	space = space_of(slot);
	spaces[space].reserve[spaces[space].given++] = index;
	return 0;
}

static long take(uint64_t slot)
{
	struct space_model *space = &spaces[space_of(slot)];
	int needed = space->entries ? tables_needed(space, 0, 0) : 0, index;

	if (space->given <= needed)
		return ERR_EMPTY;
	index = space->reserve[--space->given];
	kind_of[index] = KIND_NONE;
	return physical_of(index);
}

static long thread_set(uint64_t slot, uint64_t field, uint64_t value)
{
	struct thread *thread = &threads[slot_object[slot] - 1];

	if (field == THREAD_SPACE)
		thread->space = space_of(value);
	else if (field == THREAD_FAULT && value == SLOT_FREE)
		thread->fault_badge = scratch_badge;
	else
		DIE("thread_set of field %lu", (long)field);
	return 0;
}

static char server_buffer[512];
static bool ring_rung, timer_set, idle_wanted;

struct result syscall6(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	static int tables_for_window = 3;
	struct result result = { 0 };

	(void)f;
	switch (number) {
	case SYS_map:
		assert(a == SLOT_SELF_SPACE && (b & ~4095UL) == (uint64_t)ram + (d - RAM_PHYSICAL));
		result.value = tables_for_window-- > 0 ? ERR_NO_TABLE : (long)c;
		break;
	case SYS_give: result.value = give(a, c); break;
	case SYS_take: result.value = take(a); break;
	case SYS_create: result.value = create(b, c, d); break;
	case SYS_destroy: result.value = destroy(a); break;
	case SYS_cap_mint:
		if (a == SLOT_SELF_SPACE)
			scratch_badge = e;
		else
			space_of(a);
		break;
	case SYS_cap_delete: if (b < SLOTS && b != SLOT_FREE) slot_object[b] = 0; break;
	case SYS_thread_set: result.value = thread_set(a, b, c); break;
	case SYS_space_set: space_of(a); break;
	case SYS_unmap: case SYS_protect: case SYS_scan: result = walk(number, space_of(a), b, c, (uint64_t *)d, e); break;
	case SYS_notify: ring_rung = true; break;
	case SYS_timer_set: timer_set = true; break;
	case SYS_irq_bind: assert(a == SLOT_IRQ && b == IRQ_IDLE && d == NOTIFY_IRQ); idle_wanted = true; break;
	case SYS_copy:
		if (b < (uint64_t)server_buffer || b + d > (uint64_t)server_buffer + sizeof(server_buffer))
			result.value = 0;
		else
			memcpy((void *)b, (void *)c, result.value = d);
		break;
	default: DIE("kernel call %ld", number);
	}
	return result;
}

void log_line(const char *format, ...)
{
	va_list arguments;

	if (!getenv("PAGER_LOG"))
		return;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	DIE(" <- panic");
}

/* ---- answers and forwards */
static struct thread *by_token(uint64_t token)
{
	uint64_t index = TOKEN_THREAD(token);

	if (index >= OBJECT_PAGES || threads[index].token != token || threads[index].place != AT_PAGER)
		return NULL;
	return &threads[index];
}

#define SERVER_TOKEN ((1UL << 60) | OBJECT_PAGES)
static bool server_waits;
static struct message server_reply;

static long map_answer(struct thread *thread, const struct message *message)
{
	uint64_t first = message->word[0] / PAGE_BYTES, pages = message->word[1], one[1] = { message->word[2] };
	const uint64_t *frame = pages == 1 ? one : (const uint64_t *)message->word[2];
	uint64_t faulting = thread->word[0] / PAGE_BYTES;

	if (!thread->fault || !pages || pages > MAP_ITEM_MAX || faulting < first || faulting >= first + pages || message->word[3] != SLOT_PAGE_MEMORY)
		DIE("bad map item: %lx, %lu pages for %lx", (long)message->word[0], (long)pages, (long)thread->word[0]);
	if (pages > 1 && message->word[2] % PAGE_BYTES + 8 * pages > PAGE_BYTES)
		DIE("the list of a map item, %lx, crosses a page", (long)message->word[2]);
	if (tables_needed(&spaces[thread->space], first, pages) > spaces[thread->space].given)
		return ERR_NO_TABLE;
	for (uint64_t i = 0; i < pages; i++) {
		if (!frame[i] && first + i != faulting)
			continue;
		if (frame[i] % PAGE_BYTES || frame[i] < RAM_PHYSICAL || frame[i] >= RAM_PHYSICAL + RAM_PAGES * PAGE_BYTES)
			DIE("bad frame %lx", (long)frame[i]);
		entry_set(thread->space, first + i, frame[i], message->word[0] & 7, first + i == faulting, thread->word[1] & ACCESS_WRITE);
	}
	if (!(message->word[0] & thread->word[1] & 7))
		DIE("a map item that does not allow access %lx: rights %lx", (long)thread->word[1], (long)message->word[0] & 7);
	accepted[0]++;
	return 0;
}

long ipc_reply(uint64_t token, struct message *message)
{
	struct thread *thread = by_token(token);
	uint64_t flags = message->flags;
	long result;

	message->flags = 0;
	if (token == SERVER_TOKEN && server_waits) {
		server_waits = false;
		server_reply = *message;
		accepted[1]++;
		return 0;
	}
	if (!thread)
		return ERR_BAD_TOKEN;
	if (flags & REPLY_MAP && (result = map_answer(thread, message)) < 0)
		return result;
	if (thread->fault && !thread->lied && (long)message->label == -ESRCH)
		DIE("a fault of thread %ld in space %d, badge %lx, is from nowhere", (long)(thread - threads), thread->space, (long)thread->fault_badge);
	if (thread->fault && !(flags & REPLY_MAP) && message->label)
		accepted[2]++;
	else if (!thread->fault && (long)message->word[0] >= 0)
		accepted[3]++;
	if (!thread->fault && (long)message->word[0] < -4095 && thread->label != PAGER_unread)
		DIE("an answer of %ld to label %lx", (long)message->word[0], (long)thread->label);
	thread->place = RUNNING;
	thread->fault = false;
	return 0;
}

static uint64_t new_token(struct thread *thread)
{
	return thread->token = ++call_number << TOKEN_THREAD_BITS | (thread - threads);
}

/* The thread that the last process of an identity's slot has left. */
static struct thread *ended_of(uint64_t identity)
{
	for (int i = 0; i < OBJECT_PAGES; i++)
		if (threads[i].place == ENDED && IDENTITY_SLOT(threads[i].identity) == IDENTITY_SLOT(identity)) {
			accepted[7]++;
			return &threads[i];
		}
	DIE("no thread for identity %lx", (long)identity);
}

static void check_forward(uint64_t label, const uint64_t *word);

long ipc_forward(uint64_t token, uint64_t slot, struct message *message)
{
	struct thread *thread = by_token(token), *child;

	if (!thread)
		return ERR_BAD_TOKEN;
	if (slot != SLOT_FS && slot != SLOT_PROC)
		DIE("forward to slot %lu", (long)slot);
	check_forward(message->label, message->word);
	thread->place = slot == SLOT_FS ? AT_FS : AT_PROC;
	thread->label = message->label;
	thread->fault = false;
	memcpy(thread->word, message->word, sizeof(thread->word));
	new_token(thread);
	thread->exit_number = message->label == PROC_exited ? ++exits : 0;
	if (message->label == PROC_forked && (long)message->word[1] == -ENOMEM && !object_pages_free)
		for (int i = 0; i < OBJECT_PAGES; i++)
			if (threads[i].place == ENDED && threads[i].exit_number <= told)
				DIE("a fork fails although ended thread %d could give its page", i);
	if (message->label == PROC_forked && !message->word[1]) {
		child = message->capability ? &threads[slot_object[message->capability] - 1] : ended_of(message->word[0]);
		child->identity = message->word[0];
		child->place = RUNNING;
		accepted[4]++;
	} else if (message->label == PROC_forked && message->capability) {
		DIE("a failed fork with a thread");
	}
	return 0;
}

