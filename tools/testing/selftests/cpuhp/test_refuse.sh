#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A CPU that refuses to go, at the last moment, is online and complete.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 120 "$@"

has_param debug_refuse || skip_all "needs CONFIG_CPUHP_TAKEDOWN_DEBUG"

SPINNERS=

cleanup() {
	# shellcheck disable=SC2086 # a list of numbers
	[ -z "$SPINNERS" ] || kill $SPINNERS
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
busy_takes_calls() {
	for cpu in $(secondary_cpus); do
		taskset "$(printf %x $((1 << cpu)))" sh -c 'while :; do :; done' &
		SPINNERS="$SPINNERS $!"
	done
	sleep 1
	changed=1
	echo 1 >"$TRACING/events/sched/enable" && echo 0 >"$TRACING/events/sched/enable" &&
		changed=0
	# shellcheck disable=SC2086 # a list of numbers
	kill $SPINNERS
	SPINNERS=
	return $changed
}

off_and_on() {
	all_off && all_on
}

set_mode idle
ktap_set_plan 7
trace_start
set_param debug_refuse Y
check "each CPU refuses, gives ENOSPC, and works on" refuse_all
check "they were asked, and refused" refused_in_trace
check "all of them once more" refuse_all
check "busy with something else, they take cross-calls" busy_takes_calls
set_param debug_refuse N
check "when they do not refuse they go off and on" off_and_on
check "all CPUs work" all_back
check_log
ktap_finished
