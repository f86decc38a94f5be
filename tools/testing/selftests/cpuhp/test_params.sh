#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The parameters of the takedown take what makes sense and nothing else.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 60 "$@"

has_param takedown_timeout_ms || skip_all "no takedown_timeout_ms in this kernel"

# takes PARAMETER VALUE
takes() {
	write_gives OK "$PARAMS/$1" "$2" && same "$1" "$2" "$(param "$1")"
}

# refuses PARAMETER VALUE...: with EINVAL, and nothing changes
refuses() {
	name=$1
	before=$(param "$name")
	shift
	for value; do
		write_gives EINVAL "$PARAMS/$name" "$value" || return 1
		same "$name" "$before" "$(param "$name")" || return 1
	done
}

works_with() {
	set_param takedown_timeout_ms "$1"
	[ "$(count_secondary)" -eq 0 ] && return 0
	cpu=$(first_secondary)
	cpu_off "$cpu" && cpu_on "$cpu"
}

ktap_set_plan 6
set_mode idle
check "takedown_timeout_ms: 2500 is taken" takes takedown_timeout_ms 2500
check "takedown_timeout_ms: 0, -1, abc give EINVAL" refuses takedown_timeout_ms 0 -1 abc
check "a CPU goes off and on with a limit of 5000 ms" works_with 5000
if has_param stop_machine; then
	check "stop_machine: Y is taken" takes stop_machine Y
	check "stop_machine: N is taken" takes stop_machine N
	check "stop_machine: 2, abc give EINVAL" refuses stop_machine 2 abc
else
	for what in "Y is taken" "N is taken" "2, abc give EINVAL"; do
		skip "stop_machine: $what" "the kernel has no stop_machine path"
	done
fi
ktap_finished
