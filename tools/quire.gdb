# Commands for gdb on Quire; `./quire debug` loads them, with the kernel as the program and build/ as gdb's folder.
# Each server has addresses of its own, so all their symbols are loaded at once; the programs' overlap.

set architecture riscv:rv64
set pagination off
set print pretty on

define quire-connect
	add-symbol-file servers/init
	add-symbol-file servers/pager
	add-symbol-file servers/proc
	add-symbol-file servers/fs
	add-symbol-file servers/blk
	add-symbol-file servers/console
	target remote $arg0
	echo \n
	echo The machine is stopped at its reset vector. Commands beyond gdb's own:\n
	echo \ \ use-program NAME  load the symbols of a program of the disk (sh, ls, ...) beside the kernel's and the servers'\n
	echo \ \ panic             stop where the kernel panics\n
end
document quire-connect
Connects to the machine that `./quire debug` started.
end

define use-program
	add-symbol-file programs/$arg0
end
document use-program
use-program NAME: the symbols of one Linux program as well.
Other programs have the same addresses: break points on its functions hit in them, too (look at $satp).
end

define panic
	break panic
end
document panic
panic: stop where the kernel panics.
end
