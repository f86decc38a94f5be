// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs go off and on, by stop_machine() and by the idle takedown in turn: what
 * do the other CPUs notice?
 *
 * CPU0 is the control CPU.  Of the other CPUs one is the victim, one bystander
 * spins in user space and writes down the gaps in its time, the others are idle.
 * The kernel's own tracepoints tell what ran on the bystanders between the
 * request and the death of the victim.  The trace clock and the spinner's clock
 * are both CLOCK_MONOTONIC.
 *
 * A kernel without the tracepoint cpuhp:cpuhp_takedown has the stop_machine()
 * path only; there the same window is that of the step takedown_cpu.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

#define MAX_CPUS	1024
#define MAX_NAMES	24		/* of one tally */
#define NAME_LEN	48
#define MAX_IRQS	256
#define GAP_MIN_NS	10000		/* shorter ones are not written down */
#define GAP_RING	65536
#define QUIET_NS	2000000000ULL
#define SETTLE_US	10000

/* What the takedown itself may cost a bystander: one call from its grace period */
#define RCU_CALL	"rcu_exp_handler"

#define SYS_CPU		"/sys/devices/system/cpu/"
#define SYS_PARAM	"/sys/module/cpuhp/parameters/stop_machine"

enum mode { STOP_MACHINE, IDLE, NR_MODES };

static const char * const mode_name[NR_MODES] = { "stop_machine", "idle" };

struct gap {
	__u64 from, to;
};

/* Written by the spinner, read by us */
struct spinner {
	__u64 now;
	__u64 nr;
	struct gap gap[GAP_RING];
};

/* How often each name occurred */
struct tally {
	int nr;
	struct {
		char name[NAME_LEN];
		long count;
	} e[MAX_NAMES];
};

/* One line of the trace */
struct event {
	int cpu, pid;
	char *task;
	__u64 ns;
	char *name;
	char *args;
};

/* One offline operation */
struct offline {
	enum mode mode;
	int round, victim, control, spinner, bystanders;
	__u64 begin, end;		/* the write to "online" */
	__u64 request, taken, quiesced, committed, dead;
	int control_pid;
	long stopper, stopper_control;	/* stopper: on bystanders */
	long stopper_others;		/* of these, woken by other tasks */
	int stopped;			/* bystanders on which it ran */
	long irqs, ticks, calls, resched;
	long all_stopper, all_irqs;	/* over the whole write */
	int max_irqs;			/* most interrupts on one bystander */
	int max_own, max_cpu;		/* calls of the takedown itself, and where */
	long strangers;			/* neither from it nor from the scheduler */
	char max_irq[128], max_from[256];
	__u64 gap, gap_write;
};

/* The sums of one mode */
struct result {
	int nr;
	long bystanders;
	struct tally irqs, calls, resched, stoppers;
};

static struct offline *ops;
static int nr_ops;
static struct result result[NR_MODES];
static bool have_mode[NR_MODES];

static bool online[MAX_CPUS];		/* at the start */
static int secondary[MAX_CPUS], nr_secondary;

static const char *tracing;
static bool have_takedown_event, have_irq_events;

static struct spinner *spinner;
static pid_t spinner_pid = -1;
static struct gap *quiet;		/* the gaps without hotplug */
static int nr_quiet;
static long quiet_irqs;			/* on all secondary CPUs */
static __u64 quiet_from, quiet_to;

static bool ktap;
static int victim_down = -1;
static char saved_mode;
static pid_t main_pid;

/* ---- small things ---- */

static void out(const char *fmt, ...);
static noreturn void die(const char *fmt, ...);

/* KTAP wants everything but the results behind a '#' */
static void out(const char *fmt, ...)
{
	va_list ap;

	if (ktap)
		fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static void die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs(ktap ? "Bail out! demo: " : "demo: ", ktap ? stdout : stderr);
	va_start(ap, fmt);
	vfprintf(ktap ? stdout : stderr, fmt, ap);
	va_end(ap);
	fputc('\n', ktap ? stdout : stderr);
	exit(1);
}

/* One write(2); 0 or -errno */
static int try_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static void must_write(const char *path, const char *text)
{
	int ret = try_write(path, text);

	if (ret)
		die("cannot write '%s' to %s: %s", text, path, strerror(-ret));
}

/* A whole file, in a buffer that the next call uses again */
static char *read_file(const char *path)
{
	static char *buf;
	static size_t size;
	size_t len = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	for (;;) {
		if (size - len < 65536) {
			size += 1 << 20;
			buf = realloc(buf, size);
			if (!buf)
				die("out of memory");
		}
		n = read(fd, buf + len, size - len - 1);
		if (n <= 0)
			break;
		len += n;
	}
	close(fd);
	if (n < 0)
		return NULL;
	buf[len] = '\0';
	return buf;
}

static void tally_add(struct tally *t, const char *name, long count)
{
	int i;

	for (i = 0; i < t->nr; i++)
		if (!strncmp(t->e[i].name, name, NAME_LEN - 1))
			break;
	if (i == MAX_NAMES) {
		i--;
		snprintf(t->e[i].name, NAME_LEN, "others");
	} else if (i == t->nr) {
		snprintf(t->e[i].name, NAME_LEN, "%s", name);
		t->nr++;
	}
	t->e[i].count += count;
}

static long tally_get(const struct tally *t, const char *name)
{
	for (int i = 0; i < t->nr; i++)
		if (!strcmp(t->e[i].name, name))
			return t->e[i].count;
	return 0;
}

static void tally_merge(struct tally *to, const struct tally *from)
{
	for (int i = 0; i < from->nr; i++)
		tally_add(to, from->e[i].name, from->e[i].count);
}

static int cmp_u64(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

static int cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* ---- the machine ---- */

static void pin(pid_t pid, int cpu)
{
	if (to_cpu(pid, cpu))
		die("cannot bind a task to CPU%d: %s", cpu, strerror(errno));
}

static void read_online(void)
{
	char path[96], *p = read_file(SYS_CPU "online");
	long from, to;

	if (!p)
		die("cannot read %sonline: is sysfs mounted?", SYS_CPU);
	while (isdigit(*p)) {
		from = strtol(p, &p, 10);
		to = from;
		if (*p == '-')
			to = strtol(p + 1, &p, 10);
		for (; from <= to && from < MAX_CPUS; from++)
			online[from] = true;
		if (*p == ',')
			p++;
	}
	for (int cpu = 1; cpu < MAX_CPUS; cpu++) {
		snprintf(path, sizeof(path), SYS_CPU "cpu%d/online", cpu);
		if (online[cpu] && !access(path, W_OK))
			secondary[nr_secondary++] = cpu;
	}
}

static int set_online(int cpu, bool on)
{
	char path[96];

	snprintf(path, sizeof(path), SYS_CPU "cpu%d/online", cpu);
	return try_write(path, on ? "1" : "0");
}

/*
 * Events are switched by patching code that all CPUs execute. Not every emulator
 * notices in time (QEMU 7.2's TCG), so do it while this CPU is alone.
 */
static void all_online(bool on)
{
	for (int i = 0; i < nr_secondary; i++)
		set_online(secondary[i], on);
}

/* What the kernel can do, and the mode it starts with */
static void find_modes(void)
{
	char *p;

	have_mode[IDLE] = have_takedown_event;
	if (!have_takedown_event) {
		have_mode[STOP_MACHINE] = true;
		out("This kernel has no idle takedown: stop_machine only.");
		return;
	}
	p = read_file(SYS_PARAM);
	if (!p) {
		out("No CONFIG_CPUHP_STOP_MACHINE in this kernel: the idle takedown only.");
		return;
	}
	have_mode[STOP_MACHINE] = true;
	saved_mode = *p;
}

static void set_mode(enum mode mode)
{
	if (saved_mode)
		must_write(SYS_PARAM, mode == STOP_MACHINE ? "Y" : "N");
}

/* ---- the trace ---- */

static char *tracing_path(const char *fmt, ...)
{
	static char path[256];
	va_list ap;
	int n;

	n = snprintf(path, sizeof(path), "%s/", tracing);
	va_start(ap, fmt);
	vsnprintf(path + n, sizeof(path) - n, fmt, ap);
	va_end(ap);
	return path;
}

static bool event_on(const char *event, const char *filter)
{
	if (access(tracing_path("events/%s", event), F_OK))
		return false;
	if (filter)
		must_write(tracing_path("events/%s/filter", event), filter);
	must_write(tracing_path("events/%s/enable", event), "1");
	return true;
}

static void trace_setup(void)
{
	static const char * const vectors[] = {
		"call_function", "call_function_single", "reschedule", "irq_work",
		"local_timer", "x86_platform_ipi", "spurious_apic", "error_apic",
		"thermal_apic", "threshold_apic", "deferred_error_apic",
	};
	char event[64];

	tracing = "/sys/kernel/tracing";
	if (access(tracing_path("trace"), F_OK))
		tracing = "/sys/kernel/debug/tracing";
	if (access(tracing_path("trace"), F_OK))
		die("no tracefs on /sys/kernel/tracing");

	all_online(false);
	must_write(tracing_path("tracing_on"), "0");
	must_write(tracing_path("current_tracer"), "nop");
	must_write(tracing_path("events/enable"), "0");
	must_write(tracing_path("trace_clock"), "mono");
	must_write(tracing_path("buffer_size_kb"), "1024");

	have_takedown_event = event_on("cpuhp/cpuhp_takedown", NULL);
	if (!have_takedown_event &&
	    (!event_on("cpuhp/cpuhp_enter", NULL) || !event_on("cpuhp/cpuhp_exit", NULL)))
		die("no cpuhp tracepoints in this kernel");
	if (!event_on("sched/sched_switch", "next_comm ~ \"migration/*\""))
		die("no sched_switch tracepoint in this kernel");
	event_on("sched/sched_waking", "comm ~ \"migration/*\"");
	if (!event_on("csd/csd_queue_cpu", NULL) || !event_on("ipi/ipi_send_cpu", NULL))
		out("No tracepoints for cross-calls and IPIs here: their senders are not counted.");
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		snprintf(event, sizeof(event), "irq_vectors/%s_entry", vectors[i]);
		have_irq_events |= event_on(event, NULL);
	}
	/* not x86, where nothing fires it */
	have_irq_events |= event_on("ipi/ipi_entry", NULL);
	event_on("irq/irq_handler_entry", NULL);
	all_online(true);
	if (!have_irq_events)
		out("No tracepoints for IPIs here: only device interrupts are counted.");
}

static void trace_teardown(void)
{
	try_write(tracing_path("tracing_on"), "0");
	all_online(false);
	try_write(tracing_path("events/enable"), "0");
	all_online(true);
	try_write(tracing_path("events/sched/sched_switch/filter"), "0");
	try_write(tracing_path("events/sched/sched_waking/filter"), "0");
	try_write(tracing_path("trace_clock"), "local");
	close(open(tracing_path("trace"), O_WRONLY | O_TRUNC));
	try_write(tracing_path("tracing_on"), "1");
}

static void trace_start(void)
{
	int fd = open(tracing_path("trace"), O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		die("cannot clear the trace: %s", strerror(errno));
	close(fd);
	must_write(tracing_path("tracing_on"), "1");
}

/* A figure from an incomplete trace is worth nothing */
static void trace_check_lost(void)
{
	static const char * const what[] = {
		"\noverrun: ", "\ncommit overrun: ", "\ndropped events: "
	};
	char *stats, *p;

	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!online[cpu])
			continue;
		stats = read_file(tracing_path("per_cpu/cpu%d/stats", cpu));
		if (!stats)
			die("cannot read the trace statistics of CPU%d", cpu);
		for (int i = 0; i < 3; i++) {
			p = strstr(stats, what[i]);
			if (p && strtol(p + strlen(what[i]), NULL, 10))
				die("trace events were lost on CPU%d", cpu);
		}
	}
}

/* "  <idle>-0   " in front of END */
static void parse_task(char *line, char *end, struct event *e)
{
	while (end > line && end[-1] == ' ')
		end--;
	while (end > line && isdigit(end[-1]))
		end--;
	e->pid = strtol(end, NULL, 10);
	if (end > line)
		end[-1] = '\0';
	e->task = line + strspn(line, " ");
}

/* "  <idle>-0   [001] d.h2.   12.345678: name: args" */
static bool parse_line(char *line, struct event *e)
{
	char *p = line, *bracket;
	long sec, usec;

	if (*p == '#')
		return false;
	if (strstr(line, "LOST"))
		die("trace events were lost: %s", line);
	for (;;) {
		p = strstr(p, " [");
		if (!p)
			return false;
		p += 2;
		bracket = p - 1;
		if (isdigit(*p)) {
			e->cpu = strtol(p, &p, 10);
			if (*p == ']')
				break;
		}
	}
	p++;
	while (*p == ' ')
		p++;
	p += strcspn(p, " ");			/* the flags */
	sec = strtol(p, &p, 10);
	if (*p != '.')
		return false;
	usec = strtol(p + 1, &p, 10);
	if (strncmp(p, ": ", 2))
		return false;
	e->ns = sec * 1000000000ULL + usec * 1000ULL;
	e->name = p + 2;
	p = strstr(e->name, ": ");
	if (!p)
		return false;
	*p = '\0';
	e->args = p + 2;
	parse_task(line, bracket, e);
	return true;
}

/* The number behind "key" in the arguments, or -1 */
static long arg_num(const struct event *e, const char *key)
{
	const char *p = strstr(e->args, key);

	return p ? strtol(p + strlen(key), NULL, 10) : -1;
}

/* The symbol behind "key", without "+0x12/0x34" */
static const char *arg_sym(const struct event *e, const char *key)
{
	static char sym[NAME_LEN];
	const char *p = strstr(e->args, key);

	if (!p)
		return "?";
	p += strlen(key);
	snprintf(sym, sizeof(sym), "%.*s", (int)strcspn(p, "+ ,\n"), p);
	return sym;
}

/* Is this the begin or the end of the takedown?  Notes the other phases. */
enum edge { NO_EDGE, REQUEST, DEAD };

static enum edge takedown_event(struct offline *op, const struct event *e)
{
	const char *phase;

	if (strcmp(e->name, "cpuhp_takedown") || arg_num(e, "cpu: ") != op->victim)
		return NO_EDGE;
	phase = arg_sym(e, "phase: ");
	if (!strcmp(phase, "request")) {
		if (strcmp(arg_sym(e, "mode: "), mode_name[op->mode]))
			die("asked for %s, the kernel says: %s", mode_name[op->mode], e->args);
		op->control_pid = e->pid;
		op->control = e->cpu;
		op->request = e->ns;
		return REQUEST;
	}
	if (!strcmp(phase, "dead")) {
		op->dead = e->ns;
		return DEAD;
	}
	if (!strcmp(phase, "taken"))
		op->taken = e->ns;
	else if (!strcmp(phase, "quiesced"))
		op->quiesced = e->ns;
	else if (!strcmp(phase, "committed"))
		op->committed = e->ns;
	return NO_EDGE;
}

static enum edge takedown_step(struct offline *op, const struct event *e)
{
	static long step;

	if (!strcmp(e->name, "cpuhp_enter") && strstr(e->args, "(takedown_cpu)")) {
		step = arg_num(e, "step: ");
		op->control_pid = e->pid;
		op->control = e->cpu;
		op->request = e->ns;
		return REQUEST;
	}
	if (!strcmp(e->name, "cpuhp_exit") && op->request && e->cpu == op->control &&
	    arg_num(e, "step: ") == step) {
		op->dead = e->ns;
		return DEAD;
	}
	return NO_EDGE;
}

static enum edge find_edge(struct offline *op, const struct event *e)
{
	return have_takedown_event ? takedown_event(op, e) : takedown_step(op, e);
}

/* "call_function_single" for an interrupt other than the tick, else NULL */
static const char *irq_kind(const struct event *e)
{
	static char kind[NAME_LEN];
	size_t len = strlen(e->name);

	if (!strcmp(e->name, "irq_handler_entry")) {
		const char *name = arg_sym(e, "name=");

		/* arm64: the tick, and IPIs, which have an event of their own */
		if (!strcmp(name, "arch_timer"))
			return "local_timer";
		if (!strcmp(name, "IPI"))
			return NULL;
		snprintf(kind, sizeof(kind), "irq %s", name);
		return kind;
	}
	/* "(Function call interrupts)" */
	if (!strcmp(e->name, "ipi_entry")) {
		snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(e->args + 1, ")"), e->args + 1);
		return kind;
	}
	if (len < 6 || strcmp(e->name + len - 6, "_entry"))
		return NULL;
	snprintf(kind, sizeof(kind), "%.*s", (int)len - 6, e->name);
	return kind;
}

static bool is_bystander(const struct offline *op, long cpu)
{
	return cpu >= 0 && cpu < MAX_CPUS && online[cpu] && cpu != op->victim && cpu != op->control;
}

/* What reached one bystander in one offline */
/*
 * Interrupts that come with the scheduler's own business, takedown or not: the
 * tick of a busy CPU asks an idle one to balance, and tasks wake up where they
 * ran last, RCU's kthreads and the threads of moved interrupts among them.
 */
static const char * const background[] = {
	"nohz_csd_func", "sched_ttwu_pending", "wakeup_preempt",
	"check_preempt_wakeup_fair", "push_rt_task",
	"ttwu_do_activate", "resched_curr", "__schedule",
};

static bool is_background(const char *name)
{
	for (size_t i = 0; i < sizeof(background) / sizeof(*background); i++)
		if (!strcmp(name, background[i]))
			return true;
	return false;
}

struct hit {
	int irqs, stopper;
	char waker[NAME_LEN];		/* of the stopper, if not the takedown */
	struct tally irq, from;
};

static struct hit hits[MAX_CPUS];

/* Whoever changes an affinity or balances the load may need a stopper. */
static void note_waker(const struct offline *op, const struct event *e, char *waker)
{
	bool takedown = op->request && (e->pid == op->control_pid || e->cpu == op->victim);

	snprintf(waker, NAME_LEN, "%s", takedown ? "" : e->task);
}

static void count_other(struct offline *op, const char *waker)
{
	if (!*waker)
		return;
	op->stopper_others++;
	tally_add(&result[op->mode].stoppers, waker, 1);
}

static void count_event(struct offline *op, const struct event *e, bool window)
{
	const char *kind = irq_kind(e);
	long target;

	if (!strcmp(e->name, "sched_switch")) {
		if (is_bystander(op, e->cpu)) {
			op->all_stopper++;
			if (window) {
				op->stopper++;
				hits[e->cpu].stopper++;
				count_other(op, hits[e->cpu].waker);
			}
			hits[e->cpu].waker[0] = '\0';
		} else if (e->cpu == op->control && window) {
			op->stopper_control++;
		}
	} else if (!strcmp(e->name, "sched_waking")) {
		target = arg_num(e, "target_cpu=");
		if (is_bystander(op, target))
			note_waker(op, e, hits[target].waker);
	} else if (kind && is_bystander(op, e->cpu)) {
		if (!strcmp(kind, "local_timer")) {
			op->ticks += window;
			return;
		}
		op->all_irqs++;
		if (window) {
			op->irqs++;
			hits[e->cpu].irqs++;
			tally_add(&hits[e->cpu].irq, kind, 1);
		}
	} else if (!strcmp(e->name, "csd_queue_cpu") && window) {
		target = arg_num(e, "cpu=");
		if (is_bystander(op, target)) {
			const char *func = arg_sym(e, "func=");

			op->calls++;
			tally_add(&result[op->mode].calls, func, 1);
			tally_add(&hits[target].from, func, 1);
		}
	} else if (!strcmp(e->name, "ipi_send_cpu") && window) {
		target = arg_num(e, "cpu=");
		/* a cross-call has a callback and is counted above */
		if (is_bystander(op, target) && !strncmp(arg_sym(e, "callback="), "0x0", 3)) {
			const char *site = arg_sym(e, "callsite=");

			op->resched++;
			tally_add(&result[op->mode].resched, site, 1);
			tally_add(&hits[target].from, site, 1);
		}
	}
}

static void append_tally(char *buf, size_t size, const struct tally *t)
{
	size_t len = strlen(buf);

	for (int i = 0; i < t->nr && len < size; i++)
		len += snprintf(buf + len, size - len, " %s x%ld", t->e[i].name, t->e[i].count);
}

static void sum_hits(struct offline *op)
{
	long own, strangers;

	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!is_bystander(op, cpu))
			continue;
		op->bystanders++;
		op->stopped += hits[cpu].stopper > 0;
		tally_merge(&result[op->mode].irqs, &hits[cpu].irq);
		if (hits[cpu].irqs > op->max_irqs)
			op->max_irqs = hits[cpu].irqs;
		own = tally_get(&hits[cpu].from, RCU_CALL);
		strangers = -own;
		for (int i = 0; i < hits[cpu].from.nr; i++)
			if (!is_background(hits[cpu].from.e[i].name))
				strangers += hits[cpu].from.e[i].count;
		op->strangers += strangers;
		if (own + strangers <= op->max_own)
			continue;
		op->max_own = own + strangers;
		op->max_cpu = cpu;
		op->max_irq[0] = '\0';
		append_tally(op->max_irq, sizeof(op->max_irq), &hits[cpu].irq);
		op->max_from[0] = '\0';
		append_tally(op->max_from, sizeof(op->max_from), &hits[cpu].from);
	}
}

static void trace_read(struct offline *op)
{
	char *line, *save, *text;
	struct event e;
	bool window = false;

	trace_check_lost();
	text = read_file(tracing_path("trace"));
	if (!text)
		die("cannot read the trace: %s", strerror(errno));
	memset(hits, 0, sizeof(hits));
	/* the control CPU is not known before the request: it is CPU0 */
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!parse_line(line, &e))
			continue;
		switch (find_edge(op, &e)) {
		case REQUEST:
			window = true;
			break;
		case DEAD:
			window = false;
			break;
		case NO_EDGE:
			count_event(op, &e, window);
			break;
		}
	}
	if (!op->request || !op->dead)
		die("no %s of CPU%d in the trace", op->request ? "death" : "request", op->victim);
	sum_hits(op);
}

/* Interrupts without hotplug, on all secondary CPUs */
static void trace_read_quiet(void)
{
	char *line, *save, *text;
	const char *kind;
	struct event e;

	trace_check_lost();
	text = read_file(tracing_path("trace"));
	if (!text)
		die("cannot read the trace: %s", strerror(errno));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!parse_line(line, &e) || !e.cpu)
			continue;
		kind = irq_kind(&e);
		quiet_irqs += kind && strcmp(kind, "local_timer");
	}
}

/* ---- the spinner ---- */

static void spin(void)
{
	__u64 last, t;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "spinner");
	if (getppid() != main_pid)
		_exit(0);
	for (last = now_ns();; last = t) {
		t = now_ns();
		if (t - last >= GAP_MIN_NS) {
			spinner->gap[spinner->nr % GAP_RING] = (struct gap){ last, t };
			__atomic_store_n(&spinner->nr, spinner->nr + 1, __ATOMIC_RELEASE);
		}
		__atomic_store_n(&spinner->now, t, __ATOMIC_RELEASE);
	}
}

static void spinner_start(void)
{
	spinner = mmap(NULL, sizeof(*spinner), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (spinner == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	/* a process, not a thread: no TLB shootdown of ours reaches it */
	spinner_pid = fork();
	if (spinner_pid < 0)
		die("fork: %s", strerror(errno));
	if (!spinner_pid)
		spin();
}

/* Until the spinner ran after "t": a gap that is still open is then written down */
static void spinner_wait(__u64 t)
{
	__u64 limit = now_ns() + 10000000000ULL;

	while (__atomic_load_n(&spinner->now, __ATOMIC_ACQUIRE) <= t) {
		if (now_ns() > limit)
			die("the spinner did not run for 10 s");
		usleep(500);
	}
}

static __u64 longest_gap(__u64 first, __u64 from, __u64 to)
{
	__u64 nr = __atomic_load_n(&spinner->nr, __ATOMIC_ACQUIRE), max = 0;
	const struct gap *g;

	if (nr - first > GAP_RING)
		die("the spinner wrote down more than %d gaps", GAP_RING);
	for (; first < nr; first++) {
		g = &spinner->gap[first % GAP_RING];
		if (g->to >= from && g->from <= to && g->to - g->from > max)
			max = g->to - g->from;
	}
	return max;
}

static void measure_quiet(void)
{
	__u64 first, nr;

	pin(spinner_pid, secondary[0]);
	usleep(200000);
	trace_start();
	first = __atomic_load_n(&spinner->nr, __ATOMIC_ACQUIRE);
	quiet_from = now_ns();
	usleep(QUIET_NS / 1000);
	quiet_to = now_ns();
	must_write(tracing_path("tracing_on"), "0");
	trace_read_quiet();
	spinner_wait(quiet_to);
	nr = __atomic_load_n(&spinner->nr, __ATOMIC_ACQUIRE);
	if (nr - first > GAP_RING)
		die("the machine is too noisy: more than %d gaps in 2 s", GAP_RING);
	quiet = calloc(nr - first + 1, sizeof(*quiet));
	if (!quiet)
		die("out of memory");
	for (; first < nr; first++)
		quiet[nr_quiet++] = spinner->gap[first % GAP_RING];
}

/* The longest gap of each quiet stretch of "length": median and maximum */
static void quiet_gaps(__u64 length, __u64 *median, __u64 *max)
{
	int nr = length ? (quiet_to - quiet_from) / length : 0, i = 0;
	__u64 *g, from, to;

	*median = *max = 0;
	if (nr < 1)
		nr = 1;
	g = calloc(nr, sizeof(*g));
	if (!g)
		die("out of memory");
	for (int k = 0; k < nr; k++) {
		from = quiet_from + k * length;
		to = from + length;
		while (i > 0 && quiet[i - 1].to >= from)
			i--;
		for (; i < nr_quiet && quiet[i].from <= to; i++)
			if (quiet[i].to >= from && quiet[i].to - quiet[i].from > g[k])
				g[k] = quiet[i].to - quiet[i].from;
	}
	qsort(g, nr, sizeof(*g), cmp_u64);
	*median = g[nr / 2];
	*max = g[nr - 1];
	free(g);
}

/* ---- one offline ---- */

static void offline_cpu(enum mode mode, int round, int index)
{
	struct offline *op = &ops[nr_ops];
	__u64 first;
	int ret;

	memset(op, 0, sizeof(*op));
	op->mode = mode;
	op->round = round;
	op->victim = secondary[index];
	op->spinner = -1;
	set_mode(mode);
	if (spinner_pid > 0) {
		op->spinner = secondary[(index + 1) % nr_secondary];
		pin(spinner_pid, op->spinner);
	}
	usleep(SETTLE_US);
	trace_start();
	first = spinner ? __atomic_load_n(&spinner->nr, __ATOMIC_ACQUIRE) : 0;

	op->begin = now_ns();
	ret = set_online(op->victim, false);
	op->end = now_ns();

	must_write(tracing_path("tracing_on"), "0");
	if (ret)
		die("CPU%d did not go off (%s): %s", op->victim, mode_name[mode], strerror(-ret));
	victim_down = op->victim;
	trace_read(op);
	if (spinner_pid > 0) {
		spinner_wait(op->end);
		op->gap = longest_gap(first, op->request, op->dead);
		op->gap_write = longest_gap(first, op->begin, op->end);
	}
	ret = set_online(op->victim, true);
	if (ret)
		die("CPU%d did not come on again: %s", op->victim, strerror(-ret));
	victim_down = -1;
	result[mode].nr++;
	result[mode].bystanders += op->bystanders;
	nr_ops++;
}

/* ---- figures ---- */

typedef double (*figure_fn)(const struct offline *op);

static double fig_dead(const struct offline *op)
{
	return (op->dead - op->request) / 1e6;
}

static double fig_write(const struct offline *op)
{
	return (op->end - op->begin) / 1e6;
}

static double fig_gap(const struct offline *op)
{
	return op->gap / 1e6;
}

static double fig_gap_write(const struct offline *op)
{
	return op->gap_write / 1e6;
}

static double fig_stopper(const struct offline *op)
{
	return op->stopper;
}

static double fig_stopper_others(const struct offline *op)
{
	return op->stopper_others;
}

static double fig_stopper_control(const struct offline *op)
{
	return op->stopper_control;
}

static double fig_irqs(const struct offline *op)
{
	return op->irqs;
}

static double fig_ticks(const struct offline *op)
{
	return op->ticks;
}

static double fig_calls(const struct offline *op)
{
	return op->calls;
}

static double fig_resched(const struct offline *op)
{
	return op->resched;
}

static double fig_max_irqs(const struct offline *op)
{
	return op->max_irqs;
}

static double fig_all_stopper(const struct offline *op)
{
	return op->all_stopper;
}

static double fig_all_irqs(const struct offline *op)
{
	return op->all_irqs;
}

struct spread {
	double min, median, max, sum;
	int nr;
};

static struct spread spread(enum mode mode, figure_fn fn)
{
	double *v = calloc(nr_ops + 1, sizeof(*v));
	struct spread s = { 0 };

	if (!v)
		die("out of memory");
	for (int i = 0; i < nr_ops; i++) {
		if (ops[i].mode != mode)
			continue;
		v[s.nr] = fn(&ops[i]);
		s.sum += v[s.nr++];
	}
	if (s.nr) {
		qsort(v, s.nr, sizeof(*v), cmp_double);
		s.min = v[0];
		s.median = s.nr % 2 ? v[s.nr / 2] : (v[s.nr / 2 - 1] + v[s.nr / 2]) / 2;
		s.max = v[s.nr - 1];
	}
	free(v);
	return s;
}

/* ---- the table: a label and a column for each mode, at most 100 characters ---- */

#define LABEL	"%-60s"
#define COLUMN	"%18s"

static void row_head(const char *label)
{
	char line[128];
	int n = snprintf(line, sizeof(line), LABEL, label);

	for (int m = 0; m < NR_MODES; m++)
		if (have_mode[m])
			n += snprintf(line + n, sizeof(line) - n, COLUMN, mode_name[m]);
	out("%s", line);
}

static void row(const char *label, const char *fmt, const double *value)
{
	char line[128], cell[32];
	int n = snprintf(line, sizeof(line), LABEL, label);

	for (int m = 0; m < NR_MODES; m++) {
		if (!have_mode[m])
			continue;
		snprintf(cell, sizeof(cell), fmt, value[m]);
		n += snprintf(line + n, sizeof(line) - n, COLUMN, cell);
	}
	out("%s", line);
}

static void row_per_offline(const char *label, figure_fn fn)
{
	double v[NR_MODES] = { 0 };
	struct spread s;

	for (int m = 0; m < NR_MODES; m++) {
		s = spread(m, fn);
		v[m] = s.nr ? s.sum / s.nr : 0;
	}
	row(label, "%.2f", v);
}

static void rows_spread(const char *label, figure_fn fn)
{
	double min[NR_MODES] = { 0 }, median[NR_MODES] = { 0 }, max[NR_MODES] = { 0 };
	struct spread s;
	char text[64];

	for (int m = 0; m < NR_MODES; m++) {
		s = spread(m, fn);
		min[m] = s.min;
		median[m] = s.median;
		max[m] = s.max;
	}
	snprintf(text, sizeof(text), "%-50s min", label);
	row(text, "%.3f", min);
	snprintf(text, sizeof(text), "%-50s median", "");
	row(text, "%.3f", median);
	snprintf(text, sizeof(text), "%-50s max", "");
	row(text, "%.3f", max);
}

static double per_offline(enum mode mode, long count)
{
	return result[mode].nr ? (double)count / result[mode].nr : 0;
}

/* The names of both modes, each with its count for each offline */
static void rows_tally(size_t offset)
{
	const struct tally *t[NR_MODES];
	double v[NR_MODES];
	char label[NAME_LEN + 8];

	for (int m = 0; m < NR_MODES; m++)
		t[m] = (const struct tally *)((const char *)&result[m] + offset);
	for (int m = 0; m < NR_MODES; m++) {
		for (int i = 0; i < t[m]->nr; i++) {
			const char *name = t[m]->e[i].name;

			if (m && tally_get(t[0], name))
				continue;
			for (int k = 0; k < NR_MODES; k++)
				v[k] = per_offline(k, tally_get(t[k], name));
			snprintf(label, sizeof(label), "    %s", name);
			row(label, "%.2f", v);
		}
	}
}

static void row_quiet_irqs(void)
{
	double v[NR_MODES];

	/* one of the secondary CPUs is the victim, the others are bystanders */
	for (int m = 0; m < NR_MODES; m++)
		v[m] = spread(m, fig_dead).median * 1e6 / (quiet_to - quiet_from) * quiet_irqs *
		       (nr_secondary - 1) / nr_secondary;
	row("    (noise: in a quiet stretch as long as request to dead)", "%.2f", v);
}

static void rows_quiet(void)
{
	double median[NR_MODES] = { 0 }, max[NR_MODES] = { 0 };
	__u64 a, b;

	for (int m = 0; m < NR_MODES; m++) {
		quiet_gaps(spread(m, fig_dead).median * 1e6, &a, &b);
		median[m] = a / 1e6;
		max[m] = b / 1e6;
	}
	row("  noise: quiet stretches as long as request to dead    median", "%.3f", median);
	row("                                                       max", "%.3f", max);
}

static void print_table(void)
{
	double nr[NR_MODES];

	for (int m = 0; m < NR_MODES; m++)
		nr[m] = result[m].nr;
	out("%s", "");
	row_head("");
	row("offlines", "%.0f", nr);
	rows_spread("request to dead, ms", fig_dead);
	rows_spread("the whole write to 'online', ms", fig_write);
	out("for each offline, on all bystanders together, from request to dead:");
	row_per_offline("  runs of the stopper", fig_stopper);
	row_per_offline("    of these, woken by others than the control task",
			fig_stopper_others);
	rows_tally(offsetof(struct result, stoppers));
	row_per_offline("  (on the control CPU, which is no bystander)", fig_stopper_control);
	row_per_offline("  interrupts other than the tick", fig_irqs);
	if (quiet)
		row_quiet_irqs();
	rows_tally(offsetof(struct result, irqs));
	row_per_offline("  ticks of their own", fig_ticks);
	row_per_offline("  cross-calls queued, by function", fig_calls);
	rows_tally(offsetof(struct result, calls));
	row_per_offline("  reschedule IPIs sent, by sender", fig_resched);
	rows_tally(offsetof(struct result, resched));
	out("for each offline, on all bystanders together, over the whole write:");
	row_per_offline("  runs of the stopper", fig_all_stopper);
	row_per_offline("  interrupts other than the tick", fig_all_irqs);
	for (int m = 0; m < NR_MODES; m++)
		nr[m] = spread(m, fig_max_irqs).max;
	row("most such interrupts on one bystander, request to dead", "%.0f", nr);
	if (spinner_pid > 0) {
		out("longest gap of the bystander that spins in user space, ms:");
		rows_spread("  from request to dead", fig_gap);
		rows_quiet();
		rows_spread("  over the whole write", fig_gap_write);
	}
}

static void print_noise(void)
{
	__u64 max = 0;
	int over = 0;

	for (int i = 0; i < nr_quiet; i++) {
		if (quiet[i].to - quiet[i].from > max)
			max = quiet[i].to - quiet[i].from;
		over += quiet[i].to - quiet[i].from >= 1000000;
	}
	out("Noise of this machine: in %.1f s without hotplug, all other CPUs idle,",
	    (quiet_to - quiet_from) / 1e9);
	out("the spinner's longest gap was %.3f ms, and %d gaps were longer than 1 ms.",
	    max / 1e6, over);
}

/* ---- what the figures say ---- */

static void conclude_one(void)
{
	enum mode m = have_mode[IDLE] ? IDLE : STOP_MACHINE;
	struct spread dead = spread(m, fig_dead), gap = spread(m, fig_gap);

	out("In %d offlines, %s ran the stopper %.0f times on bystanders;", result[m].nr,
	    m == IDLE ? "the idle takedown" : "stop_machine", spread(m, fig_stopper).sum);
	out("from request to dead it took %.1f ms in the median and %.1f ms at most%s",
	    dead.median, dead.max, spinner_pid > 0 ? ", and" : ".");
	if (spinner_pid > 0)
		out("meanwhile the spinner's longest gap was %.2f ms in the median.", gap.median);
}

static void conclude(void)
{
	struct spread s_stop = spread(STOP_MACHINE, fig_stopper);
	struct spread i_stop = spread(IDLE, fig_stopper);
	struct spread s_gap = spread(STOP_MACHINE, fig_gap), i_gap = spread(IDLE, fig_gap);
	struct spread s_dead = spread(STOP_MACHINE, fig_dead), i_dead = spread(IDLE, fig_dead);
	struct spread s_irqs = spread(STOP_MACHINE, fig_irqs), i_irqs = spread(IDLE, fig_irqs);
	char worse[160] = "";

	out("%s", "");
	if (!have_mode[STOP_MACHINE] || !have_mode[IDLE]) {
		conclude_one();
		return;
	}
	out("In %d offlines each, stop_machine ran the stopper %.0f times on bystanders, the",
	    result[IDLE].nr, s_stop.sum);
	out("idle takedown %.0f times; the other interrupts there were %.0f and %.0f; from request",
	    i_stop.sum, s_irqs.sum, i_irqs.sum);
	out("to dead it took %.1f ms and %.1f ms in the median%s", s_dead.median, i_dead.median,
	    spinner_pid > 0 ? ", and meanwhile the longest gap" : ".");
	if (spinner_pid > 0)
		out("of the spinner was %.2f and %.2f ms in the median, %.1f and %.1f ms at most.",
		    s_gap.median, i_gap.median, s_gap.max, i_gap.max);
	if (i_stop.sum >= s_stop.sum && s_stop.sum + i_stop.sum > 0)
		strcat(worse, " stopper runs;");
	if (i_irqs.sum >= s_irqs.sum && s_irqs.sum + i_irqs.sum > 0)
		strcat(worse, " interrupts on bystanders;");
	if (i_dead.median >= s_dead.median)
		strcat(worse, " time from request to dead;");
	if (spinner_pid > 0 && i_gap.median >= s_gap.median)
		strcat(worse, " the spinner's gap;");
	if (*worse) {
		worse[strlen(worse) - 1] = '.';
		out("In this run the idle takedown is NOT better in:");
		out(" %s", worse);
	}
}

/* Offlines in which the idle takedown disturbed a bystander more than it may */
static void list_disturbed(void)
{
	int listed = 0;

	for (int i = 0; i < nr_ops; i++) {
		const struct offline *op = &ops[i];

		if (op->mode != IDLE || (op->max_own <= 1 && !op->strangers && !op->stopper))
			continue;
		if (!listed++)
			out("Idle takedowns that disturbed a bystander more than once:");
		if (listed > 10)
			continue;
		out("  CPU%d, round %d: %ld stopper runs on bystanders; on CPU%d:%.50s",
		    op->victim, op->round, op->stopper, op->max_cpu, op->max_irq);
		out("    sent by:%.85s", op->max_from);
	}
	if (listed > 10)
		out("  and %d more", listed - 10);
}

static bool verdict(int nr, bool ok, bool skip, const char *text)
{
	const char *why = skip ? " # SKIP not with this kernel or number of CPUs" : "";

	if (ktap)
		printf("%s %d %s%s\n", ok || skip ? "ok" : "not ok", nr, text, why);
	else if (!ok && !skip)
		printf("FAILED: %s\n", text);
	return ok || skip;
}

static bool judge(void)
{
	bool none = true, each = true, few = true, ret;
	bool alone = !(have_mode[IDLE] ? result[IDLE].bystanders : result[STOP_MACHINE].bystanders);

	for (int i = 0; i < nr_ops; i++) {
		if (ops[i].mode == IDLE) {
			none &= ops[i].stopper <= ops[i].stopper_others;
			few &= ops[i].max_own <= 1 && !ops[i].strangers;
		} else {
			each &= ops[i].stopped == ops[i].bystanders;
		}
	}
	ret = verdict(1, none, alone || !have_mode[IDLE],
		      "idle: the takedown never ran the stopper on a bystander");
	ret &= verdict(2, each, alone || !have_mode[STOP_MACHINE],
		       "stop_machine: it ran on each bystander in each offline");
	ret &= verdict(3, few, alone || !have_mode[IDLE] || !have_irq_events,
		       "idle: one call at most, of RCU, to each bystander in each offline");
	return ret;
}

/* us from the request to a phase, 0 if the mode does not have it */
static double since_request(const struct offline *op, __u64 phase)
{
	return phase ? (phase - op->request) / 1e3 : 0;
}

static void write_csv_line(FILE *f, const struct offline *o)
{
	fprintf(f, "%s,%d,%d,%d,%d,%d,", mode_name[o->mode], o->round, o->victim, o->control,
		o->spinner, o->bystanders);
	fprintf(f, "%.1f,%.1f,%.1f,%.1f,%.1f,", (o->end - o->begin) / 1e3,
		since_request(o, o->dead), since_request(o, o->taken),
		since_request(o, o->quiesced), since_request(o, o->committed));
	fprintf(f, "%ld,%ld,%ld,%ld,%ld,%ld,%d,%d,", o->stopper, o->stopper_control, o->irqs,
		o->ticks, o->calls, o->resched, o->max_irqs, o->max_own);
	fprintf(f, "%ld,%ld,%.1f,%.1f\n", o->all_stopper, o->all_irqs, o->gap / 1e3,
		o->gap_write / 1e3);
}

static void write_csv(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		die("cannot write %s: %s", path, strerror(errno));
	fputs("mode,round,victim,control,spinner,bystanders,", f);
	fputs("write_us,request_to_dead_us,taken_us,quiesced_us,committed_us,", f);
	fputs("stopper,stopper_control,irqs,ticks,calls,resched,max_irqs,max_own,", f);
	fputs("write_stopper,write_irqs,gap_us,write_gap_us\n", f);
	for (int i = 0; i < nr_ops; i++)
		write_csv_line(f, &ops[i]);
	if (fclose(f))
		die("cannot write %s: %s", path, strerror(errno));
}

static void restore(void)
{
	if (getpid() != main_pid)
		return;
	if (spinner_pid > 0) {
		kill(spinner_pid, SIGKILL);
		waitpid(spinner_pid, NULL, 0);
	}
	if (victim_down >= 0)
		set_online(victim_down, true);
	if (saved_mode)
		try_write(SYS_PARAM, saved_mode == 'Y' ? "Y" : "N");
	if (tracing)
		trace_teardown();
}

static void on_signal(int sig)
{
	/* exit() runs restore(); a signal here ends the run in any case */
	fprintf(stderr, "demo: stopped by signal %d\n", sig);
	exit(1);
}

static void help(void)
{
	fputs("usage: demo [-n ROUNDS] [-c FILE] [-k]\n"
	      "  -n ROUNDS  how often each CPU goes off in each mode (default: 20 with up to 4 CPUs,\n"
	      "             else as many as 60 offlines need)\n"
	      "  -c FILE    write the figures of each offline to FILE (CSV)\n"
	      "  -k         KTAP verdicts\n", stderr);
	exit(2);
}

/*
 * As one does for CPUs that are isolated.  Else each CPU that leaves passes its
 * device interrupts on to others, and their threads move after them, by the
 * stopper of the CPU where they run: that would be counted here.
 */
static void steer_interrupts(void)
{
	char path[64];

	for (int irq = 0; irq < MAX_IRQS; irq++) {
		snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity", irq);
		/* Those that are not there, or not movable, stay where they are. */
		try_write(path, "1");
	}
}

static void describe(int rounds)
{
	out("%d CPUs; CPU0 is the control CPU, the other %d go off %d times each in each mode.",
	    nr_secondary + 1, nr_secondary, rounds);
	if (nr_secondary == 1)
		out("With 2 CPUs there is no bystander: only the times are measured.");
	else if (nr_secondary == 2)
		out("With 3 CPUs the one bystander spins in user space; none is idle.");
	else
		out("One bystander spins in user space, %d idle. Device interrupts go to CPU0.",
		    nr_secondary - 2);
}

int main(int argc, char **argv)
{
	const char *csv = NULL;
	int rounds = 0, opt;
	bool ok;

	while ((opt = getopt(argc, argv, "n:c:k")) != -1) {
		switch (opt) {
		case 'n':
			rounds = atoi(optarg);
			if (rounds < 1)
				help();
			break;
		case 'c':
			csv = optarg;
			break;
		case 'k':
			ktap = true;
			break;
		default:
			help();
		}
	}
	if (optind != argc)
		help();
	main_pid = getpid();
	atexit(restore);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGALRM, on_signal);
	if (ktap)
		puts("KTAP version 1");
	read_online();
	if (!nr_secondary && ktap) {
		puts("1..0 # SKIP no CPU can go off here");
		return 0;
	}
	if (!nr_secondary)
		die("no CPU can go off here: this needs at least 2 CPUs");
	if (ktap)
		puts("1..3");
	pin(0, 0);
	steer_interrupts();
	trace_setup();
	find_modes();
	if (!rounds)
		rounds = nr_secondary <= 3 ? 20 : (60 + nr_secondary - 1) / nr_secondary;
	ops = calloc((size_t)rounds * nr_secondary * NR_MODES + 1, sizeof(*ops));
	if (!ops)
		die("out of memory");
	/* an offline or online takes at most some 100 ms; never hang */
	alarm(60 + rounds * nr_secondary * 2);
	describe(rounds);

	if (nr_secondary > 1) {
		spinner_start();
		measure_quiet();
		print_noise();
	}
	for (int round = 1; round <= rounds; round++)
		for (int i = 0; i < nr_secondary; i++)
			for (int m = 0; m < NR_MODES; m++)
				if (have_mode[m])
					offline_cpu(m, round, i);

	print_table();
	conclude();
	list_disturbed();
	ok = judge();
	if (csv)
		write_csv(csv);
	return !ok;
}
