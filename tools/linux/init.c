/*
 * The first process of the Linux that `./quire bench --against linux` boots: gives the benchmark the world that it has on Quire,
 * then runs it. The file /linux on the disk holds the program and its arguments, a line each (the kernel's command line takes
 * no more than 32); it switches the machine off when that has ended.
 *
 *   /            Quire's own disk image, ext2, with the same executable on it
 *   /dev/shm     a memory file system
 *   /proc/sys/vm/max_map_count        no limit of its own
 *   /proc/sys/vm/fault_around_bytes   debugfs has it elsewhere: a directory of links stands in for /proc/sys/vm
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(const char *what)
{
	if (what)
		printf("init: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	exit(1);
}

static void must(const char *what, int result)
{
	if (result < 0)
		leave(what);
}

static void mount_at(const char *source, const char *path, const char *type)
{
	mkdir(path, 0755);
	must(path, mount(source, path, type, 0, NULL));
}

static void write_text(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	must(path, file < 0 ? -1 : (int)write(file, text, strlen(text)));
	close(file);
}

/* /proc/sys/vm with two knobs in it: Linux's drop_caches and debugfs's fault_around_bytes. */
static void make_knobs(void)
{
	mount_at("proc", "/real", "proc");
	mount_at("debugfs", "/debug", "debugfs");
	write_text("/proc/sys/vm/max_map_count", "1000000");
	mount_at("knobs", "/proc/sys/vm", "tmpfs");
	must("drop_caches", symlink("/real/sys/vm/drop_caches", "/proc/sys/vm/drop_caches"));
	must("fault_around_bytes", symlink("/debug/fault_around_bytes", "/proc/sys/vm/fault_around_bytes"));
}

/* The lines of /linux as an argument vector. */
static char **read_command(void)
{
	static char text[16384], *words[512];
	int file = open("/linux", O_RDONLY);
	ssize_t length = read(file, text, sizeof(text) - 1);
	int count = 0;

	must("/linux", length > 0 ? 0 : -1);
	for (char *word = strtok(text, "\n"); word && count < 511; word = strtok(NULL, "\n"))
		words[count++] = word;
	return words;
}

/* Counter units spent waiting so far; the patched kernel's first line is "idle: N". */
static unsigned long idle_so_far(void)
{
	unsigned long idle = 0;
	FILE *file;

	mount_at("proc", "/proc", "proc");
	file = fopen("/proc/bench_kernel", "r");
	must("bench_kernel", file && fscanf(file, "idle: %lu", &idle) == 1 ? 0 : -1);
	fclose(file);
	return idle;
}

int main(void)
{
	uint64_t started;
	unsigned long idle;
	char **command;
	pid_t child;

	__asm__ volatile("rdinstret %0" : "=r"(started));
	idle = idle_so_far();
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount_at("/dev/vda", "/disk", "ext2");
	must("chroot", chroot("/disk"));
	must("chdir", chdir("/"));
	mount_at("devtmpfs", "/dev", "devtmpfs");
	mount_at("shm", "/dev/shm", "tmpfs");
	mount_at("proc", "/proc", "proc");
	make_knobs();
	printf("N instret_at_init %lu\nN idle_at_init %lu\n", (unsigned long)started, idle);
	fflush(stdout);
	command = read_command();
	child = fork();
	must("fork", child);
	if (child == 0) {
		execv(command[0], command);
		_exit(127);
	}
	must("wait", waitpid(child, NULL, 0));
	leave(NULL);
}
