#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Core scheduling: the state of a core is shared by its CPUs, and locked from
# remote.

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

has_siblings() {
	grep -q '[-,]' "$CPU_SYS/cpu0/topology/thread_siblings_list"
}

if ! has_siblings || ! "$TOOL" spin 0; then
	skip_all "needs SMT and core scheduling"
fi

set_mode idle
ktap_set_plan 3
check "CPUs go off and on under tasks with cookies" cookies
check "all CPUs work" all_back
check_log
ktap_finished
