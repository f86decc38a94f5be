/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Torture test for CPU offline: what its parts share.
 *
 * torture.c makes sections in which a CPU was seen online, and takes CPUs
 * down.  torture_services.c uses a service of that CPU before the section ends.
 * torture_states.c has hotplug callbacks of its own meanwhile, torture_chase.c
 * calls CPUs until they refuse.
 */
#ifndef _KERNEL_CPUHP_TORTURE_H
#define _KERNEL_CPUHP_TORTURE_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/timer.h>
#include <linux/torture.h>
#include <linux/workqueue.h>

struct task_struct;

/* What a read-side section is made of. */
enum cpuhpt_context {
	CPUHPT_PREEMPT_OFF,
	CPUHPT_IRQS_OFF,
	CPUHPT_RCU,
	CPUHPT_HARDIRQ,
	CPUHPT_NR_CONTEXTS
};

enum cpuhpt_service_id {
	CPUHPT_SINGLE,
	CPUHPT_ANY,
	CPUHPT_MANY,
	CPUHPT_ALL,
	CPUHPT_ASYNC,
	CPUHPT_IRQ_WORK,
	CPUHPT_IRQ_WORK_POLL,
	CPUHPT_IRQ_WORK_LOCAL,
	CPUHPT_TIMER,
	CPUHPT_HRTIMER,
	CPUHPT_WORK,
	CPUHPT_WAKEUP,
	CPUHPT_NR_SERVICES
};

/* The ways in which the promise can be broken. */
enum cpuhpt_error_id {
	CPUHPT_REFUSED,		/* The service returned an error. */
	CPUHPT_LOST,		/* It said yes, and nothing came of it. */
	CPUHPT_WRONG,		/* It was executed, on another CPU. */
	CPUHPT_TOPOLOGY,	/* A topology mask was empty. */
	CPUHPT_STUCK,		/* A section does not end. */
	CPUHPT_STATES,		/* A hotplug callback came out of turn. */
	CPUHPT_NR_ERRORS
};

/*
 * One use of an asynchronous service: armed in a section, executed some time
 * later.  A slot is in use from one to the other, and belongs to one reader.
 */
struct cpuhpt_slot {
	bool			armed;
	bool			lost;		/* Counted already. */
	int			cpu;
	unsigned long		deaths;		/* Of the CPU, so far. */
	unsigned long		since;		/* In jiffies. */
	ktime_t			due;
	enum cpuhpt_service_id	id;
	union {
		call_single_data_t	csd;
		struct irq_work		irq_work;
		struct timer_list	timer;
		struct hrtimer		hrtimer;
		struct work_struct	work;
		struct task_struct	*sleeper;
	};
};

#define CPUHPT_SLOTS	8	/* At most, of each service and reader. */
#define CPUHPT_NR_SLOTS	(CPUHPT_SLOTS * CPUHPT_NR_SERVICES)

struct cpuhpt_reader {
	int				id;
	struct task_struct		*task;
	struct torture_random_state	rand;
	unsigned long			busy_since;	/* In jiffies, 0: is not. */
	bool				stuck;		/* Counted already. */

	/* The current section. */
	enum cpuhpt_context		context;
	enum cpuhpt_service_id		service;
	int				cpu;	/* Was seen online. */
	unsigned long			deaths;	/* It had by then. */
	cpumask_var_t			seen;	/* So were these. */
	cpumask_var_t			ran;	/* These executed a call. */
	struct irq_work			*sync;	/* To wait for afterwards. */

	/* Sections in hard interrupt context. */
	struct hrtimer			timer;
	struct completion		done;

	struct cpuhpt_slot		slots[CPUHPT_NR_SLOTS];
};

/* torture.c */
DECLARE_PER_CPU(unsigned long, cpuhpt_deaths);
extern const char * const cpuhpt_context_names[CPUHPT_NR_CONTEXTS];
__printf(2, 3) void cpuhpt_error(enum cpuhpt_error_id id, const char *fmt, ...);

bool cpuhpt_has_lost(void);
const struct cpumask *cpuhpt_going_mask(void);

/* torture_chase.c */
int cpuhpt_chaser_start(unsigned int lost_secs);
void cpuhpt_chaser_stop(void);
void cpuhpt_chaser_print(void);

/* torture_services.c */
int cpuhpt_services_init(unsigned int lost_secs, unsigned int late_ms);
void cpuhpt_services_exit(void);
int cpuhpt_slots_init(struct cpuhpt_reader *rd);
bool cpuhpt_slots_exit(struct cpuhpt_reader *rd);
bool cpuhpt_slots_idle(struct cpuhpt_reader *rd);
void cpuhpt_slots_check(struct cpuhpt_reader *rd);
bool cpuhpt_service_fits(enum cpuhpt_service_id id, enum cpuhpt_context context);
void cpuhpt_use_service(struct cpuhpt_reader *rd);
void cpuhpt_services_print(void);
void cpuhpt_services_rest_ends(void);
long cpuhpt_services_late(void);

/* torture_states.c */
int cpuhpt_states_start(void);
void cpuhpt_states_stop(void);
void cpuhpt_states_print(void);

#endif /* _KERNEL_CPUHP_TORTURE_H */
