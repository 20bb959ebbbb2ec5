/*
 * init: the first program. It reads the device tree, builds the servers from the boot archive, gives each what it needs
 * (build.c has the table), hands what memory is left to the pager, starts them from the lowest up, and stays as their
 * supervisor: a server that faults is a bug, reported with its name, pc and address before the machine goes off. It refuses
 * to restart anything yet. The pages it lives in and its capabilities: abi/kernel.h, "WHAT THE KERNEL GIVES TO init".
 */
#include "build.h"
#include "power.h"
#include "supply.h"

static struct built built[SERVERS];

static const struct { enum exception cause; const char *text; } causes[] = {
	{ EXCEPTION_ILLEGAL, "illegal instruction" }, { EXCEPTION_BREAKPOINT, "breakpoint" }, { EXCEPTION_FETCH_ACCESS, "jump to no memory" },
	{ EXCEPTION_LOAD_ACCESS, "load from no memory" }, { EXCEPTION_STORE_ACCESS, "store to no memory" }, { EXCEPTION_REFUSED, "refused access" },
};

static const char *cause_text(uint64_t cause)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].cause == cause)
			return causes[i].text;
	return "unexpected exception";
}

static const char *name_of(uint64_t badge)
{
	return badge > BADGE_INIT && badge < BADGE_INIT + SERVERS ? built[badge - BADGE_INIT].name : "somebody";
}

/* A server's own sentence, after its name if it does not begin with that itself. */
static _Noreturn void give_up_with(const char *name, const char *text)
{
	size_t length = strlen(name);

	if (!strncmp(text, name, length) && text[length] == ':')
		give_up("%s", text);
	give_up("%s: %s", name, text);
}

static void log_registers(const struct registers *registers)
{
	for (int i = 1; i < 32; i += 4)
		log_line("init:  x%-2d %016lx %016lx %016lx %016lx", i, registers->x[i], registers->x[i + 1], registers->x[i + 2],
			 i + 3 < 32 ? registers->x[i + 3] : registers->pc);
}

static _Noreturn void report_fault(const struct message *message)
{
	struct registers registers = { 0 };
	const char *name = name_of(message->badge);
	uint64_t access = message->word[1];

	sys_registers(message->token, &registers, REGISTERS_READ);
	log_registers(&registers);
	give_up("%s faulted: %s at %lx, pc %lx, ra %lx, sp %lx", name,
		access & ACCESS_WRITE ? "write" : access & ACCESS_EXECUTE ? "execute" : "read", message->word[0], message->word[2],
		registers.x[1], registers.x[2]);
}

static _Noreturn void report_exception(const struct message *message)
{
	struct registers registers = { 0 };
	char text[LOG_MAX] = "";
	uint64_t length;

	sys_registers(message->token, &registers, REGISTERS_READ);
	length = registers.x[11] < sizeof(text) ? registers.x[11] : sizeof(text) - 1;
	/* A panic (libsys/log.c): its sentence tells more than its registers. */
	if (message->word[0] == EXCEPTION_BREAKPOINT && registers.x[12] == PANIC_MAGIC &&
	    sys_copy(message->token, registers.x[10], text, length, COPY_IN) == (long)length)
		give_up_with(name_of(message->badge), text);
	log_registers(&registers);
	give_up("%s: %s, pc %lx, value %lx, ra %lx, sp %lx", name_of(message->badge), cause_text(message->word[0]), message->word[1],
		message->word[2], registers.x[1], registers.x[2]);
}

static void begin(const struct message *message)
{
	enum server server = message->badge - BADGE_INIT;
	struct registers registers = { .pc = built[server].entry };
	struct message reply = { 0 };

	registers.x[2] = SERVER_STACK_TOP;
	registers.x[10] = SERVER_START_INFO;
	if (sys_registers(message->token, &registers, REGISTERS_WRITE) < 0 || ipc_reply(message->token, &reply) < 0)
		give_up("cannot start %s: its thread does not take registers", built[server].name);
}

/* INIT_fatal: the server's own words. */
static void report_fatal(const struct message *message)
{
	char text[LOG_MAX];
	size_t length = message->word[1] < sizeof(text) ? message->word[1] : sizeof(text) - 1;

	if (sys_copy(message->token, message->word[0], text, length, COPY_IN) != (long)length)
		length = 0;
	text[length] = '\0';
	give_up_with(name_of(message->badge), text);
}

static void answer(uint64_t token, uint64_t label)
{
	struct message reply = { .label = label };

	ipc_reply(token, &reply);
}

static void handle(const struct message *message)
{
	switch (message->label) {
	case LABEL_FAULT:
		report_fault(message);
	case LABEL_EXCEPTION:
		if (message->word[0] != EXCEPTION_START)
			report_exception(message);
		begin(message);
		break;
	case INIT_poweroff:
		if (message->badge == BADGE_PROC)
			power_off(message->word[0] & 0xff);
		answer(message->token, ERR_NO_RIGHT);
		break;
	case INIT_fatal:
		report_fatal(message);
		break;
	default:
		answer(message->token, ERR_NO_CALL);
	}
}

static uint64_t receive(void)
{
	struct message message = { 0 };
	long event = ipc_recv(OWN_ENDPOINT, &message);

	if (event < 0)
		give_up("init cannot receive: error %ld", event);
	if (event == EVENT_INTERRUPTED || event == EVENT_NOTIFICATION || event == EVENT_TIMEOUT)
		return 0;
	handle(&message);
	return message.badge;
}

static void build_all(const struct boot_info *boot)
{
	static struct machine machine;
	struct archive archive = { NULL, boot->initrd_bytes };
	struct supply_left left;

	machine_read(&machine, (const void *)boot->device_tree, boot->device_tree_bytes);
	power_init(&machine);
	if (!boot->initrd_bytes)
		give_up("there is no boot archive (-initrd)");
	archive.data = (const void *)supply_view(boot->initrd_base, boot->initrd_bytes, RIGHT_READ, INIT_SLOT_PAGE_MEMORY);
	build_objects();
	for (enum server server = SERVER_INIT + 1; server < SERVERS; server++)
		build_server(server, &archive, &machine, &built[server]);
	left = supply_left();
	memcpy(built[SERVER_PAGER].start->memory, left.memory, sizeof(left.memory));
	built[SERVER_PAGER].start->objects = left.objects;
	supply_close();
	supply_unview(archive.data, archive.bytes);
	log_line("init: %lu MiB of page memory and %lu object pages are left for programs",
		 (left.memory[0].pages + left.memory[1].pages) >> 8, left.objects.pages);
}

/* Each is started when those that it calls stand above it already. */
static void start_all(void)
{
	static const enum server order[] = { SERVER_BLK, SERVER_CONSOLE, SERVER_PAGER, SERVER_FS, SERVER_PROC };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		long error = sys_thread_set(OWN_THREAD + order[i], THREAD_START, 0);

		if (error < 0)
			give_up("cannot start %s: error %ld", built[order[i]].name, error);
		while (receive() != server_badge(order[i]))
			;
		log_line("init: started %s", built[order[i]].name);
	}
}

/* start.S passes what the kernel passes to init: its boot_info. */
void server_main(const struct start_info *start)
{
	const struct boot_info *boot = (const void *)start;

	log_slot = INIT_SLOT_CONTROL;
	log_arguments = boot->arguments;
	supply_init(boot);
	build_all(boot);
	start_all();
	for (;;)
		receive();
}
