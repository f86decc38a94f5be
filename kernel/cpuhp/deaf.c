// SPDX-License-Identifier: GPL-2.0-only
/*
 * An idle CPU that takes no interrupt for a while.
 *
 * A virtual CPU whose host has other things to do is like that, and so is a core
 * that takes long to wake up. No grace period waits for it, so only who waits
 * for the call itself knows when an asynchronous cross-call was taken up there.
 *
 * A write to "go" sends the CPU to such a sleep, and has another CPU call it and
 * not wait. That one can go offline then. "ran" tells whether the function of
 * the call has been run.
 *
 * No task must be woken up on the sleeping CPU meanwhile: isolate it (isolcpus=).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuidle.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>

MODULE_DESCRIPTION("An idle CPU that takes no interrupt for a while");
MODULE_LICENSE("GPL");

static uint deaf_cpu = 3;
module_param_named(cpu, deaf_cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "The CPU that sleeps");

static uint deaf_from = 1;
module_param_named(from, deaf_from, uint, 0444);
MODULE_PARM_DESC(from, "The CPU that calls it");

static uint deaf_ms = 2000;
module_param_named(ms, deaf_ms, uint, 0444);
MODULE_PARM_DESC(ms, "How long it sleeps");

static int deaf_ran;
module_param_named(ran, deaf_ran, int, 0444);
MODULE_PARM_DESC(ran, "Whether the function of the call has been run (do not set)");

/* A CPU that has its tick, and maybe the duty to keep the time, is left alone. */
#define DEAF_NO_TICK_NS	(50 * NSEC_PER_MSEC)

static bool deaf_wanted;
static bool deaf_now;

/* RCU does not watch. */
static notrace void deaf_sleep(void)
{
	u64 until = ktime_get_mono_fast_ns() + (u64)deaf_ms * NSEC_PER_MSEC;

	WRITE_ONCE(deaf_now, true);
	while (ktime_get_mono_fast_ns() < until)
		cpu_relax();
	WRITE_ONCE(deaf_now, false);
}

static notrace int deaf_enter(struct cpuidle_device *dev, struct cpuidle_driver *drv, int index)
{
	if (dev->cpu == deaf_cpu && READ_ONCE(deaf_wanted) &&
	    dev->next_hrtimer > ktime_get_mono_fast_ns() + DEAF_NO_TICK_NS) {
		WRITE_ONCE(deaf_wanted, false);
		deaf_sleep();
	}
	/* The idle loop goes round. It is only for so long. */
	return index;
}

static struct cpuidle_driver deaf_driver = {
	.name		= KBUILD_MODNAME,
	/* No owner: it would pin the module. deaf_exit() waits. */
	.states		= {
		{
			.enter			= deaf_enter,
			.exit_latency		= 1,
			.target_residency	= 1,
			.name			= "deaf",
			.desc			= "takes no interrupt for a while",
		},
	},
	.state_count	= 1,
};

static void deaf_nop(void *unused)
{
}

static void deaf_call_fn(void *unused)
{
	WRITE_ONCE(deaf_ran, 1);
}

/* Many, and not single: these csds are allocated, and freed with the CPU. */
static int deaf_call(void *unused)
{
	preempt_disable();
	smp_call_function_many(cpumask_of(deaf_cpu), deaf_call_fn, NULL, false);
	preempt_enable();
	return 0;
}

static int deaf_set_go(const char *val, const struct kernel_param *kp)
{
	int tries, err;

	WRITE_ONCE(deaf_ran, 0);
	WRITE_ONCE(deaf_wanted, true);
	for (tries = 0; tries < 100 && !READ_ONCE(deaf_now); tries++)
		msleep(20);
	WRITE_ONCE(deaf_wanted, false);
	if (!READ_ONCE(deaf_now))
		return -EBUSY;
	err = smp_call_on_cpu(deaf_from, deaf_call, NULL, false);
	if (err)
		return err;
	/* The call has to lie there, or else it proves nothing. */
	return READ_ONCE(deaf_now) ? 0 : -EBUSY;
}

static const struct kernel_param_ops deaf_go_ops = { .set = deaf_set_go };
module_param_cb(go, &deaf_go_ops, NULL, 0200);
MODULE_PARM_DESC(go, "Let the one sleep and the other call");

static int __init deaf_init(void)
{
	int err;

	if (deaf_cpu >= nr_cpu_ids || deaf_from >= nr_cpu_ids || deaf_cpu == deaf_from)
		return -EINVAL;

	err = cpuidle_register(&deaf_driver, NULL);
	if (err)
		return err;
	/* It leaves the sleep that it is in, and calls deaf_enter() from now on. */
	smp_call_function_single(deaf_cpu, deaf_nop, NULL, 1);
	return 0;
}

static void __exit deaf_exit(void)
{
	cpuidle_unregister(&deaf_driver);
	/* One may still be in there, where no grace period waits for it. */
	kick_all_cpus_sync();
}

module_init(deaf_init);
module_exit(deaf_exit);
