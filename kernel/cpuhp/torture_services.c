// SPDX-License-Identifier: GPL-2.0-only
/*
 * Torture test for CPU offline: the services of a CPU.
 *
 * A service is used in a section that saw the CPU online.  It must not be
 * refused, and what was asked for must be executed: before the call returns
 * where the caller waits, some time later where he does not.  The latter is
 * tracked in slots.
 */
#define pr_fmt(fmt) "cpuhp-torture: " fmt

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "torture.h"

/* smp_call_function*() that wait: from a task, with interrupts enabled. */
#define CPUHPT_MAY_WAIT	(BIT(CPUHPT_PREEMPT_OFF) | BIT(CPUHPT_RCU))
#define CPUHPT_ANYWHERE	(BIT(CPUHPT_NR_CONTEXTS) - 1)

/**
 * struct cpuhpt_service - a service that an online CPU gives
 * @name:	for the statistics
 * @contexts:	the kinds of section in which it may be used
 * @depth:	number of slots per reader, none for a synchronous service
 * @use:	ask @rd->cpu for the service: 0, -ESRCH where the call returned
 *		without having been executed, any other errno where it was refused
 * @recall:	whether @exit may be called for a slot that is still armed
 * @init:	prepare a slot
 * @exit:	undo @init, and let go of the slot's memory and code
 */
struct cpuhpt_service {
	const char	*name;
	unsigned long	contexts;
	unsigned int	depth;
	bool		recall;
	int		(*use)(struct cpuhpt_reader *rd, struct cpuhpt_slot *slot);
	int		(*init)(struct cpuhpt_slot *slot);
	void		(*exit)(struct cpuhpt_slot *slot);
};

struct cpuhpt_service_stats {
	atomic_long_t	used;
	atomic_long_t	gone;		/* The CPU had left before the use. */
	atomic_long_t	refused;
	atomic_long_t	lost;
	atomic_long_t	late;
	atomic_long_t	max_late_us;
	atomic_long_t	rest_late_us;	/* the maximum before any CPU went */
};

static struct cpuhpt_service_stats cpuhpt_stats[CPUHPT_NR_SERVICES];
static struct workqueue_struct *cpuhpt_wq;
static unsigned long cpuhpt_lost_jiffies;
static long cpuhpt_late_us;
static bool cpuhpt_at_rest;

/*
 * Slots
 */

static void cpuhpt_slot_executed(struct cpuhpt_slot *slot)
{
	/* Pairs with the acquire in cpuhpt_slot_get(): the slot is free again. */
	smp_store_release(&slot->armed, false);
}

/*
 * For what the CPU itself has to execute, dying or not: nobody takes it over,
 * and left behind on a dead CPU it would wait until that is online again.
 */
static void cpuhpt_slot_executed_here(struct cpuhpt_slot *slot)
{
	int cpu = smp_processor_id();

	if (cpu != slot->cpu) {
		cpuhpt_error(CPUHPT_WRONG, "service %d of CPU %d executed on CPU %d",
			     slot->id, slot->cpu, cpu);
	} else if (per_cpu(cpuhpt_deaths, cpu) != slot->deaths) {
		atomic_long_inc(&cpuhpt_stats[slot->id].lost);
		cpuhpt_error(CPUHPT_LOST, "service %d of CPU %d, until the CPU came back",
			     slot->id, cpu);
	}
	cpuhpt_slot_executed(slot);
}

static void cpuhpt_slot_late(struct cpuhpt_slot *slot)
{
	struct cpuhpt_service_stats *stats = &cpuhpt_stats[slot->id];
	bool rest = READ_ONCE(cpuhpt_at_rest);
	atomic_long_t *max = rest ? &stats->rest_late_us : &stats->max_late_us;
	long late_us = ktime_us_delta(ktime_get(), slot->due);
	long max_us = atomic_long_read(max);
	long bound_us;

	while (late_us > max_us && !atomic_long_try_cmpxchg(max, &max_us, late_us))
		;
	bound_us = cpuhpt_late_us ?: atomic_long_read(&stats->rest_late_us);
	if (!rest && bound_us && late_us > bound_us)
		atomic_long_inc(&stats->late);
}

/*
 * cross-calls
 */

static void cpuhpt_note_cpu(void *arg)
{
	cpumask_set_cpu(smp_processor_id(), arg);
}

/* cpuhpt_ran: what a call to this one CPU came to, which has returned @ret */
static int cpuhpt_ran(struct cpuhpt_reader *rd, int ret)
{
	if (!ret && !cpumask_test_cpu(rd->cpu, rd->ran))
		ret = -ESRCH;
	return ret;
}

static int cpuhpt_use_single(struct cpuhpt_reader *rd, struct cpuhpt_slot *unused)
{
	cpumask_clear(rd->ran);
	return cpuhpt_ran(rd, smp_call_function_single(rd->cpu, cpuhpt_note_cpu, rd->ran, 1));
}

/* Any of one: it looks for a CPU that is online by itself, and there may be none. */
static int cpuhpt_use_any(struct cpuhpt_reader *rd, struct cpuhpt_slot *unused)
{
	const struct cpumask *one = cpumask_of(rd->cpu);

	cpumask_clear(rd->ran);
	return cpuhpt_ran(rd, smp_call_function_any(one, cpuhpt_note_cpu, rd->ran, 1));
}

/* A CPU that is left out is not told to the caller: look who executed it. */
static int cpuhpt_all_seen_ran(struct cpuhpt_reader *rd)
{
	return cpumask_subset(rd->seen, rd->ran) ? 0 : -ENXIO;
}

static int cpuhpt_use_many(struct cpuhpt_reader *rd, struct cpuhpt_slot *unused)
{
	cpumask_clear(rd->ran);
	smp_call_function_many(rd->seen, cpuhpt_note_cpu, rd->ran, true);
	return cpuhpt_all_seen_ran(rd);
}

static int cpuhpt_use_all(struct cpuhpt_reader *rd, struct cpuhpt_slot *unused)
{
	cpumask_clear(rd->ran);
	on_each_cpu(cpuhpt_note_cpu, rd->ran, 1);
	return cpuhpt_all_seen_ran(rd);
}

static void cpuhpt_async_fn(void *arg)
{
	cpuhpt_slot_executed_here(arg);
}

static int cpuhpt_async_init(struct cpuhpt_slot *slot)
{
	INIT_CSD(&slot->csd, cpuhpt_async_fn, slot);
	return 0;
}

static int cpuhpt_use_async(struct cpuhpt_reader *rd, struct cpuhpt_slot *slot)
{
	return smp_call_function_single_async(rd->cpu, &slot->csd);
}

/*
 * irq_work.  All of it is hard, as only that is run by the CPU itself on
 * PREEMPT_RT, where the rest goes to a thread that is parked early.
 */

static void cpuhpt_irq_work_fn(struct irq_work *work)
{
	cpuhpt_slot_executed_here(container_of(work, struct cpuhpt_slot, irq_work));
}

static int cpuhpt_irq_work_init(struct cpuhpt_slot *slot)
{
	slot->irq_work = IRQ_WORK_INIT_HARD(cpuhpt_irq_work_fn);
	return 0;
}

static void cpuhpt_irq_work_exit(struct cpuhpt_slot *slot)
{
	irq_work_sync(&slot->irq_work);
}

static int cpuhpt_use_irq_work(struct cpuhpt_reader *rd, struct cpuhpt_slot *slot)
{
	/* The slot was free, so that "already pending" is no excuse. */
	return irq_work_queue_on(&slot->irq_work, rd->cpu) ? 0 : -EBUSY;
}

/*
 * Wait for the item within the section.  That is as good as a cross-call that
 * waits, as long as interrupts are enabled here: the target needs nothing from
 * this CPU.  Give up after ten seconds, to let a test end that has failed; a
 * busy host can keep a virtual CPU from running for one.
 */
static void cpuhpt_irq_work_poll(struct cpuhpt_reader *rd, struct cpuhpt_slot *slot)
{
	unsigned long tries = 10 * USEC_PER_SEC / 5;

	while (irq_work_is_busy(&slot->irq_work)) {
		if (!tries--) {
			cpuhpt_error(CPUHPT_LOST, "irq_work of CPU %d while reader %d waits for it",
				     rd->cpu, rd->id);
			break;
		}
		udelay(5);
	}
}

static int cpuhpt_use_irq_work_poll(struct cpuhpt_reader *rd, struct cpuhpt_slot *slot)
{
	int ret = cpuhpt_use_irq_work(rd, slot);

	if (!ret)
		cpuhpt_irq_work_poll(rd, slot);
	return ret;
}

static void cpuhpt_irq_work_raise(void *arg)
{
	struct cpuhpt_slot *slot = arg;

	WARN_ON_ONCE(!irq_work_queue(&slot->irq_work));
}

/*
 * The CPU's own irq_work, raised by a cross-call, which may well be among the
 * last things that it does.  The reader waits for it within the section, or
 * spins when the section is over: without preemption that holds up the next
 * grace period.
 */
static int cpuhpt_use_irq_work_local(struct cpuhpt_reader *rd, struct cpuhpt_slot *slot)
{
	int ret = smp_call_function_single(rd->cpu, cpuhpt_irq_work_raise, slot, 1);

	if (ret)
		return ret;
	if (torture_random(&rd->rand) & 1)
		cpuhpt_irq_work_poll(rd, slot);
	else
		rd->sync = &slot->irq_work;
	return 0;
}

/*
 * timers
 */

static void cpuhpt_timer_fn(struct timer_list *timer)
{
	struct cpuhpt_slot *slot = from_timer(slot, timer, timer);

	cpuhpt_slot_late(slot);
	cpuhpt_slot_executed(slot);
}

static int cpuhpt_timer_init(struct cpuhpt_slot *slot)
{
	timer_setup(&slot->timer, cpuhpt_timer_fn, TIMER_PINNED);
	return 0;
}

static void cpuhpt_timer_exit(struct cpuhpt_slot *slot)
{
	timer_delete_sync(&slot->timer);
}

static int cpuhpt_use_timer(struct cpuhpt_reader *rd, struct cpuhpt_slot *slot)
{
	unsigned long delta = 1 + torture_random(&rd->rand) % (1 + HZ / 50);

	/* Jiffies may stand still when they should not, so don't time by them. */
	slot->due = ktime_add_ns(ktime_get(), jiffies_to_nsecs(delta));
	slot->timer.expires = jiffies + delta;
	add_timer_on(&slot->timer, rd->cpu);
	return 0;
}

static enum hrtimer_restart cpuhpt_hrtimer_fn(struct hrtimer *hrtimer)
{
	struct cpuhpt_slot *slot = container_of(hrtimer, struct cpuhpt_slot, hrtimer);

	cpuhpt_slot_late(slot);
	cpuhpt_slot_executed(slot);
	return HRTIMER_NORESTART;
}

static int cpuhpt_hrtimer_init(struct cpuhpt_slot *slot)
{
	hrtimer_init(&slot->hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
	slot->hrtimer.function = cpuhpt_hrtimer_fn;
	return 0;
}

static void cpuhpt_hrtimer_exit(struct cpuhpt_slot *slot)
{
	hrtimer_cancel(&slot->hrtimer);
}

static void cpuhpt_hrtimer_arm(void *arg)
{
	struct cpuhpt_slot *slot = arg;

	/* Absolute, as it may be due by now. */
	hrtimer_start(&slot->hrtimer, slot->due, HRTIMER_MODE_ABS_PINNED_HARD);
}

/* The only way to another CPU's hrtimers is to go there. */
static int cpuhpt_use_hrtimer(struct cpuhpt_reader *rd, struct cpuhpt_slot *slot)
{
	unsigned int delta_us = 50 + torture_random(&rd->rand) % 4000;

	slot->due = ktime_add_us(ktime_get(), delta_us);
	return smp_call_function_single(rd->cpu, cpuhpt_hrtimer_arm, slot, 1);
}

/*
 * tasks
 */

static void cpuhpt_work_fn(struct work_struct *work)
{
	/* The worker's CPU is not checked: it may have had to leave. */
	cpuhpt_slot_executed(container_of(work, struct cpuhpt_slot, work));
}

static int cpuhpt_work_init(struct cpuhpt_slot *slot)
{
	INIT_WORK(&slot->work, cpuhpt_work_fn);
	return 0;
}

static void cpuhpt_work_exit(struct cpuhpt_slot *slot)
{
	cancel_work_sync(&slot->work);
}

static int cpuhpt_use_work(struct cpuhpt_reader *rd, struct cpuhpt_slot *slot)
{
	return queue_work_on(rd->cpu, cpuhpt_wq, &slot->work) ? 0 : -EBUSY;
}

/* Be last seen on a certain CPU, but don't insist on waking up there. */
static void cpuhpt_sleeper_move(int cpu)
{
	/* If that CPU is not there, it is as well to stay. */
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static int cpuhpt_sleeper(void *arg)
{
	struct cpuhpt_slot *slot = arg;
	DEFINE_TORTURE_RANDOM(rand);

	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		if (!READ_ONCE(slot->armed)) {
			schedule();
			continue;
		}
		__set_current_state(TASK_RUNNING);
		cpuhpt_sleeper_move(torture_random(&rand) % nr_cpu_ids);
		cpuhpt_slot_executed(slot);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static int cpuhpt_wakeup_init(struct cpuhpt_slot *slot)
{
	slot->sleeper = kthread_run(cpuhpt_sleeper, slot, "cpuhpt_sleeper");
	return PTR_ERR_OR_ZERO(slot->sleeper);
}

static void cpuhpt_wakeup_exit(struct cpuhpt_slot *slot)
{
	if (!IS_ERR_OR_NULL(slot->sleeper))
		kthread_stop(slot->sleeper);
}

static int cpuhpt_use_wakeup(struct cpuhpt_reader *rd, struct cpuhpt_slot *slot)
{
	wake_up_process(slot->sleeper);
	return 0;
}

static const struct cpuhpt_service cpuhpt_services[CPUHPT_NR_SERVICES] = {
	[CPUHPT_SINGLE] = {
		.name		= "single",
		.contexts	= CPUHPT_MAY_WAIT,
		.use		= cpuhpt_use_single,
	},
	[CPUHPT_ANY] = {
		.name		= "any",
		.contexts	= CPUHPT_MAY_WAIT,
		.use		= cpuhpt_use_any,
	},
	[CPUHPT_MANY] = {
		.name		= "many",
		.contexts	= CPUHPT_MAY_WAIT,
		.use		= cpuhpt_use_many,
	},
	[CPUHPT_ALL] = {
		.name		= "all",
		.contexts	= CPUHPT_MAY_WAIT,
		.use		= cpuhpt_use_all,
	},
	[CPUHPT_ASYNC] = {
		.name		= "async",
		.contexts	= CPUHPT_ANYWHERE,
		.depth		= CPUHPT_SLOTS,
		.use		= cpuhpt_use_async,
		.init		= cpuhpt_async_init,
	},
	[CPUHPT_IRQ_WORK] = {
		.name		= "irq_work",
		.contexts	= CPUHPT_ANYWHERE,
		.depth		= CPUHPT_SLOTS,
		.use		= cpuhpt_use_irq_work,
		.init		= cpuhpt_irq_work_init,
		.exit		= cpuhpt_irq_work_exit,
	},
	[CPUHPT_IRQ_WORK_POLL] = {
		.name		= "irq_work_poll",
		.contexts	= CPUHPT_MAY_WAIT,
		.depth		= CPUHPT_SLOTS,
		.use		= cpuhpt_use_irq_work_poll,
		.init		= cpuhpt_irq_work_init,
		.exit		= cpuhpt_irq_work_exit,
	},
	[CPUHPT_IRQ_WORK_LOCAL] = {
		.name		= "irq_work_local",
		.contexts	= CPUHPT_MAY_WAIT,
		.depth		= CPUHPT_SLOTS,
		.use		= cpuhpt_use_irq_work_local,
		.init		= cpuhpt_irq_work_init,
		.exit		= cpuhpt_irq_work_exit,
	},
	[CPUHPT_TIMER] = {
		.name		= "timer",
		.contexts	= CPUHPT_ANYWHERE,
		.depth		= CPUHPT_SLOTS,
		.recall		= true,
		.use		= cpuhpt_use_timer,
		.init		= cpuhpt_timer_init,
		.exit		= cpuhpt_timer_exit,
	},
	[CPUHPT_HRTIMER] = {
		.name		= "hrtimer",
		.contexts	= CPUHPT_MAY_WAIT,
		.depth		= CPUHPT_SLOTS,
		.recall		= true,
		.use		= cpuhpt_use_hrtimer,
		.init		= cpuhpt_hrtimer_init,
		.exit		= cpuhpt_hrtimer_exit,
	},
	[CPUHPT_WORK] = {
		.name		= "work",
		.contexts	= CPUHPT_ANYWHERE,
		.depth		= CPUHPT_SLOTS,
		.recall		= true,
		.use		= cpuhpt_use_work,
		.init		= cpuhpt_work_init,
		.exit		= cpuhpt_work_exit,
	},
	[CPUHPT_WAKEUP] = {
		.name		= "wakeup",
		.contexts	= CPUHPT_ANYWHERE,
		/* The next wakeup would make up for one that is lost. */
		.depth		= 1,
		.recall		= true,
		.use		= cpuhpt_use_wakeup,
		.init		= cpuhpt_wakeup_init,
		.exit		= cpuhpt_wakeup_exit,
	},
};

/**
 * cpuhpt_service_fits - may a service be used in that kind of section?
 * @id: the service
 * @context: the kind of section
 *
 * Context: Any.
 * Return: true if it may
 */
bool cpuhpt_service_fits(enum cpuhpt_service_id id, enum cpuhpt_context context)
{
	return cpuhpt_services[id].contexts & BIT(context);
}

static struct cpuhpt_slot *cpuhpt_slot_get(struct cpuhpt_reader *rd)
{
	struct cpuhpt_slot *slot = &rd->slots[rd->service * CPUHPT_SLOTS];
	unsigned int i;

	for (i = 0; i < cpuhpt_services[rd->service].depth; i++, slot++) {
		/* Pairs with the release in cpuhpt_slot_executed(). */
		if (smp_load_acquire(&slot->armed))
			continue;
		slot->lost = false;
		slot->cpu = rd->cpu;
		slot->deaths = rd->deaths;
		WRITE_ONCE(slot->since, jiffies);
		/* Pairs with the acquire in cpuhpt_slot_overdue(). */
		smp_store_release(&slot->armed, true);
		return slot;
	}
	return NULL;
}

static void cpuhpt_service_failed(struct cpuhpt_reader *rd, int err)
{
	struct cpuhpt_service_stats *stats = &cpuhpt_stats[rd->service];
	enum cpuhpt_error_id id = err == -ESRCH ? CPUHPT_LOST : CPUHPT_REFUSED;

	atomic_long_inc(id == CPUHPT_LOST ? &stats->lost : &stats->refused);
	cpuhpt_error(id, "%s of CPU %d (now %s) in a %s section: %d",
		     cpuhpt_services[rd->service].name, rd->cpu,
		     cpu_online(rd->cpu) ? "online" : "gone",
		     cpuhpt_context_names[rd->context], err);
}

/**
 * cpuhpt_use_service - use a service of a CPU in a section that saw it online
 * @rd: the reader, with the service and the CPU in it
 *
 * Context: In the section. Does not sleep; spins where the service waits for the
 *	    CPU, which takes enabled interrupts.
 */
void cpuhpt_use_service(struct cpuhpt_reader *rd)
{
	const struct cpuhpt_service *service = &cpuhpt_services[rd->service];
	struct cpuhpt_service_stats *stats = &cpuhpt_stats[rd->service];
	struct cpuhpt_slot *slot = NULL;
	int ret;

	if (service->depth) {
		slot = cpuhpt_slot_get(rd);
		if (!slot)
			return;		/* All are under way. */
	}

	atomic_long_inc(&stats->used);
	if (!cpu_online(rd->cpu))
		atomic_long_inc(&stats->gone);

	ret = service->use(rd, slot);
	if (!ret)
		return;

	if (slot)
		cpuhpt_slot_executed(slot);
	cpuhpt_service_failed(rd, ret);
}

/*
 * What has not been executed for so long is not going to be.
 */
static bool cpuhpt_slot_overdue(struct cpuhpt_slot *slot)
{
	/* Pairs with the release in cpuhpt_slot_get(). */
	return smp_load_acquire(&slot->armed) && !slot->lost &&
	       time_after(jiffies, READ_ONCE(slot->since) + cpuhpt_lost_jiffies);
}

static void cpuhpt_slot_check(struct cpuhpt_slot *slot)
{
	if (!cpuhpt_slot_overdue(slot))
		return;

	slot->lost = true;
	atomic_long_inc(&cpuhpt_stats[slot->id].lost);
	cpuhpt_error(CPUHPT_LOST, "%s of CPU %d (now %s), used %u ms ago",
		     cpuhpt_services[slot->id].name, slot->cpu,
		     cpu_online(slot->cpu) ? "online" : "offline",
		     jiffies_to_msecs(jiffies - slot->since));
}

/**
 * cpuhpt_slots_check - look for what was lost
 * @rd: the reader whose slots to look at
 *
 * Context: Any, but one caller at a time for each reader.
 */
void cpuhpt_slots_check(struct cpuhpt_reader *rd)
{
	int i;

	for (i = 0; i < CPUHPT_NR_SLOTS; i++)
		cpuhpt_slot_check(&rd->slots[i]);
}

/**
 * cpuhpt_slots_idle - has everything been executed, or been found lost?
 * @rd: the reader whose slots to look at
 *
 * Context: Any.
 * Return: false if something is still under way
 */
bool cpuhpt_slots_idle(struct cpuhpt_reader *rd)
{
	int i;

	for (i = 0; i < CPUHPT_NR_SLOTS; i++)
		if (READ_ONCE(rd->slots[i].armed) && !rd->slots[i].lost)
			return false;
	return true;
}

/* Not every service has the same number of slots, and some have none. */
static bool cpuhpt_slot_exists(int i)
{
	return i % CPUHPT_SLOTS < cpuhpt_services[i / CPUHPT_SLOTS].depth;
}

static int cpuhpt_slot_init(struct cpuhpt_slot *slot, enum cpuhpt_service_id id)
{
	slot->id = id;
	return cpuhpt_services[id].init(slot);
}

/**
 * cpuhpt_slots_init - prepare the slots of a reader
 * @rd: the reader
 *
 * Context: May sleep.
 * Return: 0 or the first errno. cpuhpt_slots_exit() is due in any case.
 */
int cpuhpt_slots_init(struct cpuhpt_reader *rd)
{
	int ret = 0;
	int i;

	for (i = 0; i < CPUHPT_NR_SLOTS; i++) {
		int err = 0;

		if (cpuhpt_slot_exists(i))
			err = cpuhpt_slot_init(&rd->slots[i], i / CPUHPT_SLOTS);
		ret = ret ?: err;
	}
	return ret;
}

static bool cpuhpt_slot_exit(struct cpuhpt_slot *slot)
{
	const struct cpuhpt_service *service = &cpuhpt_services[slot->id];

	if (slot->armed && !service->recall)
		return false;
	if (service->exit)
		service->exit(slot);
	return true;
}

/**
 * cpuhpt_slots_exit - call back what is still under way
 * @rd: the reader, which has ended
 *
 * Context: May sleep.
 * Return: false if the memory is not free to go: there is no way to call back a
 *	   cross-call.
 */
bool cpuhpt_slots_exit(struct cpuhpt_reader *rd)
{
	bool ret = true;
	int i;

	for (i = 0; i < CPUHPT_NR_SLOTS; i++)
		if (cpuhpt_slot_exists(i))
			ret &= cpuhpt_slot_exit(&rd->slots[i]);
	return ret;
}

/**
 * cpuhpt_services_init - before the first use of a service
 * @lost_secs: the time after which a use counts as lost, in s
 * @late_ms: the time after which a timer counts as late, in ms, or 0 for the
 *	     longest one until cpuhpt_services_rest_ends()
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM
 */
int cpuhpt_services_init(unsigned int lost_secs, unsigned int late_ms)
{
	cpuhpt_lost_jiffies = lost_secs * HZ;
	cpuhpt_late_us = (long)late_ms * USEC_PER_MSEC;
	cpuhpt_at_rest = true;
	cpuhpt_wq = alloc_workqueue("cpuhp-torture", 0, 0);
	return cpuhpt_wq ? 0 : -ENOMEM;
}

/**
 * cpuhpt_services_rest_ends - a CPU goes: from now on timers may be later
 *
 * Context: Any.
 */
void cpuhpt_services_rest_ends(void)
{
	WRITE_ONCE(cpuhpt_at_rest, false);
}

static void cpuhpt_nop(void *unused)
{
}

/**
 * cpuhpt_services_exit - after the last use of a service
 *
 * Context: May sleep.
 */
void cpuhpt_services_exit(void)
{
	/* The last handlers may still be on their way out of this module. */
	on_each_cpu(cpuhpt_nop, NULL, 1);
	if (cpuhpt_wq)
		destroy_workqueue(cpuhpt_wq);
}

/**
 * cpuhpt_services_print - the statistics, a line for each service
 *
 * Context: Any.
 */
void cpuhpt_services_print(void)
{
	int id;

	for (id = 0; id < CPUHPT_NR_SERVICES; id++) {
		struct cpuhpt_service_stats *stats = &cpuhpt_stats[id];

		pr_alert("%s: used: %ld gone: %ld refused: %ld lost: %ld late: %ld max: %ld us, at rest: %ld us\n",
			 cpuhpt_services[id].name,
			 atomic_long_read(&stats->used),
			 atomic_long_read(&stats->gone),
			 atomic_long_read(&stats->refused),
			 atomic_long_read(&stats->lost),
			 atomic_long_read(&stats->late),
			 atomic_long_read(&stats->max_late_us),
			 atomic_long_read(&stats->rest_late_us));
	}
}

/**
 * cpuhpt_services_late - how many timers have been late?
 *
 * Context: Any.
 * Return: their number, of all services
 */
long cpuhpt_services_late(void)
{
	long late = 0;
	int id;

	for (id = 0; id < CPUHPT_NR_SERVICES; id++)
		late += atomic_long_read(&cpuhpt_stats[id].late);
	return late;
}
