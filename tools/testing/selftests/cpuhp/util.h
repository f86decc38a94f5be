/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs here share.  They define _GNU_SOURCE before any header. */
#ifndef CPUHP_UTIL_H
#define CPUHP_UTIL_H

#include <linux/types.h>
#include <sched.h>
#include <time.h>

#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL
#define BLOCK		4096	/* for O_DIRECT, and a page */

static inline __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* pid, 0 for the caller, runs on cpu alone: 0, or -1 and errno if that is offline */
static inline int to_cpu(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(pid, sizeof(set), &set);
}

#endif
