// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs as sysfs knows them
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lat.h"

#define SYS_CPU	"/sys/devices/system/cpu/"

static int parse_number(const char **p)
{
	unsigned long n;
	char *end;

	if (!isdigit(**p))
		return -1;
	n = strtoul(*p, &end, 10);
	*p = end;
	return n < MAX_CPUS ? (int)n : -1;
}

/**
 * cpus_parse - Parse a list like "1-3,5"
 * @list: The list, which may end with a newline
 * @set: Gets true for each CPU of the list; has MAX_CPUS elements
 *
 * Return: How many CPUs it names, or -1 if it is no list of CPUs.
 */
int cpus_parse(const char *list, bool *set)
{
	int from, to, nr = 0;

	for (;; list++) {
		from = parse_number(&list);
		to = from;
		if (from >= 0 && *list == '-') {
			list++;
			to = parse_number(&list);
		}
		if (from < 0 || to < from)
			return -1;
		for (; from <= to; from++) {
			nr += !set[from];
			set[from] = true;
		}
		if (*list != ',')
			break;
	}
	return !*list || !strcmp(list, "\n") ? nr : -1;
}

/**
 * cpus_read - Read a list of CPUs out of sysfs
 * @file: Its name, like "online"
 * @set: Gets true for each CPU of the list; has MAX_CPUS elements
 */
void cpus_read(const char *file, bool *set)
{
	char path[64], *text;

	snprintf(path, sizeof(path), SYS_CPU "%s", file);
	text = read_text(path);
	if (!text || cpus_parse(text, set) < 0)
		errx(1, "cannot read %s: is sysfs mounted?", path);
	free(text);
}

/**
 * cpus_check - Can these CPUs be taken off? Die if not
 * @set: The CPUs
 * @online: Those that are online
 */
void cpus_check(const bool *set, const bool *online)
{
	char path[64];
	int cpu, left = 0;

	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		left += online[cpu] && !set[cpu];
		snprintf(path, sizeof(path), SYS_CPU "cpu%d", cpu);
		if (set[cpu] && access(path, F_OK))
			errx(1, "CPU%d does not exist", cpu);
	}
	if (!left)
		errx(1, "no other CPU would be left online: leave one out of the list");
	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		snprintf(path, sizeof(path), SYS_CPU "cpu%d/online", cpu);
		if (set[cpu] && access(path, W_OK))
			err(1, "CPU%d cannot be taken offline: %s", cpu, path);
		if (set[cpu] && !online[cpu])
			errx(1, "CPU%d is offline: bring it online first", cpu);
	}
}

/**
 * cpu_write_online - Take a CPU off or on
 * @cpu: The CPU
 * @on: Where to
 *
 * Return: 0 or errno.
 */
int cpu_write_online(int cpu, bool on)
{
	char path[64];
	int fd, ret = 0;

	snprintf(path, sizeof(path), SYS_CPU "cpu%d/online", cpu);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, on ? "1" : "0", 1) < 0)
		ret = errno;
	close(fd);
	return ret;
}

/**
 * cpu_bind - Let a task run on one CPU only
 * @pid: The task, 0 for the caller
 * @cpu: The CPU
 *
 * Return: 0 or errno.
 */
int cpu_bind(int pid, int cpu)
{
	size_t size = CPU_ALLOC_SIZE(MAX_CPUS);
	cpu_set_t *set = CPU_ALLOC(MAX_CPUS);
	int ret;

	if (!set)
		errx(1, "out of memory");
	CPU_ZERO_S(size, set);
	CPU_SET_S(cpu, size, set);
	ret = sched_setaffinity(pid, size, set) ? errno : 0;
	CPU_FREE(set);
	return ret;
}
