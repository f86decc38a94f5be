#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# An expedited grace period wakes up the worker of a leaf of RCU's tree for CPUs
# that run, and not for CPUs that are off.  Boot it with 4 CPUs and
# rcutree.rcu_fanout_leaf=3 rcutree.rcu_fanout_exact=1: CPU3, the last leaf, is
# what goes off and on, for the grace periods; the other leaf is looked at.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 100 "$@"

ROUNDS=5

[ "$(count_secondary)" -eq 3 ] || skip_all "needs 4 CPUs"
for want in rcu_fanout_leaf=3 rcu_fanout_exact=1; do
	grep -qw "rcutree.$want" /proc/cmdline || skip_all "needs rcutree.$want"
done
[ -d "$TRACING/events/sched/sched_waking" ] || skip_all "needs CONFIG_FTRACE"

cleanup() {
	echo 0 >"$TRACING/events/sched/sched_waking/enable"
	echo 0 >"$TRACING/events/sched/sched_waking/filter"
	kill_spinners
}

# wakeups: of the leaves' workers in so many operations
wakeups() {
	: >"$TRACING/trace"
	echo 1 >"$TRACING/tracing_on"
	round=0
	while [ "$round" -lt "$ROUNDS" ]; do
		cpu_off 3 && cpu_on 3 || return 1
		round=$((round + 1))
	done
	echo 0 >"$TRACING/tracing_on"
	count=$(grep -c 'sched_waking: comm=rcu_exp_par_gp' "$TRACING/trace" || :)
	diag "$1: the worker was woken $count times in $ROUNDS offlines"
}

busy_leaf() {
	# The kthread of the grace period runs on any of them.
	for cpu in 0 1 2; do
		spin_on "$cpu"
	done
	wakeups "all CPUs of the leaf run"
	status=$?
	kill_spinners
	[ "$status" = 0 ] && [ "$count" -gt 0 ]
}

leaf_of_offline() {
	cpu_off 1 && cpu_off 2 && wakeups "CPU1 and CPU2 are off" &&
		all_on && [ "$count" -eq 0 ]
}

ktap_set_plan 4
echo 'comm ~ "rcu_exp_par_gp*"' >"$TRACING/events/sched/sched_waking/filter"
echo 1 >"$TRACING/events/sched/sched_waking/enable"
check "a leaf with CPUs that run has its worker woken up" busy_leaf
check "a leaf with two CPUs that are off has not" leaf_of_offline
check_operations
check_log
ktap_finished
