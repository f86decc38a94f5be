// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace: an instance of our own, and what its events mean
 */
#include <err.h>
#include <errno.h>
#include <kbuffer.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs.h>
#include <unistd.h>

#include "lat.h"

/* Shorter times with interrupts off are not kept, there are too many of them. */
#define IRQS_OFF_MIN_NS	1000

struct source {
	struct tep_event *event;
	void (*handle)(struct source *s, struct tep_record *rec, struct events *events);
	int name;
};

struct can can;

static struct tracefs_instance *instance;
static struct tep_handle *tep;
static struct source *sources;
static int nr_sources;
static bool symbols_hidden;
static __u64 irqs_off_since[MAX_CPUS];

/* These are the tick, or do its work. */
static const char * const tick_names[] = {
	"local_timer", "timer", "arch_timer", "riscv-timer",
	"Timer broadcast interrupts",
};

static bool is_tick(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tick_names); i++)
		if (!strcmp(name, tick_names[i]))
			return true;
	return false;
}

static long long number(struct source *s, struct tep_record *rec, const char *field)
{
	unsigned long long val = 0;

	if (tep_get_field_val(NULL, s->event, field, rec, &val, 0))
		return -1;
	return val;
}

/* Fields of 32 bits come without their sign. */
static int integer(struct source *s, struct tep_record *rec, const char *field)
{
	return (int)number(s, rec, field);
}

static const char *string(struct source *s, struct tep_record *rec, const char *field)
{
	int len;
	const char *text = tep_get_field_raw(NULL, s->event, field, rec, &len, 0);

	return text && len > 0 && memchr(text, '\0', len) ? text : "?";
}

static const char *function(struct source *s, struct tep_record *rec, const char *field)
{
	static char hex[24];
	unsigned long long addr = number(s, rec, field);
	const char *name = symbols_hidden ? NULL : tep_find_function(tep, addr);

	if (name)
		return name;
	snprintf(hex, sizeof(hex), "0x%llx", addr);
	return hex;
}

static struct event *add(struct events *events, enum kind kind, struct tep_record *rec)
{
	struct event *e = event_add(events, kind, rec->ts);

	e->cpu = rec->cpu;
	return e;
}

static void on_takedown(struct source *s, struct tep_record *rec, struct events *events)
{
	const char *phase = string(s, rec, "phase");
	long long ago = number(s, rec, "ago");
	struct event *e;
	int i;

	for (i = 0; i < NR_PHASES; i++)
		if (!strcmp(phase, phase_names[i]))
			break;
	if (i == NR_PHASES)
		return;
	e = add(events, EV_PHASE, rec);
	if (ago > 0)
		e->ns -= ago;
	e->victim = integer(s, rec, "cpu");
	e->step = i;
	e->served = number(s, rec, "served");
	e->arg = strcmp(string(s, rec, "mode"), mode_names[MODE_IDLE]) ? MODE_STOP : MODE_IDLE;
}

static void on_enter(struct source *s, struct tep_record *rec, struct events *events)
{
	static const char takedown[] = "takedown_cpu";
	struct event *e = add(events, EV_ENTER, rec);

	e->victim = integer(s, rec, "cpu");
	e->arg = integer(s, rec, "target");
	e->step = integer(s, rec, "idx");
	/* The compiler may have added something behind a dot. */
	e->takedown = !strncmp(function(s, rec, "fun"), takedown, sizeof(takedown) - 1);
}

static void on_exit_(struct source *s, struct tep_record *rec, struct events *events)
{
	struct event *e = add(events, EV_EXIT, rec);

	e->victim = integer(s, rec, "cpu");
	e->step = integer(s, rec, "idx");
	e->arg = integer(s, rec, "ret");
}

static void on_switch(struct source *s, struct tep_record *rec, struct events *events)
{
	/* The kernel's filter lets through the stoppers only. */
	(void)s;
	add(events, EV_STOPPER, rec);
}

static void on_vector(struct source *s, struct tep_record *rec, struct events *events)
{
	add(events, EV_IRQ, rec)->arg = s->name;
}

static void on_irq(struct source *s, struct tep_record *rec, struct events *events)
{
	const char *name = string(s, rec, "name");

	/* On arm64 "IPI" is told a second time, with its reason, by ipi:ipi_entry. */
	if (!is_tick(name) && strcmp(name, "IPI"))
		add(events, EV_IRQ, rec)->arg = name_id(name);
}

static void on_ipi(struct source *s, struct tep_record *rec, struct events *events)
{
	struct trace_seq seq;
	char *name;

	(void)s;
	/* The reason is a pointer to a string that only the library knows. */
	trace_seq_init(&seq);
	tep_print_event(tep, &seq, rec, "%s", TEP_PRINT_INFO);
	trace_seq_terminate(&seq);
	name = seq.buffer + strspn(seq.buffer, "(");
	name[strcspn(name, ")")] = '\0';
	if (!is_tick(name))
		add(events, EV_IRQ, rec)->arg = name_id(name);
	trace_seq_destroy(&seq);
}

static void on_call(struct source *s, struct tep_record *rec, struct events *events)
{
	int name = name_id(function(s, rec, "func"));
	int cpu = integer(s, rec, "cpu");
	struct event *e = add(events, EV_CALL, rec);

	e->arg = name;
	/* csd_function_entry is traced where the function runs. */
	if (cpu >= 0 && cpu < nr_cpus)
		e->cpu = cpu;
}

static void on_irqs_off(struct source *s, struct tep_record *rec, struct events *events)
{
	(void)s;
	(void)events;
	irqs_off_since[rec->cpu] = rec->ts;
}

static void on_irqs_on(struct source *s, struct tep_record *rec, struct events *events)
{
	__u64 since = irqs_off_since[rec->cpu];
	struct event *e;

	(void)s;
	irqs_off_since[rec->cpu] = 0;
	if (!since || rec->missed_events || rec->ts - since < IRQS_OFF_MIN_NS)
		return;
	e = add(events, EV_IRQS_OFF, rec);
	e->len = e->ns - since;
	if (e->len > events->max_len)
		events->max_len = e->len;
}

static bool source_add(const char *system, const char *name,
		       void (*handle)(struct source *, struct tep_record *, struct events *))
{
	struct tep_event *event = tep_find_event_by_name(tep, system, name);

	if (!event || tracefs_event_enable(instance, system, name))
		return false;
	sources = grow(sources, nr_sources, sizeof(*sources));
	sources[nr_sources++] = (struct source){ .event = event, .handle = handle };
	return true;
}

static void must_write(const char *file, const char *text)
{
	if (tracefs_instance_file_write(instance, file, text) < 0)
		err(1, "cannot write '%s' to %s of the trace instance", text, file);
}

/* On x86 each vector of the system has events of its own. */
static bool add_vectors(void)
{
	char **names = tracefs_system_events(NULL, "irq_vectors");
	char kind[48];
	bool any = false;
	int i;

	for (i = 0; names && names[i]; i++) {
		size_t len = strlen(names[i]);

		if (len < 7 || strcmp(names[i] + len - 6, "_entry"))
			continue;
		snprintf(kind, sizeof(kind), "%.*s", (int)len - 6, names[i]);
		if (is_tick(kind) || !source_add("irq_vectors", names[i], on_vector))
			continue;
		sources[nr_sources - 1].name = name_id(kind);
		any = true;
	}
	tracefs_list_free(names);
	return any;
}

/* With kernel.kptr_restrict=2 all addresses are 0. */
static bool has_symbols(void)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	unsigned long long addr = 0;

	while (f && !addr && fscanf(f, "%llx%*[^\n]", &addr) == 1)
		;
	if (f)
		fclose(f);
	return addr;
}

static void add_sources(void)
{
	if (!source_add("cpuhp", "cpuhp_enter", on_enter) ||
	    !source_add("cpuhp", "cpuhp_exit", on_exit_))
		errx(1, "this kernel has no events cpuhp:*");
	source_add("cpuhp", "cpuhp_multi_enter", on_enter);
	can.phases = source_add("cpuhp", "cpuhp_takedown", on_takedown);

	symbols_hidden = !has_symbols();
	if (symbols_hidden && !can.phases)
		errx(1, "the kernel hides its symbols: set /proc/sys/kernel/kptr_restrict to 1");

	must_write("events/sched/sched_switch/filter", "next_comm ~ \"migration/*\"");
	if (!source_add("sched", "sched_switch", on_switch))
		errx(1, "this kernel has no event sched:sched_switch");

	can.irqs = add_vectors();
	can.irqs |= source_add("ipi", "ipi_entry", on_ipi);
	source_add("irq", "irq_handler_entry", on_irq);
	can.calls = source_add("csd", "csd_queue_cpu", on_call) ||
		    source_add("csd", "csd_function_entry", on_call);
	can.irqs_off = tep_find_event_by_name(tep, "preemptirq", "irq_enable") &&
		       source_add("preemptirq", "irq_disable", on_irqs_off) &&
		       source_add("preemptirq", "irq_enable", on_irqs_on);
}

/**
 * trace_start - Make the instance, and switch the events on
 * @kb: The size of its buffer for each CPU
 *
 * Nothing is recorded before trace_on().
 */
void trace_start(unsigned int kb)
{
	static const char * const systems[] = {
		"cpuhp", "sched", "irq", "irq_vectors", "ipi", "csd", "preemptirq", NULL
	};
	const char *dir = tracefs_tracing_dir();
	char text[32];

	if (!dir)
		errx(1, "no tracefs: mount it on /sys/kernel/tracing");
	tep = tracefs_local_events_system(dir, systems);
	if (!tep)
		errx(1, "cannot read the formats of the events in %s", dir);

	snprintf(text, sizeof(text), "cpuhp-lat-%d", (int)getpid());
	instance = tracefs_instance_create(text);
	if (!instance)
		err(1, "cannot make a trace instance in %s", dir);
	trace_off();
	must_write("trace_clock", "mono");
	snprintf(text, sizeof(text), "%u", kb);
	must_write("buffer_size_kb", text);
	add_sources();
}

/**
 * trace_on - Record from here on
 */
void trace_on(void)
{
	memset(irqs_off_since, 0, sizeof(irqs_off_since));
	if (tracefs_trace_on(instance))
		err(1, "cannot switch the trace on");
}

/**
 * trace_off - Do not record any more
 */
void trace_off(void)
{
	tracefs_trace_off(instance);
}

static void on_record(struct tep_record *rec, struct events *events)
{
	struct tep_event *event = tep_find_event_by_record(tep, rec);
	int i;

	for (i = 0; i < nr_sources && event; i++) {
		if (sources[i].event == event) {
			sources[i].handle(&sources[i], rec, events);
			break;
		}
	}
}

/* Return: the time of the last event in there */
static __u64 read_subbuf(struct kbuffer *kbuf, void *subbuf, int cpu, struct events *events)
{
	struct tep_record rec = { .cpu = cpu };
	unsigned long long ts;
	__u64 last = 0;

	kbuffer_load_subbuffer(kbuf, subbuf);
	rec.missed_events = kbuffer_missed_events(kbuf);
	for (;;) {
		rec.data = kbuffer_read_event(kbuf, &ts);
		if (!rec.data)
			return last;
		rec.size = kbuffer_event_size(kbuf);
		rec.ts = ts;
		last = ts;
		on_record(&rec, events);
		rec.missed_events = 0;
		kbuffer_next_event(kbuf, NULL);
	}
}

static void drain_cpu(struct kbuffer *kbuf, int cpu, struct events *events)
{
	struct tracefs_cpu *tcpu = tracefs_cpu_open(instance, cpu, true);
	__u64 begin = now_ns();
	void *subbuf;

	/* There is no buffer for a CPU that was never there. */
	if (!tcpu)
		return;
	subbuf = malloc(tracefs_cpu_read_size(tcpu));
	if (!subbuf)
		errx(1, "out of memory");
	/* The reads themselves are traced, where interrupts off are: there is no end. */
	while (tracefs_cpu_read(tcpu, subbuf, true) > 0)
		if (read_subbuf(kbuf, subbuf, cpu, events) > begin)
			break;
	free(subbuf);
	tracefs_cpu_close(tcpu);
}

/**
 * trace_drain - Take out of the buffer what is there by now
 * @events: Where to, in the order of time for each CPU
 */
void trace_drain(struct events *events)
{
	struct kbuffer *kbuf = tep_kbuffer(tep);
	int cpu;

	if (!kbuf)
		errx(1, "out of memory");
	for (cpu = 0; cpu < nr_cpus; cpu++)
		drain_cpu(kbuf, cpu, events);
	kbuffer_free(kbuf);
}

/**
 * trace_lost - How many events did not fit into the buffer?
 *
 * Return: Their number, of all CPUs.
 */
unsigned long trace_lost(void)
{
	static const char * const what[] = {
		"\noverrun:", "\ncommit overrun:", "\ndropped events:"
	};
	unsigned long lost = 0;
	char path[48], *text, *p;
	int cpu;
	size_t i;

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		snprintf(path, sizeof(path), "per_cpu/cpu%d/stats", cpu);
		text = tracefs_instance_file_read(instance, path, NULL);
		for (i = 0; text && i < ARRAY_SIZE(what); i++) {
			p = strstr(text, what[i]);
			if (p)
				lost += strtoul(p + strlen(what[i]), NULL, 10);
		}
		free(text);
	}
	return lost;
}

/**
 * trace_end - Remove the instance
 */
void trace_end(void)
{
	if (!instance)
		return;
	trace_off();
	if (tracefs_instance_destroy(instance))
		fprintf(stderr, "cpuhp-lat: cannot remove the trace instance %s\n",
			tracefs_instance_get_name(instance));
	tracefs_instance_free(instance);
	instance = NULL;
}
