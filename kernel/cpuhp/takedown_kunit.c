// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the cross-call queue and of the takedown's state word
 *
 * Both are what has to hold when two CPUs move at the same time. The tests use
 * the code that the kernel uses, on a queue and a conversation of their own: no
 * CPU goes offline, so they run wherever KUnit does. What the races can show
 * takes two CPUs, and shows sooner with CONFIG_PREEMPT.
 */

#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/llist.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "../smp_queue.h"
#include "state.h"

/* How long each of the races goes on, as a rule */
#define RACE_JIFFIES	HZ

/* What can go wrong in few of its rounds has to be tried in many. */
#define RACE_ENOUGH	1000
#define RACE_ROUNDS	16384

/* How often to look for news before it is the others' turn */
#define RACE_POLLS	64

KUNIT_DEFINE_ACTION_WRAPPER(stop_thread, kthread_stop, struct task_struct *);

static struct task_struct *run_thread(struct kunit *test, int (*fn)(void *), void *data)
{
	struct task_struct *task = kthread_run(fn, data, "cpuhp_kunit");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, stop_thread, task));
	return task;
}

/* Let the other threads get on, also if they have no CPU of their own. */
static void let_others_run(void)
{
	if (num_online_cpus() > 1) {
		cpu_relax();
		cond_resched();
	} else {
		schedule_timeout_uninterruptible(1);
	}
}

/* A machine can be too slow to have seen enough by then. */
static bool race_goes_on(unsigned long start, bool enough)
{
	return time_before(jiffies, start + (enough ? RACE_JIFFIES : 10 * RACE_JIFFIES));
}

/* Meet the others at another point in each round. */
static void race_delay(unsigned long round)
{
	unsigned long n = round % (num_online_cpus() > 1 ? 17 : 4);

	while (n--)
		let_others_run();
}

/* The closing queue, one step at a time */

struct queue_test {
	struct llist_head queue;
	struct llist_node a, b, c;
};

static int queue_init(struct kunit *test)
{
	struct queue_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	init_llist_head(&t->queue);
	/* A value that no list gives them */
	t->a.next = &t->a;
	t->b.next = &t->b;
	t->c.next = &t->c;
	test->priv = t;
	return 0;
}

static void queue_add_three(struct kunit *test)
{
	struct queue_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, 1, smp_queue_add(&t->a, &t->queue));
	KUNIT_EXPECT_EQ(test, 0, smp_queue_add(&t->b, &t->queue));
	KUNIT_EXPECT_EQ(test, 0, smp_queue_add(&t->c, &t->queue));
}

static void queue_expect_three(struct kunit *test, struct llist_node *first)
{
	struct queue_test *t = test->priv;

	KUNIT_EXPECT_PTR_EQ(test, first, &t->c);
	KUNIT_EXPECT_PTR_EQ(test, t->c.next, &t->b);
	KUNIT_EXPECT_PTR_EQ(test, t->b.next, &t->a);
	KUNIT_EXPECT_NULL(test, t->a.next);
}

static void queue_expect_closed(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct llist_node node = { .next = &node };

	KUNIT_EXPECT_EQ(test, -ENXIO, smp_queue_add(&node, &t->queue));
	KUNIT_EXPECT_PTR_EQ(test, node.next, &node);
}

static void queue_expect_empty(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct llist_node node = { .next = &node };

	KUNIT_EXPECT_EQ(test, 1, smp_queue_add(&node, &t->queue));
	KUNIT_EXPECT_NULL(test, node.next);
	KUNIT_EXPECT_PTR_EQ(test, smp_queue_take(&t->queue), &node);
}

static void queue_test_take(struct kunit *test)
{
	struct queue_test *t = test->priv;

	KUNIT_EXPECT_NULL(test, smp_queue_take(&t->queue));
	queue_add_three(test);
	queue_expect_three(test, smp_queue_take(&t->queue));
	KUNIT_EXPECT_NULL(test, smp_queue_take(&t->queue));
	queue_expect_empty(test);
}

static void queue_test_close_empty(struct kunit *test)
{
	struct queue_test *t = test->priv;

	KUNIT_EXPECT_NULL(test, smp_queue_close(&t->queue));
	queue_expect_closed(test);
}

/* What got in before is not lost. */
static void queue_test_close(struct kunit *test)
{
	struct queue_test *t = test->priv;

	queue_add_three(test);
	queue_expect_three(test, smp_queue_close(&t->queue));
	queue_expect_closed(test);
}

static void queue_test_close_twice(struct kunit *test)
{
	struct queue_test *t = test->priv;

	queue_add_three(test);
	smp_queue_close(&t->queue);
	KUNIT_EXPECT_NULL(test, smp_queue_close(&t->queue));
	queue_expect_closed(test);
}

static void queue_test_take_closed(struct kunit *test)
{
	struct queue_test *t = test->priv;

	smp_queue_close(&t->queue);
	KUNIT_EXPECT_NULL(test, smp_queue_take(&t->queue));
	KUNIT_EXPECT_NULL(test, smp_queue_take(&t->queue));
	queue_expect_closed(test);
}

/* What is refused is the caller's, for good. */
static void queue_test_refuse(struct kunit *test)
{
	struct queue_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, 1, smp_queue_add(&t->a, &t->queue));
	smp_queue_close(&t->queue);
	KUNIT_EXPECT_EQ(test, -ENXIO, smp_queue_add(&t->b, &t->queue));
	KUNIT_EXPECT_EQ(test, -ENXIO, smp_queue_add(&t->c, &t->queue));
	KUNIT_EXPECT_PTR_EQ(test, t->b.next, &t->b);
	KUNIT_EXPECT_PTR_EQ(test, t->c.next, &t->c);
	KUNIT_EXPECT_NULL(test, t->a.next);

	smp_queue_open(&t->queue);
	KUNIT_EXPECT_NULL(test, smp_queue_take(&t->queue));
}

static void queue_test_open(struct kunit *test)
{
	struct queue_test *t = test->priv;

	smp_queue_close(&t->queue);
	smp_queue_open(&t->queue);
	queue_expect_empty(test);
	queue_add_three(test);
	queue_expect_three(test, smp_queue_take(&t->queue));
}

static void queue_test_open_twice(struct kunit *test)
{
	struct queue_test *t = test->priv;

	smp_queue_open(&t->queue);
	queue_expect_empty(test);
	queue_add_three(test);
	smp_queue_open(&t->queue);
	queue_expect_three(test, smp_queue_take(&t->queue));
}

/* Who looks by himself need not be told, until he stops. */
static void queue_test_poll(struct kunit *test)
{
	struct queue_test *t = test->priv;

	KUNIT_EXPECT_NULL(test, smp_queue_poll(&t->queue));
	KUNIT_EXPECT_NULL(test, smp_queue_poll(&t->queue));
	KUNIT_EXPECT_EQ(test, 0, smp_queue_add(&t->a, &t->queue));
	KUNIT_EXPECT_EQ(test, 0, smp_queue_add(&t->b, &t->queue));
	KUNIT_EXPECT_EQ(test, 0, smp_queue_add(&t->c, &t->queue));
	queue_expect_three(test, smp_queue_poll(&t->queue));
	KUNIT_EXPECT_NULL(test, smp_queue_poll(&t->queue));
	KUNIT_EXPECT_NULL(test, smp_queue_poll_end(&t->queue));
	queue_expect_empty(test);
}

/* What was in the queue when polling began, or ends, is not lost. */
static void queue_test_poll_begin_end(struct kunit *test)
{
	struct queue_test *t = test->priv;

	queue_add_three(test);
	queue_expect_three(test, smp_queue_poll(&t->queue));
	KUNIT_EXPECT_EQ(test, 0, smp_queue_add(&t->a, &t->queue));
	KUNIT_EXPECT_PTR_EQ(test, smp_queue_poll_end(&t->queue), &t->a);
	KUNIT_EXPECT_NULL(test, t->a.next);
	queue_add_three(test);
	queue_expect_three(test, smp_queue_take(&t->queue));
}

static void queue_test_poll_close(struct kunit *test)
{
	struct queue_test *t = test->priv;

	KUNIT_EXPECT_NULL(test, smp_queue_poll(&t->queue));
	KUNIT_EXPECT_NULL(test, smp_queue_close(&t->queue));
	queue_expect_closed(test);
	smp_queue_open(&t->queue);

	KUNIT_EXPECT_NULL(test, smp_queue_poll(&t->queue));
	KUNIT_EXPECT_EQ(test, 0, smp_queue_add(&t->a, &t->queue));
	KUNIT_EXPECT_PTR_EQ(test, smp_queue_close(&t->queue), &t->a);
	queue_expect_closed(test);
}

/*
 * The closing queue, raced
 *
 * Adders put their entries in all the time, while the owner takes, closes and
 * opens. An entry counts how often it got in and how often it came out. It is
 * its adder's while the two are equal, and the owner must find it only while
 * they differ by one.
 */

#define QUEUE_ADDERS	3
#define QUEUE_ENTRIES	16

struct queue_entry {
	struct llist_node	node;
	unsigned long		in;
	unsigned long		out;
};

struct queue_adder {
	struct queue_race	*race;
	struct queue_entry	entries[QUEUE_ENTRIES];
	unsigned long		steps;
	unsigned long		added;
	unsigned long		first;
	unsigned long		refused;
};

struct queue_race {
	struct llist_head	queue;
	struct queue_adder	adders[QUEUE_ADDERS];
	unsigned long		taken;
	unsigned long		lists;
	bool			broken;
};

static void queue_adder_step(struct queue_adder *adder, struct queue_entry *entry)
{
	int ret;

	WRITE_ONCE(adder->steps, adder->steps + 1);
	/* Pairs with the release in queue_race_check(). */
	if (smp_load_acquire(&entry->out) != entry->in)
		return;

	entry->in++;
	ret = smp_queue_add(&entry->node, &adder->race->queue);
	if (ret < 0) {
		entry->in--;
		adder->refused++;
		return;
	}
	adder->added++;
	adder->first += ret;
}

static int queue_adder_thread(void *data)
{
	struct queue_adder *adder = data;
	unsigned int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < QUEUE_ENTRIES; i++)
			queue_adder_step(adder, &adder->entries[i]);
		let_others_run();
	}
	return 0;
}

/* @told: the first one of these entries had to tell the owner */
static void queue_race_check(struct queue_race *race, struct llist_node *node, bool told)
{
	unsigned int n;

	if (node)
		race->lists += told;

	for (n = 0; node; n++) {
		struct queue_entry *entry = llist_entry(node, struct queue_entry, node);

		if (IS_ERR(node) || n == QUEUE_ADDERS * QUEUE_ENTRIES ||
		    READ_ONCE(entry->in) != entry->out + 1) {
			race->broken = true;
			return;
		}
		race->taken++;
		node = node->next;
		/* The adder can have it again. Pairs with queue_adder_step(). */
		smp_store_release(&entry->out, entry->out + 1);
	}
}

static unsigned long queue_race_steps(struct queue_race *race)
{
	unsigned long steps = 0;
	unsigned int i;

	for (i = 0; i < QUEUE_ADDERS; i++)
		steps += READ_ONCE(race->adders[i].steps);
	return steps;
}

/*
 * On an emulated machine the adders can be off their CPUs for long, and the
 * owner is not to spend its time waiting for them. But now and then it does, so
 * that there is something to take and something to refuse.
 */
static void queue_race_wait(struct queue_race *race, unsigned long round)
{
	unsigned long start = queue_race_steps(race);

	if (round % 1024) {
		race_delay(round);
		return;
	}
	while (queue_race_steps(race) - start < QUEUE_ADDERS * QUEUE_ENTRIES)
		let_others_run();
}

static void queue_test_race(struct kunit *test)
{
	struct queue_race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	unsigned long added = 0, first = 0, refused = 0, rounds = 0;
	struct task_struct *threads[QUEUE_ADDERS];
	unsigned long start = jiffies;
	unsigned int i, k, astray = 0;

	KUNIT_ASSERT_NOT_NULL(test, race);
	init_llist_head(&race->queue);
	for (i = 0; i < QUEUE_ADDERS; i++) {
		race->adders[i].race = race;
		threads[i] = run_thread(test, queue_adder_thread, &race->adders[i]);
	}

	do {
		queue_race_wait(race, rounds);
		for (i = 0; i < 8; i++) {
			queue_race_check(race, smp_queue_take(&race->queue), true);
			race_delay(rounds / 16);
		}
		for (i = 0; i < 4; i++) {
			queue_race_check(race, smp_queue_poll(&race->queue), i == 0);
			race_delay(rounds / 16);
		}
		/* A CPU that refuses to go, or one that goes */
		if (rounds % 2)
			queue_race_check(race, smp_queue_poll_end(&race->queue), false);
		race_delay(rounds / 16);
		queue_race_check(race, smp_queue_close(&race->queue), rounds % 2);
		queue_race_wait(race, rounds);
		if (smp_queue_take(&race->queue))
			race->broken = true;
		smp_queue_open(&race->queue);
		rounds++;
	} while (race_goes_on(start, rounds >= RACE_ROUNDS) && !race->broken);

	for (i = 0; i < QUEUE_ADDERS; i++)
		kunit_release_action(test, stop_thread, threads[i]);
	if (!race->broken)
		queue_race_check(race, smp_queue_close(&race->queue), true);

	for (i = 0; i < QUEUE_ADDERS; i++) {
		struct queue_adder *adder = &race->adders[i];

		added += adder->added;
		first += adder->first;
		refused += adder->refused;
		for (k = 0; k < QUEUE_ENTRIES; k++)
			astray += adder->entries[k].in != adder->entries[k].out;
	}
	kunit_info(test, "%lu rounds, %lu added, %lu refused\n", rounds, added, refused);

	/* An entry came out that was not in, or that was in two places. */
	KUNIT_EXPECT_FALSE(test, race->broken);
	/* One was lost. */
	KUNIT_EXPECT_EQ(test, astray, 0);
	KUNIT_EXPECT_EQ(test, added, race->taken);
	/* One was alone and its adder was not told: no IPI. */
	KUNIT_EXPECT_EQ(test, first, race->lists);
	/* The race was none. */
	KUNIT_EXPECT_GT(test, added, 0);
	KUNIT_EXPECT_GT(test, refused, 0);
}

static struct kunit_case queue_test_cases[] = {
	KUNIT_CASE(queue_test_take),
	KUNIT_CASE(queue_test_close_empty),
	KUNIT_CASE(queue_test_close),
	KUNIT_CASE(queue_test_close_twice),
	KUNIT_CASE(queue_test_take_closed),
	KUNIT_CASE(queue_test_refuse),
	KUNIT_CASE(queue_test_open),
	KUNIT_CASE(queue_test_open_twice),
	KUNIT_CASE(queue_test_poll),
	KUNIT_CASE(queue_test_poll_begin_end),
	KUNIT_CASE(queue_test_poll_close),
	KUNIT_CASE_SLOW(queue_test_race),
	{}
};

static struct kunit_suite queue_test_suite = {
	.name = "smp_queue",
	.init = queue_init,
	.test_cases = queue_test_cases,
};

/* The state word, from each of its states */

static const struct state_param {
	enum cpuhp_takedown_state state;
	const char *name;
} state_params[] = {
	{ CPUHP_TAKEDOWN_NONE, "NONE" },
	{ CPUHP_TAKEDOWN_REQUESTED, "REQUESTED" },
	{ CPUHP_TAKEDOWN_TAKEN, "TAKEN" },
	{ CPUHP_TAKEDOWN_REFUSED, "REFUSED" },
	{ CPUHP_TAKEDOWN_QUIESCED, "QUIESCED" },
	{ CPUHP_TAKEDOWN_COMMITTED, "COMMITTED" },
};

KUNIT_ARRAY_PARAM_DESC(state, state_params, name);

static int state_init(struct kunit *test)
{
	struct cpuhp_takedown *td = kunit_kzalloc(test, sizeof(*td), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, td);
	init_completion(&td->answered);
	test->priv = td;
	return 0;
}

static void state_test_accept(struct kunit *test)
{
	const struct state_param *from = test->param_value;
	bool legal = from->state == CPUHP_TAKEDOWN_REQUESTED;
	struct cpuhp_takedown *td = test->priv;

	atomic_set(&td->state, from->state);
	KUNIT_EXPECT_EQ(test, takedown_state_accept(td), legal);
	KUNIT_EXPECT_EQ(test, atomic_read(&td->state),
			legal ? CPUHP_TAKEDOWN_TAKEN : from->state);
}

static void state_test_withdraw(struct kunit *test)
{
	const struct state_param *from = test->param_value;
	bool legal = from->state == CPUHP_TAKEDOWN_REQUESTED;
	struct cpuhp_takedown *td = test->priv;

	atomic_set(&td->state, from->state);
	KUNIT_EXPECT_EQ(test, takedown_state_withdraw(td), legal);
	KUNIT_EXPECT_EQ(test, atomic_read(&td->state),
			legal ? CPUHP_TAKEDOWN_NONE : from->state);
}

static void state_test_read(struct kunit *test)
{
	const struct state_param *from = test->param_value;
	struct cpuhp_takedown *td = test->priv;

	atomic_set(&td->state, from->state);
	KUNIT_EXPECT_EQ(test, takedown_state_taken(td), from->state == CPUHP_TAKEDOWN_TAKEN);
	KUNIT_EXPECT_EQ(test, takedown_state_quiesced(td), from->state == CPUHP_TAKEDOWN_QUIESCED);
	KUNIT_EXPECT_EQ(test, takedown_state_committed(td),
			from->state == CPUHP_TAKEDOWN_COMMITTED);
}

/* The state word, conversation by conversation */

static void state_expect(struct kunit *test, enum cpuhp_takedown_state state, bool answered)
{
	struct cpuhp_takedown *td = test->priv;

	KUNIT_EXPECT_EQ(test, atomic_read(&td->state), state);
	KUNIT_EXPECT_EQ(test, completion_done(&td->answered), answered);
}

static void state_test_dead(struct kunit *test)
{
	struct cpuhp_takedown *td = test->priv;

	state_expect(test, CPUHP_TAKEDOWN_NONE, false);
	takedown_state_request(td);
	state_expect(test, CPUHP_TAKEDOWN_REQUESTED, false);
	KUNIT_EXPECT_TRUE(test, takedown_state_accept(td));
	state_expect(test, CPUHP_TAKEDOWN_TAKEN, false);
	takedown_state_answer(td, CPUHP_TAKEDOWN_QUIESCED);
	state_expect(test, CPUHP_TAKEDOWN_QUIESCED, true);
	takedown_state_commit(td);
	state_expect(test, CPUHP_TAKEDOWN_COMMITTED, true);
	takedown_state_reset(td);
	state_expect(test, CPUHP_TAKEDOWN_NONE, true);
}

static void state_test_refused(struct kunit *test)
{
	struct cpuhp_takedown *td = test->priv;

	takedown_state_request(td);
	KUNIT_EXPECT_TRUE(test, takedown_state_accept(td));
	takedown_state_refuse(td, -ENOSPC);
	state_expect(test, CPUHP_TAKEDOWN_REFUSED, true);
	KUNIT_EXPECT_FALSE(test, takedown_state_quiesced(td));
	KUNIT_EXPECT_EQ(test, td->error, -ENOSPC);
	takedown_state_reset(td);
	state_expect(test, CPUHP_TAKEDOWN_NONE, true);
}

static void state_test_withdrawn(struct kunit *test)
{
	struct cpuhp_takedown *td = test->priv;

	takedown_state_request(td);
	KUNIT_EXPECT_TRUE(test, takedown_state_withdraw(td));
	state_expect(test, CPUHP_TAKEDOWN_NONE, false);
	KUNIT_EXPECT_FALSE(test, takedown_state_accept(td));
	KUNIT_EXPECT_FALSE(test, takedown_state_withdraw(td));
	state_expect(test, CPUHP_TAKEDOWN_NONE, false);
}

static void state_test_too_late(struct kunit *test)
{
	struct cpuhp_takedown *td = test->priv;

	takedown_state_request(td);
	KUNIT_EXPECT_TRUE(test, takedown_state_accept(td));
	KUNIT_EXPECT_FALSE(test, takedown_state_withdraw(td));
	KUNIT_EXPECT_FALSE(test, takedown_state_accept(td));
	state_expect(test, CPUHP_TAKEDOWN_TAKEN, false);
}

/* The answer to an earlier request is not taken for the one to the next. */
static void state_test_again(struct kunit *test)
{
	struct cpuhp_takedown *td = test->priv;

	takedown_state_request(td);
	KUNIT_EXPECT_TRUE(test, takedown_state_accept(td));
	takedown_state_refuse(td, -ENOSPC);
	takedown_state_reset(td);
	takedown_state_request(td);
	state_expect(test, CPUHP_TAKEDOWN_REQUESTED, false);
	KUNIT_EXPECT_TRUE(test, takedown_state_withdraw(td));
	takedown_state_request(td);
	KUNIT_EXPECT_TRUE(test, takedown_state_accept(td));
}

/*
 * The state word, raced
 *
 * The test requests and withdraws, round after round, from a thread that
 * accepts. Whoever accepts also tells in which round it believes to be: that
 * shows whether the barriers of the request and of the answer do their work.
 */

struct state_race {
	struct cpuhp_takedown	td;
	/* By the test, the control CPU */
	unsigned long		round;
	unsigned long		withdrawn;
	unsigned long		refused;
	unsigned long		dead;
	/* By the thread, the outgoing CPU */
	unsigned long		turns;
	unsigned long		accepted;
	unsigned long		round_seen;
	struct completion	died;
};

static void state_race_turn(struct state_race *race)
{
	/* Pairs with the acquire in state_race_settle(). */
	smp_store_release(&race->turns, race->turns + 1);
	let_others_run();
}

static int state_outgoing_thread(void *data)
{
	struct state_race *race = data;
	struct cpuhp_takedown *td = &race->td;

	while (!kthread_should_stop()) {
		state_race_turn(race);
		if (!takedown_state_accept(td))
			continue;

		WRITE_ONCE(race->accepted, race->accepted + 1);
		race->round_seen = race->round;
		if (race->accepted % 2) {
			takedown_state_refuse(td, -1 - (int)(race->round % MAX_ERRNO));
			continue;
		}
		takedown_state_answer(td, CPUHP_TAKEDOWN_QUIESCED);
		while (!takedown_state_committed(td) && !kthread_should_stop())
			state_race_turn(race);
		complete(&race->died);
	}
	return 0;
}

/* Whatever it was about to do when this is called, it has done. */
static void state_race_settle(struct state_race *race)
{
	unsigned long start = READ_ONCE(race->turns);

	/* Pairs with the release in state_race_turn(). */
	while (smp_load_acquire(&race->turns) - start < 2)
		let_others_run();
}

/* Wait without sleeping, to see as soon as possible what comes with the news. */
static bool state_race_wait(struct completion *done)
{
	unsigned long start = jiffies;
	unsigned int n = 0;

	while (!try_wait_for_completion(done)) {
		if (++n % RACE_POLLS)
			continue;
		if (!race_goes_on(start, false))
			return false;
		let_others_run();
	}
	return true;
}

static bool state_race_wait_state(struct cpuhp_takedown *td)
{
	unsigned long start = jiffies;
	unsigned int n = 0;

	while (takedown_state_taken(td)) {
		if (++n % RACE_POLLS)
			continue;
		if (!race_goes_on(start, false))
			return false;
		let_others_run();
	}
	return true;
}

/* Either of the two tells that there is an answer: take the one, then the other. */
static void state_race_answer(struct kunit *test, struct state_race *race)
{
	struct cpuhp_takedown *td = &race->td;
	bool by_state = race->round % 2;

	if (by_state)
		KUNIT_EXPECT_TRUE(test, state_race_wait_state(td));
	else
		KUNIT_EXPECT_TRUE(test, state_race_wait(&td->answered));

	if (takedown_state_quiesced(td)) {
		race->dead++;
	} else {
		race->refused++;
		KUNIT_EXPECT_EQ(test, td->error, -1 - (int)(race->round % MAX_ERRNO));
		KUNIT_EXPECT_EQ(test, atomic_read(&td->state), CPUHP_TAKEDOWN_REFUSED);
	}
	KUNIT_EXPECT_EQ(test, race->round_seen, race->round);

	if (by_state)
		KUNIT_EXPECT_TRUE(test, state_race_wait(&td->answered));
}

static void state_test_race(struct kunit *test)
{
	struct state_race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	unsigned long start = jiffies, accepted;
	struct task_struct *thread;
	struct cpuhp_takedown *td;
	bool enough;

	KUNIT_ASSERT_NOT_NULL(test, race);
	td = &race->td;
	init_completion(&td->answered);
	init_completion(&race->died);
	thread = run_thread(test, state_outgoing_thread, race);

	do {
		race->round++;
		takedown_state_request(td);
		race_delay(race->round);
		if (takedown_state_withdraw(td)) {
			race->withdrawn++;
			/* Nobody else has won, and nobody does later. */
			state_race_settle(race);
			KUNIT_EXPECT_EQ(test, atomic_read(&td->state), CPUHP_TAKEDOWN_NONE);
			KUNIT_EXPECT_FALSE(test, completion_done(&td->answered));
		} else {
			state_race_answer(test, race);
			if (takedown_state_quiesced(td)) {
				takedown_state_commit(td);
				KUNIT_EXPECT_TRUE(test, state_race_wait(&race->died));
			}
		}
		accepted = READ_ONCE(race->accepted);
		KUNIT_EXPECT_EQ(test, accepted, race->refused + race->dead);
		takedown_state_reset(td);
		enough = min3(race->withdrawn, race->refused, race->dead) >= RACE_ENOUGH;
	} while (race_goes_on(start, enough) && READ_ONCE(test->status) == KUNIT_SUCCESS);

	kunit_release_action(test, stop_thread, thread);
	kunit_info(test, "%lu withdrawn, %lu refused, %lu dead\n",
		   race->withdrawn, race->refused, race->dead);

	/* The race was none. */
	KUNIT_EXPECT_GT(test, race->withdrawn, 0);
	KUNIT_EXPECT_GT(test, race->refused, 0);
	KUNIT_EXPECT_GT(test, race->dead, 0);
}

static struct kunit_case state_test_cases[] = {
	KUNIT_CASE_PARAM(state_test_accept, state_gen_params),
	KUNIT_CASE_PARAM(state_test_withdraw, state_gen_params),
	KUNIT_CASE_PARAM(state_test_read, state_gen_params),
	KUNIT_CASE(state_test_dead),
	KUNIT_CASE(state_test_refused),
	KUNIT_CASE(state_test_withdrawn),
	KUNIT_CASE(state_test_too_late),
	KUNIT_CASE(state_test_again),
	KUNIT_CASE_SLOW(state_test_race),
	{}
};

static struct kunit_suite state_test_suite = {
	.name = "cpuhp_takedown_state",
	.init = state_init,
	.test_cases = state_test_cases,
};

kunit_test_suites(&queue_test_suite, &state_test_suite);

MODULE_DESCRIPTION("KUnit tests of CPU offline: the cross-call queue and the state word");
MODULE_LICENSE("GPL");
