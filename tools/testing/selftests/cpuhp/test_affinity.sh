#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Four loops set the affinity of a busy task, to one CPU after the other, while CPUs
# go off and on: it never hangs.  And tasks that go to a CPU which is about to leave
# are not left where they may not run.  In each mode, and with full preemption where
# that can be chosen.
#
# test_affinity.sh [CYCLES]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 1500 "$@"

CYCLES=${1:-200}

[ "$(count_secondary)" -gt 1 ] || skip_all "needs at least 3 CPUs"

cleanup() {
	busy_end
	kill_spinners
	preempt_end
}

# ticks: what the task has used
ticks() {
	awk '{ print $14 + $15 }' "/proc/$SPINNER/stat"
}

# cycles: beside what was started
cycles() {
	each_off_and_on $(((CYCLES - 1) / $(count_secondary) + 1))
	status=$?
	busy_end && return "$status"
}

pushed() {
	n=0
	while [ $((n += 1)) -le 4 ]; do
		busy_start push "$SPINNER"
	done
	cycles
}

coming() {
	for cpu in $(secondary_cpus); do
		busy_start stay "$cpu"
	done
	cycles
}

# It is not in D state for ever
runs() {
	before=$(ticks)
	tries=0
	while [ $((tries += 1)) -le 5 ]; do
		sleep 1
		[ "$(ticks)" -le "$before" ] || return 0
	done
	diag "$(cat "/proc/$SPINNER/stat")"
	return 1
}

preempt_full || diag "no full preemption in this kernel"
spin_on "0-$(secondary_cpus | tail -n 1)"
SPINNER=$!
ktap_set_plan $(($(modes | wc -l) * 3 + 3))
for mode in $(modes); do
	set_mode "$mode"
	check "$mode: $CYCLES CPUs go while a task is pushed around" pushed
	check "$mode: the task runs" runs
	check "$mode: tasks that come to them are where they may be" coming
done
kill_spinners
check_end
