#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Processes that have run on a CPU exit while it turns around half way down: what
# they counted there is not lost.  The kernel compares when the process is gone,
# and says "Bad rss-counter state".
#
# test_counters.sh [ROUNDS [MODE...]]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 200 "$@"

[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"

CPU=$(first_secondary)
OFFLINE=$(state offline)
ONLINE=$(state online)
DEAD=$(state lib/percpu_cnt:dead)
WORKERS=

cleanup() {
	[ -z "$WORKERS" ] || kill "$WORKERS" 2>/dev/null
	echo "$ONLINE" >"$CPU_SYS/cpu$CPU/hotplug/target"
}

# Processes that start on the CPU and live for some ticks
workers() {
	while :; do
		for s in 0.01 0.02 0.03 0.05 0.07 0.1 0.13 0.15; do
			busybox taskset -c "$CPU" busybox sleep "$s" &
		done
		busybox sleep 0.05
	done
}

# turns ROUNDS STATE: down to STATE and up again
turns() {
	round=0
	while [ "$round" -lt "$1" ]; do
		step_to "$2" && step_to "$ONLINE" || return 1
		busybox sleep 0.05
		round=$((round + 1))
	done
}

# The CPU is dead, but its counts are not folded
unfolded() {
	for s in $(stops); do
		[ "$s" -lt "$DEAD" ] || [ "$s" -gt "$(state cpu:teardown)" ] || echo "$s"
	done
}

[ -n "$DEAD" ] || skip_all "this kernel does not fold the counts of a CPU"
TURN=$(unfolded | tail -n 1)
write_gives OK "$CPU_SYS/cpu$CPU/hotplug/target" "$(state sched:active)" >/dev/null ||
	skip_all "needs CONFIG_CPU_HOTPLUG_STATE_CONTROL"

ROUNDS=${1:-25}
[ $# -eq 0 ] || shift
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(modes)
ktap_set_plan $(($# * 2 + 2))
step_to "$ONLINE"
workers 2>/dev/null &
WORKERS=$!
for mode; do
	set_mode "$mode"
	check "$mode: $ROUNDS times half way down and back" turns "$ROUNDS" "$TURN"
	check "$mode: $ROUNDS times off and on" turns "$ROUNDS" "$OFFLINE"
done
kill "$WORKERS"
check_operations
check_log
ktap_finished
