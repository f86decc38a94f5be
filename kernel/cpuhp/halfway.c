// SPDX-License-Identifier: GPL-2.0-only
/*
 * Questions to ask while a CPU has stopped half way to being offline: it is
 * online, but inactive, and nobody is to be sent there any more.
 *
 * The module is loaded if all answers are right, and refused if one is not. It
 * leaves an irq_work for the CPU, to be seen run when the CPU is offline.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cleanup.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/numa.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/topology.h>

MODULE_DESCRIPTION("Questions about a CPU that has stopped half way to being offline");
MODULE_LICENSE("GPL");

static uint halfway_cpu = 1;
module_param_named(cpu, halfway_cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "The CPU that has stopped half way");

static int halfway_ran;
module_param_named(ran, halfway_ran, int, 0444);
MODULE_PARM_DESC(ran, "How often its irq_work has run (do not set)");

/* With PREEMPT_RT it is for a thread, which may be parked. */
static void halfway_irq_work_fn(struct irq_work *work)
{
	WRITE_ONCE(halfway_ran, halfway_ran + 1);
}

static struct irq_work halfway_irq_work = IRQ_WORK_INIT(halfway_irq_work_fn);

/* Each index has an online CPU, on whatever node. */
static bool spread_finds_cpus(void)
{
	unsigned int i, cpu, wrong = 0;
	int node;

	for_each_online_node(node) {
		for (i = 0; i < 2 * num_online_cpus(); i++) {
			cpu = cpumask_local_spread(i, node);
			if (cpu < nr_cpu_ids && cpu_online(cpu))
				continue;
			pr_err("cpumask_local_spread(%u, %d) is %u\n", i, node, cpu);
			wrong++;
		}
	}
	return !wrong;
}

static int halfway_thread(void *unused)
{
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

/*
 * A kthread that is queued, here, behind this task, and may run on the CPU half
 * way and on another one from now on, goes to the other one.
 */
static bool affinity_is_met(unsigned int other)
{
	struct cpumask *mask __free(kfree) = kzalloc(cpumask_size(), GFP_KERNEL);
	unsigned int i, cpu, here = raw_smp_processor_id(), wrong = 0;
	struct task_struct *p;

	if (!mask)
		return false;
	cpumask_set_cpu(halfway_cpu, mask);
	cpumask_set_cpu(other, mask);

	p = kthread_run(halfway_thread, NULL, "cpuhp_halfway");
	if (IS_ERR(p))
		return false;
	/* The choice goes round: each CPU of the mask is hit in turn. */
	for (i = 0; i < 8; i++) {
		if (set_cpus_allowed_ptr(p, cpumask_of(here)))
			wrong++;
		wake_up_process(p);
		if (set_cpus_allowed_ptr(p, mask))
			wrong++;
		cpu = task_cpu(p);
		if (cpu == other)
			continue;
		pr_err("a kthread that may run on CPU%u and CPU%u is on CPU%u\n",
		       halfway_cpu, other, cpu);
		wrong++;
	}
	kthread_stop(p);
	return !wrong;
}

static int __init halfway_init(void)
{
	unsigned int here, other;
	bool fine;

	here = cpumask_any_but(cpu_active_mask, halfway_cpu);
	other = cpumask_next(here, cpu_active_mask);
	if (other == halfway_cpu)
		other = cpumask_next(other, cpu_active_mask);
	if (other >= nr_cpu_ids)
		return -ENODEV;

	fine = spread_finds_cpus();

	/* The task ends with the load. No other task of a lower class runs here. */
	sched_set_fifo(current);
	if (set_cpus_allowed_ptr(current, cpumask_of(here)))
		return -EINVAL;
	fine &= affinity_is_met(other);
	if (!fine)
		return -EINVAL;

	return irq_work_queue_on(&halfway_irq_work, halfway_cpu) ? 0 : -EBUSY;
}

static void __exit halfway_exit(void)
{
	irq_work_sync(&halfway_irq_work);
}

module_init(halfway_init);
module_exit(halfway_exit);
