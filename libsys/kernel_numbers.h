/* Numbers of the message calls for assembly. Twin of KERNEL_CALL_LIST in abi/kernel.h; syscall_check.c asserts that they agree. */
#define NUMBER_ipc_call		-1
#define NUMBER_ipc_reply_recv	-2
#define NUMBER_ipc_recv		-3
#define NUMBER_ipc_reply	-4
#define NUMBER_ipc_forward	-5
