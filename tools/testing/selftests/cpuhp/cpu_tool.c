// SPDX-License-Identifier: GPL-2.0
/*
 * What the shell scripts next to this file cannot do by themselves:
 *
 *   cpu_tool write FILE TEXT	one write(2) of TEXT, which may be empty; prints
 *				"OK" or the name of the error, and the time in ms
 *   cpu_tool put FILE		the same with what comes from standard input
 *   cpu_tool failnth N FILE TEXT
 *				the N-th allocation during the write fails; prints
 *				what is left of N as well
 *   cpu_tool works CPU		a task bound to CPU runs there, and its timers fire
 *				in time
 *   cpu_tool spin SECONDS	spins with a core scheduling cookie of its own,
 *				so that no other task shares the core meanwhile
 *   cpu_tool rtc SECONDS	has the RTC interrupt the machine all the time, and
 *				fails if that ends
 *   cpu_tool read CPU FILE	a task bound to CPU reads from a device, not from
 *				memory; prints what write does
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/rtc.h>
#include <linux/types.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "util.h"

#define WORK_NS		(2 * NSEC_PER_MSEC)
#define SLEEP_MS	20
#define LATE_MS		2000	/* generous: the host may be emulating and busy */
#define LOST_MS		10000

static int alarms;

static void print_result(int err, __u64 from)
{
	printf("%s %llu", err ? strerrorname_np(err) : "OK",
	       (unsigned long long)((now_ns() - from) / NSEC_PER_MSEC));
}

static int write_once(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY), err = 0;
	__u64 from = now_ns();

	if (fd < 0 || write(fd, text, len) < 0)
		err = errno;
	print_result(err, from);
	putchar('\n');
	return !!err;
}

static int write_failing(const char *n, const char *path, const char *text)
{
	int nth = open("/proc/thread-self/fail-nth", O_RDWR);
	int fd = open(path, O_WRONLY), err = 0;
	char left[16] = "";
	__u64 from = now_ns();

	if (fd < 0 || pwrite(nth, n, strlen(n), 0) < 0)
		return 2;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	if (pread(nth, left, sizeof(left) - 1, 0) < 0 || pwrite(nth, "0", 1, 0) < 0)
		return 2;
	print_result(err, from);
	printf(" %d\n", atoi(left));
	return !!err;
}

/* Bytes that cannot be arguments, or too many for one */
static int put(const char *path)
{
	static char text[1 << 17];
	size_t len = fread(text, 1, sizeof(text), stdin);

	return write_once(path, text, len);
}

/* The fault as text, or NULL */
static const char *check_place(int cpu)
{
	return sched_getcpu() == cpu ? NULL : "the task runs on another CPU";
}

static const char *check_time(__u64 from, const char *late)
{
	return now_ns() - from > (SLEEP_MS + LATE_MS) * NSEC_PER_MSEC ? late : NULL;
}

static const char *check_work(int cpu)
{
	__u64 from = now_ns();

	while (now_ns() - from < WORK_NS)
		if (check_place(cpu))
			break;
	return check_place(cpu);
}

static const char *check_sleep(void)
{
	struct timespec ts = { .tv_nsec = SLEEP_MS * NSEC_PER_MSEC };
	__u64 from = now_ns();

	if (nanosleep(&ts, NULL))
		return "nanosleep() failed";
	return check_time(from, "nanosleep() came back late");
}

static const char *check_poll(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;
	__u64 from = now_ns();

	if (epoll_wait(fd, &event, 1, SLEEP_MS))
		return "epoll_wait() failed";
	close(fd);
	return check_time(from, "epoll_wait() came back late");
}

static void on_alarm(int sig)
{
	(void)sig;
	__atomic_store_n(&alarms, 1, __ATOMIC_RELAXED);
}

/* A timer interrupts a task that spins: no wakeup from idle is needed */
static const char *check_itimer(void)
{
	struct itimerval it = { .it_value.tv_usec = SLEEP_MS * 1000 };
	__u64 from = now_ns();

	__atomic_store_n(&alarms, 0, __ATOMIC_RELAXED);
	signal(SIGALRM, on_alarm);
	if (setitimer(ITIMER_REAL, &it, NULL))
		return "setitimer() failed";
	while (!__atomic_load_n(&alarms, __ATOMIC_RELAXED))
		if (check_time(from, "late"))
			return "no SIGALRM in time";
	signal(SIGALRM, SIG_DFL);
	return NULL;
}

static int works(int cpu)
{
	const char *fault = NULL;

	if (to_cpu(0, cpu)) {
		printf("# CPU%d: a task cannot be bound to it: %s\n", cpu, strerror(errno));
		return 1;
	}
	if (!fault)
		fault = check_work(cpu);
	if (!fault)
		fault = check_sleep();
	if (!fault)
		fault = check_poll();
	if (!fault)
		fault = check_itimer();
	if (!fault)
		fault = check_place(cpu);
	if (fault)
		printf("# CPU%d: %s\n", cpu, fault);
	return !!fault;
}

static int spin(int seconds)
{
	__u64 from = now_ns();

	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, 0 /* this thread */, 0)) {
		printf("# no core scheduling: %s\n", strerror(errno));
		return 1;
	}
	while (now_ns() - from < seconds * 1000 * NSEC_PER_MSEC)
		;
	return 0;
}

static int rtc_on(int fd, unsigned long on)
{
	if (!ioctl(fd, on, 0))
		return 0;
	printf("# /dev/rtc0: %s\n", strerror(errno));
	return 1;
}

/* Where there is an HPET each interrupt asks for the next one: none may be lost. */
static int rtc(int seconds)
{
	struct pollfd dev = { .fd = open("/dev/rtc0", O_RDONLY), .events = POLLIN };
	unsigned long updates;

	if (rtc_on(dev.fd, RTC_UIE_ON))
		return 1;
	while (seconds--) {
		if (poll(&dev, 1, LOST_MS) != 1 ||
		    read(dev.fd, &updates, sizeof(updates)) != sizeof(updates)) {
			printf("# no interrupt of the RTC for %d ms\n", LOST_MS);
			return 1;
		}
	}
	return rtc_on(dev.fd, RTC_UIE_OFF);
}

/* A device whose interrupt is a message: it waits under a mask. */
static int reads(int seconds, const char *path)
{
	char *buf = aligned_alloc(BLOCK, BLOCK);
	__u64 begin = now_ns(), from, worst = 0;
	int fd = open(path, O_RDONLY | O_DIRECT), n = 0;

	while (now_ns() - begin < seconds * 1000 * NSEC_PER_MSEC) {
		from = now_ns();
		if (fd < 0 || pread(fd, buf, BLOCK, 0) != BLOCK) {
			printf("# %s: %s\n", path, strerror(errno));
			return 1;
		}
		from = now_ns() - from;
		if (from > worst)
			worst = from;
		n++;
		usleep(10000);
	}
	printf("# %d times, the longest took %llu ms\n", n,
	       (unsigned long long)(worst / NSEC_PER_MSEC));
	return worst > LOST_MS * NSEC_PER_MSEC;
}

static int read_direct(int cpu, const char *path)
{
	char *buf = aligned_alloc(BLOCK, BLOCK);
	int fd = open(path, O_RDONLY | O_DIRECT), err = 0;
	__u64 from;

	if (to_cpu(0, cpu))
		err = errno;
	from = now_ns();
	if (!err && (fd < 0 || read(fd, buf, BLOCK) != BLOCK))
		err = errno ? errno : EIO;
	print_result(err, from);
	putchar('\n');
	return !!err;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "write"))
		return write_once(argv[2], argv[3], strlen(argv[3]));
	if (argc == 3 && !strcmp(argv[1], "put"))
		return put(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "failnth"))
		return write_failing(argv[2], argv[3], argv[4]);
	if (argc == 3 && !strcmp(argv[1], "works"))
		return works(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "spin"))
		return spin(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "rtc"))
		return rtc(atoi(argv[2]));
	if (argc == 4 && !strcmp(argv[1], "reads"))
		return reads(atoi(argv[2]), argv[3]);
	if (argc == 4 && !strcmp(argv[1], "read"))
		return read_direct(atoi(argv[2]), argv[3]);
	fputs("usage: cpu_tool write FILE TEXT | put FILE | failnth N FILE TEXT |\n"
	      "       works CPU | spin SECONDS | rtc SECONDS |\n"
	      "       read CPU FILE | reads SECONDS FILE\n", stderr);
	return 2;
}
