#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# CPU0, where it is a CPU like the others: it goes off and on, and any other one
# can be the last.  In each mode that the kernel has.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

CPU0=$CPU_SYS/cpu0

[ -w "$CPU0/online" ] || skip_all "CPU0 of this machine stays online"
[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"

cleanup() {
	is_online 0 || cpu_on 0
}

goes_and_comes() {
	cpu_off 0 && cpu_on 0 && works 0
}

# Its duties, timekeeping among them, are with others
works_without() {
	cpu_off 0 || return 1
	from=$(now_ms)
	sleep 1
	to=$(now_ms)
	[ $((to - from)) -ge 900 ] || return 1
	for cpu in $(secondary_cpus); do
		works "$cpu" || return 1
	done
	{ [ "$(count_secondary)" -eq 1 ] || each_off_and_on 1; } && cpu_on 0 && all_back
}

# last CPU: all others go off, it is refused
last() {
	for cpu in 0 $(secondary_cpus); do
		[ "$cpu" = "$1" ] || cpu_off "$cpu" || return 1
	done
	same "online CPUs" "$1" "$(cat "$CPU_SYS/online")" &&
		write_gives EBUSY "$CPU_SYS/cpu$1/online" 0 && works "$1" || return 1
	cpu_on 0 && all_on
}

each_is_last() {
	for last in $(secondary_cpus); do
		last "$last" || return 1
	done
}

test_mode() {
	set_mode "$1"
	trace_start
	check "$1: CPU0 goes off and on and works" goes_and_comes
	check_went_by "$1: the trace has it" "$1" 1
	check "$1: the others work without it" works_without
	check "$1: each of the others can be the last" each_is_last
	check "$1: all work" all_back
}

ktap_set_plan $(($(modes | wc -l) * 5 + 1))
for mode in $(modes); do
	test_mode "$mode"
done
check_log
ktap_finished
