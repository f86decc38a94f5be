#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# While a takedown waits, for its CPU to become idle or for readers, others want
# something of the same CPUs: suspend, the kexec jump, who changes the parameters.
# The takedown ends as it would have without them, and so do they.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

has_idle || skip_all "this kernel has no idle takedown"
[ "$(count_secondary)" -gt 1 ] || skip_all "needs at least 3 CPUs"

CPU=$(first_secondary)
ONLINE=$(state online)
LIMIT=1000	# ms

cleanup() {
	pm_test_end
	keeper_end
}

# ended KIND: the takedown, in its own way.  The CPU is on then.
ended() {
	case $1 in
	idle) takedown_ends EBUSY && in_state "$CPU" "$ONLINE" ;;
	readers) takedown_ends OK && ! is_online "$CPU" && cpu_on "$CPU" ;;
	esac
}

# It does not get beyond the takedown, nor take a CPU itself
freezer() {
	pm_test freezer mem OK
}

# A CPU that the takedown did not get cannot be had by suspend either
processors() {
	case $1 in
	idle) pm_test processors mem EBUSY ;;
	readers) pm_test processors mem OK ;;
	esac
}

jump() {
	said=$("$HERE/kexec_jump")
	TRIED=$((TRIED + 1))
	case $1,$said in
	idle,*busy* | readers,*"came back"*) return 0 ;;
	esac
	OTHERWISE=$((OTHERWISE + 1))
	diag "kexec jump: $said"
	return 1
}

# They count for the next one.  If this one took them, it would not end.
parameters() {
	write_gives OK "$PARAMS/takedown_timeout_ms" 3600000 || return 1
	! has_param stop_machine || write_gives OK "$PARAMS/stop_machine" Y
}

defaults() {
	set_mode idle
	set_param takedown_timeout_ms "$LIMIT"
}

# meanwhile KIND WHAT
meanwhile() {
	defaults
	takedown_waits "$1" "$CPU" && "$2" "$1" && ended "$1" && all_online
}

can() {
	case $1 in
	freezer | processors) can_suspend ;;
	jump) can_jump ;;
	esac
}

users="freezer processors jump parameters"

test_kind() {
	if ! has_keeper "$1"; then
		for what in begins $users ends; do
			skip "waits for $1: $what" "no module for it"
		done
		return
	fi
	check "waits for $1: its reason begins" keeper_start "$1" "$CPU"
	for what in $users; do
		if can "$what"; then
			check "waits for $1: $what" meanwhile "$1" "$what"
		else
			skip "waits for $1: $what" "this kernel cannot do that"
		fi
	done
	check "waits for $1: its reason ends" keeper_end
}

ktap_set_plan $((2 * ($(echo "$users" | wc -w) + 2) + 3))
test_kind idle
test_kind readers
defaults
check "the CPUs go off and on" each_off_and_on 1
check_operations
check_log
ktap_finished
