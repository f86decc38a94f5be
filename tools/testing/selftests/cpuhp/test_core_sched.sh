#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Core scheduling: the state of a core is shared by its CPUs, and locked from
# remote.  One of them leads it, and hands over.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

ROUNDS=10
SPIN=20

cleanup() {
	# shellcheck disable=SC2046 # a list of numbers
	[ -z "$(jobs -p)" ] || kill $(jobs -p) 2>/dev/null
}

# Tasks that do not share a core, while the cores lose their second threads
cookies() {
	for _ in 0 $(secondary_cpus); do
		"$TOOL" spin $SPIN &
	done
	each_off_and_on $ROUNDS || return 1
	wait
}

# back_and_forth CPU: when a CPU comes, the kernel looks who leads its core
back_and_forth() {
	step_to "$(state offline)" "$1" && step_to "$(state online)" "$1"
}

# leader_dies CPU OTHER: one that has been deactivated before, and leads since then
leader_dies() {
	half=$(below "$(state sched:active)")
	# The other one comes online, and follows
	cpu_off "$2" && step_to "$half" "$1" && cpu_on "$2" && back_and_forth "$1" || return 1
	# The other one is deactivated as well, and hands over
	step_to "$half" "$1" && step_to "$half" "$2" && back_and_forth "$1" &&
		step_to "$(state online)" "$2"
}

has_siblings() {
	grep -q '[-,]' "$CPU_SYS/cpu0/topology/thread_siblings_list"
}

if ! has_siblings || ! "$TOOL" spin 0; then
	skip_all "needs SMT and core scheduling"
fi

set_mode idle
ktap_set_plan 4
check "CPUs go off and on under tasks with cookies" cookies
check_threads "the leader of a core dies after it was half way" leader_dies
check "all CPUs work" all_back
check_log
ktap_finished
