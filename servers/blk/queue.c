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

void queue_add(struct queue *queue, const struct chain *chain)
{
	queue->free_head = (uint16_t)chain->next;
	queue->free_count -= chain->length;
	queue->chain[chain->head].length = (uint16_t)chain->length;
	queue->chain[chain->head].last = (uint16_t)chain->last;
	queue->available->ring[queue->available_index++ & (queue->size - 1)] = (uint16_t)chain->head;
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
	queue->free_count += queue->chain[head].length;
	queue->chain[head].length = 0;
	queue->next[queue->chain[head].last] = queue->free_head;
	queue->free_head = (uint16_t)head;
}

static uint16_t pending(const struct queue *queue)
{
	return __atomic_load_n(&queue->used->index, __ATOMIC_ACQUIRE) - queue->used_index;
}

enum queue_result queue_next(struct queue *queue, unsigned *head)
{
	uint16_t count = pending(queue);
	uint32_t id;

	if (!count)
		return QUEUE_EMPTY;
	id = *(volatile uint32_t *)&queue->used->ring[queue->used_index & (queue->size - 1)].head;
	if (count > queue->size || id >= queue->size || !queue->chain[id].length)
		return QUEUE_BROKEN;
	queue->used_index++;
	release(queue, id);
	*head = id;
	return QUEUE_USED;
}

void queue_ignore(struct queue *queue)
{
	__atomic_store_n(&queue->available->flags, AVAILABLE_NO_INTERRUPT, __ATOMIC_RELAXED);
}

/* The store of the flag comes before the load of the index: what is finished after that interrupts. */
bool queue_listen(struct queue *queue)
{
	__atomic_store_n(&queue->available->flags, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return pending(queue);
}
