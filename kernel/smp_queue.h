/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KERNEL_SMP_QUEUE_H
#define _KERNEL_SMP_QUEUE_H

/*
 * A lock-less list that its owner can close
 *
 * This is an llist with one more value for the head: the mark of a closed
 * queue. Any CPU adds, in any context. One CPU, the owner, takes all entries
 * at once, and it alone closes and opens the queue.
 *
 * An entry cannot be lost. Adding replaces the head by a cmpxchg(), closing by
 * an xchg(): whichever comes second sees the first. An entry that got in before
 * the mark is returned by smp_queue_close(), and one that comes behind it sees
 * the mark and is refused.
 *
 * Ordering: smp_queue_add() and the owner's operations are full barriers (where
 * they change the head). What was written before an entry was added is visible
 * to the owner that takes it. A refused smp_queue_add() orders nothing.
 */

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/llist.h>

#define SMP_QUEUE_CLOSED	((struct llist_node *)-ENXIO)

/**
 * smp_queue_add - Add an entry unless the queue is closed
 * @node:	The entry
 * @queue:	The queue
 *
 * Context: Any, including NMI where cmpxchg() may be used there.
 * Return: 1 if the queue was empty before, 0 if it was not, -ENXIO if it is
 *	   closed and @node was not added.
 */
static inline int smp_queue_add(struct llist_node *node, struct llist_head *queue)
{
	struct llist_node *first = READ_ONCE(queue->first);

	do {
		if (unlikely(first == SMP_QUEUE_CLOSED))
			return -ENXIO;
		node->next = first;
	} while (!try_cmpxchg(&queue->first, &first, node));

	return !first;
}

/**
 * smp_queue_take - Take all entries, newest first
 * @queue:	The queue of this CPU
 *
 * Return: The first entry or NULL. A closed queue is empty, and stays closed.
 */
static inline struct llist_node *smp_queue_take(struct llist_head *queue)
{
	if (READ_ONCE(queue->first) == SMP_QUEUE_CLOSED)
		return NULL;

	return xchg(&queue->first, NULL);
}

/**
 * smp_queue_close - Close the queue and take what got in before
 * @queue:	The queue of this CPU
 *
 * Return: The first entry, newest first, or NULL.
 */
static inline struct llist_node *smp_queue_close(struct llist_head *queue)
{
	struct llist_node *first = xchg(&queue->first, SMP_QUEUE_CLOSED);

	return first == SMP_QUEUE_CLOSED ? NULL : first;
}

/**
 * smp_queue_open - Let entries in again
 * @queue:	The queue, whose owner does not run yet, or calls this. It stays
 *		as it is if it is open.
 */
static inline void smp_queue_open(struct llist_head *queue)
{
	if (READ_ONCE(queue->first) == SMP_QUEUE_CLOSED)
		xchg(&queue->first, NULL);
}

#endif /* _KERNEL_SMP_QUEUE_H */
