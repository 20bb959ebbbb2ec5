/*
 * The texts of /proc, made at each read. Short ones are made whole; those of memory areas in pieces, going on where the
 * last read of the description ended. What proc knows is asked of it with the caller's token.
 */
#include "shell.h"

#include <asm/fcntl.h>
#include <linux/mman.h>

#define TEXT_BYTES 32768
#define KIB_PER_PAGE 4

static char text[TEXT_BYTES];
static size_t text_length;

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...)
{
	va_list arguments;
	size_t room = TEXT_BYTES - text_length;
	int length;

	va_start(arguments, format);
	length = format_text_va(text + text_length, room, format, arguments);
	va_end(arguments);
	text_length += (size_t)length < room ? (size_t)length : room - 1;
}

void pager_count(struct pager_counters *counters)
{
	static struct pager_counters lent;
	struct message message = { .label = PAGER_counters, .word = { (uint64_t)&lent, sizeof(lent) } };

	call_server(SLOT_PAGER, &message);
	*counters = lent;
}

static void get_info(struct kernel_info *info)
{
	static struct kernel_info own;

	sys_info(SLOT_CONTROL, &own);
	*info = own;
}

/* ---- the system */

static void put_meminfo(void)
{
	struct pager_counters now;
	uint64_t available;

	pager_count(&now);
	available = now.free_pages + now.cache_pages - now.cache_dirty_pages;
	put("MemTotal:       %8lu kB\n", (unsigned long)now.total_pages * KIB_PER_PAGE);
	put("MemFree:        %8lu kB\n", (unsigned long)now.free_pages * KIB_PER_PAGE);
	put("MemAvailable:   %8lu kB\n", (unsigned long)available * KIB_PER_PAGE);
	put("Buffers:        %8lu kB\n", (unsigned long)cache_blocks() * KIB_PER_PAGE);
	put("Cached:         %8lu kB\n", (unsigned long)now.cache_pages * KIB_PER_PAGE);
	put("SwapCached:     %8u kB\n", 0);
	put("Dirty:          %8lu kB\n", (unsigned long)now.cache_dirty_pages * KIB_PER_PAGE);
	put("AnonPages:      %8lu kB\n", (unsigned long)(now.anonymous_pages - now.memory_pages) * KIB_PER_PAGE);
	put("Shmem:          %8lu kB\n", (unsigned long)now.memory_pages * KIB_PER_PAGE);
	put("KernelStack:    %8lu kB\n", (unsigned long)(now.object_pages - now.object_pages_free) * KIB_PER_PAGE);
	put("SwapTotal:      %8u kB\nSwapFree:       %8u kB\n", 0, 0);
}

#define VMSTAT_LIST(X) \
	X("nr_free_pages", pager.free_pages) X("nr_file_pages", pager.cache_pages) X("nr_dirty", pager.cache_dirty_pages) \
	X("nr_anon_pages", pager.anonymous_pages - pager.memory_pages) X("nr_shmem", pager.memory_pages) \
	X("pgpgin", pager.page_ins * KIB_PER_PAGE) X("pgpgout", pager.page_outs * KIB_PER_PAGE) \
	X("pgfault", pager.faults_read + pager.faults_write + pager.faults_cow) X("pgmajfault", pager.faults_major) \
	X("pgsteal_direct", pager.reclaimed) \
	X("quire_page_ins", pager.page_ins) X("quire_page_outs", pager.page_outs) \
	X("quire_total_pages", pager.total_pages) X("quire_own_pages", pager.own_pages) \
	X("quire_object_pages", pager.object_pages) X("quire_object_pages_free", pager.object_pages_free) \
	X("quire_read_faults", pager.faults_read) X("quire_write_faults", pager.faults_write) X("quire_cow_faults", pager.faults_cow) \
	X("quire_refused_faults", pager.faults_refused) X("quire_copy_faults", pager.faults_copy) \
	X("quire_spaces", pager.spaces) X("quire_vmas", pager.vmas) X("quire_objects", pager.objects) X("quire_anons", pager.anons) \
	X("quire_cleared_ahead", pager.cleared_ahead) \
	X("quire_ipc_calls", kernel.ipc_calls) X("quire_ipc_forwards", kernel.ipc_forwards) \
	X("quire_routed_calls", kernel.routed_calls) X("quire_faults", kernel.faults) X("quire_exceptions", kernel.exceptions) \
	X("quire_notifications", kernel.notifications) X("quire_interrupts", kernel.interrupts) \
	X("quire_copies", kernel.copies)

static void put_vmstat(void)
{
	struct pager_counters pager;
	struct kernel_info kernel;

	pager_count(&pager);
	get_info(&kernel);
#define X(name, value) put("%s %lu\n", name, (unsigned long)(value));
	VMSTAT_LIST(X)
#undef X
}

static void put_bench(void)
{
	struct kernel_info kernel;

	get_info(&kernel);
	put("idle: %lu\nwfi: %lu\nentry: %lu\nkernel_bytes: %lu\n", (unsigned long)kernel.idle_instret, (unsigned long)kernel.idle_waits,
	    (unsigned long)kernel.entry_instret, (unsigned long)kernel.kernel_bytes);
}

static void put_stat(void)
{
	struct kernel_info kernel;
	unsigned processes = 0, slot = 0;
	uint64_t switches;

	while (process_next(&slot))
		processes++;
	get_info(&kernel);
	switches = 2 * (kernel.ipc_calls + kernel.routed_calls + kernel.faults + kernel.exceptions);
	put("cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\nintr %lu\nctxt %lu\nbtime %lu\nprocesses %u\nprocs_running 1\nprocs_blocked 0\n",
	    (unsigned long)kernel.interrupts, (unsigned long)switches, (unsigned long)start->realtime_ns / 1000000000, processes);
}

static void put_memory_mount(void)
{
	struct pager_counters now;

	pager_count(&now);
	put("tmpfs /dev/shm tmpfs rw,noatime,size=%luk,nr_inodes=%u 0 0\n", (unsigned long)now.memory_pages_max * KIB_PER_PAGE,
	    memory_volume.super->inodes_count);
}

static void put_uptime(void)
{
	uint64_t hundredths = read_time() / (start->timebase_hz / 100);

	put("%lu.%02lu 0.00\n", (unsigned long)hundredths / 100, (unsigned long)hundredths % 100);
}

static void put_cpuinfo(void)
{
	for (uint64_t hart = 0; hart < start->harts; hart++)
		put("processor\t: %lu\nhart\t\t: %lu\nisa\t\t: rv64imafdc\nmmu\t\t: sv39\n\n", (unsigned long)hart, (unsigned long)hart);
}

static void put_fault_around(void)
{
	struct message message = { .label = PAGER_control, .word = { PAGER_CONTROL_fault_around_bytes, 0 } };

	if (call_server(SLOT_PAGER, &message) == 0)
		put("%lu\n", (unsigned long)message.word[0]);
}

/* ---- memory areas, one piece at a time */

static int put_path(const struct pager_vma *area)
{
	char path[PATH_BYTES];
	size_t length;
	int result;

	if (area->is_heap || area->is_stack) {
		put("%s", area->is_heap ? "[heap]" : "[stack]");
		return 0;
	}
	result = area->object ? path_of_node(node_find_object(area->object), path, sizeof(path) - 1, &length) : -ENOENT;
	if (result == WAIT)
		return WAIT;
	if (result < 0)
		return 0;
	path[length] = 0;
	put("%s", path);
	return 0;
}

static int put_area(const struct pager_vma *area, bool details)
{
	unsigned long pages = (area->end - area->start) / BLOCK_BYTES;
	bool shared = area->flags & MAP_SHARED;
	int result;

	put("%08lx-%08lx %c%c%c%c %08lx %02x:%02x %-10lu ", (unsigned long)area->start, (unsigned long)area->end,
	    area->prot & PROT_READ ? 'r' : '-', area->prot & PROT_WRITE ? 'w' : '-', area->prot & PROT_EXEC ? 'x' : '-', shared ? 's' : 'p',
	    (unsigned long)area->offset, area->object && !(area->object & OBJECT_IN_MEMORY) ? 254 : 0,
	    area->object & OBJECT_IN_MEMORY ? 6 : 0, (unsigned long)(uint32_t)area->object);
	result = put_path(area);
	if (result < 0)
		return result;
	put("\n");
	if (!details)
		return 0;
	put("Size:           %8lu kB\n", pages * KIB_PER_PAGE);
	put("Rss:            %8lu kB\n", (unsigned long)area->resident_pages * KIB_PER_PAGE);
	put("Pss:            %8lu kB\n", (unsigned long)area->resident_pages * KIB_PER_PAGE);
	put("Shared_Clean:   %8lu kB\nShared_Dirty:   %8lu kB\n", shared ? (unsigned long)(area->resident_pages - area->dirty_pages) * KIB_PER_PAGE : 0,
	    shared ? (unsigned long)area->dirty_pages * KIB_PER_PAGE : 0);
	put("Private_Clean:  %8lu kB\nPrivate_Dirty:  %8lu kB\n", shared ? 0 : (unsigned long)(area->resident_pages - area->dirty_pages) * KIB_PER_PAGE,
	    shared ? 0 : (unsigned long)area->dirty_pages * KIB_PER_PAGE);
	return 0;
}

#define AREA_TEXT_BYTES (PATH_BYTES + 600)	/* an area's text is shorter */
#define ASKED_AT_ONCE 64

/* An area's pages, summed over the parts that the pager counts in one step each. */
struct count { uint64_t at; uint32_t resident, dirty; };	/* at: where the next part begins */

static void count_part(struct count *count, const struct pager_vma *part)
{
	if (part->start >= count->at)
		count->resident = count->dirty = 0;
	count->at = part->counted;
	count->resident += part->resident_pages;
	if (count->resident > part->resident_most)
		count->resident = part->resident_most;
	count->dirty += part->dirty_pages;
}

/* A call that goes on later keeps them, and which area it was: the first behind `above`. Another reader may have moved the description meanwhile. */
static void count_keep(struct call *call, uint64_t above, const struct count *count)
{
	call->stamp = above / PAGE_BYTES | count->at / PAGE_BYTES << 32;
	call->done = count->resident | (uint64_t)count->dirty << 32;
}

static struct count count_kept(const struct call *call, uint64_t above)
{
	if (!call->stamp || (uint32_t)call->stamp != above / PAGE_BYTES)
		return (struct count){ above, 0, 0 };
	return (struct count){ (call->stamp >> 32) * PAGE_BYTES, (uint32_t)call->done, call->done >> 32 };
}

/*
 * Fills `text` from where the description's last piece began or, if that lies behind the position, from the first area. So many parts are asked for
 * at once: then what there is of the text is enough, or it goes on later.
 */
static int put_areas(struct call *call, struct open *open, uint64_t position, uint64_t *piece_at)
{
	static struct pager_vma area;
	struct process *process = process_by_pid(PROC_PID(open->place.number));
	bool details = PROC_KIND(open->place.number) == PROC_PID_SMAPS;
	uint64_t above = position < open->resume_at ? 0 : open->resume, at = position < open->resume_at ? 0 : open->resume_at;
	struct count count = count_kept(call, above);

	if (!process)
		return -ESRCH;
	*piece_at = at;
	for (unsigned asked = 0; text_length + AREA_TEXT_BYTES < TEXT_BYTES; asked++) {
		struct message message = { .label = PAGER_vma, .word = { process->identity, count.at, (uint64_t)&area, details } };
		size_t before = text_length;
		int result;

		if (asked == ASKED_AT_ONCE && !text_length) {
			count_keep(call, above, &count);
			return AGAIN;
		}
		if (asked >= ASKED_AT_ONCE)
			return 0;
		result = call_server(SLOT_PAGER, &message);
		if (result < 0 || area.counted <= count.at)
			return 0;
		count_part(&count, &area);
		if (area.counted < area.end)
			continue;
		area.resident_pages = count.resident;
		area.dirty_pages = count.dirty < count.resident ? count.dirty : count.resident;
		result = put_area(&area, details);
		if (result < 0)
			return result;
		above = area.end;
		count = (struct count){ above, 0, 0 };
		at += text_length - before;
		if (at <= position) {
			text_length = 0;	/* all before the position: forget it */
			*piece_at = open->resume_at = at;
			open->resume = above;
		}
	}
	return 0;
}

/* ---- reading */

static int make_text(struct call *call, struct open *open, uint64_t position, uint64_t *piece_at)
{
	text_length = 0;
	*piece_at = 0;
	switch (PROC_KIND(open->place.number)) {
	case PROC_MEMINFO: put_meminfo(); break;
	case PROC_VMSTAT: put_vmstat(); break;
	case PROC_STAT: put_stat(); break;
	case PROC_UPTIME: put_uptime(); break;
	case PROC_LOADAVG: put("0.00 0.00 0.00 1/1 1\n"); break;
	case PROC_MOUNTS:
		put("/dev/vda / ext2 %s,noatime 0 0\ndev /dev devtmpfs rw 0 0\nproc /proc proc rw 0 0\n", volume.read_only ? "ro" : "rw");
		put_memory_mount();
		break;
	case PROC_CPUINFO: put_cpuinfo(); break;
	case PROC_FILESYSTEMS: put("nodev\tproc\nnodev\ttmpfs\n\text2\n"); break;
	case PROC_VERSION: put("Quire microkernel (riscv64), Linux system calls\n"); break;
	case PROC_BENCH_KERNEL: put_bench(); break;
	case PROC_FAULT_AROUND: put_fault_around(); break;
	case PROC_PID_MAPS:
	case PROC_PID_SMAPS: return put_areas(call, open, position, piece_at);
	}
	return 0;
}

static enum proc_status status_of(enum proc_kind kind)
{
	switch (kind) {
	case PROC_PID_STAT: return PROC_STATUS_stat;
	case PROC_PID_STATUS: return PROC_STATUS_status;
	case PROC_PID_CMDLINE: return PROC_STATUS_cmdline;
	case PROC_PID_COMM: return PROC_STATUS_comm;
	default: return 0;
	}
}

/* The first part of an iovec array that holds anything: a read may be short. */
static int first_part(struct call *call, uint64_t *address, uint64_t *count)
{
	struct loan_vector part = { 0, 0 };
	uint64_t entries = *count;

	for (uint64_t i = 0; i < entries && !part.bytes; i++) {
		int result = copy_in(call, *address + i * sizeof(part), &part, sizeof(part));

		if (result < 0)
			return result;
	}
	*address = part.address;
	*count = part.bytes;
	return 0;
}

/* proc answers the caller, so the count stays unknown here: its texts are short, and a read that gets less than it asked for was the last. */
static int64_t ask_proc(struct call *call, struct open *open, unsigned how, uint64_t position)
{
	struct proc_status_request words = { PROC_PID(open->place.number), status_of(PROC_KIND(open->place.number)), call->message.word[1],
					     call->message.word[2], position };
	int result = how & TRANSFER_VECTOR ? first_part(call, &words.address, &words.bytes) : 0;

	if (result < 0)
		return result;
	if (!process_by_pid(words.pid))
		return -ESRCH;
	if (!(how & TRANSFER_AT))
		open->position += words.bytes;
	return forward_call(call, SLOT_PROC, PROC_status, &words, sizeof(words));
}

int64_t text_read(struct call *call, struct open *open, unsigned how)
{
	uint64_t piece_at, count, position = how & TRANSFER_AT ? call->message.word[3] : open->position;
	int result = transfer_bytes(call, how, &count);

	if (result < 0 || !count)
		return result;
	if (status_of(PROC_KIND(open->place.number)))
		return ask_proc(call, open, how, position);
	result = make_text(call, open, position, &piece_at);
	if (result < 0)
		return result;
	if (position >= piece_at + text_length)
		return 0;
	if (count > piece_at + text_length - position)
		count = piece_at + text_length - position;
	result = transfer_out(call, how, 0, text + (position - piece_at), count);
	if (result < 0)
		return result;
	if (!(how & TRANSFER_AT))
		open->position += count;
	return count;
}

/* ---- writing: the knobs */

/* A decimal number, perhaps with a line's end. */
static bool parse_number(const char *line, uint64_t *value)
{
	const char *at = line;

	for (*value = 0; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, *at - '0', value))
			return false;
	return at > line && (!*at || (*at == '\n' && !at[1]));
}

int64_t text_write(struct call *call, struct open *open, unsigned how)
{
	char line[24] = "";
	uint64_t value, count, words[2];
	int result = transfer_bytes(call, how, &count);
	struct message message = { .label = PAGER_control };

	if (result == 0)
		result = count < sizeof(line) ? transfer_in(call, how, 0, line, count) : -EINVAL;
	if (result < 0)
		return result;
	if (!parse_number(line, &value))
		return -EINVAL;
	if (PROC_KIND(open->place.number) == PROC_DROP_CACHES) {
		if (value < 1 || value > 4)
			return -EINVAL;
		cache_drop_clean();
		words[0] = value;
		words[1] = count;
		return forward_call(call, SLOT_PAGER, PAGER_drop_caches, words, sizeof(words));
	}
	if (PROC_KIND(open->place.number) != PROC_FAULT_AROUND)
		return -EINVAL;
	message.word[0] = PAGER_CONTROL_fault_around_bytes;
	message.word[1] = value ? value : 1;	/* no window: one page, as on Linux; 0 would only ask */
	result = call_server(SLOT_PAGER, &message);
	return result < 0 ? result : (int64_t)count;
}
