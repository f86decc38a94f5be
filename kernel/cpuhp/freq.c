// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cpufreq driver without hardware, for guests that have none: governors, their
 * kthreads and their policies are then where CPUs go offline. A policy has the CPUs
 * of a cluster, and the module counts what a policy of no online CPU is asked for.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cpufreq.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/math.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>

MODULE_DESCRIPTION("A cpufreq driver without hardware");
MODULE_LICENSE("GPL");

#define FREQ_KHZ(ghz)	((ghz) * 1000000)
#define FREQ_LATENCY	10000	/* ns */

static uint freq_cluster = 1;
module_param_named(cluster, freq_cluster, uint, 0444);
MODULE_PARM_DESC(cluster, "CPUs that have one clock");

static bool freq_fast;
module_param_named(fast, freq_fast, bool, 0444);
MODULE_PARM_DESC(fast, "The scheduler changes frequencies by itself, without a kthread");

static atomic_t freq_sets = ATOMIC_INIT(0);
static atomic_t freq_strays = ATOMIC_INIT(0);

static int freq_get_count(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", atomic_read((atomic_t *)kp->arg));
}

static const struct kernel_param_ops freq_count_ops = { .get = freq_get_count };
module_param_cb(sets, &freq_count_ops, &freq_sets, 0444);
MODULE_PARM_DESC(sets, "How often a frequency was set (do not set)");
module_param_cb(strays, &freq_count_ops, &freq_strays, 0444);
MODULE_PARM_DESC(strays, "How often for a policy of no online CPU (do not set)");

static struct cpufreq_frequency_table freq_table[] = {
	{ .frequency = FREQ_KHZ(1) },
	{ .frequency = FREQ_KHZ(2) },
	{ .frequency = FREQ_KHZ(3) },
	{ .frequency = CPUFREQ_TABLE_END },
};

/* The frequency of each cluster, at its first CPU */
static DEFINE_PER_CPU(unsigned int, freq_now) = FREQ_KHZ(1);

static unsigned int freq_first(unsigned int cpu)
{
	return rounddown(cpu, freq_cluster);
}

static void freq_set(struct cpufreq_policy *policy, unsigned int khz)
{
	atomic_inc(&freq_sets);
	if (!cpumask_intersects(policy->cpus, cpu_online_mask))
		atomic_inc(&freq_strays);
	WRITE_ONCE(per_cpu(freq_now, freq_first(cpumask_first(policy->related_cpus))), khz);
}

static int freq_target_index(struct cpufreq_policy *policy, unsigned int index)
{
	freq_set(policy, freq_table[index].frequency);
	policy->cur = freq_table[index].frequency;
	return 0;
}

static unsigned int freq_fast_switch(struct cpufreq_policy *policy, unsigned int target)
{
	unsigned int index = cpufreq_frequency_table_target(policy, target, policy->min,
							    policy->max, CPUFREQ_RELATION_L);

	freq_set(policy, freq_table[index].frequency);
	return freq_table[index].frequency;
}

static unsigned int freq_get(unsigned int cpu)
{
	return READ_ONCE(per_cpu(freq_now, freq_first(cpu)));
}

static int freq_init_policy(struct cpufreq_policy *policy)
{
	unsigned int cpu, first = freq_first(policy->cpu);

	for (cpu = first; cpu < first + freq_cluster && cpu < nr_cpu_ids; cpu++) {
		if (cpu_possible(cpu))
			cpumask_set_cpu(cpu, policy->cpus);
	}
	policy->freq_table = freq_table;
	policy->cur = freq_get(policy->cpu);
	policy->cpuinfo.transition_latency = FREQ_LATENCY;
	policy->dvfs_possible_from_any_cpu = true;
	policy->fast_switch_possible = freq_fast;
	return 0;
}

static struct cpufreq_driver freq_driver = {
	.name		= "cpuhp_freq",
	/*
	 * It is no clock of the machine's. Were others notified, an x86 without
	 * CONSTANT_TSC would give up the TSC, or with one CPU online change the
	 * pace of sched_clock(). So the statistics of cpufreq see no change either.
	 */
	.flags		= CPUFREQ_HAVE_GOVERNOR_PER_POLICY | CPUFREQ_ASYNC_NOTIFICATION,
	.verify		= cpufreq_generic_frequency_table_verify,
	.init		= freq_init_policy,
	.get		= freq_get,
	.target_index	= freq_target_index,
};

static int __init freq_init(void)
{
	if (!freq_cluster)
		return -EINVAL;
	if (freq_fast)
		freq_driver.fast_switch = freq_fast_switch;
	return cpufreq_register_driver(&freq_driver);
}

static void __exit freq_exit(void)
{
	cpufreq_unregister_driver(&freq_driver);
}

module_init(freq_init);
module_exit(freq_exit);
