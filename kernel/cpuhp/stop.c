// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking CPUs down by stopping all CPUs
 *
 * The only way on architectures that are not converted, and on the others, if
 * it is built in, one to compare with and to fall back to.
 */

#include <linux/cpu.h>
#include <linux/irq.h>
#include <linux/moduleparam.h>
#include <linux/stop_machine.h>
#include <linux/tick.h>

#include <trace/events/cpuhp.h>

#include "internal.h"

#ifdef CONFIG_CPUHP_STOP_MACHINE
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "cpuhp."

static bool stop_machine_chosen;
module_param_named(stop_machine, stop_machine_chosen, bool, 0644);

/**
 * cpuhp_use_stop_machine - Which way has the administrator chosen?
 *
 * Context: Any.
 * Return: true for stop_machine(). Can change at any time: only takedown_cpu()'s
 *	   answer counts, others can get ready for the wrong one.
 */
bool cpuhp_use_stop_machine(void)
{
	return READ_ONCE(stop_machine_chosen);
}

/* The idle loop looks at a mask of its own. */
static void stop_mark_dead(unsigned int cpu, bool dead)
{
	cpumask_assign_cpu(cpu, &cpuhp_takedown_mask, dead);
}
#else
static void stop_mark_dead(unsigned int cpu, bool dead) { }
#endif

/* Take this CPU down. */
static int take_cpu_down(void *unused)
{
	unsigned int cpu = smp_processor_id();
	int err;

	/* Ensure this CPU doesn't handle any more interrupts. */
	err = __cpu_disable();
	if (err < 0)
		return err;

	cpuhp_run_dying(NULL);

	/* Park the stopper thread */
	stop_machine_park(cpu);
	stop_mark_dead(cpu, true);
	return 0;
}

static void stop_trace(unsigned int cpu, const char *phase, enum cpuhp_state state)
{
	trace_cpuhp_takedown(cpu, phase, "stop_machine", state, 0, 0);
}

static int stop_one(unsigned int cpu)
{
	int err;

	stop_trace(cpu, "request", CPUHP_TEARDOWN_CPU);
	/* With its tick on, a nohz_full CPU comes to stop_machine() sooner. */
	tick_dep_set(TICK_DEP_BIT_RCU);
	err = stop_machine_cpuslocked(take_cpu_down, NULL, cpumask_of(cpu));
	tick_dep_clear(TICK_DEP_BIT_RCU);
	if (err) {
		stop_trace(cpu, "refused", CPUHP_TEARDOWN_CPU);
		return err;
	}

	/* The outgoing CPU may have left the timekeeping duty to anyone. */
	tick_claim_timekeeping();

	/*
	 * The teardown callback for CPUHP_AP_SCHED_STARTING will have removed
	 * all runnable tasks from the CPU, there's only the idle task left now
	 * that the migration thread is done doing the stop_machine thing.
	 */
	cpuhp_wait_idle_dead(cpu);
	stop_trace(cpu, "dead", CPUHP_AP_IDLE_DEAD);
	stop_mark_dead(cpu, false);
	return 0;
}

/**
 * cpuhp_stop_machine_takedown - Take CPUs down, one after the other, by stop_machine()
 * @cpus:	The CPUs, which are in CPUHP_TEARDOWN_CPU and have their hotplug
 *		thread parked. On return those of them that are dead.
 *
 * Context: As cpuhp_takedown().
 * Return: 0 if all are dead, else the first error of __cpu_disable().
 */
int cpuhp_stop_machine_takedown(struct cpumask *cpus)
{
	unsigned int cpu;
	int err = 0;

	/*
	 * Prevent irq alloc/free while the dying cpu reorganizes the
	 * interrupt affinities.
	 */
	irq_lock_sparse();

	for_each_cpu(cpu, cpus) {
		int ret = stop_one(cpu);

		if (ret) {
			__cpumask_clear_cpu(cpu, cpus);
			err = err ?: ret;
		}
	}

	/* Interrupts are moved away from the dying cpu, reenable alloc/free */
	irq_unlock_sparse();
	return err;
}
