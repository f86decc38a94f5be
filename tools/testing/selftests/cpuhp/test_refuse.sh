#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A CPU that refuses to go, at the last moment, is online and complete.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 120 "$@"

has_param debug_refuse || skip_all "needs CONFIG_CPUHP_TAKEDOWN_DEBUG"

cleanup() {
	kill_spinners
	! is_loaded cpuhp_hog || rmmod cpuhp_hog
	set_param debug_refuse N
}

refuse_all() {
	for cpu in $(secondary_cpus); do
		write_gives ENOSPC "$CPU_SYS/cpu$cpu/online" 0 || return 1
		is_online "$cpu" && works "$cpu" || return 1
	done
}

refused_in_trace() {
	same "refusals in the trace" "$(count_secondary)" \
		"$(grep -c 'phase: refused mode: idle' "$TRACING/trace")"
}

# Changing code takes a cross-call to each CPU, and one that is busy has no idle loop
# in which it would find the call without being told.
toggle_events() {
	echo 1 >"$TRACING/events/sched/enable" && echo 0 >"$TRACING/events/sched/enable"
}

busy_takes_calls() {
	for cpu in $(secondary_cpus); do
		spin_on "$cpu"
	done
	sleep 1
	toggle_events
	changed=$?
	kill_spinners
	return $changed
}

# The first call, that is: an idle CPU that is woken up looks by itself for the others.
first_call_comes() {
	for cpu in $(secondary_cpus); do
		load cpuhp_hog cpu="$cpu" stage=call || return 1
		write_gives ENOSPC "$CPU_SYS/cpu$cpu/online" 0
		status=$?
		called=$(cat /sys/module/cpuhp_hog/parameters/called)
		unload cpuhp_hog && [ "$status" = 0 ] && same "called" Y "$called" || return 1
	done
}

# A task that runs is moved by the stopper of its CPU.
running_task_moves() {
	for cpu in $(secondary_cpus); do
		spin_on "$cpu"
		usleep 100000
		timeout 10 taskset -p 1 "$!" >/dev/null || return 1
		kill_spinners
	done
}

# affinity IRQ MASK EFFECTIVE
affinity() {
	same "affinity of $1" "$2" "$(cat "$1/smp_affinity_list")" &&
		same "CPU of $1" "$3" "$(cat "$1/effective_affinity_list")"
}

# Sets IRQ and CPU: an interrupt in use that is sent to this CPU, and may not be sent
# elsewhere.  On x86 some move with their next instance only.
bind_irq() {
	CPU=$(secondary_cpus | tail -n 1)
	[ "$CPU" -gt 1 ] || return 1
	for IRQ in $(movable_irqs); do
		[ -n "$(find "$IRQ" -mindepth 1 -type d)" ] || continue
		echo "$CPU" >"$IRQ/smp_affinity_list"
		"$TOOL" rtc 1 >/dev/null 2>&1
		[ "$(cat "$IRQ/effective_affinity_list")" != "$CPU" ] || return 0
	done
	return 1
}

refuses() {
	write_gives ENOSPC "$CPU_SYS/cpu$CPU/online" 0
}

# It may have left, and is back with its next instance then.
bound_irq_is_back() {
	refuses && same "affinity of $IRQ" "$CPU" "$(cat "$IRQ/smp_affinity_list")" &&
		"$TOOL" rtc 2 && affinity "$IRQ" "$CPU" "$CPU"
}

# Where interrupts leave before the CPU is asked, which is not for stop_machine()
free_irq_leaves() {
	echo "0,$CPU" >"$IRQ/smp_affinity_list" && affinity "$IRQ" "0,$CPU" "$CPU" &&
		refuses && affinity "$IRQ" "0,$CPU" "$1"
}

off_and_on() {
	all_off && all_on
}

set_mode idle
ktap_set_plan 11
trace_start
set_param debug_refuse Y
check "each CPU refuses, gives ENOSPC, and works on" refuse_all
check "they were asked, and refused" refused_in_trace
check "all of them once more" refuse_all
check "busy with something else, they take cross-calls" busy_takes_calls
if has_module cpuhp_hog; then
	check "the first call after it has refused comes at once" first_call_comes
else
	skip "the first call after it has refused comes at once" "no cpuhp_hog.ko"
fi
check "a task that runs there can be moved away" running_task_moves
if ! bind_irq; then
	skip "an interrupt of this CPU alone is back" "no interrupt can be moved here"
	skip "one that may be elsewhere has left, its affinity is as before" "likewise"
else
	check "an interrupt of this CPU alone is back" bound_irq_is_back
	if [ -n "$(state x86/irq:leave)" ]; then
		check "one that may be elsewhere has left, its affinity is as before" \
			free_irq_leaves 0
	else
		check "one that may be elsewhere is where it was" free_irq_leaves "$CPU"
	fi
fi
set_param debug_refuse N
check "when they do not refuse they go off and on" off_and_on
check "all CPUs work" all_back
check_log
ktap_finished
