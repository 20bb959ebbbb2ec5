/*
 * The core's hands on page tables (struct core_ops): the kernel's unmap, protect and scan over whole ranges.
 */
#ifndef PAGER_TABLE_H
#define PAGER_TABLE_H

#include "core/core.h"

void table_unmap(void *domain, uint64_t address, uint64_t pages, void (*dirty)(void *context, uint64_t address), void *context);
void table_protect(void *domain, uint64_t address, unsigned rights, uint64_t pages, void (*dirty)(void *context, uint64_t address), void *context);
void table_scan(void *domain, uint64_t address, unsigned flags, uint64_t pages, void (*seen)(void *context, uint64_t entry), void *context);

#endif
