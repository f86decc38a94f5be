// SPDX-License-Identifier: GPL-2.0-only
///
/// A CPU that is seen online can be used until the section ends in which it was
/// seen: one with preemption or interrupts disabled, or rcu_read_lock(). It is
/// cpus_read_lock() that keeps it online. Find
///
///  * cross-calls to a CPU that was seen online outside of the section in which
///    the call is made;
///  * second looks at the online CPUs in one section, or in a function that may
///    be called in one: the first can have seen other CPUs;
///  * walks over the online CPUs that leave something behind for each, where
///    neither cpus_read_lock() is held nor a callback for hotplug registered.
///
//# What the callers hold is not known here, unless lockdep_assert_cpus_held() or
//# lockdep_assert_preemption_disabled() tells. Two looks may well differ if
//# nothing depends on it, and CPUs may be missed that nobody asks for: most of
//# what is found is right. It is a list of places to read.
///
// Confidence: Low
// Copyright: (C) 2024 the authors of the CPU takedown series
// Comments: See Documentation/core-api/cpuhp-takedown.rst
// Options: --no-includes --include-headers
//
// Keywords: cpu_online, cpu_online_mask, for_each_online_cpu, cpus_read_lock

virtual report
virtual org
virtual context

@initialize:python depends on report@
@@
say = lambda place, message: coccilib.report.print_report(place,
    "WARNING: %s(): %s" % (place.current_element, message))

@initialize:python depends on org@
@@
say = lambda place, message: coccilib.org.print_todo(place,
    "WARNING: %s(): %s" % (place.current_element, message))

@initialize:python depends on context@
@@
say = lambda place, message: None

@initialize:python@
@@

import re

looking = set()		# functions that look at the online CPUs
exempt = set()		# functions that run with CPU hotplug excluded
registering = set()	# functions that register callbacks
sections = {}		# place -> the sections that it is in: (kind, start)
tested_there = set()	# calls in the section of a test of the CPU
said = set()

def at(p):
    return p.file, p.line, p.column

def function(p):
    return p.file, p.current_element

# The name of what ends the section that this call starts
def end_of(name):
    if name.startswith('lockdep_'):
        return 'the_end'
    name = re.sub('_(try)?lock', '_unlock', name.replace('_nested', ''))
    for start, end in (('irqsave', 'irqrestore'), ('irq_save', 'irq_restore'),
                       ('_disable', '_enable'), ('get_cpu', 'put_cpu'),
                       ('update_begin', 'update_done')):
        name = name.replace(start, end)
    return name

def inside(name, start, p):
    kind = 'cpus' if re.search('cpus_|cpu_hotplug|cpu_maps', name) else 'cpu'
    sections.setdefault(at(p), set()).add((kind, at(start)))

def together(p, q):
    return sections.get(at(p), set()) & sections.get(at(q), set())

def excluded(p):
    return function(p) in exempt or 'cpus' in (kind for kind, _ in sections.get(at(p), ()))

def once(what, p):
    new = (what, at(p)) not in said
    said.add((what, at(p)))
    return new

def call_outside(p, q):
    return not (excluded(p) or together(p, q) or at(q) in tested_there) and once('call', q)

def may_differ(p, q):
    return not (at(p) == at(q) or excluded(p) or excluded(q)) and once('look', q)

def second_look(p, q):
    where = "in one section" if together(p, q) else "maybe in a section of the caller"
    return "second look at the online CPUs %s, the first is on line %s" % (where, p.line)

def may_miss(p):
    return not (excluded(p) or function(p) in registering) and once('walk', p)

//----------------------------------------------------------
//  Where the online CPUs are looked at
//----------------------------------------------------------

@look@
symbol cpu_online_mask;
position p;
@@

(
  cpu_online@p(...)
|
  cpu_is_offline@p(...)
|
  num_online_cpus@p(...)
|
  cpu_online_mask@p
)

@visit@
iterator name for_each_online_cpu;
expression c;
statement S;
position p;
@@

for_each_online_cpu@p(c) S

@script:python@
p << look.p;
@@
looking.add(function(p[0]))

@script:python@
p << visit.p;
@@
looking.add(function(p[0]))

//----------------------------------------------------------
//  In which sections
//----------------------------------------------------------

@excluding depends on look || visit@
identifier F =~ "^_*(cpuhp_(setup_state|state_add_instance)|stop_machine)";
identifier f;
position p;
@@

F@p(..., f, ...)

@script:python@
F << excluding.F;
f << excluding.f;
p << excluding.p;
@@
exempt.add((p[0].file, f))
if 'cpuhp' in F:
    registering.add(function(p[0]))

@opening depends on look || visit@
identifier O =~ "^(preempt_disable(_notrace)?|local_irq_(save|disable)|local_bh_disable|get_cpu(_ptr|_var)?|rcu_read_lock(_sched|_bh)?|(raw_)?(spin|read|write)_(try)?lock(_irq|_irqsave|_bh)?(_nested)?|(raw_)?spin_lock(_irq|_irqsave)?_rcu_node|(arch|bit)_spin_lock|(raw_spin_|task_)?rq_lock(_irq|_irqsave)?(_nested)?|cpus_(read_(try)?|write_)lock|cpu_hotplug_disable|cpu_maps_update_begin|lockdep_assert_(cpus_held|irqs_disabled|preemption_disabled|in_irq|rq_held))$";
position o;
@@

O@o(...)

@script:python closing@
O << opening.O;
o << opening.o;
C;
@@
if function(o[0]) in looking:
    coccinelle.C = cocci.make_ident(end_of(O))
else:
    cocci.include_match(False)

@section exists@
symbol cpu_online_mask;
identifier X =~ "^(cpu_online$|cpu_is_offline$|num_online_cpus$|(__)?smp_call_|on_each_cpu|irq_work_queue_on|(arch_)?smp_send_reschedule|resched_cpu|stop_one_cpu|add_timer_on|work_on_cpu$|cpu_function_call|wbinvd_on_cpu|arch_send_call_function_single_ipi)|_(work|msrl?|regs|safe)_on(_cpu)?$";
identifier opening.O, closing.C;
position opening.o, p;
@@

O@o(...)
... when != C(...)
    when any
(
  X@p(...)
|
  cpu_online_mask@p
)

@script:python@
O << opening.O;
o << opening.o;
p << section.p;
@@
inside(O, o[0], p[0])

@section_visit exists@
iterator name for_each_online_cpu;
expression c;
statement S;
identifier opening.O, closing.C;
position opening.o, p;
@@

O@o(...)
... when != C(...)
    when any
for_each_online_cpu@p(c) S

@script:python@
O << opening.O;
o << opening.o;
p << section_visit.p;
@@
inside(O, o[0], p[0])

// These end with their block.

@guarded exists@
symbol cpu_online_mask;
identifier X =~ "^(cpu_online$|cpu_is_offline$|num_online_cpus$|(__)?smp_call_|on_each_cpu|irq_work_queue_on|(arch_)?smp_send_reschedule|resched_cpu|stop_one_cpu|add_timer_on|work_on_cpu$|cpu_function_call|wbinvd_on_cpu|arch_send_call_function_single_ipi)|_(work|msrl?|regs|safe)_on(_cpu)?$";
identifier G =~ "^(cpus_(read|write)_lock|preempt(_notrace)?|irq(save)?|(raw_)?spinlock(_irq|_irqsave)?|rcu|rq_lock(_irq|_irqsave)?|task_rq_lock)$";
position o, p;
@@

guard@o(G)(...);
... when any
(
  X@p(...)
|
  cpu_online_mask@p
)

@script:python@
G << guarded.G;
o << guarded.o;
p << guarded.p;
@@
inside(G, o[0], p[0])

@guarded_visit exists@
iterator name for_each_online_cpu;
expression c;
statement S;
identifier G =~ "^(cpus_(read|write)_lock|preempt(_notrace)?|irq(save)?|(raw_)?spinlock(_irq|_irqsave)?|rcu|rq_lock(_irq|_irqsave)?|task_rq_lock)$";
position o, p;
@@

guard@o(G)(...);
... when any
for_each_online_cpu@p(c) S

@script:python@
G << guarded_visit.G;
o << guarded_visit.o;
p << guarded_visit.p;
@@
inside(G, o[0], p[0])

@scoped exists@
iterator name scoped_guard;
symbol cpu_online_mask;
identifier X =~ "^(cpu_online$|cpu_is_offline$|num_online_cpus$|(__)?smp_call_|on_each_cpu|irq_work_queue_on|(arch_)?smp_send_reschedule|resched_cpu|stop_one_cpu|add_timer_on|work_on_cpu$|cpu_function_call|wbinvd_on_cpu|arch_send_call_function_single_ipi)|_(work|msrl?|regs|safe)_on(_cpu)?$";
identifier G =~ "^(cpus_(read|write)_lock|preempt(_notrace)?|irq(save)?|(raw_)?spinlock(_irq|_irqsave)?|rcu|rq_lock(_irq|_irqsave)?|task_rq_lock)$";
position o, p;
@@

scoped_guard@o(G, ...) {
  <+...
(
  X@p(...)
|
  cpu_online_mask@p
)
  ...+>
}

@script:python@
G << scoped.G;
o << scoped.o;
p << scoped.p;
@@
inside(G, o[0], p[0])

@scoped_visit exists@
iterator name scoped_guard;
iterator name for_each_online_cpu;
expression c;
statement S;
identifier G =~ "^(cpus_(read|write)_lock|preempt(_notrace)?|irq(save)?|(raw_)?spinlock(_irq|_irqsave)?|rcu|rq_lock(_irq|_irqsave)?|task_rq_lock)$";
position o, p;
@@

scoped_guard@o(G, ...) {
  <+...
  for_each_online_cpu@p(c) S
  ...+>
}

@script:python@
G << scoped_visit.G;
o << scoped_visit.o;
p << scoped_visit.p;
@@
inside(G, o[0], p[0])

//----------------------------------------------------------
//  Calls to a CPU that was seen online in another section
//----------------------------------------------------------

@tested exists@
symbol cpu_online_mask;
expression c, e;
identifier X =~ "^((__)?smp_call_|on_each_cpu|irq_work_queue_on|(arch_)?smp_send_reschedule|resched_cpu|stop_one_cpu|add_timer_on|work_on_cpu$|cpu_function_call|wbinvd_on_cpu|arch_send_call_function_single_ipi)|_(work|msrl?|regs|safe)_on(_cpu)?$";
position p, q;
@@

(
  cpu_online@p(c)
|
  cpu_is_offline@p(c)
|
  cpumask_test_cpu(c, cpu_online_mask@p)
)
... when != c = e
X@q(..., c, ...)

@script:python@
p << tested.p;
q << tested.q;
@@
if together(p[0], q[0]):
    tested_there.add(at(q[0]))

@script:python tested_outside@
X << tested.X;
p << tested.p;
q << tested.q;
@@
if call_outside(p[0], q[0]):
    say(q[0], "%s() for a CPU that was seen online on line %s, outside of that section" % (X, p[0].line))
else:
    cocci.include_match(False)

@tested_context depends on context && tested_outside@
identifier tested.X;
position tested.q;
@@

* X@q(...)

@chosen exists@
symbol cpu_online_mask;
expression c, e;
identifier X =~ "^((__)?smp_call_|on_each_cpu|irq_work_queue_on|(arch_)?smp_send_reschedule|resched_cpu|stop_one_cpu|add_timer_on|work_on_cpu$|cpu_function_call|wbinvd_on_cpu|arch_send_call_function_single_ipi)|_(work|msrl?|regs|safe)_on(_cpu)?$";
position p, q;
@@

c = <+... cpu_online_mask@p ...+>;
... when != c = e
X@q(..., c, ...)

@script:python chosen_outside@
X << chosen.X;
p << chosen.p;
q << chosen.q;
@@
if call_outside(p[0], q[0]):
    say(q[0], "%s() for a CPU that was seen online on line %s, outside of that section" % (X, p[0].line))
else:
    cocci.include_match(False)

@chosen_context depends on context && chosen_outside@
identifier chosen.X;
position chosen.q;
@@

* X@q(...)

@chosen_first exists@
symbol cpu_online_mask;
identifier c;
type T;
expression e;
identifier X =~ "^((__)?smp_call_|on_each_cpu|irq_work_queue_on|(arch_)?smp_send_reschedule|resched_cpu|stop_one_cpu|add_timer_on|work_on_cpu$|cpu_function_call|wbinvd_on_cpu|arch_send_call_function_single_ipi)|_(work|msrl?|regs|safe)_on(_cpu)?$";
position p, q;
@@

T c = <+... cpu_online_mask@p ...+>;
... when != c = e
X@q(..., c, ...)

@script:python chosen_first_outside@
X << chosen_first.X;
p << chosen_first.p;
q << chosen_first.q;
@@
if call_outside(p[0], q[0]):
    say(q[0], "%s() for a CPU that was seen online on line %s, outside of that section" % (X, p[0].line))
else:
    cocci.include_match(False)

@chosen_first_context depends on context && chosen_first_outside@
identifier chosen_first.X;
position chosen_first.q;
@@

* X@q(...)

@chosen_there@
symbol cpu_online_mask;
identifier X =~ "^((__)?smp_call_(function_single|on_cpu)|irq_work_queue_on|(arch_)?smp_send_reschedule|resched_cpu|stop_one_cpu|add_timer_on|work_on_cpu$|cpu_function_call|wbinvd_on_cpu)|_(work|msrl?|regs|safe)_on(_cpu)?$";
position p, q;
@@

X@q(..., <+... cpu_online_mask@p ...+>, ...)

@script:python chosen_there_outside@
X << chosen_there.X;
p << chosen_there.p;
q << chosen_there.q;
@@
if call_outside(p[0], q[0]):
    say(q[0], "%s() for a CPU that was seen online on line %s, outside of that section" % (X, p[0].line))
else:
    cocci.include_match(False)

@chosen_there_context depends on context && chosen_there_outside@
identifier chosen_there.X;
position chosen_there.q;
@@

* X@q(...)

@visited_online@
symbol cpu_online_mask;
iterator name for_each_online_cpu;
expression c;
identifier X =~ "^((__)?smp_call_|on_each_cpu|irq_work_queue_on|(arch_)?smp_send_reschedule|resched_cpu|stop_one_cpu|add_timer_on|work_on_cpu$|cpu_function_call|wbinvd_on_cpu|arch_send_call_function_single_ipi)|_(work|msrl?|regs|safe)_on(_cpu)?$";
position p, q;
@@

for_each_online_cpu@p(c) {
  <+...
  X@q(..., c, ...)
  ...+>
}

@script:python visited_online_outside@
X << visited_online.X;
p << visited_online.p;
q << visited_online.q;
@@
if call_outside(p[0], q[0]):
    say(q[0], "%s() for a CPU that was seen online on line %s, outside of that section" % (X, p[0].line))
else:
    cocci.include_match(False)

@visited_online_context depends on context && visited_online_outside@
identifier visited_online.X;
position visited_online.q;
@@

* X@q(...)

@visited@
symbol cpu_online_mask;
iterator I =~ "^for_each_cpu";
expression c;
identifier X =~ "^((__)?smp_call_|on_each_cpu|irq_work_queue_on|(arch_)?smp_send_reschedule|resched_cpu|stop_one_cpu|add_timer_on|work_on_cpu$|cpu_function_call|wbinvd_on_cpu|arch_send_call_function_single_ipi)|_(work|msrl?|regs|safe)_on(_cpu)?$";
position p, q;
@@

I(c, ..., cpu_online_mask@p, ...) {
  <+...
  X@q(..., c, ...)
  ...+>
}

@script:python visited_outside@
X << visited.X;
p << visited.p;
q << visited.q;
@@
if call_outside(p[0], q[0]):
    say(q[0], "%s() for a CPU that was seen online on line %s, outside of that section" % (X, p[0].line))
else:
    cocci.include_match(False)

@visited_context depends on context && visited_outside@
identifier visited.X;
position visited.q;
@@

* X@q(...)

//----------------------------------------------------------
//  Two looks at the online CPUs
//----------------------------------------------------------

@look_look exists@
symbol cpu_online_mask;
position p, q;
@@

(
  cpu_online@p(...)
|
  cpu_is_offline@p(...)
|
  num_online_cpus@p(...)
|
  cpu_online_mask@p
)
...
(
  cpu_online@q(...)
|
  cpu_is_offline@q(...)
|
  num_online_cpus@q(...)
|
  cpu_online_mask@q
|
  on_each_cpu@q(...)
|
  smp_call_function@q(...)
|
  smp_call_function_many@q(...)
)

@script:python look_look_differ@
p << look_look.p;
q << look_look.q;
@@
if may_differ(p[0], q[0]):
    say(q[0], second_look(p[0], q[0]))
else:
    cocci.include_match(False)

@look_look_context depends on context && look_look_differ@
expression E;
position look_look.q;
@@

* E@q

@look_visit exists@
symbol cpu_online_mask;
iterator name for_each_online_cpu;
expression c;
statement S;
position p, q;
@@

(
  cpu_online@p(...)
|
  cpu_is_offline@p(...)
|
  num_online_cpus@p(...)
|
  cpu_online_mask@p
)
...
for_each_online_cpu@q(c) S

@script:python look_visit_differ@
p << look_visit.p;
q << look_visit.q;
@@
if may_differ(p[0], q[0]):
    say(q[0], second_look(p[0], q[0]))
else:
    cocci.include_match(False)

@look_visit_context depends on context && look_visit_differ@
iterator name for_each_online_cpu;
expression c;
statement S;
position look_visit.q;
@@

* for_each_online_cpu@q(c) S

@visit_look exists@
symbol cpu_online_mask;
iterator name for_each_online_cpu;
expression c;
statement S;
position p, q;
@@

for_each_online_cpu@p(c) S
...
(
  cpu_online@q(...)
|
  cpu_is_offline@q(...)
|
  num_online_cpus@q(...)
|
  cpu_online_mask@q
|
  on_each_cpu@q(...)
|
  smp_call_function@q(...)
|
  smp_call_function_many@q(...)
)

@script:python visit_look_differ@
p << visit_look.p;
q << visit_look.q;
@@
if may_differ(p[0], q[0]):
    say(q[0], second_look(p[0], q[0]))
else:
    cocci.include_match(False)

@visit_look_context depends on context && visit_look_differ@
expression E;
position visit_look.q;
@@

* E@q

@visit_in exists@
symbol cpu_online_mask;
iterator name for_each_online_cpu;
expression c;
position p, q;
@@

for_each_online_cpu@p(c) {
  <+...
(
    cpu_online@q(...)
|
    cpu_is_offline@q(...)
|
    num_online_cpus@q(...)
|
    cpu_online_mask@q
|
    on_each_cpu@q(...)
|
    smp_call_function@q(...)
|
    smp_call_function_many@q(...)
)
  ...+>
}

@script:python visit_in_differ@
p << visit_in.p;
q << visit_in.q;
@@
if may_differ(p[0], q[0]):
    say(q[0], second_look(p[0], q[0]))
else:
    cocci.include_match(False)

@visit_in_context depends on context && visit_in_differ@
expression E;
position visit_in.q;
@@

* E@q

@visit_visit exists@
symbol cpu_online_mask;
iterator name for_each_online_cpu;
expression c, d;
statement S, T;
position p, q;
@@

for_each_online_cpu@p(c) S
...
for_each_online_cpu@q(d) T

@script:python visit_visit_differ@
p << visit_visit.p;
q << visit_visit.q;
@@
if may_differ(p[0], q[0]):
    say(q[0], second_look(p[0], q[0]))
else:
    cocci.include_match(False)

@visit_visit_context depends on context && visit_visit_differ@
iterator name for_each_online_cpu;
expression c;
statement S;
position visit_visit.q;
@@

* for_each_online_cpu@q(c) S

//----------------------------------------------------------
//  What is left behind for the CPUs that are online now
//----------------------------------------------------------

@keep_online@
iterator name for_each_online_cpu;
expression c, d, e, x;
identifier f;
identifier F =~ "alloc|creat|regist|init|setup|set_|_set|start|enable|disable|write|wrmsr|bind|affinity|reserve|release|reset|clear|_add|add_|_on$|_on_cpu$|^mem(set|cpy)$|^(WRITE_ONCE|smp_store_release|xchg)$";
position p, q;
@@

for_each_online_cpu@p(c) {
  <+...
(
  per_cpu@q(x, c) = e
|
  per_cpu@q(x, c).f = e
|
  *per_cpu_ptr@q(x, c) = e
|
  per_cpu_ptr@q(x, c)->f = e
|
  per_cpu_ptr@q(x, c)->f[d] = e
|
  x@q[c] = e
|
  x@q[c].f = e
|
  x@q->f = c
|
  x@q.f = c
|
  cpumask_set_cpu@q(c, x)
|
  F@q(..., <+... c ...+>, ...)
)
  ...+>
}

@script:python keep_online_misses@
p << keep_online.p;
q << keep_online.q;
@@
if may_miss(p[0]):
    say(p[0], "what is left for each online CPU on line %s can miss one" % q[0].line)
else:
    cocci.include_match(False)

@keep_online_context depends on context && keep_online_misses@
iterator name for_each_online_cpu;
expression c;
statement S;
position keep_online.p;
@@

* for_each_online_cpu@p(c) S

@keep_online_pointer@
iterator name for_each_online_cpu;
expression c;
identifier v;
type T;
position p;
@@

for_each_online_cpu@p(c) {
  <+...
(
  T v = <+... c ...+>;
|
  v = <+... c ...+>;
)
  ...+>
}

@keep_online_via@
iterator name for_each_online_cpu;
expression keep_online_pointer.c, d, e;
identifier keep_online_pointer.v, f, g, h;
identifier F =~ "alloc|creat|regist|init|setup|set_|_set|start|enable|disable|write|wrmsr|bind|affinity|reserve|release|reset|clear|_add|add_|_on$|_on_cpu$|^mem(set|cpy)$|^(WRITE_ONCE|smp_store_release|xchg)$";
position keep_online_pointer.p, q;
@@

for_each_online_cpu@p(c) {
  <+...
(
  v@q->f = e
|
  v@q[d]->f = e
|
  v@q[d]->f.g = e
|
  v@q->f[d] = e
|
  v@q->f.g = e
|
  v@q->f->g = e
|
  v@q->f.g.h = e
|
  *v@q = e
|
  F@q(..., <+... v ...+>, ...)
)
  ...+>
}

@script:python keep_online_via_misses@
p << keep_online_pointer.p;
q << keep_online_via.q;
@@
if may_miss(p[0]):
    say(p[0], "what is left for each online CPU on line %s can miss one" % q[0].line)
else:
    cocci.include_match(False)

@keep_online_via_context depends on context && keep_online_via_misses@
iterator name for_each_online_cpu;
expression c;
statement S;
position keep_online_pointer.p;
@@

* for_each_online_cpu@p(c) S

@keep@
symbol cpu_online_mask;
iterator I =~ "^for_each_cpu";
expression c, d, e, x;
identifier f;
identifier F =~ "alloc|creat|regist|init|setup|set_|_set|start|enable|disable|write|wrmsr|bind|affinity|reserve|release|reset|clear|_add|add_|_on$|_on_cpu$|^mem(set|cpy)$|^(WRITE_ONCE|smp_store_release|xchg)$";
position p, q;
@@

I(c, ..., cpu_online_mask@p, ...) {
  <+...
(
  per_cpu@q(x, c) = e
|
  per_cpu@q(x, c).f = e
|
  *per_cpu_ptr@q(x, c) = e
|
  per_cpu_ptr@q(x, c)->f = e
|
  per_cpu_ptr@q(x, c)->f[d] = e
|
  x@q[c] = e
|
  x@q[c].f = e
|
  x@q->f = c
|
  x@q.f = c
|
  cpumask_set_cpu@q(c, x)
|
  F@q(..., <+... c ...+>, ...)
)
  ...+>
}

@script:python keep_misses@
p << keep.p;
q << keep.q;
@@
if may_miss(p[0]):
    say(p[0], "what is left for each online CPU on line %s can miss one" % q[0].line)
else:
    cocci.include_match(False)

@keep_context depends on context && keep_misses@
expression E;
position keep.p;
@@

* E@p

@keep_pointer@
symbol cpu_online_mask;
iterator I =~ "^for_each_cpu";
expression c;
identifier v;
type T;
position p;
@@

I(c, ..., cpu_online_mask@p, ...) {
  <+...
(
  T v = <+... c ...+>;
|
  v = <+... c ...+>;
)
  ...+>
}

@keep_via@
symbol cpu_online_mask;
iterator I =~ "^for_each_cpu";
expression keep_pointer.c, d, e;
identifier keep_pointer.v, f, g, h;
identifier F =~ "alloc|creat|regist|init|setup|set_|_set|start|enable|disable|write|wrmsr|bind|affinity|reserve|release|reset|clear|_add|add_|_on$|_on_cpu$|^mem(set|cpy)$|^(WRITE_ONCE|smp_store_release|xchg)$";
position keep_pointer.p, q;
@@

I(c, ..., cpu_online_mask@p, ...) {
  <+...
(
  v@q->f = e
|
  v@q[d]->f = e
|
  v@q[d]->f.g = e
|
  v@q->f[d] = e
|
  v@q->f.g = e
|
  v@q->f->g = e
|
  v@q->f.g.h = e
|
  *v@q = e
|
  F@q(..., <+... v ...+>, ...)
)
  ...+>
}

@script:python keep_via_misses@
p << keep_pointer.p;
q << keep_via.q;
@@
if may_miss(p[0]):
    say(p[0], "what is left for each online CPU on line %s can miss one" % q[0].line)
else:
    cocci.include_match(False)

@keep_via_context depends on context && keep_via_misses@
expression E;
position keep_pointer.p;
@@

* E@p
