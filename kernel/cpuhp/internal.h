/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KERNEL_CPUHP_INTERNAL_H
#define _KERNEL_CPUHP_INTERNAL_H

/*
 * Taking CPUs down: what kernel/cpu.c and the files in here share.
 *
 * kernel/cpu.c owns the hotplug state machine. For CPUHP_TEARDOWN_CPU it calls
 * cpuhp_takedown() or cpuhp_stop_machine_takedown() on the control CPU, and
 * they get the outgoing CPU to run the DYING callbacks and to die.
 *
 * The idle takedown is a conversation of the control CPU with each outgoing
 * CPU, by one word per outgoing CPU:
 *
 *              control               outgoing                 control
 *	NONE ----------> REQUESTED ----------> TAKEN ---> QUIESCED -----> COMMITTED
 *	  ^                  |                   |                            |
 *	  |     control      |                   v                            |
 *	  +------------------+                REFUSED                         |
 *	  |                                      |                            |
 *	  +--------------------------------------+----------------------------+
 *					   control
 *
 * REQUESTED	The idle loop of the outgoing CPU shall take it down. It does so
 *		when nothing else is left to run. Can be withdrawn.
 * TAKEN	It is at it, with interrupts disabled until the end. From here on
 *		an answer comes in bounded time.
 * REFUSED	__cpu_disable() failed, with ->error. The CPU is online as before.
 * QUIESCED	The CPU is out of cpu_online_mask and has nothing left that others
 *		could need while they do not need the CPU itself: no timer, no
 *		timekeeping duty. It serves cross-calls only.
 * COMMITTED	A grace period has passed, so nobody is left who saw it online.
 *		It runs the other callbacks and dies.
 *
 * Every change is a release of what was done before and an acquire by whoever
 * reads the new value; there is nothing else that the two share.
 */

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/percpu-defs.h>

struct mm_struct;
struct task_struct;

enum cpuhp_takedown_state {
	CPUHP_TAKEDOWN_NONE,
	CPUHP_TAKEDOWN_REQUESTED,
	CPUHP_TAKEDOWN_TAKEN,
	CPUHP_TAKEDOWN_REFUSED,
	CPUHP_TAKEDOWN_QUIESCED,
	CPUHP_TAKEDOWN_COMMITTED,
};

/**
 * struct cpuhp_takedown - The conversation with one outgoing CPU
 * @state:	See above
 * @error:	Why __cpu_disable() refused
 * @mm:		The mm that the idle task has left, for the control CPU to drop
 * @answered:	Completed with REFUSED or QUIESCED
 * @served:	How many cross-calls it has run since TAKEN, to be traced
 * @quiesced:	When it was, in ns, to be traced
 * @closed:	When it closed its queue, likewise
 */
struct cpuhp_takedown {
	atomic_t		state;
	int			error;
	struct mm_struct	*mm;
	struct completion	answered;
	unsigned int		served;
	u64			quiesced;
	u64			closed;
};

DECLARE_PER_CPU_SHARED_ALIGNED(struct cpuhp_takedown, cpuhp_takedown_data);

/* kernel/cpu.c */
void cpuhp_run_dying(void (*between)(void));
void cpuhp_wait_idle_dead(unsigned int cpu);
void cpuhp_wait_loudly(struct completion *done, unsigned int cpu, const char *what);

/* kernel/cpuhp/takedown.c */
int cpuhp_takedown(struct cpumask *cpus);
#ifdef CONFIG_CPUHP_TAKEDOWN
ktime_t cpuhp_takedown_limit(void);
void cpuhp_takedown_warn(unsigned int cpu);
#else
static inline ktime_t cpuhp_takedown_limit(void)
{
	return KTIME_MAX;
}

static inline void cpuhp_takedown_warn(unsigned int cpu) { }
#endif
int cpuhp_drain_cpu(unsigned int cpu);

/* kernel/cpuhp/stop.c */
int cpuhp_stop_machine_takedown(struct cpumask *cpus);

#endif /* _KERNEL_CPUHP_INTERNAL_H */
