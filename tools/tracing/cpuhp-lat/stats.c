// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations and events are counted
 */
#include <err.h>
#include <stdlib.h>

#include "lat.h"

static void series_add(struct series *s, double v)
{
	s->v = grow(s->v, s->nr, sizeof(*s->v));
	s->v[s->nr++] = v;
}

static int cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* p99 is the smallest value that is not less than 99 % of all */
static struct summary summarize(struct series *s)
{
	struct summary sum = { .nr = s->nr };
	size_t half = s->nr / 2;

	if (!s->nr)
		return sum;
	qsort(s->v, s->nr, sizeof(*s->v), cmp_double);
	sum.min = s->v[0];
	sum.median = s->nr % 2 ? s->v[half] : (s->v[half - 1] + s->v[half]) / 2;
	sum.p99 = s->v[(99 * s->nr + 99) / 100 - 1];
	sum.max = s->v[s->nr - 1];
	return sum;
}

/* Consumes the series. What was never seen gets no row. */
static void row_add(struct mode_stats *m, const char *label, const char *unit, struct series *s)
{
	struct row *row;

	if (s->nr) {
		m->row = grow(m->row, m->nr_rows, sizeof(*row));
		row = &m->row[m->nr_rows++];
		snprintf(row->label, sizeof(row->label), "%s", label);
		row->unit = unit;
		row->sum = summarize(s);
	}
	free(s->v);
	*s = (struct series){ 0 };
}

static double us(__u64 from, __u64 to)
{
	return ((double)to - (double)from) / 1000;
}

static bool is_offline(const struct op *op, enum mode mode)
{
	return op->mode == mode && !op->up && op->done;
}

static void row_phases(struct mode_stats *m, enum mode mode, const struct ops *ops,
		       enum phase from, enum phase to)
{
	struct series s = { 0 };
	char label[48];
	size_t i;

	for (i = 0; i < ops->nr; i++) {
		const __u64 *phase = ops->op[i].phase;

		if (is_offline(&ops->op[i], mode) && phase[from] && phase[to])
			series_add(&s, us(phase[from], phase[to]));
	}
	if (can.phases)
		snprintf(label, sizeof(label), "%s to %s", phase_names[from], phase_names[to]);
	else
		snprintf(label, sizeof(label), "takedown_cpu() enter to exit");
	row_add(m, label, "us", &s);
}

static void rows_phases(struct mode_stats *m, enum mode mode, const struct ops *ops)
{
	enum phase seen[NR_PHASES];
	int nr = 0, p;
	size_t i;

	for (p = REQUEST; p <= DEAD; p++) {
		for (i = 0; i < ops->nr; i++)
			if (is_offline(&ops->op[i], mode) && ops->op[i].phase[p])
				break;
		if (i < ops->nr)
			seen[nr++] = p;
	}
	for (p = 1; p < nr && nr > 2; p++)
		row_phases(m, mode, ops, seen[p - 1], seen[p]);
	row_phases(m, mode, ops, REQUEST, DEAD);
}

static void rows_whole(struct mode_stats *m, enum mode mode, const struct ops *ops)
{
	struct series write = { 0 }, callbacks = { 0 }, served = { 0 };
	struct series on_write = { 0 }, on_callbacks = { 0 };
	size_t i;

	for (i = 0; i < ops->nr; i++) {
		const struct op *op = &ops->op[i];

		if (op->mode != mode || !op->done)
			continue;
		if (op->up)
			series_add(op->written ? &on_write : &on_callbacks, us(op->begin, op->end));
		else
			series_add(op->written ? &write : &callbacks, us(op->begin, op->end));
		if (!op->up && op->served >= 0)
			series_add(&served, op->served);
	}
	row_add(m, "write to return", "us", &write);
	row_add(m, "first to last callback", "us", &callbacks);
	row_add(m, "online: write to return", "us", &on_write);
	row_add(m, "online: first to last callback", "us", &on_callbacks);
	row_add(m, "served cross-calls", "calls", &served);
}

static void tally_add(struct tally *t, int name)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (t->e[i].name == name)
			break;
	if (i == t->nr) {
		t->e = grow(t->e, t->nr, sizeof(*t->e));
		t->e[i].name = name;
		t->e[i].count = 0;
		t->nr++;
	}
	t->e[i].count++;
}

/* Does it belong to the window? Of an interval, a part is enough. */
static bool is_within(const struct event *e, __u64 from, __u64 to)
{
	return e->ns >= from && e->ns - e->len <= to;
}

static void count(struct notice *n, const struct event *e)
{
	switch (e->kind) {
	case EV_STOPPER:
		n->stopper++;
		break;
	case EV_IRQ:
		n->irqs++;
		tally_add(&n->irq, e->arg);
		break;
	case EV_CALL:
		n->calls++;
		tally_add(&n->call, e->arg);
		break;
	case EV_IRQS_OFF:
		if (e->len > n->irqs_off)
			n->irqs_off = e->len;
		break;
	case EV_GAP:
		if (e->len > n->gap)
			n->gap = e->len;
		break;
	default:
		break;
	}
}

/* The first event that is not before "ns" */
static size_t event_at(const struct events *events, __u64 ns)
{
	size_t from = 0, to = events->nr;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (events->e[mid].ns < ns)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static void count_bystanders(struct mode_stats *m, const struct op *op,
			     const struct events *events)
{
	size_t i;
	int cpu;

	for (cpu = 0; cpu < nr_cpus; cpu++)
		m->bystander[cpu].nr += op->bystander[cpu];
	for (i = event_at(events, op->begin); i < events->nr; i++) {
		const struct event *e = &events->e[i];

		if (e->ns > op->end + events->max_len)
			break;
		if (e->kind <= EV_PHASE || !op->bystander[e->cpu])
			continue;
		if (is_within(e, op->phase[REQUEST], op->phase[DEAD]))
			count(&m->bystander[e->cpu].in[WIN_TAKEDOWN], e);
		if (is_within(e, op->begin, op->end))
			count(&m->bystander[e->cpu].in[WIN_OPERATION], e);
	}
}

static void refusal_add(struct stats *stats, const struct op *op)
{
	struct refusal *r;
	size_t i;

	for (i = 0; i < stats->nr_refusals; i++) {
		r = &stats->refusal[i];
		if (r->cpu == op->cpu && r->up == op->up && r->error == op->error)
			break;
	}
	if (i == stats->nr_refusals) {
		stats->refusal = grow(stats->refusal, i, sizeof(*r));
		stats->refusal[stats->nr_refusals++] = (struct refusal){
			.cpu = op->cpu, .up = op->up, .error = op->error,
		};
	}
	stats->refusal[i].count++;
}

/**
 * stats_build - Count what was seen
 * @stats: Gets the figures; is zero but for @stats->lost
 * @ops: The operations
 * @events: The events, sorted
 */
void stats_build(struct stats *stats, const struct ops *ops, const struct events *events)
{
	size_t i;
	int mode;

	for (mode = 0; mode < NR_MODES; mode++) {
		struct mode_stats *m = &stats->mode[mode];

		m->bystander = calloc(nr_cpus, sizeof(*m->bystander));
		if (!m->bystander)
			errx(1, "out of memory");
		rows_phases(m, mode, ops);
		rows_whole(m, mode, ops);
	}
	for (i = 0; i < ops->nr; i++) {
		const struct op *op = &ops->op[i];

		if (op->error)
			refusal_add(stats, op);
		if (op->mode == NR_MODES || op->up)
			continue;
		stats->mode[op->mode].withdrawn += op->phase[WITHDRAWN] != 0;
		stats->mode[op->mode].refused += op->phase[REFUSED] != 0;
		if (!op->done)
			continue;
		stats->mode[op->mode].nr++;
		count_bystanders(&stats->mode[op->mode], op, events);
	}
}
