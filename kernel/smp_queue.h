/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KERNEL_SMP_QUEUE_H
#define _KERNEL_SMP_QUEUE_H

/*
 * A lock-less list that its owner can close
 *
 * This is an llist with two more values for the head of an empty one: the mark of
 * a queue that is closed, and the mark of one whose owner looks at it by itself.
 * Any CPU adds, in any context. One CPU, the owner, takes all entries at once,
 * and it alone changes what an empty queue is.
 *
 * An entry cannot be lost. Adding replaces the head by a cmpxchg(), closing by
 * an xchg(): whichever comes second sees the first. An entry that got in before
 * the mark is returned by smp_queue_close(), and one that comes behind it sees
 * the mark and is refused. In the same way smp_queue_poll_end() returns what was
 * added to a queue that is polled, and what comes later gives notice.
 *
 * Ordering: smp_queue_add() and the owner's operations are full barriers (where
 * they change the head). What was written before an entry was added is visible
 * to the owner that takes it. A refused smp_queue_add() orders nothing.
 */

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/llist.h>

#define SMP_QUEUE_CLOSED	((struct llist_node *)-ENXIO)
#define SMP_QUEUE_POLLED	((struct llist_node *)-EAGAIN)

/**
 * smp_queue_add - Add an entry unless the queue is closed
 * @node:	The entry
 * @queue:	The queue
 *
 * Context: Any, including NMI where cmpxchg() may be used there.
 * Return: 1 if the owner has to be told, as the queue was empty before, 0 if it
 *	   has been told or looks by itself, -ENXIO if the queue is closed and
 *	   @node was not added.
 */
static __always_inline int smp_queue_add(struct llist_node *node, struct llist_head *queue)
{
	struct llist_node *first = READ_ONCE(queue->first);

	do {
		struct llist_node *next = first;

		if (IS_ERR(first)) {
			if (first == SMP_QUEUE_CLOSED)
				return -ENXIO;
			next = NULL;
		}
		node->next = next;
	} while (!try_cmpxchg(&queue->first, &first, node));

	return !first;
}

/* What an empty queue has in its head is no entry. */
static inline struct llist_node *smp_queue_entries(struct llist_node *first)
{
	return IS_ERR(first) ? NULL : first;
}

/**
 * smp_queue_take - Take all entries, newest first
 * @queue:	The queue of this CPU, which does not poll it
 *
 * Return: The first entry or NULL. A closed queue is empty, and stays closed.
 */
static inline struct llist_node *smp_queue_take(struct llist_head *queue)
{
	if (IS_ERR(READ_ONCE(queue->first)))
		return NULL;

	return xchg(&queue->first, NULL);
}

/**
 * smp_queue_poll - Take all entries, newest first, and need no notice
 * @queue:	The queue of this CPU, which is open
 *
 * From the first call to smp_queue_poll_end() or smp_queue_close() this CPU has
 * to call it over and over.
 *
 * Return: The first entry or NULL
 */
static __always_inline struct llist_node *smp_queue_poll(struct llist_head *queue)
{
	/* Others spin on this line when they add: do not take it for nothing. */
	if (READ_ONCE(queue->first) == SMP_QUEUE_POLLED)
		return NULL;

	return smp_queue_entries(xchg(&queue->first, SMP_QUEUE_POLLED));
}

/**
 * smp_queue_poll_end - Take all entries, newest first, and need notice again
 * @queue:	The queue of this CPU, which polls it
 *
 * Return: The first entry or NULL
 */
static inline struct llist_node *smp_queue_poll_end(struct llist_head *queue)
{
	return smp_queue_entries(xchg(&queue->first, NULL));
}

/**
 * smp_queue_close - Close the queue and take what got in before
 * @queue:	The queue of this CPU
 *
 * Return: The first entry, newest first, or NULL.
 */
static inline struct llist_node *smp_queue_close(struct llist_head *queue)
{
	return smp_queue_entries(xchg(&queue->first, SMP_QUEUE_CLOSED));
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
