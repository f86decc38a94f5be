#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What the scheduler has to get right about a CPU that is gone: its share of the
# load, and the topology.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

cleanup() {
	# shellcheck disable=SC2046 # a list of numbers
	[ -z "$(jobs -p)" ] || kill $(jobs -p) 2>/dev/null
}

# Each CPU that is in the mask of another is online, and each is in its own
siblings_right() {
	for dir in "$CPU_SYS"/cpu[0-9]*; do
		[ -r "$dir/topology/thread_siblings_list" ] || continue
		for list in thread_siblings_list core_siblings_list; do
			for part in $(tr , ' ' <"$dir/topology/$list"); do
				for other in $(seq "${part%-*}" "${part#*-}"); do
					[ "$other" = 0 ] || is_online "$other" || {
						diag "CPU$other is off, and in $dir/topology/$list"
						return 1
					}
				done
			done
		done
	done
}

siblings_right_all_along() {
	for cpu in $(secondary_cpus); do
		cpu_off "$cpu" && siblings_right || return 1
		cpu_on "$cpu" && siblings_right || return 1
	done
}

# One task runs for 30 s: what was there before is worth 0.61 then, and the task
# 0.39.  A stopper that is subtracted for each offline CPU leaves less than nothing.
load_counts() {
	read -r before _ </proc/loadavg
	all_off || return 1
	spin_on 0
	sleep 30
	kill_spinners
	read -r load _ </proc/loadavg
	diag "load average $before, then $load"
	all_on && [ "$(echo "$before $load" | awk '{ print ($2 > 0.61 * $1 + 0.2) }')" = 1 ]
}

# Each of the two counts the core, or takes it off, if the other one is active: there
# is still one to take off for the core of CPU0.
both_threads_half_way() {
	half=$(below "$(state sched:active)")
	for cpu in "$1" "$2"; do
		step_to "$half" "$cpu" || return 1
	done
	for cpu in $(secondary_cpus); do
		cpu_off "$cpu" || return 1
	done
	all_on
}

set_mode idle
ktap_set_plan 4
check "load average: CPUs that are off do not count" load_counts
check "topology: the masks follow the online CPUs" siblings_right_all_along
check_threads "topology: both threads of a core are half way" both_threads_half_way
check_log
ktap_finished
