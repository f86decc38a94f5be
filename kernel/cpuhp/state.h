/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KERNEL_CPUHP_STATE_H
#define _KERNEL_CPUHP_STATE_H

/*
 * The changes of the state word, an arrow of the diagram in internal.h each
 *
 * They know the conversation that they are given and no CPU, so that
 * takedown_kunit.c can hold one where no CPU goes offline.
 */

#include <linux/atomic.h>
#include <linux/completion.h>

#include "internal.h"

/**
 * takedown_state_request - Go when you are idle
 * @td: the conversation, with NONE
 *
 * Context: On the control CPU. Any.
 */
static inline void takedown_state_request(struct cpuhp_takedown *td)
{
	reinit_completion(&td->answered);
	/* Pairs with the acquire in takedown_state_accept(). */
	atomic_set_release(&td->state, CPUHP_TAKEDOWN_REQUESTED);
}

/**
 * takedown_state_withdraw - Stay
 * @td: the conversation, after a request
 *
 * Context: On the control CPU. Any.
 * Return: false if the outgoing CPU was faster
 */
static inline bool takedown_state_withdraw(struct cpuhp_takedown *td)
{
	int state = CPUHP_TAKEDOWN_REQUESTED;

	return atomic_try_cmpxchg(&td->state, &state, CPUHP_TAKEDOWN_NONE);
}

/**
 * takedown_state_accept - I go
 * @td: the conversation
 *
 * Context: On the outgoing CPU, interrupts disabled.
 * Return: false if nothing is requested, or no longer
 */
static inline bool takedown_state_accept(struct cpuhp_takedown *td)
{
	int state = CPUHP_TAKEDOWN_REQUESTED;

	/* Pairs with the release in takedown_state_request(). */
	return atomic_try_cmpxchg_acquire(&td->state, &state, CPUHP_TAKEDOWN_TAKEN);
}

/**
 * takedown_state_taken - Has this CPU accepted, and not answered?
 * @td: the conversation
 *
 * No barrier: the outgoing CPU alone enters and leaves this state.
 *
 * Context: On the outgoing CPU. Any.
 * Return: true if so
 */
static inline bool takedown_state_taken(struct cpuhp_takedown *td)
{
	return atomic_read(&td->state) == CPUHP_TAKEDOWN_TAKEN;
}

/**
 * takedown_state_answer - I have gone that far
 * @td: the conversation, with TAKEN
 * @state: QUIESCED or, by takedown_state_refuse(), REFUSED
 *
 * Context: On the outgoing CPU. Any, as complete() is.
 */
static inline void takedown_state_answer(struct cpuhp_takedown *td,
					 enum cpuhp_takedown_state state)
{
	/* Pairs with the acquire in takedown_state_quiesced(). */
	atomic_set_release(&td->state, state);
	complete(&td->answered);
}

/**
 * takedown_state_refuse - I cannot go
 * @td: the conversation, with TAKEN
 * @err: why, a negative errno
 *
 * Context: As takedown_state_answer().
 */
static inline void takedown_state_refuse(struct cpuhp_takedown *td, int err)
{
	td->error = err;
	takedown_state_answer(td, CPUHP_TAKEDOWN_REFUSED);
}

/**
 * takedown_state_quiesced - What was the answer?
 * @td: the conversation, after the completion of ->answered
 *
 * Context: On the control CPU. Any.
 * Return: true for QUIESCED, false for REFUSED
 */
static inline bool takedown_state_quiesced(struct cpuhp_takedown *td)
{
	/* Pairs with the release in takedown_state_answer(). */
	return atomic_read_acquire(&td->state) == CPUHP_TAKEDOWN_QUIESCED;
}

/**
 * takedown_state_commit - Nobody is left who saw you online: die
 * @td: the conversation, with QUIESCED
 *
 * Context: On the control CPU. Any.
 */
static inline void takedown_state_commit(struct cpuhp_takedown *td)
{
	/* Pairs with the acquire in takedown_state_committed(). */
	atomic_set_release(&td->state, CPUHP_TAKEDOWN_COMMITTED);
}

/**
 * takedown_state_committed - May I die?
 * @td: the conversation, with QUIESCED
 *
 * Context: On the outgoing CPU, in a loop without probes: so always inline.
 * Return: true if so
 */
static __always_inline bool takedown_state_committed(struct cpuhp_takedown *td)
{
	/* Pairs with the release in takedown_state_commit(). */
	return atomic_read_acquire(&td->state) == CPUHP_TAKEDOWN_COMMITTED;
}

/**
 * takedown_state_reset - It is over
 * @td: the conversation: withdrawn, refused, or with a CPU that is dead
 *
 * Nobody acts on this, so it orders nothing.
 *
 * Context: On the control CPU. Any.
 */
static inline void takedown_state_reset(struct cpuhp_takedown *td)
{
	atomic_set(&td->state, CPUHP_TAKEDOWN_NONE);
}

#endif /* _KERNEL_CPUHP_STATE_H */
