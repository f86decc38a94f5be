/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of a CPU that is taken down from its idle loop, for spin
 *
 * A control CPU takes the outgoing CPU down and up again, for ever, while two
 * bystanders look at cpu_online_mask and call the outgoing CPU. Checked are:
 *
 * I2	A section that saw the CPU online is not refused, its calls are executed
 *	before the CPU dies, and no callback that comes after the grace period
 *	runs before such a section has ended.
 * I3	A call is executed once, or refused; none is lost, nobody waits for ever.
 * I6	When the request was withdrawn or refused the CPU is online and complete,
 *	and can be taken down the next time.
 * I7	Every DYING callback runs once, in reverse order, on the outgoing CPU,
 *	with interrupts disabled.
 *
 * A process is a CPU. A step is one access that others can see, with what the
 * CPU does on its own before and after. "C: file:name()" is a function that the
 * lines below stand for; run.sh checks that there is one. All CPUs agree on the
 * order of the steps: what depends on memory barriers is in litmus/.
 *
 * Left out: hrtimers, the tick broadcast, tasks that straggle, several outgoing
 * CPUs at a time, and what is above CPUHP_TEARDOWN_CPU.
 *
 * With -DMUT_... something is done wrong, and spin has to find it.
 */

/* C: kernel/cpuhp/internal.h:enum cpuhp_takedown_state */
mtype:takedown = {
	CPUHP_TAKEDOWN_NONE,
	CPUHP_TAKEDOWN_REQUESTED,
	CPUHP_TAKEDOWN_TAKEN,
	CPUHP_TAKEDOWN_REFUSED,
	CPUHP_TAKEDOWN_QUIESCED,
	CPUHP_TAKEDOWN_COMMITTED
};

/* What control CPU and outgoing CPU tell each other */
mtype:takedown state = CPUHP_TAKEDOWN_NONE;
bool answered;				/* a completion */
bool idle_dead;				/* a completion */
bool in_takedown_mask, need_resched, stopper_closed, power_on;

/* One callback above the drain state and one below stand for all of them. */
#define CPUHP_AP_OFFLINE		0
#define CPUHP_AP_SMPCFD_DYING		1
#define CPUHP_AP_TAKEDOWN_DRAIN		2
#define CPUHP_AP_HRTIMERS_DYING		3
#define CALLBACKS_ABOVE(s)		(14 & ~((2 << (s)) - 1))
byte cb_state = CPUHP_AP_HRTIMERS_DYING;	/* cpuhp_cpu_state::state */
byte cb_ran;					/* a bit for each */

/* The rest of the outgoing CPU */
bool cpu_online = true, cpu_callable = true;
bool irqs_on = true, ipi;
bool asleep, busy_later;		/* later: a task is left, and will run */

/* Its cross-call queue. The entries are the senders, each with one csd. */
#define NIL			0
#define SMP_QUEUE_CLOSED	3
#define SMP_QUEUE_POLLED	4
#define ENTRIES(head)		(head >= SMP_QUEUE_CLOSED -> NIL : head)
byte queue = NIL, next[3];

/*
 * RAISED: the function has run, and has raised an irq_work on the outgoing CPU.
 * The sender waits for that.
 */
mtype:csd = { FREE, LOCKED, QUEUED, RAISED };
mtype:csd csd[3] = FREE;

/* The sections of the senders, and what the grace period waits for */
bool in_section[3], saw_online[3];
bool gp_wants[3];			/* the end of the section */
bool gp_wants_outgoing;			/* a quiescent state */
bool gp_needs_timer;			/* on the wheel of the outgoing CPU */

#define BOTH(cond)		(cond(1) && cond(2))
#define SAW_IT_OFFLINE(s)	(!saw_online[s])
#define HAS_LET_GO(s)		(!gp_wants[s])
#define IS_SERVED(s)		(csd[s] == FREE || csd[s] == LOCKED)

/* A cmpxchg() that succeeds, and what is not one */
#define try_cmpxchg(word, old, new)	atomic { word == old -> word = new }
#define load_then_store(word, old, new)	word == old -> word = new

#ifdef MUT_ACCEPT_NOT_ATOMIC
#define ACCEPT		load_then_store
#else
#define ACCEPT		try_cmpxchg
#endif
#ifdef MUT_WITHDRAW_NOT_ATOMIC
#define WITHDRAW	load_then_store
#else
#define WITHDRAW	try_cmpxchg
#endif
#ifdef MUT_DRAIN_TOO_LATE
#define DRAIN_STATE	CPUHP_AP_SMPCFD_DYING
#else
#define DRAIN_STATE	CPUHP_AP_TAKEDOWN_DRAIN
#endif

/* ---- Bystanders ---- */

active [2] proctype sender()
{
	byte me = _pid + 1, first;

	do
	::	d_step {				/* preempt_disable() */
			in_section[me] = true;
			saw_online[me] = cpu_online
		};

		/* Seen or not, call it. An earlier call can have the csd still. */
		/* C: kernel/smp.c:csd_lock() */
		/* C: kernel/smp.c:generic_exec_single() */
		d_step {
			csd[me] == FREE -> csd[me] = LOCKED;
			first = (cpu_callable && queue != SMP_QUEUE_CLOSED -> NIL : SMP_QUEUE_CLOSED)
		};

		/* If the head has changed the cmpxchg() has the new one. */
		/* C: kernel/smp_queue.h:smp_queue_add() */
		d_step {
			first = (first == SMP_QUEUE_CLOSED -> first : queue);
			if
			:: first == SMP_QUEUE_CLOSED ->
				assert(!saw_online[me]);		/* I2 */
				csd[me] = FREE
			:: else ->
				next[me] = ENTRIES(first);
				queue = me;
				csd[me] = QUEUED
			fi
		};

		/* C: kernel/smp.c:csd_queue() */
		/* C: kernel/smp.c:send_call_function_single_ipi() */
		atomic {
			ipi = (first == NIL -> true : ipi);
			first = NIL;
			if
			:: goto section_end		/* wait=0 */
			:: true				/* wait=1 */
			fi
		};
		/* C: kernel/smp.c:csd_lock_wait() */
		csd[me] == FREE;
section_end:
		atomic {				/* preempt_enable() */
			in_section[me] = false;
			saw_online[me] = false;
			gp_wants[me] = false
		}
	od
}

/* ---- Outgoing CPU ---- */

/*
 * What is taken off the queue is run in the same step: whose call it is can
 * only wait, so nobody can tell when.
 */

/* C: kernel/smp_queue.h:smp_queue_take() */
/* C: kernel/smp_queue.h:smp_queue_poll() */
/* C: kernel/smp_queue.h:smp_queue_poll_end() */
/* C: kernel/smp_queue.h:smp_queue_close() */
/* C: kernel/smp_queue.h:smp_queue_entries() */
inline take_and_set(new)
{
	entry = ENTRIES(queue);
	queue = new
}

/* C: kernel/smp.c:csd_run_queue() */
inline csd_run_queue()
{
	do
	:: entry != NIL ->
		assert(csd[entry] == QUEUED);			/* I3 */
		if
		:: csd[entry] = FREE
		:: csd[entry] = RAISED
		fi;
		next_entry = next[entry];
		next[entry] = NIL;
		entry = next_entry;
		next_entry = NIL
	:: else -> break
	od
}

/* C: kernel/irq_work.c:irq_work_run() */
inline irq_work_run()
{
	csd[1] = (csd[1] == RAISED -> FREE : csd[1]);
	csd[2] = (csd[2] == RAISED -> FREE : csd[2])
}

/* C: kernel/smp.c:csd_run_polled() */
inline csd_run_taken(new)
{
	atomic {
		take_and_set(new);
		csd_run_queue();
#ifdef MUT_SERVE_NO_IRQ_WORK
		if
		:: state == CPUHP_TAKEDOWN_QUIESCED
		:: else ->
#else
		if
		:: true ->
#endif
			irq_work_run()
		fi
	}
}

/* C: kernel/smp.c:__flush_smp_call_function_queue() */
inline flush_queue()
{
	if
	:: atomic { queue < SMP_QUEUE_CLOSED -> csd_run_taken(NIL) }
	:: else
	fi
}

/* C: kernel/smp.c:smp_call_poll() */
inline smp_call_poll()
{
	csd_run_taken(SMP_QUEUE_POLLED)
}

/* C: kernel/smp.c:smp_call_close() */
inline smp_call_close()
{
	cpu_callable = false;
#ifdef MUT_CLOSE_NOT_ATOMIC
	take_and_set(queue);
	queue = SMP_QUEUE_CLOSED;
#endif
	atomic {
#ifndef MUT_CLOSE_NOT_ATOMIC
		take_and_set(SMP_QUEUE_CLOSED);
#endif
#ifdef MUT_CLOSED_NOT_RUN
		entry = NIL;
#endif
		csd_run_queue();
#ifndef MUT_CLOSE_NO_IRQ_WORK
		irq_work_run()
#endif
	}
}

/* C: kernel/smp.c:smp_call_poll_end() */
inline smp_call_poll_end()
{
#ifdef MUT_POLL_END_LEAVES_MARK
	csd_run_taken(SMP_QUEUE_POLLED)
#else
	csd_run_taken(NIL)
#endif
}

/* C: kernel/cpu.c:set_cpu_online() */
inline set_cpu_offline()
{
	cpu_online = false;
	/* C: kernel/smp.c:smp_call_offline() */
	cpu_callable = (state == CPUHP_TAKEDOWN_TAKEN -> cpu_callable : false)
}

/* C: kernel/cpuhp/state.h:takedown_state_answer() */
inline takedown_state_answer(new)
{
	state = new;
	d_step { assert(!answered); answered = true }
}

/* C: kernel/cpuhp/outgoing.c:takedown_serve() */
inline takedown_serve()
{
	do
#ifdef MUT_COMMIT_NOT_AWAITED
	:: break
#endif
	/* C: kernel/cpuhp/state.h:takedown_state_committed() */
	:: state == CPUHP_TAKEDOWN_COMMITTED -> break
	:: else ->
#ifdef MUT_SERVE_IRQS_ON
		irqs_on = true;
#endif
		smp_call_poll();
#ifndef MUT_SERVE_NO_QUIESCENT_STATE
		gp_wants_outgoing = false	/* rcu_momentary_eqs() */
#endif
	od
}

/* C: kernel/cpuhp/outgoing.c:cpuhp_drain_cpu() */
inline cpuhp_drain_cpu()
{
#ifdef MUT_CLOSE_BEFORE_GP
	smp_call_close();
#endif
#ifndef MUT_QUIESCED_BEFORE_OFFLINE
	takedown_state_answer(CPUHP_TAKEDOWN_QUIESCED);
#endif
	takedown_serve()
}

/* C: kernel/cpu.c:cpuhp_run_dying() */
inline cpuhp_run_dying()
{
	do
	:: cb_state > CPUHP_AP_OFFLINE ->
		d_step {
			assert(!irqs_on && !cpu_online);		/* I7 */
			assert(cb_ran == CALLBACKS_ABOVE(cb_state));	/* I7 */
			assert(cb_state >= CPUHP_AP_TAKEDOWN_DRAIN || BOTH(SAW_IT_OFFLINE)); /* I2 */
			cb_ran = cb_ran | (1 << cb_state)
		};
		if
		:: cb_state == DRAIN_STATE -> cpuhp_drain_cpu()
		:: else
		fi;
#ifdef MUT_DYING_LEFT_OUT
		cb_state = (cb_state == DRAIN_STATE -> DRAIN_STATE - 1 : cb_state);
#endif
		cb_state--;
		smp_call_poll()
	:: else -> break
	od
}

active proctype outgoing_cpu()
{
	byte entry, next_entry;

schedule:
	if
	:: d_step { ipi -> ipi = false } ->
		/* C: kernel/smp.c:generic_smp_call_function_single_interrupt() */
		flush_queue()
	:: else
	fi;
	/* C: kernel/sched/core.c:__schedule() */
	atomic {
		need_resched = false;
		assert(!stopper_closed && queue != SMP_QUEUE_POLLED);	/* I6 */
		if
		:: goto schedule			/* A task runs. */
		:: irqs_on = false			/* The idle task does. */
		fi
	};

	/* C: kernel/sched/idle.c:do_idle() */
	/* C: include/linux/cpu.h:cpuhp_takedown_requested() */
	if
	:: in_takedown_mask ->
		/* C: kernel/cpuhp/outgoing.c:takedown_accept() */
		/* C: kernel/sched/core.c:sched_idle_vacated() */
		if
		:: busy_later = true
		:: true ->
			/* C: kernel/stop_machine.c:stop_machine_close() */
			stopper_closed = true;
			smp_call_poll();
			if
			/* C: kernel/cpuhp/state.h:takedown_state_accept() */
			:: ACCEPT(state, CPUHP_TAKEDOWN_REQUESTED, CPUHP_TAKEDOWN_TAKEN); goto takedown
			:: state != CPUHP_TAKEDOWN_REQUESTED
			:: busy_later = true	/* A call has woken up a task. */
			fi;
			/* C: kernel/cpuhp/outgoing.c:takedown_stay() */
			smp_call_poll_end();
			/* C: kernel/stop_machine.c:stop_machine_open() */
			stopper_closed = false
		fi
	:: else
	fi;

sleep:
	/* C: kernel/sched/idle.c:cpuidle_idle_call() */
	asleep = true;
	d_step {
		need_resched || ipi || busy_later ->
		asleep = false;
		busy_later = false;
		irqs_on = true
	};
	goto schedule;

takedown:
	/* C: kernel/cpuhp/outgoing.c:cpuhp_takedown_idle() */
	/* C: kernel/cpuhp/outgoing.c:takedown_disable_cpu() */
	if
	:: true ->
#ifdef MUT_REFUSED_OFFLINE
		set_cpu_offline();
#endif
		/* C: kernel/cpuhp/outgoing.c:takedown_refuse() */
		in_takedown_mask = false;
		smp_call_poll_end();
#ifndef MUT_REFUSED_STOPPER_CLOSED
		stopper_closed = false;
#endif
		takedown_state_answer(CPUHP_TAKEDOWN_REFUSED);
		goto sleep
	:: true
	fi;

#ifdef MUT_QUIESCED_BEFORE_OFFLINE
	takedown_state_answer(CPUHP_TAKEDOWN_QUIESCED);
#endif
	set_cpu_offline();
	/* C: kernel/cpuhp/outgoing.c:cpuhp_outgoing_delay() */
	smp_call_poll();
	cpuhp_run_dying();
	smp_call_close();

	/* C: kernel/cpu.c:cpuhp_report_idle_dead() */
	d_step {
		assert(cb_ran == CALLBACKS_ABOVE(CPUHP_AP_OFFLINE));	/* I7 */
		assert(BOTH(SAW_IT_OFFLINE));				/* I2 */
		assert(BOTH(IS_SERVED));				/* I3 */
		assert(queue == SMP_QUEUE_CLOSED && !cpu_callable);
		entry = NIL;
		cb_ran = 0;
		cb_state = CPUHP_AP_HRTIMERS_DYING;
		idle_dead = true
	};

	/* It is switched on again, and pending IPIs are gone. */
	d_step { power_on -> power_on = false; ipi = false };
#ifdef MUT_ONLINE_BEFORE_OPEN
	cpu_online = true;
#endif
	/* C: kernel/smp.c:smp_call_open() */
	queue = NIL;
	cpu_callable = true;
	/* C: kernel/stop_machine.c:stop_machine_unpark() */
	d_step { cpu_online = true; irqs_on = true; stopper_closed = false };
	goto schedule
}

/* ---- Control CPU ---- */

/* C: kernel/cpuhp/takedown.c:takedown_request() */
inline takedown_request()
{
	d_step {
		assert(state == CPUHP_TAKEDOWN_NONE);			/* I6 */
		answered = false;
		/* C: kernel/cpuhp/state.h:takedown_state_request() */
		state = CPUHP_TAKEDOWN_REQUESTED
	};
#ifdef MUT_KICK_BEFORE_MASK
	need_resched = true;
#endif
	in_takedown_mask = true;
#ifndef MUT_KICK_BEFORE_MASK
	/* C: kernel/sched/core.c:resched_cpu() */
	need_resched = true
#endif
}

/* C: kernel/cpuhp/takedown.c:takedown_await() */
inline takedown_await()
{
	if
	:: d_step { answered -> answered = false }
	:: true ->					/* The time is over. */
		/* A kick was not lost: if the CPU sleeps, then with something to run. */
		assert(state != CPUHP_TAKEDOWN_REQUESTED || !asleep ||
		       need_resched || ipi || busy_later);
		if
		/* C: kernel/cpuhp/state.h:takedown_state_withdraw() */
		:: WITHDRAW(state, CPUHP_TAKEDOWN_REQUESTED, CPUHP_TAKEDOWN_NONE); goto cancel
		:: state != CPUHP_TAKEDOWN_REQUESTED
		fi;
		d_step { answered -> answered = false }
	fi;
	if
	/* C: kernel/cpuhp/state.h:takedown_state_quiesced() */
	:: state == CPUHP_TAKEDOWN_QUIESCED -> goto quiesced
	:: else
	fi
}

/* C: kernel/cpuhp/takedown.c:takedown_cancel() */
inline takedown_cancel()
{
#ifndef MUT_CANCEL_LEAVES_MASK
	in_takedown_mask = false;
#endif
#ifndef MUT_CANCEL_LEAVES_STATE
	state = CPUHP_TAKEDOWN_NONE;
#endif
	skip
}

inline synchronize_rcu_expedited()
{
	d_step {
		gp_wants[1] = in_section[1];
		gp_wants[2] = in_section[2];
		gp_wants_outgoing = true
	};
	BOTH(HAS_LET_GO) && !gp_wants_outgoing && !gp_needs_timer
}

active proctype control_cpu()
{
down:
	/* C: kernel/cpuhp/takedown.c:cpuhp_takedown() */
	takedown_request();
	takedown_await();

cancel:
	takedown_cancel();
	d_step {
		/* I6 */
		assert(state == CPUHP_TAKEDOWN_NONE && !in_takedown_mask);
		assert(cpu_online && cpu_callable && queue != SMP_QUEUE_CLOSED);
		assert(cb_ran == 0)
	};
	goto progress_up;

quiesced:
	/* The timer of the grace-period kthread can be anywhere. */
	if
	:: gp_needs_timer = true
	:: true
	fi;
#ifndef MUT_NO_INHERIT
	/* C: kernel/cpuhp/takedown.c:takedown_inherit() */
	/* C: kernel/time/timer.c:timers_migrate_from() */
	gp_needs_timer = false;
#endif
#ifndef MUT_NO_GP
	synchronize_rcu_expedited();
#endif
	/* C: kernel/cpuhp/takedown.c:takedown_commit() */
	/* C: kernel/cpuhp/state.h:takedown_state_commit() */
	state = CPUHP_TAKEDOWN_COMMITTED;

	/* C: kernel/cpuhp/takedown.c:takedown_finish() */
	/* C: kernel/cpu.c:cpuhp_wait_idle_dead() */
	d_step { idle_dead -> idle_dead = false };
	in_takedown_mask = false;
#ifndef MUT_FINISH_LEAVES_STATE
	state = CPUHP_TAKEDOWN_NONE;
#endif
	/* C: kernel/cpu.c:bringup_cpu() */
	power_on = true;
	cpu_online;

progress_up:
	goto down
}

#ifdef LTL
/* I3. The senders are alike, so it is enough to look at one of them. */
ltl served { [] ((csd[1] == QUEUED || csd[1] == RAISED) -> <> (csd[1] == FREE)) }
#endif
