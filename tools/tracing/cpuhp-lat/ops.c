// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events are put together to operations
 */
#include <err.h>
#include <stdlib.h>

#include "lat.h"

const char * const mode_names[NR_MODES] = { "idle", "stop_machine" };

const char * const phase_names[NR_PHASES] = {
	"request", "taken", "quiesced", "grace-period", "committed", "closed", "dead",
	"withdrawn", "refused",
};

/* What is known of a CPU on the way through the events */
struct cpu {
	bool online;
	long op;		/* its last operation, or -1 */
	enum mode mode;		/* how it went off, or NR_MODES */
	int step;		/* the state of takedown_cpu() while that runs, or -1 */
};

static struct cpu *cpus;

static int cmp_event(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return x->ns < y->ns ? -1 : x->ns > y->ns;
}

static struct op *op_new(struct ops *ops, const struct event *e, bool up)
{
	struct op *op;

	ops->op = grow(ops->op, ops->nr, sizeof(*op));
	op = &ops->op[ops->nr];
	*op = (struct op){
		.cpu = e->victim, .up = up, .control = -1, .target = -1, .served = -1,
		.mode = up ? cpus[e->victim].mode : NR_MODES, .begin = e->ns, .end = e->ns,
	};
	cpus[e->victim].op = ops->nr++;
	return op;
}

static struct op *op_of(const struct ops *ops, int cpu)
{
	return cpus[cpu].op < 0 ? NULL : &ops->op[cpus[cpu].op];
}

static bool has_ended(const struct op *op)
{
	return op->phase[DEAD] || op->phase[WITHDRAWN] || op->phase[REFUSED];
}

static bool is_in_takedown(const struct op *op)
{
	return op && op->phase[REQUEST] && !has_ended(op);
}

/* Does the callback lead away from where the operation leads to? */
static bool is_back(const struct op *op, const struct event *e)
{
	if (op->target < 0)
		return false;
	return op->up ? e->arg < op->target : e->arg > op->target;
}

/* The way back from a failure belongs to the operation. */
static bool is_next(const struct op *op, const struct event *e)
{
	if (op->up == cpus[e->victim].online)
		return is_back(op, e);
	return op->failed && !is_back(op, e);
}

/* The operation that a callback belongs to */
static struct op *op_at(struct ops *ops, const struct event *e)
{
	struct op *op = op_of(ops, e->victim);

	if (op && op->written && e->ns <= op->end)
		return op;
	if (e->kind == EV_ENTER && (!op || is_next(op, e)))
		op = op_new(ops, e, !cpus[e->victim].online);
	if (!op || op->written)
		return op;
	op->end = e->ns;
	if (e->kind == EV_ENTER && !is_back(op, e))
		op->target = e->arg;
	if (e->kind == EV_EXIT && e->arg)
		op->failed = true;
	return op;
}

static void request(struct ops *ops, const struct event *e, enum mode mode)
{
	struct op *op = op_of(ops, e->victim);
	int cpu;

	if (!op || op->up || op->phase[REQUEST])
		op = op_new(ops, e, false);
	op->mode = mode;
	op->control = e->cpu;
	op->phase[REQUEST] = e->ns;
	op->bystander = calloc(nr_cpus, sizeof(*op->bystander));
	if (!op->bystander)
		errx(1, "out of memory");
	/* Several CPUs can go off at the same time, they are no bystanders. */
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		struct op *other = op_of(ops, cpu);

		op->bystander[cpu] = cpus[cpu].online && cpu != op->cpu && cpu != op->control;
		if (other != op && is_in_takedown(other)) {
			op->bystander[cpu] = false;
			other->bystander[op->cpu] = false;
		}
	}
}

static void has_died(struct op *op)
{
	op->done = true;
	cpus[op->cpu].online = false;
	cpus[op->cpu].mode = op->mode;
}

static void phase(struct ops *ops, const struct event *e)
{
	struct op *op;

	if (e->step == REQUEST) {
		request(ops, e, e->arg);
		return;
	}
	op = op_of(ops, e->victim);
	if (!is_in_takedown(op))
		return;
	op->phase[e->step] = e->ns;
	if (e->served > op->served)
		op->served = e->served;
	if (e->step == DEAD)
		has_died(op);
}

/* Without the phases takedown_cpu() has to tell. It has always stopped the machine. */
static void enter(struct ops *ops, const struct event *e)
{
	op_at(ops, e);
	if (can.phases || !e->takedown)
		return;
	request(ops, e, MODE_STOP);
	cpus[e->victim].step = e->step;
}

static void leave(struct ops *ops, const struct event *e)
{
	struct op *op = op_at(ops, e);

	if (op && op->up && !op->written && !e->arg)
		op->done = cpus[e->victim].online;
	if (e->step != cpus[e->victim].step || !is_in_takedown(op) || e->cpu != op->control)
		return;
	cpus[e->victim].step = -1;
	op->phase[e->arg ? REFUSED : DEAD] = e->ns;
	if (!e->arg)
		has_died(op);
}

static void written(struct ops *ops, const struct event *e)
{
	struct op *op = op_new(ops, e, e->arg);

	op->written = true;
	op->error = e->step;
	op->done = op->up && !op->error;
	op->end = e->ns + e->len;
}

/**
 * ops_build - Put events together to operations
 * @ops: Gets the operations
 * @events: The events, which are sorted here
 * @online: The CPUs that were online at the begin
 */
void ops_build(struct ops *ops, struct events *events, const bool *online)
{
	size_t i;
	int cpu;

	cpus = calloc(nr_cpus, sizeof(*cpus));
	if (!cpus)
		errx(1, "out of memory");
	for (cpu = 0; cpu < nr_cpus; cpu++)
		cpus[cpu] = (struct cpu){
			.online = online[cpu], .op = -1, .mode = NR_MODES, .step = -1,
		};
	qsort(events->e, events->nr, sizeof(*events->e), cmp_event);

	for (i = 0; i < events->nr; i++) {
		const struct event *e = &events->e[i];

		if (e->kind <= EV_PHASE && (e->victim < 0 || e->victim >= nr_cpus))
			continue;
		/* What traces is there. */
		if (e->kind != EV_CALL && e->kind != EV_PHASE && e->cpu >= 0)
			cpus[e->cpu].online = true;
		switch (e->kind) {
		case EV_WRITE:
			written(ops, e);
			break;
		case EV_ENTER:
			enter(ops, e);
			break;
		case EV_EXIT:
			leave(ops, e);
			break;
		case EV_PHASE:
			phase(ops, e);
			break;
		default:
			break;
		}
	}
	free(cpus);
}
