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

/* By the control CPU, with NONE: go when you are idle. */
static inline void takedown_state_request(struct cpuhp_takedown *td)
{
	reinit_completion(&td->answered);
	/* Pairs with the acquire in takedown_state_accept(). */
	atomic_set_release(&td->state, CPUHP_TAKEDOWN_REQUESTED);
}

/* By the control CPU: stay. False if the outgoing CPU was faster. */
static inline bool takedown_state_withdraw(struct cpuhp_takedown *td)
{
	int state = CPUHP_TAKEDOWN_REQUESTED;

	return atomic_try_cmpxchg(&td->state, &state, CPUHP_TAKEDOWN_NONE);
}

/* By the outgoing CPU. False if nothing is requested, or no longer. */
static inline bool takedown_state_accept(struct cpuhp_takedown *td)
{
	int state = CPUHP_TAKEDOWN_REQUESTED;

	/* Pairs with the release in takedown_state_request(). */
	return atomic_try_cmpxchg_acquire(&td->state, &state, CPUHP_TAKEDOWN_TAKEN);
}

/* For the outgoing CPU, which alone enters and leaves this state: no barrier */
static inline bool takedown_state_taken(struct cpuhp_takedown *td)
{
	return atomic_read(&td->state) == CPUHP_TAKEDOWN_TAKEN;
}

/* By the outgoing CPU, with TAKEN: QUIESCED or REFUSED */
static inline void takedown_state_answer(struct cpuhp_takedown *td,
					 enum cpuhp_takedown_state state)
{
	/* Pairs with the acquire in takedown_state_quiesced(). */
	atomic_set_release(&td->state, state);
	complete(&td->answered);
}

static inline void takedown_state_refuse(struct cpuhp_takedown *td, int err)
{
	td->error = err;
	takedown_state_answer(td, CPUHP_TAKEDOWN_REFUSED);
}

/* For the control CPU, which has been answered */
static inline bool takedown_state_quiesced(struct cpuhp_takedown *td)
{
	/* Pairs with the release in takedown_state_answer(). */
	return atomic_read_acquire(&td->state) == CPUHP_TAKEDOWN_QUIESCED;
}

/* By the control CPU, with QUIESCED: die. */
static inline void takedown_state_commit(struct cpuhp_takedown *td)
{
	/* Pairs with the acquire in takedown_state_committed(). */
	atomic_set_release(&td->state, CPUHP_TAKEDOWN_COMMITTED);
}

/* For the outgoing CPU, in a loop without probes: so always inline */
static __always_inline bool takedown_state_committed(struct cpuhp_takedown *td)
{
	/* Pairs with the release in takedown_state_commit(). */
	return atomic_read_acquire(&td->state) == CPUHP_TAKEDOWN_COMMITTED;
}

/*
 * By the control CPU, which has withdrawn or was refused, or whose outgoing CPU
 * is dead: nobody acts on this, so it orders nothing.
 */
static inline void takedown_state_reset(struct cpuhp_takedown *td)
{
	atomic_set(&td->state, CPUHP_TAKEDOWN_NONE);
}

#endif /* _KERNEL_CPUHP_STATE_H */
