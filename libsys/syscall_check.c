/* Compile-time only: what syscall.S assumes about abi/kernel.h and struct message. */
#include "kernel_numbers.h"
#include "syscall.h"

_Static_assert(SYS_ipc_call == NUMBER_ipc_call && SYS_ipc_reply_recv == NUMBER_ipc_reply_recv &&
	       SYS_ipc_recv == NUMBER_ipc_recv && SYS_ipc_reply == NUMBER_ipc_reply &&
	       SYS_ipc_forward == NUMBER_ipc_forward, "kernel_numbers.h is the twin of KERNEL_CALL_LIST");
_Static_assert(offsetof(struct message, label) == 48 && offsetof(struct message, badge) == 56 &&
	       offsetof(struct message, token) == 64 && offsetof(struct message, identity) == 72 &&
	       offsetof(struct message, capability) == 80 && offsetof(struct message, receive_slot) == 88 &&
	       offsetof(struct message, address) == 96 && offsetof(struct message, deadline) == 104 &&
	       offsetof(struct message, flags) == 112, "syscall.S uses these offsets");
