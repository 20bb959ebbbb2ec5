/*
 * The virtual address space under Sv39, for C and assembly:
 *
 *   0                      .. USER_END               a space's own pages
 *   0xffffffc0_00000000    .. 2^64                   the low 256 GiB of physical memory, the same in every space
 *
 * The kernel image is linked into this direct map. OpenSBI enters it at the physical address KERNEL_PHYSICAL (the boot protocol).
 */
#ifndef RISCV_LAYOUT_H
#define RISCV_LAYOUT_H

#define DIRECT_BASE 0xffffffc000000000
#define KERNEL_PHYSICAL 0x80200000

#endif
