/*
 * The reserve: pages of object memory that a space's owner has given for its page tables. Tables come from it and go back
 * to it when they are empty; `take` gives them back to the owner. A page in it is chained through its first word.
 */
#ifndef TABLE_H
#define TABLE_H

#include "space.h"

uint64_t *reserve_pop(struct space *space);
void reserve_push(struct space *space, uint64_t *table);

/* The owner hands over a free page: the root, if there is none yet, or one more in the reserve. */
void table_give(struct space *space, uint64_t index);

long sys_give(struct thread *caller, const uint64_t *argument);
long sys_take(struct thread *caller, const uint64_t *argument);

#endif
