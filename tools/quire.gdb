# Commands for gdb on Quire; `./quire debug` loads them, with the kernel as the program and build/ as gdb's folder.
# All servers are linked at the same addresses, so only one server's symbols are loaded at a time.

set architecture riscv:rv64
set pagination off
set print pretty on

define quire-connect
	target remote $arg0
	echo \n
	echo The machine is stopped at its reset vector. Commands beyond gdb's own:\n
	echo \ \ use-server NAME   load a server's symbols beside the kernel's (init pager proc fs blk console)\n
	echo \ \ use-program NAME  the same for a program of the disk (sh, ls, ...)\n
	echo \ \ panic             stop where the kernel panics\n
end
document quire-connect
Connects to the machine that `./quire debug` started.
end

define use-server
	symbol-file quire.elf
	add-symbol-file servers/$arg0
end
document use-server
use-server NAME: the kernel's symbols and those of one server, in place of what was loaded before.
Break points on its functions hit in every space that runs code at that address: look at $satp.
end

define use-program
	symbol-file quire.elf
	add-symbol-file programs/$arg0
end
document use-program
use-program NAME: the kernel's symbols and those of one Linux program, in place of what was loaded before.
end

define panic
	break panic
end
document panic
panic: stop where the kernel panics.
end
