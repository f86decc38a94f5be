/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of cpuhp-lat share
 *
 * Events, out of the trace and of our own, are collected while it runs (trace.c,
 * spin.c, cpuhp-lat.c). After that they are put together to operations (ops.c),
 * counted (stats.c) and printed (report.c).
 */
#ifndef CPUHP_LAT_H
#define CPUHP_LAT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define MAX_CPUS	8192
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

enum mode { MODE_IDLE, MODE_STOP, NR_MODES };

/* In the order of time; the last two are the ends that are not a death */
enum phase {
	REQUEST, TAKEN, QUIESCED, GRACE_PERIOD, COMMITTED, CLOSED, DEAD,
	WITHDRAWN, REFUSED, NR_PHASES
};

enum kind {
	EV_WRITE,		/* our own write(2) to "online" */
	EV_ENTER, EV_EXIT,	/* a hotplug callback */
	EV_PHASE,		/* of the takedown */
	EV_STOPPER,		/* it begins to run */
	EV_IRQ,			/* other than the tick */
	EV_CALL,		/* a cross-call is queued */
	EV_IRQS_OFF,		/* interrupts were off */
	EV_GAP,			/* a spinner did not run */
};

/**
 * struct event - What happened
 * @ns: When: CLOCK_MONOTONIC. What takes time is told when it ends, but for
 *	EV_WRITE, which has its begin here.
 * @len: How long it took, in ns
 * @kind: What
 * @cpu: On which CPU; for EV_CALL the one that is called
 * @victim: EV_WRITE to EV_PHASE: The CPU that is to go off or to come on
 * @arg: EV_WRITE: 1 if to come on. EV_ENTER: The target state. EV_EXIT: What
 *	 the callback returned. EV_PHASE: The mode. EV_IRQ, EV_CALL: The name.
 * @step: EV_ENTER, EV_EXIT: The state. EV_PHASE: The phase. EV_WRITE: errno.
 * @served: EV_PHASE: Cross-calls that the outgoing CPU has served, or -1
 * @takedown: EV_ENTER: It is takedown_cpu().
 */
struct event {
	__u64 ns;
	__u64 len;
	enum kind kind;
	int cpu;
	int victim;
	int arg;
	int step;
	long served;
	bool takedown;
};

struct events {
	struct event *e;
	size_t nr;
	__u64 max_len;		/* of EV_IRQS_OFF and EV_GAP */
};

/**
 * struct op - One CPU goes off, or comes on
 * @cpu: The CPU
 * @up: It comes on.
 * @written: We did it ourselves; @begin and @end are those of write(2).
 * @control: The CPU that carries it out
 * @target: The hotplug state that it leads to
 * @error: errno of our write(2)
 * @failed: A callback returned an error.
 * @done: The CPU got there: it is dead, or online.
 * @mode: How it goes off; NR_MODES if that was not seen
 * @begin: The first that was seen of it
 * @end: The last that was seen of it
 * @phase: When each phase was, or 0
 * @served: Cross-calls that the outgoing CPU has served, or -1
 * @bystander: For each CPU: was it online and had no part in this?
 */
struct op {
	int cpu;
	bool up;
	bool written;
	int control;
	int target;
	int error;
	bool failed;
	bool done;
	enum mode mode;
	__u64 begin;
	__u64 end;
	__u64 phase[NR_PHASES];
	long served;
	bool *bystander;
};

struct ops {
	struct op *op;
	size_t nr;
};

/* A number of values of the same kind, and what they amount to */
struct series {
	double *v;
	size_t nr;
};

struct summary {
	size_t nr;
	double min, median, p99, max;
};

struct tally {
	struct { int name; unsigned long count; } *e;
	size_t nr;
};

enum window { WIN_TAKEDOWN, WIN_OPERATION, NR_WINDOWS };

/* What a bystander noticed, in all operations together */
struct notice {
	unsigned long stopper, irqs, calls;
	struct tally irq, call;
	__u64 irqs_off, gap;	/* the longest */
};

struct bystander {
	unsigned long nr;	/* of operations */
	struct notice in[NR_WINDOWS];
};

struct row {
	char label[48];
	const char *unit;
	struct summary sum;
};

struct mode_stats {
	size_t nr, withdrawn, refused;
	struct row *row;
	size_t nr_rows;
	struct bystander *bystander;	/* one for each CPU */
};

struct refusal {
	int cpu;
	bool up;
	int error;
	unsigned long count;
};

struct stats {
	struct mode_stats mode[NR_MODES];
	struct refusal *refusal;
	size_t nr_refusals;
	unsigned long lost;
	int cpus;		/* online at the begin */
};

/* What the kernel can tell; set by trace_start() */
struct can {
	bool phases, irqs, calls, irqs_off, gaps;
};

extern const char * const mode_names[NR_MODES];
extern const char * const phase_names[NR_PHASES];
extern struct can can;
extern int nr_cpus;

/* util.c */
__u64 now_ns(void);
void *grow(void *array, size_t nr, size_t size);
char *read_text(const char *path);
int name_id(const char *name);
const char *name_of(int id);
struct event *event_add(struct events *events, enum kind kind, __u64 ns);

/* cpus.c */
int cpus_parse(const char *list, bool *set);
void cpus_read(const char *file, bool *set);
void cpus_check(const bool *set, const bool *online);
int cpu_write_online(int cpu, bool on);
int cpu_bind(int pid, int cpu);

/* spin.c */
void spin_start(int cpu);
void spin_pause(int cpu);
void spin_resume(int cpu);
void spin_collect(struct events *events);
void spin_end(void);

/* trace.c */
void trace_start(unsigned int kb);
void trace_on(void);
void trace_off(void);
void trace_drain(struct events *events);
unsigned long trace_lost(void);
void trace_end(void);

/* ops.c */
void ops_build(struct ops *ops, struct events *events, const bool *online);

/* stats.c */
void stats_build(struct stats *stats, const struct ops *ops, const struct events *events);

/* report.c */
void report_text(const struct stats *stats);
void report_json(const struct stats *stats, const char *command);

#endif
