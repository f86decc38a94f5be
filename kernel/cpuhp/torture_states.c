// SPDX-License-Identifier: GPL-2.0-only
/*
 * Torture test for CPU offline: hotplug states that come and go.
 *
 * States of all three sections are registered and removed while CPUs go off and
 * on, in each of the ways that there are.  Each of them has to be started and torn
 * down in turn for every CPU, on that CPU and with the interrupts off where this
 * is promised, those that come later in the order of the states inside of those
 * that come earlier.  No CPU may be missed, and none may be seen twice.
 */
#define pr_fmt(fmt) "cpuhp-torture: " fmt

#include <linux/bits.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "torture.h"

enum cpuhpt_state_id {
	CPUHPT_PREPARE,		/* On the control CPU, the CPU is dead. */
	CPUHPT_AFTER,		/* Atomic, after the wait for the readers. */
	CPUHPT_BEFORE,		/* Atomic, before it. */
	CPUHPT_ONLINE,		/* In the CPU's hotplug thread. */
	CPUHPT_NOCALLS,		/* There, too: CPUs that are online are adopted. */
	CPUHPT_FIRST,		/* There, too: an instance of a state that has two. */
	CPUHPT_SECOND,		/* The other one, in no order with the first. */
	CPUHPT_NR_STATES
};

#define CPUHPT_MULTI	(BIT(CPUHPT_FIRST) | BIT(CPUHPT_SECOND))

/* For each CPU the states that are up. */
static DEFINE_PER_CPU(unsigned long, cpuhpt_up);

/* The states that a CPU has to pass, only changed when none is on its way. */
static unsigned long cpuhpt_registered;

static int cpuhpt_ids[CPUHPT_NR_STATES];
static struct task_struct *cpuhpt_states_task;
static atomic_long_t cpuhpt_rounds;
static atomic_long_t cpuhpt_started;

static void cpuhpt_state_check(enum cpuhpt_state_id id, unsigned int cpu, bool up)
{
	unsigned long *word = per_cpu_ptr(&cpuhpt_up, cpu), is = READ_ONCE(*word);
	unsigned long self = BIT(id) & CPUHPT_MULTI ? CPUHPT_MULTI : BIT(id);
	unsigned long below = (self & -self) - 1, above = ~(self | below);
	bool atomic = id == CPUHPT_AFTER || id == CPUHPT_BEFORE;
	const char *what = up ? "start" : "teardown";

	if (!!(is & BIT(id)) == up)
		cpuhpt_error(CPUHPT_STATES, "second %s of state %d on CPU %u", what, id, cpu);
	if (is & above)
		cpuhpt_error(CPUHPT_STATES, "%s of state %d on CPU %u, later ones are up: %#lx",
			     what, id, cpu, is & above);
	if (READ_ONCE(cpuhpt_registered) & below & ~is)
		cpuhpt_error(CPUHPT_STATES, "%s of state %d on CPU %u, only %#lx are up",
			     what, id, cpu, is & below);
	if (id != CPUHPT_PREPARE && cpu != raw_smp_processor_id())
		cpuhpt_error(CPUHPT_STATES, "%s of state %d of CPU %u on CPU %d",
			     what, id, cpu, raw_smp_processor_id());
	if (irqs_disabled() != atomic)
		cpuhpt_error(CPUHPT_STATES, "%s of state %d on CPU %u with interrupts %s",
			     what, id, cpu, irqs_disabled() ? "off" : "on");

	/* Nobody else changes this CPU's word meanwhile, but others read it. */
	WRITE_ONCE(*word, up ? is | BIT(id) : is & ~BIT(id));
	if (up)
		atomic_long_inc(&cpuhpt_started);
}

#define CPUHPT_CALLBACK(name, id, up)			\
static int cpuhpt_##name(unsigned int cpu)		\
{							\
	cpuhpt_state_check(id, cpu, up);		\
	return 0;					\
}

CPUHPT_CALLBACK(start_prepare, CPUHPT_PREPARE, true)
CPUHPT_CALLBACK(teardown_prepare, CPUHPT_PREPARE, false)
CPUHPT_CALLBACK(start_after, CPUHPT_AFTER, true)
CPUHPT_CALLBACK(teardown_after, CPUHPT_AFTER, false)
CPUHPT_CALLBACK(start_before, CPUHPT_BEFORE, true)
CPUHPT_CALLBACK(teardown_before, CPUHPT_BEFORE, false)
CPUHPT_CALLBACK(start_online, CPUHPT_ONLINE, true)
CPUHPT_CALLBACK(teardown_online, CPUHPT_ONLINE, false)
CPUHPT_CALLBACK(start_nocalls, CPUHPT_NOCALLS, true)
CPUHPT_CALLBACK(teardown_nocalls, CPUHPT_NOCALLS, false)

static struct hlist_node cpuhpt_instances[2];
static int cpuhpt_multi_state;

static int cpuhpt_start_multi(unsigned int cpu, struct hlist_node *node)
{
	cpuhpt_state_check(CPUHPT_FIRST + (node - cpuhpt_instances), cpu, true);
	return 0;
}

static int cpuhpt_teardown_multi(unsigned int cpu, struct hlist_node *node)
{
	cpuhpt_state_check(CPUHPT_FIRST + (node - cpuhpt_instances), cpu, false);
	return 0;
}

/*
 * Atomic states are not given out on request.  These two belong to drivers of
 * 32-bit Arm and are at either side of CPUHP_AP_TAKEDOWN_DRAIN.
 */
static const struct cpuhpt_state {
	enum cpuhp_state	state;
	const char		*name;
	int			(*start)(unsigned int cpu);
	int			(*teardown)(unsigned int cpu);
} cpuhpt_states[CPUHPT_NR_STATES] = {
	[CPUHPT_PREPARE] = {
		CPUHP_BP_PREPARE_DYN, "cpuhp/torture:prepare",
		cpuhpt_start_prepare, cpuhpt_teardown_prepare,
	},
	[CPUHPT_AFTER] = {
		CPUHP_AP_ARM_L2X0_STARTING, "cpuhp/torture:after",
		cpuhpt_start_after, cpuhpt_teardown_after,
	},
	[CPUHPT_BEFORE] = {
		CPUHP_AP_ARM_CACHE_B15_RAC_DYING, "cpuhp/torture:before",
		cpuhpt_start_before, cpuhpt_teardown_before,
	},
	[CPUHPT_ONLINE] = {
		CPUHP_AP_ONLINE_DYN, "cpuhp/torture:online2",
		cpuhpt_start_online, cpuhpt_teardown_online,
	},
	[CPUHPT_NOCALLS] = {
		CPUHP_AP_ONLINE_DYN, "cpuhp/torture:nocalls",
		cpuhpt_start_nocalls, cpuhpt_teardown_nocalls,
	},
};

/* Between two operations, each CPU has passed all states or none. */
static void cpuhpt_states_settled(unsigned long want)
{
	unsigned int cpu;

	cpus_read_lock();
	for_each_possible_cpu(cpu) {
		unsigned long is = per_cpu(cpuhpt_up, cpu);

		if (is != (cpu_online(cpu) ? want : 0))
			cpuhpt_error(CPUHPT_STATES, "CPU %u is %s and has states %#lx of %#lx", cpu,
				     cpu_online(cpu) ? "online" : "offline", is, want);
	}
	cpus_read_unlock();
}

/* What the callback does not do for the CPUs that are online. */
static void cpuhpt_states_adopt(enum cpuhpt_state_id id, bool up)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		unsigned long *word = per_cpu_ptr(&cpuhpt_up, cpu);

		WRITE_ONCE(*word, up ? *word | BIT(id) : *word & ~BIT(id));
	}
}

static int cpuhpt_state_register_multi(void)
{
	int ret = cpuhp_setup_state_multi(CPUHP_AP_ONLINE_DYN, "cpuhp/torture:multi",
					  cpuhpt_start_multi, cpuhpt_teardown_multi);

	if (ret < 0)
		return ret;
	cpuhpt_multi_state = ret;
	ret = cpuhp_state_add_instance(cpuhpt_multi_state, &cpuhpt_instances[0]);
	if (ret)
		cpuhp_remove_multi_state(cpuhpt_multi_state);
	return ret;
}

/* Returns a dynamic state, 0, or an errno. */
static int cpuhpt_state_register(enum cpuhpt_state_id id)
{
	const struct cpuhpt_state *state = &cpuhpt_states[id];
	int ret;

	switch (id) {
	case CPUHPT_NOCALLS:
		/* Under one lock, or a CPU could come or go in between. */
		cpus_read_lock();
		ret = cpuhp_setup_state_nocalls_cpuslocked(state->state, state->name,
							   state->start, state->teardown);
		if (ret >= 0)
			cpuhpt_states_adopt(id, true);
		cpus_read_unlock();
		return ret;
	case CPUHPT_FIRST:
		return cpuhpt_state_register_multi();
	case CPUHPT_SECOND:
		return cpuhp_state_add_instance(cpuhpt_multi_state, &cpuhpt_instances[1]);
	default:
		return cpuhp_setup_state(state->state, state->name, state->start,
					 state->teardown);
	}
}

static void cpuhpt_state_unregister(enum cpuhpt_state_id id)
{
	switch (id) {
	case CPUHPT_NOCALLS:
		cpus_read_lock();
		cpuhp_remove_state_nocalls_cpuslocked(cpuhpt_ids[id]);
		cpuhpt_states_adopt(id, false);
		cpus_read_unlock();
		break;
	case CPUHPT_FIRST:
		cpuhp_state_remove_instance(cpuhpt_multi_state, &cpuhpt_instances[0]);
		cpuhp_remove_multi_state(cpuhpt_multi_state);
		break;
	case CPUHPT_SECOND:
		cpuhp_state_remove_instance(cpuhpt_multi_state, &cpuhpt_instances[1]);
		break;
	default:
		cpuhp_remove_state(cpuhpt_ids[id]);
	}
}

static int cpuhpt_states_register(void)
{
	int id, ret;

	for (id = 0; id < CPUHPT_NR_STATES; id++) {
		ret = cpuhpt_state_register(id);
		if (ret < 0)
			return ret;
		cpuhpt_ids[id] = ret ?: cpuhpt_states[id].state;
		WRITE_ONCE(cpuhpt_registered, cpuhpt_registered | BIT(id));
	}
	cpuhpt_states_settled(cpuhpt_registered);
	return 0;
}

static void cpuhpt_states_unregister(void)
{
	int id;

	for (id = CPUHPT_NR_STATES - 1; id >= 0; id--) {
		if (!(cpuhpt_registered & BIT(id)))
			continue;
		WRITE_ONCE(cpuhpt_registered, cpuhpt_registered & ~BIT(id));
		cpuhpt_state_unregister(id);
	}
	cpuhpt_states_settled(0);
}

static int cpuhpt_states_thread(void *arg)
{
	DEFINE_TORTURE_RANDOM(rand);

	do {
		int ret = cpuhpt_states_register();

		if (ret)
			cpuhpt_error(CPUHPT_STATES, "registration failed: %d", ret);
		/* Long enough for some CPUs to pass, most of the time */
		schedule_timeout_idle(1 + torture_random(&rand) % HZ);
		cpuhpt_states_unregister();
		atomic_long_inc(&cpuhpt_rounds);
		schedule_timeout_idle(1 + torture_random(&rand) % (HZ / 10));
	} while (!torture_must_stop());
	torture_kthread_stopping("cpuhpt_states");
	return 0;
}

/**
 * cpuhpt_states_start - start to register and remove hotplug states
 *
 * Context: May sleep.
 * Return: 0 or an errno.
 */
int cpuhpt_states_start(void)
{
	return torture_create_kthread(cpuhpt_states_thread, NULL, cpuhpt_states_task);
}

/**
 * cpuhpt_states_stop - stop; all states are gone on return
 *
 * Context: May sleep.
 */
void cpuhpt_states_stop(void)
{
	torture_stop_kthread(cpuhpt_states_thread, cpuhpt_states_task);
}

/**
 * cpuhpt_states_print - the statistics, in one line
 *
 * Context: Any.
 */
void cpuhpt_states_print(void)
{
	pr_alert("hotplug states: rounds: %ld started: %ld\n",
		 atomic_long_read(&cpuhpt_rounds), atomic_long_read(&cpuhpt_started));
}
