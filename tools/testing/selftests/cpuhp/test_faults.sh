#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Each state of the hotplug state machine fails in turn, on the way down and on
# the way up.  Where it may, the operation gives the injected error and the CPU
# ends in the state it had, each callback that was undone is done again, and the
# next operation works.  Where it may not, cpuN/hotplug/fail does not take it.
#
# test_faults.sh [MODE...]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"
[ -d "$TRACING/events/cpuhp" ] || skip_all "needs CONFIG_FTRACE"

NONE=-1
OFFLINE=$(state offline)
ONLINE=$(state online)
BRINGUP=$(state cpu:bringup)
DEAD=$(state idle:dead)
AP_ONLINE=$(state ap:online)
TEARDOWN=$(state cpu:teardown)

cleanup() {
	[ -z "${DOWN:-}" ] || steps_end
	! has_param debug_refuse || set_param debug_refuse N
	for cpu in $(secondary_cpus); do
		echo "$NONE" >"$CPU_SYS/cpu$cpu/hotplug/fail"
	done
}

# Another one each time
next_cpu() {
	# shellcheck disable=SC2046
	set -- $(secondary_cpus)
	shift $((turn % $#))
	turn=$((turn + 1))
	CPU=$1
}
turn=0

on_gives() {
	write_gives "$1" "$CPU_SYS/cpu$CPU/online" 1
}

off_gives() {
	write_gives "$1" "$CPU_SYS/cpu$CPU/online" 0
}

# has LIST STATE
has() {
	case " $1 " in
	*" $2 "*) return 0 ;;
	esac
	return 1
}

# What can fail, from what runs when nothing does.  What is atomic is not in the
# trace, so it is not in here.
learn() {
	CPU=$(first_secondary)
	steps_clear
	off_gives OK || return 1
	# shellcheck disable=SC2046
	DOWN="$TEARDOWN $(steps | awk '$1 == "down" { print $3 }' | sort -un | tr '\n' ' ')"
	steps_clear
	on_gives OK || return 1
	UP="$BRINGUP $(steps | awk '$1 == "up" { print $3 }' | sort -un | tr '\n' ' ')"
	diag "callbacks of states that are not atomic:" \
		"$(echo "$DOWN" | wc -w) down, $(echo "$UP" | wc -w) up"
	# Those at the ends of each half of the state machine
	has "$DOWN" "$(state sched:active)" && has "$UP" "$(state sched:active)" &&
		has "$DOWN" "$(state sched:waitempty)" && has "$DOWN" "$(state slub:dead)" &&
		has "$UP" "$(state threads:prepare)" && has "$UP" "$(state_of_kick)"
}

# Nobody has fallen over it, and it does not lie in wait
is_unarmed() {
	hotplug_is "$CPU" fail "$NONE"
}

is_armed() {
	hotplug_is "$CPU" fail "$1"
}

# takes|refuses STATE
takes() {
	write_gives OK "$CPU_SYS/cpu$CPU/hotplug/fail" "$1" && is_armed "$1"
}

refuses() {
	write_gives EINVAL "$CPU_SYS/cpu$CPU/hotplug/fail" "$1" && is_unarmed
}

# is_taken STATE LIST: whether fail takes it.  It has to if the state has a
# callback in LIST; other states can have callbacks that had nothing to do.
is_taken() {
	has "$2" "$1" && { takes "$1"; return; }
	TRIED=$((TRIED + 1))
	out=$(try_write "$CPU_SYS/cpu$CPU/hotplug/fail" "$1")
	case ${out% *} in
	OK) is_armed "$1" ;;
	EINVAL) return 2 ;;
	*) OTHERWISE=$((OTHERWISE + 1)); diag "state $1: ${out% *}"; return 1 ;;
	esac
}

# fails_off|fails_on: with the injected error, and nothing has changed
fails_off() {
	off_gives EAGAIN && in_state "$CPU" "$ONLINE" && is_unarmed
}

fails_on() {
	on_gives EAGAIN && in_state "$CPU" "$OFFLINE" && is_unarmed
}

goes_off() {
	off_gives OK && in_state "$CPU" "$OFFLINE"
}

comes_on() {
	on_gives OK && in_state "$CPU" "$ONLINE"
}

# tries off|on: the state has a callback that did nothing, for one way or the other
tries() {
	TRIED=$((TRIED + 1))
	value=1
	[ "$1" = on ] || value=0
	out=$(try_write "$CPU_SYS/cpu$CPU/online" "$value")
	[ "${out% *}" = EAGAIN ]
}

# Fails on the way down if it can, else on the next way up
fail_from_online() {
	if has "$DOWN" "$1"; then
		fails_off && goes_off && comes_on
	elif has "$UP" "$1"; then
		goes_off && is_armed "$1" && fails_on && comes_on
	elif tries off; then
		in_state "$CPU" "$ONLINE" && is_unarmed && goes_off && comes_on
	else
		in_state "$CPU" "$OFFLINE" && is_armed "$1" && fails_on && comes_on
	fi
}

fail_from_offline() {
	if has "$UP" "$1"; then
		fails_on && comes_on && goes_off
	elif has "$DOWN" "$1"; then
		comes_on && is_armed "$1" && fails_off && goes_off
	elif tries on; then
		in_state "$CPU" "$OFFLINE" && is_unarmed && comes_on && goes_off
	else
		in_state "$CPU" "$ONLINE" && is_armed "$1" && fails_off && goes_off
	fi
}

# Not what is dead, and not what is atomic
may_fail_from_online() {
	[ "$1" -gt "$AP_ONLINE" ]
}

may_fail_from_offline() {
	[ "$1" -gt "$AP_ONLINE" ] || [ "$1" -lt "$DEAD" ]
}

# fail_in STATE online|offline
fail_in() {
	if ! "may_fail_from_$2" "$1"; then
		refuses "$1" && refused=$((refused + 1))
		return
	fi
	expected="$DOWN $UP"
	[ "$2" = online ] || [ "$1" -gt "$BRINGUP" ] || expected=$UP
	steps_clear
	status=0
	is_taken "$1" "$expected" || status=$?
	case $status in
	0) armed=$((armed + 1)) && "fail_from_$2" "$1" && steps_match ;;
	2) refused=$((refused + 1)) ;;
	*) return 1 ;;
	esac
}

# each_state online|offline: all of them, and some that have no name
each_state() {
	armed=0
	refused=0
	next_cpu
	[ "$1" = online ] || goes_off || return 1
	for s in $(states) $((OFFLINE + 3)) $((AP_ONLINE - 1)) $((ONLINE - 2)); do
		[ "$1" = offline ] || next_cpu
		if ! fail_in "$s" "$1"; then
			diag "that was state $s on CPU$CPU"
			return 1
		fi
	done
	[ "$1" = online ] || comes_on || return 1
	diag "$armed states failed, $refused were refused"
	[ "$armed" -gt 0 ] && [ "$refused" -gt 0 ]
}

# What is set while the takedown is refused must wait for its turn: the way back
# cannot fail.  The state here has something to do on the way up only.
waits_for_its_turn() {
	next_cpu
	s=$(state irq/affinity:online)
	steps_clear
	takes "$s" && set_param debug_refuse Y && off_gives ENOSPC &&
		in_state "$CPU" "$ONLINE" && is_armed "$s" && set_param debug_refuse N &&
		goes_off && fails_on && comes_on && steps_match
}

# The CPU fails to come up and refuses to go down again.  It cannot end where it
# was, but it must be fit for the next operation, in either direction.
cannot_go_back() {
	for way in up down; do
		next_cpu
		steps_clear
		goes_off || return 1
		takes "$ONLINE_STEP" && set_param debug_refuse Y && on_gives EAGAIN &&
			set_param debug_refuse N && in_state "$CPU" "$TEARDOWN" || return 1
		if [ "$way" = down ]; then
			write_gives OK "$CPU_SYS/cpu$CPU/hotplug/target" "$OFFLINE" &&
				in_state "$CPU" "$OFFLINE" || return 1
		fi
		comes_on && steps_match || return 1
	done
}

test_mode() {
	set_mode "$1"
	check "$1: nothing fails when nothing shall" learn
	check "$1: each state fails on the way down" each_state online
	check "$1: each state fails on the way up" each_state offline
}

test_refuse() {
	set_mode idle
	ONLINE_STEP=$(state workqueue:online)
	check "a way back does not fail" waits_for_its_turn
	check "a CPU that fails to come up and refuses to go is fit for what comes" cannot_go_back
}

[ $# -gt 0 ] || set -- idle
ktap_set_plan $(($# * 3 + 4))
steps_start
for mode; do
	test_mode "$mode"
done
if has_param debug_refuse; then
	test_refuse
else
	for what in "a way back does not fail" \
		"a CPU that fails to come up and refuses to go is fit for what comes"; do
		skip "$what" "needs CONFIG_CPUHP_TAKEDOWN_DEBUG"
	done
fi
check_operations
check_log
ktap_finished
