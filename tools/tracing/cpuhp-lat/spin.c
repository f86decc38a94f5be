// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task on each bystander does nothing but look at the clock, and writes down
 * the gaps in its time. These are processes, not threads: what we do to our own
 * address space does not interrupt them.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lat.h"

#define GAP_MIN_NS	2000		/* shorter ones are not written down */
#define GAP_RING	4096
#define LOST_NS		10000000000ULL

/* Shared with the child, which writes all but @pid */
struct spinner {
	pid_t pid;
	__u64 now;
	__u64 nr;
	struct { __u64 from, to; } gap[GAP_RING];
};

static struct spinner *spinners[MAX_CPUS];
static bool paused[MAX_CPUS];
static __u64 collected[MAX_CPUS];

static noreturn void spin(struct spinner *s, pid_t parent)
{
	__u64 last, t;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	/* Ctrl-C is for the parent, which ends us when it is done. */
	signal(SIGINT, SIG_IGN);
	for (last = now_ns();; last = t) {
		t = now_ns();
		if (t - last >= GAP_MIN_NS) {
			s->gap[s->nr % GAP_RING].from = last;
			s->gap[s->nr % GAP_RING].to = t;
			__atomic_store_n(&s->nr, s->nr + 1, __ATOMIC_RELEASE);
		}
		__atomic_store_n(&s->now, t, __ATOMIC_RELEASE);
	}
}

/* A gap that is open at this moment is written down when it has run again. */
static void await(int cpu)
{
	__u64 t = now_ns();

	while (__atomic_load_n(&spinners[cpu]->now, __ATOMIC_ACQUIRE) <= t) {
		if (now_ns() - t > LOST_NS)
			errx(1, "the spinner of CPU%d did not run for 10 s", cpu);
		usleep(200);
	}
}

/**
 * spin_start - Start a spinner
 * @cpu: The CPU, which is online
 */
void spin_start(int cpu)
{
	struct spinner *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	pid_t parent = getpid(), pid;

	if (s == MAP_FAILED)
		err(1, "no memory for a spinner");
	pid = fork();
	if (pid < 0)
		err(1, "cannot start a spinner");
	if (!pid)
		spin(s, parent);
	s->pid = pid;
	spinners[cpu] = s;
	paused[cpu] = true;
	spin_resume(cpu);
}

/**
 * spin_pause - Let a spinner sleep: its CPU is about to go off
 * @cpu: The CPU
 */
void spin_pause(int cpu)
{
	if (!spinners[cpu] || paused[cpu])
		return;
	kill(spinners[cpu]->pid, SIGSTOP);
	while (waitpid(spinners[cpu]->pid, NULL, WUNTRACED) < 0 && errno == EINTR)
		;
	paused[cpu] = true;
}

/**
 * spin_resume - Let a spinner run again
 * @cpu: The CPU, which is online
 */
void spin_resume(int cpu)
{
	if (!spinners[cpu] || !paused[cpu])
		return;
	errno = cpu_bind(spinners[cpu]->pid, cpu);
	if (errno)
		err(1, "cannot bind a spinner to CPU%d", cpu);
	kill(spinners[cpu]->pid, SIGCONT);
	await(cpu);
	paused[cpu] = false;
}

/**
 * spin_collect - Collect what the spinners have written down
 * @events: Where to
 */
void spin_collect(struct events *events)
{
	struct spinner *s;
	struct event *e;
	int cpu;

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		s = spinners[cpu];
		if (!s || paused[cpu])
			continue;
		await(cpu);
		if (s->nr - collected[cpu] > GAP_RING) {
			fprintf(stderr, "cpuhp-lat: CPU%d: too many gaps, some were lost\n", cpu);
			collected[cpu] = s->nr - GAP_RING;
		}
		for (; collected[cpu] < s->nr; collected[cpu]++) {
			__u64 from = s->gap[collected[cpu] % GAP_RING].from;

			e = event_add(events, EV_GAP, s->gap[collected[cpu] % GAP_RING].to);
			e->cpu = cpu;
			e->len = e->ns - from;
			if (e->len > events->max_len)
				events->max_len = e->len;
		}
	}
}

/**
 * spin_end - End all spinners
 */
void spin_end(void)
{
	int cpu;

	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!spinners[cpu])
			continue;
		kill(spinners[cpu]->pid, SIGKILL);
		waitpid(spinners[cpu]->pid, NULL, 0);
		munmap(spinners[cpu], sizeof(*spinners[cpu]));
		spinners[cpu] = NULL;
	}
}
