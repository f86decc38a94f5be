#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A CPU steps to each state in which it can stop, by cpuN/hotplug/target, and
# back, from above and from below.  It refuses to step to any other.
#
# test_target.sh [MODE...]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"
[ -d "$TRACING/events/cpuhp" ] || skip_all "needs CONFIG_FTRACE"

OFFLINE=$(state offline)
ONLINE=$(state online)
INTERVAL=/proc/sys/vm/stat_interval

cleanup() {
	[ -z "${SAVED_INTERVAL:-}" ] || echo "$SAVED_INTERVAL" >$INTERVAL
	steps_end
	for cpu in $(secondary_cpus); do
		echo "$ONLINE" >"$CPU_SYS/cpu$cpu/hotplug/target"
	done
}

# All others that have a name, two that have none, and what is no state
no_stops() {
	echo "$(($(state cpu:teardown) + 1)) $((OFFLINE + 3)) -1 $((ONLINE + 1))"
	stops=$(stops)
	for s in $(states); do
		echo "$stops" | grep -qx "$s" || echo "$s"
	done
}

steps_to() {
	for s; do
		step_to "$s" || return 1
	done
}

# Each callback on the way has its counterpart on the way back
staircase() {
	steps_clear
	# shellcheck disable=SC2046
	steps_to $(stops | sort -rn) $(stops) && steps_match && works "$CPU"
}

# from_end STATE: to each other state and back
from_end() {
	steps_clear
	step_to "$1" || return 1
	for stop in $(stops); do
		steps_to "$stop" "$1" || return 1
	done
	step_to "$ONLINE" && steps_match && works "$CPU"
}

# Nothing runs, and the CPU is where it was
refused_in() {
	step_to "$1" || return 1
	steps_clear
	for s in $(no_stops); do
		write_gives EINVAL "$CPU_SYS/cpu$CPU/hotplug/target" "$s" &&
			in_state "$CPU" "$1" || return 1
	done
	same "callbacks that ran" "" "$(steps)"
}

refused_everywhere() {
	for from in "$ONLINE" "$(state sched:waitempty)" "$OFFLINE" "$(state timers:prepare)"; do
		refused_in "$from" || return 1
	done
	step_to "$ONLINE" && works "$CPU"
}

# "online" and "target" speak of the same CPU
both_files() {
	for s in $(state sched:waitempty) $(state timers:prepare); do
		step_to "$s" && cpu_off "$CPU" && in_state "$CPU" "$OFFLINE" &&
			step_to "$s" && cpu_on "$CPU" && in_state "$CPU" "$ONLINE" || return 1
	done
	works "$CPU"
}

# Right below sched:active it is online, but inactive: nobody is sent there
nobody_is_sent() {
	step_to "$(below "$(state sched:active)")" || return 1
	sent=0
	load cpuhp_halfway cpu="$CPU" && unload cpuhp_halfway || sent=1
	[ "$sent" = 0 ] || log_since | grep 'cpuhp_halfway:' | tail -n 3 | sed 's/^/# /'
	step_to "$ONLINE" && works "$CPU" && return "$sent"
}

# Its threads are parked by then: who takes what is queued for them?
irq_work_runs() {
	step_to "$(state sched:waitempty)" && load cpuhp_halfway cpu="$CPU" &&
		cpu_off "$CPU" || return 1
	same "runs of an irq_work of CPU$CPU" 1 "$(cat /sys/module/cpuhp_halfway/parameters/ran)"
	status=$?
	cpu_on "$CPU" && unload cpuhp_halfway && works "$CPU" && return "$status"
}

# Its counters are not looked after by workers that are not bound to it any more
vmstat_lets_go() {
	step_to "$(below "$(state mm/vmstat:online)")" && sleep 5 && step_to "$ONLINE" &&
		works "$CPU"
}

# From each state of a dead CPU, when there is no other one
beside_the_last() {
	all_off || return 1
	for s in $(stops); do
		[ "$s" -lt "$(state_of_kick)" ] || continue
		steps_to "$s" "$OFFLINE" || return 1
	done
	all_on
}

test_mode() {
	set_mode "$1"
	CPU=$(first_secondary)
	check "$1: down and up, state by state" staircase
	check "$1: from online to each state and back" from_end "$ONLINE"
	check "$1: from offline to each state and back" from_end "$OFFLINE"
	check "$1: no stop on the way between two CPUs" refused_everywhere
	if has_module cpuhp_halfway; then
		check "$1: nobody is sent to an inactive CPU" nobody_is_sent
		check "$1: an irq_work for it runs" irq_work_runs
	else
		skip "$1: nobody is sent to an inactive CPU" "needs CONFIG_CPUHP_HALFWAY_TEST=m"
		skip "$1: an irq_work for it runs" "needs CONFIG_CPUHP_HALFWAY_TEST=m"
	fi
	check "$1: 'online' does the rest of the way" both_files
	check "$1: vmstat leaves a CPU alone that is half way" vmstat_lets_go
	check "$1: a CPU that is dead goes back beside the last one" beside_the_last
}

[ "$(stops | wc -l)" -gt 2 ] || skip_all "needs states to stop in"
write_gives OK "$CPU_SYS/cpu$(first_secondary)/hotplug/target" "$(state sched:active)" >/dev/null ||
	skip_all "needs CONFIG_CPU_HOTPLUG_STATE_CONTROL"

[ $# -gt 0 ] || set -- idle
ktap_set_plan $(($# * 9 + 2))
# It gives work to all CPUs that are online.
SAVED_INTERVAL=$(cat $INTERVAL)
echo 1 >$INTERVAL
steps_start
diag "states to stop in: $(stops | wc -l)"
for mode; do
	test_mode "$mode"
done
check_operations
check_log
ktap_finished
