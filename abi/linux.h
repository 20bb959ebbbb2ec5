/*
 * The Linux system calls that Quire answers: one row per call (number, name, the server that meets it first). The Route, each
 * server's dispatch and the reference in docs/ expand from it. A number without a row is ENOSYS. Numbers are those of
 * Linux's asm-generic/unistd.h, which riscv64 uses. Structures, flags and errno values come from Linux's own UAPI headers.
 */
#ifndef ABI_LINUX_H
#define ABI_LINUX_H

#define LINUX_CALL_LIST(X) \
	X(17, getcwd, FS)		X(23, dup, FS)			X(24, dup3, FS)			X(25, fcntl, FS) \
	X(29, ioctl, FS)		X(34, mkdirat, FS)		X(35, unlinkat, FS)		X(36, symlinkat, FS) \
	X(37, linkat, FS)		X(43, statfs, FS)		X(44, fstatfs, FS)		X(45, truncate, FS) \
	X(46, ftruncate, FS)		X(48, faccessat, FS)		X(49, chdir, FS)		X(50, fchdir, FS) \
	X(52, fchmod, FS)		X(53, fchmodat, FS)		X(54, fchownat, FS)		X(55, fchown, FS) \
	X(56, openat, FS)		X(57, close, FS)		X(59, pipe2, FS)		X(61, getdents64, FS) \
	X(62, lseek, FS)		X(63, read, FS)			X(64, write, FS)		X(65, readv, FS) \
	X(66, writev, FS)		X(67, pread64, FS)		X(68, pwrite64, FS)		X(78, readlinkat, FS) \
	X(79, newfstatat, FS)		X(80, fstat, FS)		X(81, sync, FS)			X(82, fsync, FS) \
	X(83, fdatasync, FS)		X(88, utimensat, FS)		X(166, umask, FS)		X(221, execve, FS) \
	X(267, syncfs, FS)		X(276, renameat2, FS)		X(291, statx, FS)		X(439, faccessat2, FS) \
	X(214, brk, PAGER)		X(215, munmap, PAGER)		X(222, mmap, PAGER)		X(226, mprotect, PAGER) \
	X(227, msync, PAGER)		X(233, madvise, PAGER) \
	X(93, exit, PROC)		X(94, exit_group, PROC)		X(95, waitid, PROC)		X(96, set_tid_address, PROC) \
	X(101, nanosleep, PROC)		X(113, clock_gettime, PROC)	X(114, clock_getres, PROC)	X(115, clock_nanosleep, PROC) \
	X(124, sched_yield, PROC)	X(129, kill, PROC)		X(130, tkill, PROC)		X(131, tgkill, PROC) \
	X(134, rt_sigaction, PROC)	X(135, rt_sigprocmask, PROC)	X(142, reboot, PROC)		X(144, setgid, PROC) \
	X(146, setuid, PROC)		X(147, setresuid, PROC)		X(148, getresuid, PROC)		X(149, setresgid, PROC) \
	X(150, getresgid, PROC)		X(153, times, PROC)		X(154, setpgid, PROC)		X(155, getpgid, PROC) \
	X(156, getsid, PROC)		X(157, setsid, PROC)		X(158, getgroups, PROC)		X(160, uname, PROC) \
	X(169, gettimeofday, PROC)	X(172, getpid, PROC)		X(173, getppid, PROC)		X(174, getuid, PROC) \
	X(175, geteuid, PROC)		X(176, getgid, PROC)		X(177, getegid, PROC)		X(178, gettid, PROC) \
	X(179, sysinfo, PROC)		X(220, clone, PROC)		X(260, wait4, PROC)		X(261, prlimit64, PROC) \
	X(278, getrandom, PROC)

enum linux_call {
#define X(number, name, server) LINUX_##name = number,
	LINUX_CALL_LIST(X)
#undef X
	LINUX_CALLS = 512,	/* all numbers lie below */
};

#endif
