// SPDX-License-Identifier: GPL-2.0-only
/*
 * The figures are printed, for people and as JSON
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <string.h>
#include <sys/utsname.h>

#include "lat.h"

#define JSON_VERSION	1

static const char * const window_keys[NR_WINDOWS] = { "takedown", "operation" };

static const char *kernel(void)
{
	static struct utsname un;

	return uname(&un) ? "?" : un.release;
}

static bool is_seen(const struct mode_stats *m)
{
	return m->nr || m->withdrawn || m->refused;
}

static const char *error_name(int error)
{
	const char *name = strerrorname_np(error);

	return name ? name : "unknown error";
}

static void text_rows(const struct mode_stats *m)
{
	size_t i;

	printf("  %-34s %6s %11s %11s %11s %11s\n", "us", "n", "min", "median", "p99", "max");
	for (i = 0; i < m->nr_rows; i++) {
		const struct summary *s = &m->row[i].sum;

		printf("  %-34s %6zu %11.1f %11.1f %11.1f %11.1f\n", m->row[i].label, s->nr,
		       s->min, s->median, s->p99, s->max);
	}
}

static void text_tally(const char *what, enum window w, const struct tally *t)
{
	size_t i;

	if (!t->nr)
		return;
	printf("       %s, %s:", what, window_keys[w]);
	for (i = 0; i < t->nr; i++)
		printf("%s %s %lu", i ? "," : "", name_of(t->e[i].name), t->e[i].count);
	putchar('\n');
}

static void text_count(bool known, unsigned long a, unsigned long b)
{
	char cell[32];

	snprintf(cell, sizeof(cell), known ? "%lu / %lu" : "?", a, b);
	printf(" %13s", cell);
}

static void text_longest(bool known, __u64 a, __u64 b)
{
	char cell[48];

	snprintf(cell, sizeof(cell), known ? "%.1f / %.1f" : "?", a / 1e3, b / 1e3);
	printf(" %19s", cell);
}

static void text_bystander(int cpu, const struct bystander *b)
{
	const struct notice *in = b->in, *all = &b->in[WIN_OPERATION];
	int w;

	printf("  %3d %6lu", cpu, b->nr);
	text_count(true, in->stopper, all->stopper);
	text_count(true, in->irqs, all->irqs);
	text_count(can.calls, in->calls, all->calls);
	text_longest(can.irqs_off, in->irqs_off, all->irqs_off);
	if (can.gaps)
		text_longest(true, in->gap, all->gap);
	putchar('\n');
	for (w = 0; w < NR_WINDOWS; w++) {
		text_tally("interrupts", w, &b->in[w].irq);
		text_tally("cross-calls", w, &b->in[w].call);
	}
}

static void text_bystanders(const struct mode_stats *m)
{
	int cpu, nr = 0;

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		if (!m->bystander[cpu].nr)
			continue;
		if (!nr++) {
			printf("  bystanders: takedown (%s) / whole operation\n",
			       can.phases ? "request to dead" : "takedown_cpu() enter to exit");
			printf("  %3s %6s %13s %13s %13s %19s", "CPU", "n", "stopper",
			       "interrupts", "cross-calls", "irqs off, us");
			printf(can.gaps ? " %19s\n" : "\n", "spinner's gap, us");
		}
		text_bystander(cpu, &m->bystander[cpu]);
	}
	if (!nr) {
		puts("  no bystanders");
		return;
	}
	if (!can.irqs)
		puts("  interrupts: this kernel tells of devices only");
	if (!can.calls)
		puts("  cross-calls by function: this kernel cannot tell (no events csd:*)");
	if (!can.irqs_off)
		puts("  irqs off: this kernel cannot tell (no events preemptirq:irq_*)");
}

/**
 * report_text - Print the figures as a table
 * @stats: The figures
 */
void report_text(const struct stats *stats)
{
	size_t seen = 0, i;
	int mode;

	printf("kernel %s, %d CPUs\n", kernel(), stats->cpus);
	if (!can.phases)
		puts("no event cpuhp:cpuhp_takedown: takedown_cpu() is all that can be timed");
	for (mode = 0; mode < NR_MODES; mode++) {
		const struct mode_stats *m = &stats->mode[mode];

		if (!is_seen(m))
			continue;
		seen++;
		printf("\nmode %s: %zu offline", mode_names[mode], m->nr);
		if (m->withdrawn)
			printf(", %zu withdrawn", m->withdrawn);
		if (m->refused)
			printf(", %zu refused", m->refused);
		putchar('\n');
		if (!m->nr)
			continue;
		text_rows(m);
		text_bystanders(m);
	}
	if (!seen)
		puts("no CPU went offline");
	for (i = 0; i < stats->nr_refusals; i++) {
		const struct refusal *r = &stats->refusal[i];

		printf("CPU%d: %s refused %lu times: %s\n", r->cpu, r->up ? "online" : "offline",
		       r->count, error_name(r->error));
	}
}

static void json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		if ((unsigned char)*s < ' ')
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

/* "takedown_cpu() enter to exit": takedown_cpu_enter_to_exit */
static void json_key(const char *label)
{
	bool gap = false;

	putchar('"');
	for (; *label; label++) {
		if (!isalnum(*label)) {
			gap = true;
			continue;
		}
		if (gap)
			putchar('_');
		gap = false;
		putchar(*label);
	}
	putchar('"');
}

static void json_rows(const struct mode_stats *m)
{
	size_t i;

	printf("      \"phases\": {");
	for (i = 0; i < m->nr_rows; i++) {
		const struct summary *s = &m->row[i].sum;

		printf("%s\n        ", i ? "," : "");
		json_key(m->row[i].label);
		printf(": { \"unit\": \"%s\", \"n\": %zu, ", m->row[i].unit, s->nr);
		printf("\"min\": %.3f, \"median\": %.3f, \"p99\": %.3f, \"max\": %.3f }", s->min,
		       s->median, s->p99, s->max);
	}
	printf("%s},\n", i ? "\n      " : " ");
}

static void json_tally(const char *key, bool known, const struct tally *t)
{
	size_t i;

	printf(", \"%s\": ", key);
	if (!known) {
		printf("null");
		return;
	}
	printf("{");
	for (i = 0; i < t->nr; i++) {
		printf("%s ", i ? "," : "");
		json_string(name_of(t->e[i].name));
		printf(": %lu", t->e[i].count);
	}
	printf(" }");
}

static void json_longest(const char *key, bool known, __u64 ns)
{
	if (known)
		printf(", \"%s\": %.3f", key, ns / 1e3);
	else
		printf(", \"%s\": null", key);
}

static void json_notice(const char *key, const struct notice *n)
{
	printf(",\n          \"%s\": { \"stopper_runs\": %lu, \"interrupts\": %lu", key, n->stopper,
	       n->irqs);
	json_tally("interrupts_by_name", true, &n->irq);
	if (can.calls)
		printf(", \"cross_calls\": %lu", n->calls);
	else
		printf(", \"cross_calls\": null");
	json_tally("cross_calls_by_function", can.calls, &n->call);
	json_longest("irqs_off_max_us", can.irqs_off, n->irqs_off);
	json_longest("spin_gap_max_us", can.gaps, n->gap);
	printf(" }");
}

static void json_bystanders(const struct mode_stats *m)
{
	int cpu, w, nr = 0;

	printf("      \"bystanders\": [");
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		const struct bystander *b = &m->bystander[cpu];

		if (!b->nr)
			continue;
		printf("%s\n        { \"cpu\": %d, \"n\": %lu", nr++ ? "," : "", cpu, b->nr);
		for (w = 0; w < NR_WINDOWS; w++)
			json_notice(window_keys[w], &b->in[w]);
		printf(" }");
	}
	printf("%s]\n", nr ? "\n      " : " ");
}

static void json_mode(enum mode mode, const struct mode_stats *m, bool first)
{
	printf("%s\n    {\n      \"mode\": \"%s\",\n", first ? "" : ",", mode_names[mode]);
	printf("      \"n\": %zu,\n      \"withdrawn\": %zu,\n      \"refused\": %zu,\n", m->nr,
	       m->withdrawn, m->refused);
	json_rows(m);
	json_bystanders(m);
	printf("    }");
}

static void json_refusals(const struct stats *stats)
{
	size_t i;

	printf("  \"refused_writes\": [");
	for (i = 0; i < stats->nr_refusals; i++) {
		const struct refusal *r = &stats->refusal[i];

		printf("%s\n    { \"cpu\": %d, \"to\": \"%s\", \"error\": \"%s\", \"count\": %lu }",
		       i ? "," : "", r->cpu, r->up ? "online" : "offline", error_name(r->error),
		       r->count);
	}
	printf("%s]\n", i ? "\n  " : " ");
}

/**
 * report_json - Print the figures as one JSON object
 * @stats: The figures
 * @command: What we were asked to do
 */
void report_json(const struct stats *stats, const char *command)
{
	bool first = true;
	int mode;

	printf("{\n  \"version\": %d,\n  \"command\": \"%s\",\n", JSON_VERSION, command);
	printf("  \"kernel\": ");
	json_string(kernel());
	printf(",\n  \"cpus\": %d,\n  \"clock\": \"mono\",\n  \"window\": \"%s\",\n", stats->cpus,
	       can.phases ? "request_to_dead" : "takedown_cpu_enter_to_exit");
	printf("  \"all_interrupts\": %s,\n", can.irqs ? "true" : "false");
	printf("  \"lost_events\": %lu,\n  \"modes\": [", stats->lost);
	for (mode = 0; mode < NR_MODES; mode++) {
		if (!is_seen(&stats->mode[mode]))
			continue;
		json_mode(mode, &stats->mode[mode], first);
		first = false;
	}
	printf("%s],\n", first ? " " : "\n  ");
	json_refusals(stats);
	puts("}");
}
