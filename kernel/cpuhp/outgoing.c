// SPDX-License-Identifier: GPL-2.0-only
/*
 * The outgoing CPU's side: the idle task takes its own CPU down
 *
 * All of this runs with interrupts disabled, from the idle loop to the CPU's
 * death, while the other CPUs run. See internal.h.
 */

#include <linux/clockchips.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/kprobes.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/hotplug.h>
#include <linux/sched/mm.h>
#include <linux/smp.h>
#include <linux/stop_machine.h>
#include <linux/tick.h>
#include <linux/timekeeping.h>

#include <trace/events/cpuhp.h>

#include "internal.h"
#include "state.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "cpuhp."

#ifdef CONFIG_CPUHP_TAKEDOWN_DEBUG
static bool debug_refuse;
module_param(debug_refuse, bool, 0644);

/* x86 refuses like this if it has no vectors for the interrupts to move. */
static int takedown_disable_cpu(void)
{
	return READ_ONCE(debug_refuse) ? -ENOSPC : __cpu_disable();
}
#else
static int takedown_disable_cpu(void)
{
	return __cpu_disable();
}
#endif

/* How often cross-calls are looked at while the architecture waits, in us */
#define OUTGOING_POLL_US	5

/* This CPU stays online, and tasks can run here again. */
static void takedown_stay(void)
{
	smp_call_poll_end();
	stop_machine_open();
}

/*
 * What the calls have raised here, as after those that an idle CPU flushes. The
 * idle loop has not decided yet how long its tick can stop, so the interrupts that
 * get in here change nothing that it has looked at.
 */
static void takedown_run_softirqs(void)
{
	unsigned int pending = local_softirq_pending();

	if (pending)
		do_softirq_post_smp_call_flush(pending);
}

static bool takedown_accept(struct cpuhp_takedown *td)
{
	if (!sched_idle_vacated())
		return false;
	/*
	 * The tick broadcast has a wakeup under way for this CPU, and it does
	 * not like to find a CPU that is not online in its masks. The idle loop
	 * polls until it is here.
	 */
	if (tick_check_broadcast_expired())
		return false;
	/* Without a stopper the CPU must run no task, so it goes right before. */
	if (!stop_machine_close()) {
		/* A wakeup that comes too late for its work brings nobody back here. */
		set_tsk_need_resched(current);
		return false;
	}

	/* A call, or a late wakeup of the stopper, can have made a task runnable. */
	td->served = smp_call_poll();
	if (sched_idle_vacated() && takedown_state_accept(td))
		return true;

	takedown_stay();
	return false;
}

/* Run what others have for this CPU, and count it. */
static __always_inline void takedown_poll(struct cpuhp_takedown *td)
{
	/* Traced by the control CPU at any time */
	WRITE_ONCE(td->served, td->served + smp_call_poll());
}

/*
 * Be there for those who saw this CPU online until the grace period is over.
 * They can wait for a cross-call or an irq_work and not report a quiescent
 * state before it is done, so all of this has to go on all the time.
 *
 * Not traced and not probed: changing the text of a loop can take a
 * cross-call to the CPU that spins in it.
 */
static notrace void takedown_serve(struct cpuhp_takedown *td)
{
	while (!takedown_state_committed(td)) {
		takedown_poll(td);
		hrtimers_cpu_relocate();
		/*
		 * Also reports for an expedited grace period that has called. That
		 * can take a call to another CPU, and must not wait for the last.
		 */
		if (smp_call_sent())
			rcu_momentary_eqs();
		cpu_relax();
	}
}

NOKPROBE_SYMBOL(takedown_serve);

/**
 * cpuhp_drain_cpu - Wait until nobody is left who saw this CPU online
 * @cpu:	This CPU
 *
 * The teardown callback of CPUHP_AP_TAKEDOWN_DRAIN: the callbacks above run
 * before the grace period, those below after it. Returns at once if the CPU is
 * taken down by stop_machine().
 *
 * Context: On the outgoing CPU, out of cpu_online_mask, interrupts disabled.
 * Return: 0
 */
int cpuhp_drain_cpu(unsigned int cpu)
{
	struct cpuhp_takedown *td = this_cpu_ptr(&cpuhp_takedown_data);

	if (!takedown_state_taken(td))
		return 0;

	/* Page tables are freed without asking a CPU that is not online. */
	WARN_ON_ONCE(current->active_mm != &init_mm);

	td->quiesced = ktime_get_mono_fast_ns();
	takedown_state_answer(td, CPUHP_TAKEDOWN_QUIESCED);
	takedown_serve(td);

	return 0;
}

/**
 * cpuhp_in_takedown - Is this CPU taking itself down, in __cpu_disable()?
 *
 * Context: Interrupts disabled.
 * Return: true if so, false if stop_machine() takes it down
 */
bool cpuhp_in_takedown(void)
{
	return takedown_state_taken(this_cpu_ptr(&cpuhp_takedown_data));
}

/**
 * cpuhp_outgoing_delay - Wait on the way down, without keeping others waiting
 * @usecs:	How long, in microseconds
 *
 * Serves the cross-calls of a CPU that takes itself down, and is a plain delay
 * otherwise.
 *
 * Context: On the outgoing CPU, interrupts disabled, no locks held.
 */
void cpuhp_outgoing_delay(unsigned int usecs)
{
	bool serve = cpuhp_in_takedown();

	for (; usecs > OUTGOING_POLL_US; usecs -= OUTGOING_POLL_US) {
		if (serve)
			takedown_poll(this_cpu_ptr(&cpuhp_takedown_data));
		udelay(OUTGOING_POLL_US);
	}
	udelay(usecs);
}

static void takedown_refuse(struct cpuhp_takedown *td, int err)
{
	unsigned int cpu = smp_processor_id();

	/* Else the idle loop would come back before the control CPU gets to it. */
	cpumask_clear_cpu(cpu, &cpuhp_takedown_mask);
	takedown_stay();
	trace_cpuhp_takedown(cpu, "refused", "idle", CPUHP_TEARDOWN_CPU,
			     td->served, 0);
	takedown_state_refuse(td, err);
}

/* The next callback may make a call. It must not wait then for the last one. */
static void between_callbacks(void)
{
	struct cpuhp_takedown *td = this_cpu_ptr(&cpuhp_takedown_data);

	takedown_poll(td);
	while (!smp_call_sent()) {
		cpu_relax();
		takedown_poll(td);
	}
}

static void __noreturn cpuhp_die(void)
{
	cpuhp_report_idle_dead();
	arch_cpu_idle_dead();
}

/**
 * cpuhp_takedown_idle - Take this CPU down, if it can go
 *
 * Called by the idle loop when its CPU is in cpuhp_takedown_mask.
 *
 * Context: Idle loop, interrupts disabled, RCU watching, polling flag set: so
 *	    nobody sends a reschedule IPI. Returns, with interrupts disabled,
 *	    if the CPU stays online for now.
 */
void cpuhp_takedown_idle(void)
{
	struct cpuhp_takedown *td = this_cpu_ptr(&cpuhp_takedown_data);
	unsigned int cpu = smp_processor_id();
	int err;

	/* stop_machine() has taken it down already, all that is left is to die. */
	if (IS_ENABLED(CONFIG_CPUHP_STOP_MACHINE) && cpu_is_offline(cpu))
		cpuhp_die();

	if (!takedown_accept(td)) {
		takedown_run_softirqs();
		return;
	}
	trace_cpuhp_takedown(cpu, "taken", "idle", CPUHP_TEARDOWN_CPU, 0, 0);

	/* What the idle loop would do next, while it still is one */
	rcu_nocb_flush_deferred_wakeup();
	tick_nohz_idle_restart_tick();

	td->mm = sched_idle_use_init_mm();

	hard_irq_disable();
	err = takedown_disable_cpu();
	if (err) {
		takedown_refuse(td, err);
		takedown_run_softirqs();
		return;
	}

	cpuhp_run_dying(between_callbacks);
	/*
	 * Nothing from here on can depend on a call that is refused now, nor on
	 * RCU, which is told next.
	 */
	smp_call_close();
	td->closed = ktime_get_mono_fast_ns();
	cpuhp_die();
}
