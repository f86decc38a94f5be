#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# For guests of any size: all CPUs go off and on once.  With 1 CPU: it is refused.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 600 "$@"

refused() {
	log_mark
	write_gives EBUSY "$CPU_SYS/cpu0/hotplug/target" 0 && works 0 || return 1
	log_says "CPU 0 stays online: it is the last"
}

set_mode idle
nr=$(count_secondary)
if [ "$nr" -eq 0 ]; then
	ktap_set_plan 2
	check "1 CPU: its offline gives EBUSY" refused
else
	ktap_set_plan 5
	trace_start
	from=$(now_ms)
	check "$nr CPUs go off" all_off
	mid=$(now_ms)
	check "$nr CPUs come on" all_on
	to=$(now_ms)
	diag "$nr CPUs: off in $((mid - from)) ms, on in $((to - mid)) ms"
	check "all CPUs work" all_back
	check_went_by "each went by the idle takedown" idle "$nr"
fi
check_log
ktap_finished
