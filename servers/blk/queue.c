/* See queue.h. */
#include "queue.h"

#include "server.h"

size_t queue_available_offset(unsigned size)
{
	return size * sizeof(struct virtio_descriptor);
}

size_t queue_used_offset(unsigned size)
{
	size_t end = queue_available_offset(size) + sizeof(struct virtio_available) + (size + 1) * sizeof(uint16_t);

	return (end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

void queue_init(struct queue *queue, void *memory, unsigned size)
{
	*queue = (struct queue){
		.descriptor = memory,
		.available = (void *)((char *)memory + queue_available_offset(size)),
		.used = (void *)((char *)memory + queue_used_offset(size)),
		.size = size, .free_count = size,
	};
	memset(memory, 0, queue_used_offset(size) + sizeof(struct virtio_used));
	for (unsigned i = 0; i < size; i++)
		queue->next[i] = i + 1;
}

int queue_add(struct queue *queue, const struct segment *segment, unsigned count)
{
	struct virtio_descriptor *descriptor = NULL;
	unsigned head = queue->free_head, index = head;

	if (!count || count > queue->free_count)
		return -1;
	for (const struct segment *end = segment + count; segment != end; segment++) {
		descriptor = &queue->descriptor[index];
		index = queue->next[index];
		descriptor->address = segment->physical;
		descriptor->bytes = segment->bytes;
		descriptor->flags = segment->flags | DESCRIPTOR_NEXT;
		descriptor->next = index;
	}
	descriptor->flags = segment[-1].flags;
	descriptor->next = 0;
	queue->free_head = index;
	queue->free_count -= count;
	queue->length[head] = count;
	queue->available->ring[queue->available_index & (queue->size - 1)] = head;
	queue->available_index++;
	return head;
}

/* The fences order memory against memory, and the store of the index before the load of the flags. */
bool queue_publish(struct queue *queue)
{
	__atomic_store_n(&queue->available->index, queue->available_index, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !(__atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED) & USED_NO_NOTIFY);
}

static void release(struct queue *queue, unsigned head)
{
	unsigned last = head;

	for (unsigned i = 1; i < queue->length[head]; i++)
		last = queue->next[last];
	queue->free_count += queue->length[head];
	queue->length[head] = 0;
	queue->next[last] = queue->free_head;
	queue->free_head = head;
}

enum queue_result queue_next(struct queue *queue, unsigned *head)
{
	uint16_t pending = __atomic_load_n(&queue->used->index, __ATOMIC_ACQUIRE) - queue->used_index;
	uint32_t id;

	if (!pending)
		return QUEUE_EMPTY;
	if (pending > queue->size)
		return QUEUE_BROKEN;
	id = *(volatile uint32_t *)&queue->used->ring[queue->used_index & (queue->size - 1)].head;
	if (id >= queue->size || !queue->length[id])
		return QUEUE_BROKEN;
	queue->used_index++;
	release(queue, id);
	*head = id;
	return QUEUE_USED;
}
