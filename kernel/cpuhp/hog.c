// SPDX-License-Identifier: GPL-2.0-only
/*
 * A per-CPU kthread that does not go away when its CPU should.
 *
 * CPU offline waits until the outgoing CPU has nothing left to run, but for the
 * per-CPU kthreads that the scheduler lets stay until the end: these are
 * expected to park.  The hog doesn't, and keeps the CPU busy, either all the
 * time, or only from the moment when the wait for an empty runqueue is over. In
 * the latter case it can also go through the idle loop, as idle injection does, or
 * be "pinned": it sleeps with migration disabled, so that the CPU is idle and not empty.
 * Of all that come late, the takedown has to find out by itself that it cannot finish.
 *
 * At the stage "up" it is there when its CPU comes online, and keeps it from
 * going back if something above fails. At the stage "call" there is no hog, but a
 * callback that waits, on the CPU that comes online or back, for a call: "called"
 * tells whether it has come within a second.
 *
 * With "ms" it gives way after that time, and the CPU goes from running a task
 * to being taken down, with no time as an idle CPU in between. At the stage "irq"
 * an interrupt takes as long again then, on a CPU that is idle otherwise. At the
 * stage "tick" a timer keeps the tick of the idle CPU going, and so what comes
 * with it: it counts the jiffies.
 *
 * As a "reader" it keeps the last CPU busy: in short sections with preemption
 * disabled, one after the other, and "ms" longer in one in which it sees a CPU
 * leave cpu_online_mask. For so long the takedown waits for this reader. The one
 * called "timers" sets a timer there each millisecond meanwhile.
 *
 * "held" is a reader of RCU on the last CPU, in one section after the other, in
 * which it can be preempted, or throttled.
 *
 * Either way the offline must be over or go on when the hog is removed.  A kernel
 * that takes CPUs down in stop_machine() does not find out about a late hog: the
 * scheduler warns, and the CPU, offline already, does not get to its idle task
 * before that.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/irq.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/panic.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/smpboot.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

MODULE_DESCRIPTION("Keep a CPU busy while it goes offline");
MODULE_LICENSE("GPL");

static uint hog_cpu = 1;
module_param_named(cpu, hog_cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "CPU to keep busy");

static char *hog_stage = "early";
module_param_named(stage, hog_stage, charp, 0444);
MODULE_PARM_DESC(stage, "early: always, late: once the runqueue has been found empty, idle: late, and play_idle(), pinned: late, and asleep, irq: late, and an interrupt, tick: late, and a timer, up: from coming online on, call: not at all, reader, timers, held: see the source");

static uint hog_ms;
module_param_named(ms, hog_ms, uint, 0444);
MODULE_PARM_DESC(ms, "How long to keep it busy (0: until the module is removed)");

/* Others can have and free an interrupt meanwhile. */
static int hog_get_irq(char *buffer, const struct kernel_param *kp)
{
	int irq = irq_alloc_desc(NUMA_NO_NODE);

	if (irq < 0)
		return irq;
	irq_free_desc(irq);
	return sysfs_emit(buffer, "%d\n", irq);
}

static const struct kernel_param_ops hog_irq_ops = { .get = hog_get_irq };
module_param_cb(irq, &hog_irq_ops, NULL, 0444);
MODULE_PARM_DESC(irq, "Allocate an interrupt, free it, and tell its number");

static void hog_panic(void *unused)
{
	panic("cpuhp_hog: panic in a cross-call to an outgoing CPU");
}

/* Where a CPU waits for a reader on its way out */
static int hog_set_panic(const char *val, const struct kernel_param *kp)
{
	int cpu, err = -ENXIO;

	for_each_cpu_andnot(cpu, cpu_callable_mask, cpu_online_mask)
		err = smp_call_function_single(cpu, hog_panic, NULL, 0);
	return err;
}

static const struct kernel_param_ops hog_panic_ops = { .set = hog_set_panic };
module_param_cb(panic, &hog_panic_ops, NULL, 0200);
MODULE_PARM_DESC(panic, "Panic on the CPU that is out of cpu_online_mask, and still takes calls");

static DEFINE_PER_CPU(struct task_struct *, hog_task);
static struct task_struct *hog_reader;
static DECLARE_WAIT_QUEUE_HEAD(hog_idle);
static bool hog_wanted;
static bool hog_busy;

static uint hog_met;
module_param_named(met, hog_met, uint, 0444);
MODULE_PARM_DESC(met, "irq: interrupts of an idle CPU, timers: calls to an outgoing CPU (do not set)");

static uint hog_late_ms;
module_param_named(late_ms, hog_late_ms, uint, 0444);
MODULE_PARM_DESC(late_ms, "timers: how long the slowest of the calls took, in ms (do not set)");

static int hog_should_run(unsigned int cpu)
{
	return READ_ONCE(hog_wanted);
}

static bool hog_is(const char *stage)
{
	return sysfs_streq(hog_stage, stage);
}

/* Does it need callbacks? */
static bool hog_is_late(void)
{
	return hog_is("late") || hog_is("idle") || hog_is("pinned") || hog_is("irq") ||
	       hog_is("tick") || hog_is("up") || hog_is("call");
}

static void hog_setup(unsigned int cpu)
{
	/* The kthreads that do have to park come first. */
	if (hog_is("idle"))
		sched_set_fifo_low(current);
	else
		set_user_nice(current, MAX_NICE);
}

static void hog_stop(void)
{
	WRITE_ONCE(hog_wanted, false);
}

/* In real time: mdelay() takes what loops_per_jiffy says, which is wrong on a busy host. */
static void hog_spin(unsigned int ms)
{
	ktime_t end = ktime_add_ms(ktime_get(), ms);

	while (ktime_before(ktime_get(), end))
		cpu_relax();
}

#define HOG_LOOK_NS	(50 * NSEC_PER_USEC)

static struct hrtimer hog_timer;

static enum hrtimer_restart hog_timer_fn(struct hrtimer *timer)
{
	/* It has been moved. */
	if (hog_reader || smp_processor_id() != hog_cpu)
		return HRTIMER_NORESTART;
	if (!is_idle_task(current)) {
		hrtimer_forward_now(timer, HOG_LOOK_NS);
		return HRTIMER_RESTART;
	}
	WRITE_ONCE(hog_met, hog_met + 1);
	hog_spin(hog_ms);
	return HRTIMER_NORESTART;
}

/* On this CPU. One that is on its way out moves it away. */
static void hog_set_timer(void *unused)
{
	hrtimer_start(&hog_timer, HOG_LOOK_NS, HRTIMER_MODE_REL_PINNED_HARD);
}

#define HOG_TICKS	100
#define HOG_CALL_MS	1000

static struct timer_list hog_tick;
static int hog_ticks;

static void hog_tick_fn(struct timer_list *timer)
{
	if (smp_processor_id() == hog_cpu && hog_ticks-- > 0)
		mod_timer(timer, jiffies + 1);
}

static void hog_run(unsigned int cpu)
{
	ktime_t end = ktime_add_ms(ktime_get(), hog_ms);
	bool pinned = hog_is("pinned");

	WRITE_ONCE(hog_busy, true);
	if (pinned)
		migrate_disable();
	while (READ_ONCE(hog_wanted)) {
		if (hog_ms && ktime_after(ktime_get(), end))
			hog_stop();
		/* The idle loop, in a task that is not the idle task */
		if (hog_is("idle"))
			play_idle_precise(10 * NSEC_PER_MSEC, U64_MAX);
		if (pinned)
			schedule_timeout_idle(1);
		cond_resched();
	}
	if (pinned)
		migrate_enable();
	if (hog_is("irq"))
		hog_set_timer(NULL);
	if (hog_is("tick")) {
		hog_ticks = HOG_TICKS;
		mod_timer(&hog_tick, jiffies + 1);
	}
	WRITE_ONCE(hog_busy, false);
	wake_up(&hog_idle);
}

static void hog_call_outgoing(unsigned int cpu)
{
	ktime_t start = ktime_get();

	if (smp_call_function_single(cpu, hog_set_timer, NULL, 1))
		return;
	WRITE_ONCE(hog_met, hog_met + 1);
	WRITE_ONCE(hog_late_ms, max_t(uint, hog_late_ms, ktime_ms_delta(ktime_get(), start)));
}

static void hog_set_timers(void)
{
	unsigned int i, cpu;

	for (i = 0; i < hog_ms; i++) {
		for_each_cpu_andnot(cpu, cpu_callable_mask, cpu_online_mask)
			hog_call_outgoing(cpu);
		hog_spin(1);
	}
}

static int hog_read(void *unused)
{
	bool timers = hog_is("timers");

	while (!kthread_should_stop()) {
		unsigned int online;

		preempt_disable();
		online = num_online_cpus();
		hog_spin(1);
		if (num_online_cpus() < online) {
			if (timers)
				hog_set_timers();
			else
				hog_spin(hog_ms);
		}
		preempt_enable();
		cond_resched();
	}
	return 0;
}

static int hog_read_held(void *unused)
{
	while (!kthread_should_stop()) {
		rcu_read_lock();
		hog_spin(2);
		rcu_read_unlock();
		cond_resched();
	}
	return 0;
}

static int hog_start_reader(int (*fn)(void *unused))
{
	unsigned int cpu = cpumask_last(cpu_online_mask);

	/* Not kthread_create_on_cpu(): it shall go into a cgroup. */
	hog_reader = kthread_create(fn, NULL, "cpuhp_reader/%u", cpu);
	if (IS_ERR(hog_reader))
		return PTR_ERR(hog_reader);
	set_cpus_allowed_ptr(hog_reader, cpumask_of(cpu));
	wake_up_process(hog_reader);
	return 0;
}

/*
 * "selfparking" is what makes it a hog: it is created parked, and from then on
 * nobody but its owner parks it and wakes it up.
 */
static struct smp_hotplug_thread hog_threads = {
	.store			= &hog_task,
	.thread_should_run	= hog_should_run,
	.thread_fn		= hog_run,
	.setup			= hog_setup,
	.thread_comm		= "cpuhp_hog/%u",
	.selfparking		= true,
};

static void hog_start(void)
{
	WRITE_ONCE(hog_wanted, true);
	wake_up_process(per_cpu(hog_task, hog_cpu));
}

static bool hog_called;
module_param_named(called, hog_called, bool, 0444);
MODULE_PARM_DESC(called, "Has the CPU that came back taken the call within a second (do not set)");

static bool hog_call_came;

static void hog_call_fn(void *unused)
{
	WRITE_ONCE(hog_call_came, true);
}

static void hog_call(struct work_struct *work)
{
	smp_call_function_single(hog_cpu, hog_call_fn, NULL, 1);
}

static DECLARE_WORK(hog_call_work, hog_call);

/* Not idle for a moment: only an IPI tells this CPU that it is called. */
static void hog_await_call(void)
{
	unsigned int ms;

	WRITE_ONCE(hog_call_came, false);
	schedule_work_on(cpumask_any_but(cpu_active_mask, hog_cpu), &hog_call_work);
	for (ms = 0; ms < HOG_CALL_MS && !READ_ONCE(hog_call_came); ms++)
		hog_spin(1);
	WRITE_ONCE(hog_called, READ_ONCE(hog_call_came));
}

static int hog_cpu_online(unsigned int cpu)
{
	if (cpu != hog_cpu)
		return 0;
	if (hog_is("call"))
		hog_await_call();
	else if (hog_is("up"))
		hog_start();
	else
		hog_stop();
	return 0;
}

static int hog_cpu_offline(unsigned int cpu)
{
	if (cpu == hog_cpu && !hog_is("up") && !hog_is("call"))
		hog_start();
	return 0;
}

static int __init hog_start_early(void)
{
	hog_start();
	return 0;
}

/*
 * The state of KVM is right below CPUHP_AP_SCHED_WAIT_EMPTY, and nobody else
 * needs it where KVM is not built.
 */
static int __init hog_start_late(void)
{
	return cpuhp_setup_state_nocalls(CPUHP_AP_KVM_ONLINE, "cpuhp/hog:online",
					 hog_cpu_online, hog_cpu_offline);
}

static int __init hog_init(void)
{
	int ret;

	hrtimer_init(&hog_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	hog_timer.function = hog_timer_fn;
	timer_setup(&hog_tick, hog_tick_fn, TIMER_PINNED);
	if (hog_is("reader") || hog_is("timers"))
		return hog_start_reader(hog_read);
	if (hog_is("held"))
		return hog_start_reader(hog_read_held);
	if (!hog_is_late() && !hog_is("early"))
		return -EINVAL;

	ret = smpboot_register_percpu_thread(&hog_threads);
	if (ret)
		return ret;

	/* Threads exist for the CPUs that have been online since. */
	ret = -ENODEV;
	if (hog_cpu < nr_cpu_ids && per_cpu(hog_task, hog_cpu)) {
		kthread_unpark(per_cpu(hog_task, hog_cpu));
		ret = hog_is_late() ? hog_start_late() : hog_start_early();
	}
	if (ret)
		smpboot_unregister_percpu_thread(&hog_threads);
	return ret;
}

static void __exit hog_exit(void)
{
	if (hog_reader) {
		kthread_stop(hog_reader);
		hrtimer_cancel(&hog_timer);
		return;
	}
	/*
	 * First of all let go of an offline that waits for the hog: it holds
	 * the lock that all the rest here needs.
	 */
	hog_stop();
	wait_event(hog_idle, !READ_ONCE(hog_busy));

	if (hog_is_late())
		cpuhp_remove_state_nocalls(CPUHP_AP_KVM_ONLINE);
	/* The callback may have come in between. */
	hog_stop();
	smpboot_unregister_percpu_thread(&hog_threads);
	hrtimer_cancel(&hog_timer);
	timer_shutdown_sync(&hog_tick);
	flush_work(&hog_call_work);
}

module_init(hog_init);
module_exit(hog_exit);
