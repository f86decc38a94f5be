// SPDX-License-Identifier: GPL-2.0-only
/*
 * Torture test for CPU offline: what read-side sections can rely on.
 *
 * Code that has seen a CPU online, in a section that CPU offline waits for,
 * may use the CPU's services until the section ends: cross-calls, irq_work,
 * timers, works.  The CPU may leave cpu_online_mask in the meantime, if it is
 * taken down without stop_machine(), but nothing may be refused or lost.
 *
 * Readers make such sections of all kinds, as often as they can with a CPU that
 * is on its way out, and use one service at the end of each, see
 * torture_services.c.
 */
#define pr_fmt(fmt) "cpuhp-torture: " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "torture.h"

MODULE_DESCRIPTION("Torture test for CPU offline and those who rely on the CPU");
MODULE_LICENSE("GPL");

torture_param(uint, contexts, ~0U,
	      "Kinds of sections: 1: preempt off, 2: irqs off, 4: RCU, 8: hardirq");
torture_param(uint, dwell_us, 5000, "Maximum time in a section before the use (us)");
torture_param(uint, late_ms, 0, "Count timers that are later than that (ms), 0=later than at rest");
torture_param(uint, lost_secs, 10, "Time after which a use counts as lost (s)");
torture_param(ulong, min_left, 0, "Fewer sections whose CPU left are a failure");
torture_param(ulong, min_offlines, 1, "Fewer offlined CPUs are a failure");
torture_param(ulong, min_sections, 1, "Fewer sections are a failure");
torture_param(int, nreaders, -1, "# reader threads, defaults to -1 for all CPUs and one more.");
torture_param(int, onoff_holdoff, 0, "Time after start before CPU hotplugs (s)");
torture_param(int, onoff_interval, 10, "Time between CPU hotplugs (jiffies), 0=disable");
torture_param(uint, services, ~0U, "Bit mask of the services to use");
torture_param(int, shuffle_interval, 3, "Number of jiffies between shuffles, 0=disable");
torture_param(int, shutdown_secs, 0, "Shutdown time (s), <= zero to disable.");
torture_param(bool, states, true, "Register and remove hotplug states, and chase CPUs that go");
torture_param(int, stat_interval, 15, "Number of seconds between stats printk()s.");
torture_param(int, stutter, 5, "Number of jiffies to run/halt test, 0=disable");
torture_param(int, verbose, 0, "Enable verbose debugging printk()s");

const char * const cpuhpt_context_names[CPUHPT_NR_CONTEXTS] = {
	[CPUHPT_PREEMPT_OFF]	= "preempt-off",
	[CPUHPT_IRQS_OFF]	= "irqs-off",
	[CPUHPT_RCU]		= "rcu",
	[CPUHPT_HARDIRQ]	= "hardirq",
};

static const char * const cpuhpt_error_names[CPUHPT_NR_ERRORS] = {
	[CPUHPT_REFUSED]	= "refused",
	[CPUHPT_LOST]		= "lost",
	[CPUHPT_WRONG]		= "wrong",
	[CPUHPT_TOPOLOGY]	= "topo",
	[CPUHPT_STUCK]		= "stuck",
	[CPUHPT_STATES]		= "states",
};

/* Of each kind of error, print no more than this. */
#define CPUHPT_MAX_ERROR_LINES	8

static struct cpuhpt_reader **cpuhpt_readers;
static int cpuhpt_nr_readers;
static struct task_struct *cpuhpt_stats_task;
static int cpuhpt_prepare_state;
static int cpuhpt_online_state;

/* Changed while the CPU is dead, hence constant for those who see it online. */
DEFINE_PER_CPU(unsigned long, cpuhpt_deaths);

static struct cpumask cpuhpt_going;

static atomic_long_t cpuhpt_errors[CPUHPT_NR_ERRORS];
static atomic_long_t cpuhpt_sections;
static atomic_long_t cpuhpt_left;
static atomic_long_t cpuhpt_offlines;

/**
 * cpuhpt_error - count a broken promise, and print the first few of its kind
 * @id: the kind
 * @fmt: what happened, in printf() style
 *
 * Context: Any, also with interrupts disabled.
 */
void cpuhpt_error(enum cpuhpt_error_id id, const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	if (atomic_long_inc_return(&cpuhpt_errors[id]) > CPUHPT_MAX_ERROR_LINES)
		return;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	pr_alert("!!! %s: %pV\n", cpuhpt_error_names[id], &vaf);
	va_end(args);
}

/**
 * cpuhpt_has_lost - has anything been lost?
 *
 * Context: Any.
 * Return: true if so; it may still be in some queue.
 */
bool cpuhpt_has_lost(void)
{
	return atomic_long_read(&cpuhpt_errors[CPUHPT_LOST]);
}

/**
 * cpuhpt_going_mask - the CPUs that are about to be taken down, or are off
 *
 * Context: Any. The mask changes at any time.
 * Return: the mask
 */
const struct cpumask *cpuhpt_going_mask(void)
{
	return &cpuhpt_going;
}

static bool cpuhpt_has_errors(void)
{
	int id;

	for (id = 0; id < CPUHPT_NR_ERRORS; id++)
		if (atomic_long_read(&cpuhpt_errors[id]))
			return true;
	return false;
}

/*
 * Sections
 */

/*
 * A random one of the CPUs that were seen online.  Half of the time it is the
 * one that is being taken down, to be there when it leaves.
 */
static int cpuhpt_choose_cpu(struct cpuhpt_reader *rd)
{
	unsigned int weight = cpumask_weight(rd->seen);
	int cpu;

	if (!weight)
		return nr_cpu_ids;

	if (torture_random(&rd->rand) & 0x1) {
		cpu = cpumask_first_and(rd->seen, &cpuhpt_going);
		if (cpu < nr_cpu_ids)
			return cpu;
	}
	return cpumask_nth(torture_random(&rd->rand) % weight, rd->seen);
}

/*
 * Let some time go by, up to dwell_us.  A quarter of the sections are short.
 * Half of those with a CPU that is about to go wait for it and end soon after it
 * has left: that is when it would go on to die, if it did not wait for them.
 * In an interrupt there is less time, as hrtimers hold their breath when one of
 * them takes longer than the tick.
 */
static void cpuhpt_dwell(struct cpuhpt_reader *rd)
{
	const unsigned int step = 5;
	unsigned int us = torture_random(&rd->rand) % (dwell_us + 1);
	unsigned int rest = torture_random(&rd->rand) % 200;
	bool follow = cpumask_test_cpu(rd->cpu, &cpuhpt_going) &&
		      (torture_random(&rd->rand) & 0x1);

	if (follow)
		us = dwell_us;
	else if (!(torture_random(&rd->rand) & 0x3))
		us /= 16;
	if (rd->context == CPUHPT_HARDIRQ)
		us /= 8;

	for (; us >= step; us -= step) {
		udelay(step);
		if (follow && !cpu_online(rd->cpu)) {
			us = min(us, rest + step);
			follow = false;
		}
	}
}

static void cpuhpt_check_mask(int cpu, const char *name, const struct cpumask *mask)
{
	unsigned int first = cpumask_first(mask);

	if (first >= nr_cpu_ids)
		cpuhpt_error(CPUHPT_TOPOLOGY, "%s mask of CPU %d starts with %u", name, cpu, first);
}

/* Hot paths take the first CPU of such a mask without a second look. */
static void cpuhpt_check_topology(int cpu)
{
	cpuhpt_check_mask(cpu, "sibling", topology_sibling_cpumask(cpu));
	cpuhpt_check_mask(cpu, "core", topology_core_cpumask(cpu));
	cpuhpt_check_mask(cpu, "node", cpumask_of_node(cpu_to_node(cpu)));
}

/* What all kinds of sections have inside. */
static void cpuhpt_section(struct cpuhpt_reader *rd)
{
	cpumask_copy(rd->seen, cpu_online_mask);
	cpumask_clear_cpu(raw_smp_processor_id(), rd->seen);
	rd->cpu = cpuhpt_choose_cpu(rd);
	if (rd->cpu >= nr_cpu_ids)
		return;
	rd->deaths = per_cpu(cpuhpt_deaths, rd->cpu);

	cpuhpt_dwell(rd);
	cpuhpt_use_service(rd);
	cpuhpt_check_topology(rd->cpu);

	atomic_long_inc(&cpuhpt_sections);
	if (!cpu_online(rd->cpu))
		atomic_long_inc(&cpuhpt_left);
}

static void cpuhpt_section_preempt_off(struct cpuhpt_reader *rd)
{
	preempt_disable();
	cpuhpt_section(rd);
	preempt_enable();
}

static void cpuhpt_section_irqs_off(struct cpuhpt_reader *rd)
{
	local_irq_disable();
	cpuhpt_section(rd);
	local_irq_enable();
}

static void cpuhpt_section_rcu(struct cpuhpt_reader *rd)
{
	rcu_read_lock();
	cpuhpt_section(rd);
	rcu_read_unlock();
}

static enum hrtimer_restart cpuhpt_hardirq(struct hrtimer *timer)
{
	struct cpuhpt_reader *rd = container_of(timer, struct cpuhpt_reader, timer);

	cpuhpt_section(rd);
	complete(&rd->done);
	return HRTIMER_NORESTART;
}

static void cpuhpt_section_hardirq(struct cpuhpt_reader *rd)
{
	unsigned int delta_us = 20 + torture_random(&rd->rand) % 500;

	reinit_completion(&rd->done);
	hrtimer_start(&rd->timer, ns_to_ktime(delta_us * NSEC_PER_USEC), HRTIMER_MODE_REL_HARD);
	if (wait_for_completion_timeout(&rd->done, lost_secs * HZ))
		return;

	cpuhpt_error(CPUHPT_LOST, "hrtimer of reader %d", rd->id);
	hrtimer_cancel(&rd->timer);
}

static void (* const cpuhpt_run_section[CPUHPT_NR_CONTEXTS])(struct cpuhpt_reader *rd) = {
	[CPUHPT_PREEMPT_OFF]	= cpuhpt_section_preempt_off,
	[CPUHPT_IRQS_OFF]	= cpuhpt_section_irqs_off,
	[CPUHPT_RCU]		= cpuhpt_section_rcu,
	[CPUHPT_HARDIRQ]	= cpuhpt_section_hardirq,
};

/*
 * Readers
 */

static bool cpuhpt_enabled(enum cpuhpt_service_id service, enum cpuhpt_context context)
{
	/* stop_machine() never waited for preemptible readers. */
	if (IS_ENABLED(CONFIG_PREEMPT_RCU) && context == CPUHPT_RCU)
		return false;

	return (services & BIT(service)) && (contexts & BIT(context)) &&
	       cpuhpt_service_fits(service, context);
}

static bool cpuhpt_service_enabled(enum cpuhpt_service_id service)
{
	int context;

	for (context = 0; context < CPUHPT_NR_CONTEXTS; context++)
		if (cpuhpt_enabled(service, context))
			return true;
	return false;
}

/* Is there anything that cpuhpt_choose_section() can choose? */
static bool cpuhpt_any_enabled(void)
{
	int service;

	for (service = 0; service < CPUHPT_NR_SERVICES; service++)
		if (cpuhpt_service_enabled(service))
			return true;
	return false;
}

static void cpuhpt_choose_section(struct cpuhpt_reader *rd)
{
	do {
		rd->service = torture_random(&rd->rand) % CPUHPT_NR_SERVICES;
	} while (!cpuhpt_service_enabled(rd->service));

	do {
		rd->context = torture_random(&rd->rand) % CPUHPT_NR_CONTEXTS;
	} while (!cpuhpt_enabled(rd->service, rd->context));
}

static void cpuhpt_read_once(struct cpuhpt_reader *rd)
{
	cpuhpt_choose_section(rd);
	rd->sync = NULL;

	WRITE_ONCE(rd->busy_since, jiffies ?: 1);
	cpuhpt_run_section[rd->context](rd);
	if (rd->sync)
		irq_work_sync(rd->sync);
	WRITE_ONCE(rd->busy_since, 0);
}

static int cpuhpt_reader(void *arg)
{
	struct cpuhpt_reader *rd = arg;

	if (verbose)
		pr_alert("reader %d started\n", rd->id);
	set_user_nice(current, MAX_NICE);
	do {
		cpuhpt_read_once(rd);
		/* A CPU that is never idle would be no test either. */
		if (!(torture_random(&rd->rand) & 0xf))
			schedule_timeout_idle(1);
		cond_resched();
		stutter_wait("cpuhpt_reader");
	} while (!torture_must_stop());
	torture_kthread_stopping("cpuhpt_reader");
	return 0;
}

/*
 * Some waits in a section are given up after lost_secs, but not cross-calls:
 * it takes someone else to see that one of them does not come back.
 */
static bool cpuhpt_check_stuck(struct cpuhpt_reader *rd)
{
	unsigned long since = READ_ONCE(rd->busy_since);

	if (!since || !time_after(jiffies, since + 2 * lost_secs * HZ))
		return false;

	if (!rd->stuck)
		cpuhpt_error(CPUHPT_STUCK, "reader %d, CPU %d (now %s) in a %s section, service %d",
			     rd->id, rd->cpu, cpu_online(rd->cpu) ? "online" : "offline",
			     cpuhpt_context_names[rd->context], rd->service);
	rd->stuck = true;
	return true;
}

static bool cpuhpt_any_stuck(void)
{
	bool ret = false;
	int i;

	for (i = 0; i < cpuhpt_nr_readers; i++)
		ret |= cpuhpt_check_stuck(cpuhpt_readers[i]);
	return ret;
}

static void cpuhpt_free_reader(struct cpuhpt_reader *rd)
{
	hrtimer_cancel(&rd->timer);
	if (!cpuhpt_slots_exit(rd))
		return;		/* Leak rather than trash. */
	free_cpumask_var(rd->seen);
	free_cpumask_var(rd->ran);
	kfree(rd);
}

static struct cpuhpt_reader *cpuhpt_alloc_reader(int id)
{
	struct cpuhpt_reader *rd = kzalloc(sizeof(*rd), GFP_KERNEL);

	if (!rd)
		return NULL;

	rd->id = id;
	rd->cpu = nr_cpu_ids;
	torture_random_init(&rd->rand);
	init_completion(&rd->done);
	hrtimer_init(&rd->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	rd->timer.function = cpuhpt_hardirq;

	if (!cpuhpt_slots_init(rd) &&
	    zalloc_cpumask_var(&rd->seen, GFP_KERNEL) &&
	    zalloc_cpumask_var(&rd->ran, GFP_KERNEL))
		return rd;

	cpuhpt_free_reader(rd);
	return NULL;
}

static int cpuhpt_start_readers(int nr)
{
	int ret;

	cpuhpt_readers = kcalloc(nr, sizeof(*cpuhpt_readers), GFP_KERNEL);
	if (!cpuhpt_readers)
		return -ENOMEM;

	while (cpuhpt_nr_readers < nr) {
		struct cpuhpt_reader *rd = cpuhpt_alloc_reader(cpuhpt_nr_readers);

		if (!rd)
			return -ENOMEM;
		cpuhpt_readers[cpuhpt_nr_readers++] = rd;
		ret = torture_create_kthread(cpuhpt_reader, rd, rd->task);
		if (ret)
			return ret;
	}
	return 0;
}

static void cpuhpt_stop_readers(void)
{
	int i;

	for (i = 0; i < cpuhpt_nr_readers; i++)
		torture_stop_kthread(cpuhpt_reader, cpuhpt_readers[i]->task);
}

static void cpuhpt_free_readers(void)
{
	while (cpuhpt_nr_readers)
		cpuhpt_free_reader(cpuhpt_readers[--cpuhpt_nr_readers]);
	kfree(cpuhpt_readers);
	cpuhpt_readers = NULL;
}

/* With no reader left, what is under way is executed soon or never. */
static void cpuhpt_wait_for_slots(void)
{
	int i;

	for (i = 0; i < cpuhpt_nr_readers; i++)
		while (!cpuhpt_slots_idle(cpuhpt_readers[i])) {
			schedule_timeout_uninterruptible(1);
			cpuhpt_slots_check(cpuhpt_readers[i]);
		}
}

/*
 * Results
 */

/*
 * Among the states that the control CPU goes through when the CPU is dead, so
 * that refused attempts do not count.
 */
static int cpuhpt_cpu_dead(unsigned int cpu)
{
	atomic_long_inc(&cpuhpt_offlines);
	per_cpu(cpuhpt_deaths, cpu)++;
	return 0;
}

/*
 * From here it is not far to the takedown: the long wait, for the scheduler to
 * stop using the CPU, is over.
 */
static int cpuhpt_cpu_going(unsigned int cpu)
{
	cpuhpt_services_rest_ends();
	cpumask_set_cpu(cpu, &cpuhpt_going);
	return 0;
}

static int cpuhpt_cpu_online(unsigned int cpu)
{
	cpumask_clear_cpu(cpu, &cpuhpt_going);
	return 0;
}

static int __init cpuhpt_marks_init(void)
{
	int ret;

	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "cpuhp/torture:dead",
					NULL, cpuhpt_cpu_dead);
	if (ret < 0)
		return ret;
	cpuhpt_prepare_state = ret;

	ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "cpuhp/torture:online",
					cpuhpt_cpu_online, cpuhpt_cpu_going);
	if (ret < 0)
		return ret;
	cpuhpt_online_state = ret;
	return 0;
}

static void cpuhpt_marks_exit(void)
{
	if (cpuhpt_online_state)
		cpuhp_remove_state_nocalls(cpuhpt_online_state);
	if (cpuhpt_prepare_state)
		cpuhp_remove_state_nocalls(cpuhpt_prepare_state);
}

static void cpuhpt_print_stats(void)
{
	pr_alert("%ssections: %ld left: %ld offlines: %ld refused: %ld lost: %ld wrong: %ld topo: %ld stuck: %ld states: %ld late: %ld ",
		 cpuhpt_has_errors() ? "!!! " : "",
		 atomic_long_read(&cpuhpt_sections),
		 atomic_long_read(&cpuhpt_left),
		 atomic_long_read(&cpuhpt_offlines),
		 atomic_long_read(&cpuhpt_errors[CPUHPT_REFUSED]),
		 atomic_long_read(&cpuhpt_errors[CPUHPT_LOST]),
		 atomic_long_read(&cpuhpt_errors[CPUHPT_WRONG]),
		 atomic_long_read(&cpuhpt_errors[CPUHPT_TOPOLOGY]),
		 atomic_long_read(&cpuhpt_errors[CPUHPT_STUCK]),
		 atomic_long_read(&cpuhpt_errors[CPUHPT_STATES]),
		 cpuhpt_services_late());
	torture_onoff_stats();
	cpuhpt_services_print();
	cpuhpt_chaser_print();
	cpuhpt_states_print();
}

static int cpuhpt_stats(void *arg)
{
	int i;

	if (verbose)
		pr_alert("statistics started\n");
	do {
		schedule_timeout_interruptible(stat_interval * HZ);
		for (i = 0; i < cpuhpt_nr_readers; i++)
			cpuhpt_slots_check(cpuhpt_readers[i]);
		cpuhpt_any_stuck();
		cpuhpt_print_stats();
		torture_shutdown_absorb("cpuhpt_stats");
	} while (!torture_must_stop());
	torture_kthread_stopping("cpuhpt_stats");
	return 0;
}

static void cpuhpt_print_module_parms(const char *tag)
{
	pr_alert("--- %s:  contexts=%#x dwell_us=%u late_ms=%u lost_secs=%u min_left=%lu min_offlines=%lu min_sections=%lu nreaders=%d onoff_holdoff=%d onoff_interval=%d services=%#x shuffle_interval=%d shutdown_secs=%d stat_interval=%d states=%d stutter=%d verbose=%d\n",
		 tag, contexts, dwell_us, late_ms, lost_secs, min_left, min_offlines,
		 min_sections, nreaders, onoff_holdoff, onoff_interval, services,
		 shuffle_interval, shutdown_secs, stat_interval, states, stutter, verbose);
}

/* Not to have tested is no success. */
static bool cpuhpt_too_few(const char *what, const atomic_long_t *count, unsigned long min)
{
	if (atomic_long_read(count) >= min)
		return false;

	pr_alert("!!! %s: %ld are too few, %lu are wanted\n", what,
		 atomic_long_read(count), min);
	return true;
}

static void cpuhpt_verdict(void)
{
	bool failed = cpuhpt_has_errors();

	failed |= cpuhpt_too_few("sections", &cpuhpt_sections, min_sections);
	failed |= cpuhpt_too_few("left", &cpuhpt_left, min_left);
	failed |= cpuhpt_too_few("offlines", &cpuhpt_offlines, min_offlines);

	if (failed)
		cpuhpt_print_module_parms("End of test: FAILURE");
	else if (torture_onoff_failures())
		cpuhpt_print_module_parms("End of test: LOCK_HOTPLUG");
	else
		cpuhpt_print_module_parms("End of test: SUCCESS");
}

static void cpuhpt_cleanup(void)
{
	/* Neither the reader nor an offline that waits for it will end. */
	if (cpuhpt_any_stuck())
		cpuhpt_print_module_parms("End of test: FAILURE");

	if (torture_cleanup_begin())
		return;

	cpuhpt_stop_readers();
	torture_stop_kthread(cpuhpt_stats, cpuhpt_stats_task);
	cpuhpt_wait_for_slots();
	cpuhpt_chaser_stop();
	cpuhpt_states_stop();
	cpuhpt_marks_exit();

	cpuhpt_print_stats();
	cpuhpt_verdict();

	cpuhpt_free_readers();
	cpuhpt_services_exit();
	torture_cleanup_end();
}

static int __init cpuhpt_start(void)
{
	int ret;

	if (!cpuhpt_any_enabled()) {
		pr_alert("!!! no service can be used in the chosen contexts\n");
		return -EINVAL;
	}

	lost_secs = max(lost_secs, 1U);
	ret = cpuhpt_services_init(lost_secs, late_ms);
	if (ret)
		return ret;

	ret = cpuhpt_marks_init();
	if (ret)
		return ret;

	if (states) {
		ret = cpuhpt_states_start();
		if (ret)
			return ret;
		ret = cpuhpt_chaser_start(lost_secs);
		if (ret)
			return ret;
	}

	if (nreaders < 0)
		nreaders = num_online_cpus() + 1;
	ret = cpuhpt_start_readers(nreaders);
	if (ret)
		return ret;

	if (stat_interval > 0) {
		ret = torture_create_kthread(cpuhpt_stats, NULL, cpuhpt_stats_task);
		if (ret)
			return ret;
	}
	if (shuffle_interval > 0) {
		ret = torture_shuffle_init(shuffle_interval);
		if (ret)
			return ret;
	}
	if (stutter > 0) {
		ret = torture_stutter_init(stutter, stutter);
		if (ret)
			return ret;
	}
	if (shutdown_secs > 0) {
		ret = torture_shutdown_init(shutdown_secs, cpuhpt_cleanup);
		if (ret)
			return ret;
	}
	return torture_onoff_init(onoff_holdoff * HZ, onoff_interval, NULL);
}

static int __init cpuhpt_init(void)
{
	int ret;

	if (!torture_init_begin("cpuhp", verbose))
		return -EBUSY;

	cpuhpt_print_module_parms("Start of test");
	ret = cpuhpt_start();
	torture_init_end();
	if (!ret)
		return 0;

	cpuhpt_cleanup();
	if (shutdown_secs > 0) {
		WARN_ON(!IS_MODULE(CONFIG_CPUHP_TORTURE_TEST));
		kernel_power_off();
	}
	return ret;
}

module_init(cpuhpt_init);
module_exit(cpuhpt_cleanup);
