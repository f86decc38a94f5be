// SPDX-License-Identifier: GPL-2.0
/*
 * late [-j] CPU: how late timers are, and how long the jiffies stand still, when
 * CPU goes offline
 *
 * A task with a timer every millisecond runs on CPU, is pushed off it, and is
 * allowed on one other CPU. So is one that has armed many timers there; it kept
 * the CPU busy until then. The control task is on a third CPU. All the rest is
 * idle. Prints, in us:
 *
 *	timer N armed N jiffies N
 *
 * the longest time from the expiry of a timer to the task's next step, for each
 * of the two, and the longest time for which CLOCK_MONOTONIC_COARSE, which goes
 * with the jiffies, stood behind CLOCK_MONOTONIC. All from the write to 'online'
 * until 20 ms after its return. The CPU is online again at the end.
 *
 * -j: only the jiffies, with cpuhp_hog to have the outgoing CPU count them. There
 * are no other tasks and no timers: an idle CPU that is woken up brings the jiffies
 * up to date whoever should.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define US		1000ULL
#define MS		1000000ULL
#define PERIOD_NS	MS
#define SETTLE_NS	(20 * MS)
#define QUIET_NS	(500 * MS)
#define AFTER_NS	(20 * MS)
#define ARMED_NS	(3 * MS)
#define NR_ARMED	128

static int done;
/* Since when, or 0 */
static __u64 measuring;
static __u64 late_ns, armed_late_ns, stood_ns;
static sem_t ready;

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
	int timers[NR_ARMED];
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

/* The timers expire one after the other, each once. None is ever read. */
static int arm(const int *timers)
{
	__u64 ns = clock_ns(CLOCK_MONOTONIC);
	int epoll = epoll_create1(0), i;

	for (i = 0; i < NR_ARMED; i++) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLET };
		struct itimerspec when = { };

		ns += ARMED_NS;
		when.it_value.tv_sec = ns / 1000000000;
		when.it_value.tv_nsec = ns % 1000000000;
		event.data.u64 = ns;
		if (timerfd_settime(timers[i], TFD_TIMER_ABSTIME, &when, NULL) ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, timers[i], &event))
			return -1;
	}
	return epoll;
}

static void *armed(void *arg)
{
	struct place *place = arg;
	int epoll = -1;
	__u64 end;

	if (!bind_to(place->cpu, place->cpu)) {
		end = clock_ns(CLOCK_MONOTONIC) + SETTLE_NS;
		while (clock_ns(CLOCK_MONOTONIC) < end)
			relax();
		epoll = arm(place->timers);
	}
	if (bind_to(place->cpu, place->other))
		epoll = -1;
	sem_post(&ready);
	if (epoll < 0)
		return "no timer can be set";

	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		struct epoll_event event;
		__u64 since, now;

		if (epoll_wait(epoll, &event, 1, 1) != 1)
			continue;
		now = clock_ns(CLOCK_MONOTONIC);
		since = __atomic_load_n(&measuring, __ATOMIC_ACQUIRE);
		if (since && event.data.u64 >= since)
			at_most(&armed_late_ns, now - event.data.u64);
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
	int nr = sysconf(_SC_NPROCESSORS_CONF), cpu, err, i;
	bool timers = true;
	pthread_t thread, thread_armed;
	void *fault = NULL, *fault_armed = NULL;
	struct place place;
	__u64 end;

	if (argc > 1 && !strcmp(argv[1], "-j")) {
		timers = false;
		argv++;
		argc--;
	}
	cpu = argc > 1 ? atoi(argv[1]) : -1;
	place.cpu = cpu;
	place.other = cpu + 1;
	if (argc != 2 || cpu < 1 || cpu + 2 >= nr) {
		fprintf(stderr, "usage: late [-j] CPU, with two more CPUs behind it\n");
		return 2;
	}
	/* Before there are threads: more file descriptors take grace periods then. */
	for (i = 0; timers && i < NR_ARMED; i++)
		place.timers[i] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	if (bind_to(cpu + 2, cpu + 2) || sem_init(&ready, 0, 0) ||
	    (timers && (pthread_create(&thread, NULL, pushed, &place) ||
			pthread_create(&thread_armed, NULL, armed, &place)))) {
		perror("late");
		return 1;
	}
	if (timers) {
		sem_wait(&ready);
	} else {
		/* Let the others get done with what forking has left them to do, and sleep. */
		sleep_until(clock_ns(CLOCK_MONOTONIC) + QUIET_NS);
	}

	__atomic_store_n(&measuring, clock_ns(CLOCK_MONOTONIC), __ATOMIC_RELEASE);
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
	if (timers) {
		pthread_join(thread, &fault);
		pthread_join(thread_armed, &fault_armed);
	}
	fault = fault ?: fault_armed;
	if (fault || err) {
		fprintf(stderr, "late: %s\n", fault ? (char *)fault : strerror(err));
		return 1;
	}
	printf("timer %llu armed %llu jiffies %llu\n",
	       late_ns / US, armed_late_ns / US, stood_ns / US);
	return 0;
}
