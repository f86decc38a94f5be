// SPDX-License-Identifier: GPL-2.0
/*
 * late CPU: how late timers are, and how long the jiffies stand still, when
 * CPU goes offline
 *
 * A task with a timer every millisecond runs on CPU, is pushed off it, and is
 * allowed on one other CPU. The control task is on a third one. All the rest is
 * idle. Prints, in us:
 *
 *	timer N jiffies N
 *
 * the longest time from the expiry of a timer to the task's next step, and the
 * longest time for which CLOCK_MONOTONIC_COARSE, which goes with the jiffies,
 * stood behind CLOCK_MONOTONIC. Both from the write to 'online' until 20 ms
 * after its return. The CPU is online again at the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define US		1000ULL
#define MS		1000000ULL
#define PERIOD_NS	MS
#define SETTLE_NS	(20 * MS)
#define AFTER_NS	(20 * MS)

static int measuring, done;
static __u64 late_ns, stood_ns;

static __u64 clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void sleep_until(__u64 ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void at_most(__u64 *max, __u64 val)
{
	__u64 was = __atomic_load_n(max, __ATOMIC_RELAXED);

	while (val > was &&
	       !__atomic_compare_exchange_n(max, &was, val, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/*
 * A simulator that runs one CPU after the other goes on to the next one here, as
 * it does in the kernel's spin loops. Without it, who spins keeps the others
 * waiting up to the next timer.
 */
static void relax(void)
{
#if __has_builtin(__builtin_ia32_pause)
	__builtin_ia32_pause();
#endif
}

/* The fine clock first: being interrupted in between makes no difference then. */
static void look_at_jiffies(void)
{
	__u64 fine = clock_ns(CLOCK_MONOTONIC), coarse = clock_ns(CLOCK_MONOTONIC_COARSE);

	if (fine > coarse)
		at_most(&stood_ns, fine - coarse);
}

static int bind_to(int cpu, int other)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CPU_SET(other, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

struct place {
	int cpu, other;
};

static void *pushed(void *arg)
{
	struct place *place = arg;
	__u64 next;

	if (bind_to(place->cpu, place->cpu) || bind_to(place->cpu, place->other))
		return "the task cannot be bound";
	next = clock_ns(CLOCK_MONOTONIC) + PERIOD_NS;
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		__u64 now;

		sleep_until(next);
		now = clock_ns(CLOCK_MONOTONIC);
		if (__atomic_load_n(&measuring, __ATOMIC_ACQUIRE)) {
			at_most(&late_ns, now - next);
			look_at_jiffies();
		}
		next = now + PERIOD_NS;
	}
	return NULL;
}

static int set_online(int cpu, int online)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	fd = open(path, O_WRONLY);
	ret = fd < 0 || write(fd, online ? "1" : "0", 1) != 1 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return ret;
}

int main(int argc, char **argv)
{
	int nr = sysconf(_SC_NPROCESSORS_CONF), cpu = argc > 1 ? atoi(argv[1]) : -1, err;
	struct place place = { cpu, cpu + 1 };
	pthread_t thread;
	void *fault;
	__u64 end;

	if (argc != 2 || cpu < 1 || cpu + 2 >= nr) {
		fprintf(stderr, "usage: late CPU, with two more CPUs behind it\n");
		return 2;
	}
	if (bind_to(cpu + 2, cpu + 2) || pthread_create(&thread, NULL, pushed, &place)) {
		perror("late");
		return 1;
	}
	sleep_until(clock_ns(CLOCK_MONOTONIC) + SETTLE_NS);

	__atomic_store_n(&measuring, 1, __ATOMIC_RELEASE);
	err = set_online(cpu, 0);
	end = clock_ns(CLOCK_MONOTONIC) + AFTER_NS;
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		look_at_jiffies();
		relax();
	}
	__atomic_store_n(&measuring, 0, __ATOMIC_RELEASE);

	if (!err)
		err = set_online(cpu, 1);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	pthread_join(thread, &fault);
	if (fault || err) {
		fprintf(stderr, "late: %s\n", fault ? (char *)fault : strerror(err));
		return 1;
	}
	printf("timer %llu jiffies %llu\n", late_ns / US, stood_ns / US);
	return 0;
}
