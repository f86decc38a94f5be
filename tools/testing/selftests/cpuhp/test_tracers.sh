#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The tracers that have kthreads and timers on each CPU come and go while CPUs do; with
# one of them a CPU stops in each state, and comes on from there; and it begins there.
#
# test_tracers.sh [ROUNDS [MODE]]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 600 "$@"

ROUNDS=${1:-10} MODES=${2:-$(modes)}

grep -qw timerlat "$TRACING/available_tracers" || skip_all "needs CONFIG_TIMERLAT_TRACER"
[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"

cleanup() {
	loop_end
	echo nop >"$TRACING/current_tracer"
	echo OSNOISE_WORKLOAD >"$TRACING/osnoise/options"
}

change() {
	for tracer in timerlat osnoise nop; do
		echo $tracer >"$TRACING/current_tracer" || return 1
	done
}

# Holds a lock that the start of a tracer's thread waits for
resize() {
	echo 32768 >"$TRACING/buffer_size_kb" && echo 64 >"$TRACING/buffer_size_kb"
}

off_and_on() {
	all_off && all_on
}

# Two CPUs that come online at once have a thread each.  It starts a little later.
have_threads() {
	set_mode "$1"
	echo timerlat >"$TRACING/current_tracer" || return 1
	beside resize off_and_on && diag "the lock was held $TURNS times" && sleep 1 || return 1
	for cpu in 0 $(secondary_cpus); do
		grep -qx "timerlat/$cpu" /proc/[0-9]*/comm || { diag "no timerlat/$cpu"; return 1; }
	done
	echo nop >"$TRACING/current_tracer"
}

beside_changes() {
	set_mode "$1"
	beside change each_off_and_on "$ROUNDS" && diag "current_tracer set $((TURNS * 3)) times"
}

# back_from STATE
back_from() {
	step_to "$1" && step_to "$(state online)" && works "$CPU" && return
	diag "it was in state $1"
	return 1
}

# Down to each state in which it can stop, and on from there
comes_on_from_each() {
	set_mode "$1"
	CPU=$(first_secondary)
	echo timerlat >"$TRACING/current_tracer" || return 1
	for s in $(stops | sort -rn); do
		back_from "$s" || return 1
	done
	echo nop >"$TRACING/current_tracer"
}

# User space would have its own
without_workload() {
	set_mode "$1"
	echo NO_OSNOISE_WORKLOAD >"$TRACING/osnoise/options" &&
		echo timerlat >"$TRACING/current_tracer" || return 1
	off_and_on && sleep 1 || return 1
	! grep -x 'timerlat/[0-9]*' /proc/[0-9]*/comm && off_and_on || return 1
	echo nop >"$TRACING/current_tracer" && echo OSNOISE_WORKLOAD >"$TRACING/osnoise/options"
}

# A tracer begins while a CPU is half way, which then goes, and comes back
begins_half_way() {
	set_mode "$1"
	CPU=$(first_secondary)
	for s in $(stops | sort -rn); do
		[ "$s" -gt "$(state cpu:teardown)" ] || continue
		step_to "$s" && echo timerlat >"$TRACING/current_tracer" &&
			step_to "$(state offline)" && back_from "$s" || return 1
		echo nop >"$TRACING/current_tracer"
	done
}

ktap_set_plan $(($(echo "$MODES" | wc -w) * 5 + 3))
for mode in $MODES; do
	check "$mode: tracers come and go while CPUs do" beside_changes "$mode"
	check "$mode: each CPU that comes online has its thread" have_threads "$mode"
	check "$mode: a CPU comes and goes without the tracer's threads" without_workload "$mode"
	if can_stop; then
		check "$mode: a CPU comes on from each state, and its timers work" \
			comes_on_from_each "$mode"
		check "$mode: a tracer begins while a CPU is half way" begins_half_way "$mode"
	else
		skip "$mode: a CPU comes on from each state, and its timers work" "$NO_STEPS"
		skip "$mode: a tracer begins while a CPU is half way" "$NO_STEPS"
	fi
done
check_end
