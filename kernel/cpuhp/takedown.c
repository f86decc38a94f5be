// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control CPU's side of taking CPUs down from their idle loops
 *
 * See internal.h for the conversation, outgoing.c for the other side, and
 * Documentation/core-api/cpuhp-takedown.rst for what it guarantees.
 */

#define pr_fmt(fmt) "cpuhp: " fmt

#include <linux/clockchips.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/irq.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/sched/hotplug.h>
#include <linux/sched/mm.h>
#include <linux/tick.h>
#include <linux/timekeeping.h>
#include <linux/timer.h>

#include <trace/events/cpuhp.h>

#include "internal.h"
#include "state.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "cpuhp."

DEFINE_PER_CPU_SHARED_ALIGNED(struct cpuhp_takedown, cpuhp_takedown_data);

/* Looked at by the idle loop: the CPUs that have to call cpuhp_takedown_idle() */
struct cpumask cpuhp_takedown_mask __read_mostly;

static unsigned int takedown_timeout_ms = 10 * MSEC_PER_SEC;

static int takedown_timeout_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, 3600 * MSEC_PER_SEC);
}

static const struct kernel_param_ops takedown_timeout_ops = {
	.set	= takedown_timeout_set,
	.get	= param_get_uint,
};
module_param_cb(takedown_timeout_ms, &takedown_timeout_ops, &takedown_timeout_ms, 0644);

/*
 * How long one attempt may take, with irq_lock_sparse() held, for a CPU that was
 * found idle. Only one that gets no rest from interrupts needs more.
 */
#define TAKEDOWN_ATTEMPT_MS	100

/**
 * cpuhp_takedown_limit - How long an outgoing CPU may take to become idle
 *
 * Return: The limit of one operation, in ns.
 */
ktime_t cpuhp_takedown_limit(void)
{
	return ms_to_ktime(READ_ONCE(takedown_timeout_ms));
}

#ifdef CONFIG_CPUHP_TAKEDOWN_DEBUG
static bool debug_skip_gp;
module_param(debug_skip_gp, bool, 0644);

static bool takedown_skip_gp(void)
{
	return READ_ONCE(debug_skip_gp);
}
#else
static bool takedown_skip_gp(void)
{
	return false;
}
#endif

/* @when: in ns, if it was the outgoing CPU, and before */
static void takedown_trace(unsigned int cpu, const char *phase,
			   enum cpuhp_state state, u64 when)
{
	struct cpuhp_takedown *td = per_cpu_ptr(&cpuhp_takedown_data, cpu);

	if (trace_cpuhp_takedown_enabled())
		trace_cpuhp_takedown(cpu, phase, "idle", state, READ_ONCE(td->served),
				     when ? ktime_get_mono_fast_ns() - when : 0);
}

static void takedown_request(unsigned int cpu)
{
	struct cpuhp_takedown *td = per_cpu_ptr(&cpuhp_takedown_data, cpu);

	takedown_state_request(td);
	/* A request that was left behind would keep the CPU from sleeping. */
	WARN_ON_ONCE(cpumask_test_and_set_cpu(cpu, &cpuhp_takedown_mask));
	/*
	 * Takes the rq lock, as the CPU does on its way into the idle loop: it
	 * sees either the mask or the request to reschedule, however it idles.
	 */
	resched_cpu(cpu);
}

/* Back to normal: the CPU is online and has never been anything else */
static void takedown_cancel(unsigned int cpu)
{
	struct cpuhp_takedown *td = per_cpu_ptr(&cpuhp_takedown_data, cpu);

	cpumask_clear_cpu(cpu, &cpuhp_takedown_mask);
	takedown_state_reset(td);
}

/*
 * What is waited for from now on, other outgoing CPUs and the grace period, can
 * depend on nothing that sits on this one.
 */
static void takedown_inherit(unsigned int cpu)
{
	tick_claim_timekeeping();
	hotplug_cpu__broadcast_tick_pull(cpu);
	timers_migrate_from(cpu);
}

/*
 * Wait until the CPU runs its idle task, without a request that would have to be
 * withdrawn, and with no lock held that others want. False if it is too late for
 * an attempt, other than the first.
 */
static bool takedown_await_idle(unsigned int cpu, bool first)
{
	ktime_t deadline = cpuhp_vacate_deadline(cpu);

	while (!idle_cpu(cpu)) {
		if (ktime_after(ktime_get(), deadline))
			return false;
		usleep_range(500, 1000);
	}
	return first || ktime_before(ktime_get(), deadline);
}

/*
 * Wait until the CPU has quiesced. If the time is over, and the CPU has not
 * begun, withdraw the request: -EAGAIN. If it has begun the answer is not far.
 */
static int takedown_await(unsigned int cpu, unsigned long deadline)
{
	struct cpuhp_takedown *td = per_cpu_ptr(&cpuhp_takedown_data, cpu);
	long left = max(0L, (long)(deadline - jiffies));
	int err = -EAGAIN;

	if (!wait_for_completion_timeout(&td->answered, left)) {
		if (takedown_state_withdraw(td))
			goto cancel;
		cpuhp_wait_loudly(&td->answered, cpu, "to leave the other CPUs");
	}

	if (td->mm) {
		mmdrop_lazy_tlb(td->mm);
		td->mm = NULL;
	}

	if (takedown_state_quiesced(td)) {
		takedown_trace(cpu, "quiesced", CPUHP_AP_TAKEDOWN_DRAIN,
			       td->quiesced);
		takedown_inherit(cpu);
		return 0;
	}

	err = td->error;
cancel:
	takedown_cancel(cpu);
	return err;
}

/*
 * Have those of @cpus that are idle leave: on return they have quiesced, and are
 * in @gone. Those that could not are left in @cpus, those that refused are not.
 */
static int takedown_attempt(struct cpumask *cpus, struct cpumask *gone)
{
	unsigned long deadline;
	unsigned int cpu;
	int err = 0;

	/*
	 * Prevent irq alloc/free while the outgoing CPU reorganizes the
	 * interrupt affinities, which it has done when it has quiesced.
	 */
	irq_lock_sparse();

	for_each_cpu(cpu, cpus)
		takedown_request(cpu);

	deadline = jiffies + msecs_to_jiffies(TAKEDOWN_ATTEMPT_MS);
	for_each_cpu(cpu, cpus) {
		int ret = takedown_await(cpu, deadline);

		if (ret == -EAGAIN)
			continue;
		__cpumask_clear_cpu(cpu, cpus);
		if (ret)
			err = err ?: ret;
		else
			__cpumask_set_cpu(cpu, gone);
	}

	irq_unlock_sparse();
	return err;
}

static void takedown_commit(unsigned int cpu)
{
	struct cpuhp_takedown *td = per_cpu_ptr(&cpuhp_takedown_data, cpu);

	takedown_trace(cpu, "grace-period", CPUHP_AP_TAKEDOWN_DRAIN, 0);
	/* What readers added to the wheel of a CPU that they saw online */
	timers_migrate_from(cpu);
	takedown_trace(cpu, "committed", CPUHP_AP_TAKEDOWN_DRAIN, 0);
	takedown_state_commit(td);
}

static void takedown_finish(unsigned int cpu)
{
	struct cpuhp_takedown *td = per_cpu_ptr(&cpuhp_takedown_data, cpu);

	cpuhp_wait_idle_dead(cpu);
	takedown_trace(cpu, "closed", CPUHP_AP_OFFLINE, td->closed);
	takedown_trace(cpu, "dead", CPUHP_AP_IDLE_DEAD, 0);
	cpumask_clear_cpu(cpu, &cpuhp_takedown_mask);
	takedown_state_reset(td);
}

/* Those that have quiesced. Serialized by the hotplug lock. */
static struct cpumask takedown_gone;

static void takedown_slow(struct timer_list *unused)
{
	unsigned int cpu;

	for_each_cpu(cpu, &takedown_gone) {
		pr_warn("waiting for the readers who saw CPU %u online\n", cpu);
		cpuhp_takedown_warn(cpu);
	}
}

static DEFINE_TIMER(takedown_slow_timer, takedown_slow);

/*
 * A section that saw one of the CPUs online ends before this does, be it by
 * disabled preemption or interrupts or by rcu_read_lock(). Pairs with
 * set_cpu_online(cpu, false), which comes before QUIESCED. There is no limit, but
 * the log says so after a second.
 */
static void takedown_await_readers(void)
{
	if (takedown_skip_gp())
		return;
	mod_timer(&takedown_slow_timer, jiffies + HZ);
	synchronize_rcu_expedited();
	timer_delete_sync(&takedown_slow_timer);
}

static int takedown_give_up(unsigned int cpu)
{
	takedown_trace(cpu, "withdrawn", CPUHP_TEARDOWN_CPU, 0);
	return cpuhp_vacate_failed(cpu);
}

/**
 * cpuhp_takedown - Take CPUs down from their idle loops
 * @cpus:	The CPUs, which are in CPUHP_TEARDOWN_CPU and have their hotplug
 *		thread parked. On return those of them that are dead.
 *
 * All CPUs go through the first part at the same time and share one grace
 * period. A CPU that refuses, or that does not become idle in time, stays
 * online and complete and does not keep the others.
 *
 * Context: Task context, not on one of @cpus, hotplug write lock held. Sleeps.
 * Return: 0 if all are dead, -EBUSY if one did not become idle in time, or the
 *	   error of __cpu_disable(). The first one, if there are several.
 */
int cpuhp_takedown(struct cpumask *cpus)
{
	struct cpumask *gone = &takedown_gone;
	bool first = true;
	unsigned int cpu;
	int err = 0;

	for_each_cpu(cpu, cpus) {
		per_cpu(cpuhp_takedown_data, cpu).served = 0;
		takedown_trace(cpu, "request", CPUHP_TEARDOWN_CPU, 0);
	}

	cpumask_clear(gone);
	/* Those that have quiesced wait for the others: then it is one attempt. */
	while (!cpumask_empty(cpus) && cpumask_empty(gone)) {
		int ret;

		for_each_cpu(cpu, cpus) {
			if (takedown_await_idle(cpu, first))
				continue;
			__cpumask_clear_cpu(cpu, cpus);
			ret = takedown_give_up(cpu);
			err = err ?: ret;
		}
		ret = takedown_attempt(cpus, gone);
		err = err ?: ret;
		first = false;
	}
	for_each_cpu(cpu, cpus) {
		int ret = takedown_give_up(cpu);

		err = err ?: ret;
	}

	cpumask_copy(cpus, gone);
	if (cpumask_empty(cpus))
		return err;

	takedown_await_readers();

	for_each_cpu(cpu, cpus)
		takedown_commit(cpu);
	for_each_cpu(cpu, cpus)
		takedown_finish(cpu);

	return err;
}

/**
 * cpuhp_takedown_warn - How far is a CPU that somebody waits for?
 * @cpu:	The CPU
 *
 * Context: Any.
 */
void cpuhp_takedown_warn(unsigned int cpu)
{
	struct cpuhp_takedown *td = per_cpu_ptr(&cpuhp_takedown_data, cpu);

	pr_warn("CPU %u: takedown state %d, %u cross-calls served\n", cpu,
		atomic_read(&td->state), READ_ONCE(td->served));
}

static int __init cpuhp_takedown_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		init_completion(&per_cpu(cpuhp_takedown_data, cpu).answered);
	return 0;
}
early_initcall(cpuhp_takedown_init);
