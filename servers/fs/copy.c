/*
 * Copies under the caller's loan: one stretch of memory, a path, or the buffers that a transfer names. One that is not there is faulted in by its
 * owner's pager, and the call comes again: copy first, act afterwards.
 */
#include "shell.h"

int loan_result(struct call *call, enum loan loan)
{
	if (loan == LOAN_FAULTED)
		call->state = CALL_FAULTED;
	return loan == LOAN_DONE ? 0 : loan == LOAN_FAULTED ? TAKEN : -EFAULT;
}

int copy_in(struct call *call, uint64_t address, void *own, size_t bytes)
{
	return loan_result(call, loan_in(&call->message, call->event, address, own, bytes, NULL));
}

int copy_out(struct call *call, uint64_t address, const void *own, size_t bytes)
{
	return loan_result(call, loan_out(&call->message, call->event, address, own, bytes, NULL));
}

int copy_path(struct call *call, uint64_t address, char path[PATH_BYTES])
{
	size_t length;
	int result = loan_result(call, loan_string(&call->message, call->event, address, path, PATH_BYTES, &length));

	return result == 0 && length == PATH_BYTES ? -ENAMETOOLONG : result;
}

/* ---- the buffers of a transfer, from `skip` bytes into them on */

int transfer_bytes(struct call *call, unsigned how, uint64_t *bytes)
{
	const uint64_t *word = call->message.word;
	int result;

	*bytes = word[2];
	if (!(how & TRANSFER_VECTOR))
		return 0;
	result = loan_result(call, loan_vector_length(&call->message, call->event, word[1], word[2], bytes));
	return result == 0 && *bytes == LOAN_VECTOR_TOO_LONG ? -EINVAL : result;
}

int transfer_in(struct call *call, unsigned how, uint64_t skip, void *own, size_t bytes)
{
	const uint64_t *word = call->message.word;
	size_t moved;

	if (!(how & TRANSFER_VECTOR))
		return copy_in(call, word[1] + skip, own, bytes);
	return loan_result(call, loan_vector_in(&call->message, call->event, word[1], word[2], skip, own, bytes, &moved));
}

int transfer_out(struct call *call, unsigned how, uint64_t skip, const void *own, size_t bytes)
{
	const uint64_t *word = call->message.word;
	size_t moved;

	if (!(how & TRANSFER_VECTOR))
		return copy_out(call, word[1] + skip, own, bytes);
	return loan_result(call, loan_vector_out(&call->message, call->event, word[1], word[2], skip, own, bytes, &moved));
}
