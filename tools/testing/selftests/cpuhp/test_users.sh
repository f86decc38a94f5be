#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Who else takes CPUs down: suspend, hibernation, the kexec jump, SMT control.
# SMT control needs a guest with two threads per core: -smp 4,threads=2

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"

cleanup() {
	pm_test_end
}

suspend() {
	pm_test processors mem OK
}

hibernate() {
	pm_test processors disk OK
}

kexec_jump() {
	"$HERE/kexec_jump"
}

# user NAME COMMAND: three tests
user() {
	trace_start
	check "$1: comes back" "$2"
	check "$1: all CPUs are back and work" all_back
	check_went_by "$1: each CPU went by the idle takedown" idle "$(count_secondary)"
}

skip_user() {
	skip "$1: comes back" "$2"
	skip "$1: all CPUs are back and work" "$2"
	skip "$1: each CPU went by the idle takedown" "$2"
}

can_hibernate() {
	[ -w /sys/power/pm_test ] && grep -q disk /sys/power/state
}

# A CPU's first thread is its core's first one
is_primary() {
	siblings=$(cat "$CPU_SYS/cpu$1/topology/thread_siblings_list")
	[ "${siblings%%[,-]*}" = "$1" ]
}

other_threads() {
	for cpu in $(secondary_cpus); do
		is_primary "$cpu" || echo "$cpu"
	done
}

# smt off|on: and exactly the second threads follow
smt() {
	write_gives OK "$CPU_SYS/smt/control" "$1" || return 1
	for cpu in $(secondary_cpus); do
		expected=1
		if [ "$1" = off ]; then
			case " $threads " in
			*" $cpu "*) expected=0 ;;
			esac
		fi
		same "online of CPU$cpu" "$expected" "$(cat "$CPU_SYS/cpu$cpu/online")" || return 1
	done
}

# A thread that SMT control took down cannot be brought on one by one
smt_holds() {
	write_gives EPERM "$CPU_SYS/cpu${threads%% *}/online" 1
}

test_smt() {
	threads=$(other_threads | tr '\n' ' ')
	threads=${threads% }
	trace_start
	check "SMT off: the second threads go off" smt off
	check "SMT off: they cannot come on by themselves" smt_holds
	check_went_by "SMT off: each went by the idle takedown" idle "$(echo "$threads" | wc -w)"
	check "SMT on: they come on" smt on
	check "SMT on: all CPUs are back and work" all_back
}

skip_smt() {
	for what in "off: the second threads go off" "off: they cannot come on by themselves" \
		"off: each went by the idle takedown" "on: they come on" \
		"on: all CPUs are back and work"; do
		skip "SMT $what" "this machine has one thread per core"
	done
}

ktap_set_plan 15
set_mode idle
if can_suspend; then
	user "suspend" suspend
else
	skip_user "suspend" "$NO_SUSPEND"
fi
if can_hibernate; then
	user "hibernation" hibernate
else
	skip_user "hibernation" "needs CONFIG_HIBERNATION and CONFIG_PM_DEBUG"
fi
if can_jump; then
	user "kexec jump" kexec_jump
else
	skip_user "kexec jump" "needs x86_64, CONFIG_KEXEC and CONFIG_KEXEC_JUMP"
fi
if [ "$(cat "$CPU_SYS/smt/control" 2>/dev/null)" = on ]; then
	test_smt
else
	skip_smt
fi
check_log
ktap_finished
