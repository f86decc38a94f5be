#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# SCHED_DEADLINE tasks that need a CPU keep it: EBUSY, and the log says so.  Suspend
# takes it all the same, brings all back, and the tasks go on.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 200 "$@"

[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"

PERIOD_US=100000
RUNTIME_US=80000	# of which a CPU gives 95000

cleanup() {
	busy_end
	pm_test_end
}

tasks_start() {
	busy_start_all deadline $RUNTIME_US $PERIOD_US
	sleep 1
	# shellcheck disable=SC2086 # a list
	kill -0 $LOADS
}

refused() {
	for cpu in $(secondary_cpus); do
		log_mark
		write_gives EBUSY "$CPU_SYS/cpu$cpu/online" 0 && is_online "$cpu" &&
			log_says "CPU $cpu stays online: .*deadline" || return 1
	done
}

suspend() {
	pm_test processors mem OK
}

ktap_set_plan $(($(modes | wc -l) * 5 + 3))
for mode in $(modes); do
	set_mode "$mode"
	check "$mode: there is a task for each CPU" tasks_start
	check "$mode: no CPU goes off" refused
	if can_suspend; then
		check "$mode: suspend comes back" suspend
	else
		skip "$mode: suspend comes back" "$NO_SUSPEND"
	fi
	check "$mode: the tasks went on" busy_end
	check "$mode: without them each goes off and on" each_off_and_on 1
done
check_end
