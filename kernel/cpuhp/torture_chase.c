// SPDX-License-Identifier: GPL-2.0-only
/*
 * Torture test for CPU offline: cross-calls up to the last moment.
 *
 * The chaser does not look whether a CPU is online, nor make a section.  It
 * calls a CPU that is on its way out until it is refused, so that there is
 * something in the queue when the CPU closes it.  A call that was not refused
 * has to be executed, and one that was must not be.
 */
#define pr_fmt(fmt) "cpuhp-torture: " fmt

#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "torture.h"

/* A few under way at a time, to queue behind each other. */
#define CPUHPT_CALLS	8

struct cpuhpt_call {
	call_single_data_t	csd;
	bool			executed;
};

static struct cpuhpt_call cpuhpt_calls[CPUHPT_CALLS];
static struct task_struct *cpuhpt_chaser_task;
static unsigned long cpuhpt_chase_jiffies;
static atomic_long_t cpuhpt_taken, cpuhpt_refused;

static void cpuhpt_call_fn(void *arg)
{
	struct cpuhpt_call *call = arg;

	/* Who is called may be a reader. Only lockdep knows. */
	rcu_read_lock();
	if (!rcu_read_lock_held())
		cpuhpt_error(CPUHPT_WRONG, "call executed where RCU does not watch CPU %d",
			     smp_processor_id());
	rcu_read_unlock();

	/* Pairs with the acquire in cpuhpt_call_wait(). */
	smp_store_release(&call->executed, true);
}

static bool cpuhpt_call_wait(struct cpuhpt_call *call)
{
	unsigned long end = jiffies + cpuhpt_chase_jiffies;

	/* Pairs with the release in cpuhpt_call_fn(). */
	while (!smp_load_acquire(&call->executed)) {
		if (time_after(jiffies, end))
			return false;
		cpu_relax();
		cond_resched();
	}
	return true;
}

/* Returns whether there is a point in trying again. */
static bool cpuhpt_chase(int cpu)
{
	int err[CPUHPT_CALLS];
	bool go_on = true;
	int i;

	for (i = 0; i < CPUHPT_CALLS; i++) {
		struct cpuhpt_call *call = &cpuhpt_calls[i];

		WRITE_ONCE(call->executed, false);
		err[i] = smp_call_function_single_async(cpu, &call->csd);
	}
	for (i = 0; i < CPUHPT_CALLS; i++) {
		struct cpuhpt_call *call = &cpuhpt_calls[i];

		if (err[i]) {
			atomic_long_inc(&cpuhpt_refused);
			go_on = false;
			if (READ_ONCE(call->executed))
				cpuhpt_error(CPUHPT_WRONG, "refused call to CPU %d executed", cpu);
		} else if (cpuhpt_call_wait(call)) {
			atomic_long_inc(&cpuhpt_taken);
		} else {
			cpuhpt_error(CPUHPT_LOST, "call to CPU %d, not refused", cpu);
			/* It is still queued somewhere: nothing to go on with. */
			return false;
		}
	}
	return go_on;
}

static int cpuhpt_chaser(void *arg)
{
	bool lost = false;

	do {
		int cpu = cpumask_first(cpuhpt_going_mask());

		/* On the CPU itself a call does not wait, and neither must others. */
		while (cpu < nr_cpu_ids && !lost && cpuhpt_chase(cpu) && !torture_must_stop())
			cond_resched();
		lost = cpuhpt_has_lost();
		schedule_timeout_idle(1);
	} while (!torture_must_stop());
	torture_kthread_stopping("cpuhpt_chaser");
	return 0;
}

/**
 * cpuhpt_chaser_start - start to call CPUs that are about to go
 * @lost_secs: after that time a call counts as lost
 *
 * Context: May sleep.
 * Return: 0 or an errno.
 */
int cpuhpt_chaser_start(unsigned int lost_secs)
{
	int i;

	cpuhpt_chase_jiffies = lost_secs * HZ;
	for (i = 0; i < CPUHPT_CALLS; i++)
		INIT_CSD(&cpuhpt_calls[i].csd, cpuhpt_call_fn, &cpuhpt_calls[i]);
	return torture_create_kthread(cpuhpt_chaser, NULL, cpuhpt_chaser_task);
}

/**
 * cpuhpt_chaser_stop - stop to call them; all calls are done on return
 *
 * Context: May sleep.
 */
void cpuhpt_chaser_stop(void)
{
	torture_stop_kthread(cpuhpt_chaser, cpuhpt_chaser_task);
}

/**
 * cpuhpt_chaser_print - the statistics, in one line
 *
 * Context: Any.
 */
void cpuhpt_chaser_print(void)
{
	pr_alert("calls to CPUs that go: taken: %ld refused: %ld\n",
		 atomic_long_read(&cpuhpt_taken), atomic_long_read(&cpuhpt_refused));
}
