#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Each CPU goes off and on and works again; the last one is refused; junk is
# refused.  In each mode that the kernel has.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 600 "$@"

NEWLINE='
'
TARGET0=$CPU_SYS/cpu0/hotplug/target

# CPU0 may have no file "online", as on x86, but its hotplug target can be written
last_is_refused() {
	state=$(cat "$CPU_SYS/cpu0/hotplug/state")
	write_gives EBUSY "$TARGET0" 0 &&
		same "state of CPU0" "$state" "$(cat "$CPU_SYS/cpu0/hotplug/state")" && works 0
}

each_off_on() {
	for cpu in $(secondary_cpus); do
		cpu_off "$cpu" && cpu_on "$cpu" && works "$cpu" || return 1
	done
}

off_is_off() {
	cpu=$(first_secondary)
	cpu_off "$cpu" || return 1
	if works "$cpu" >/dev/null; then
		diag "a task was bound to CPU$cpu, which is off"
		return 1
	fi
	cpu_on "$cpu"
}

junk_is_refused() {
	for cpu in $(secondary_cpus); do
		for junk in 2 abc "$NEWLINE" ' '; do
			write_gives EINVAL "$CPU_SYS/cpu$cpu/online" "$junk" || return 1
			is_online "$cpu" || return 1
		done
	done
}

# An offline of a CPU that is off, and an online of one that is on, do nothing
twice_is_once() {
	cpu=$(first_secondary)
	file=$CPU_SYS/cpu$cpu/online
	try_write "$file" 1 >/dev/null
	is_online "$cpu" || return 1
	cpu_off "$cpu" || return 1
	try_write "$file" 0 >/dev/null
	! is_online "$cpu" && cpu_on "$cpu"
}

test_one_cpu() {
	check "1 CPU: its offline gives EBUSY and it works on" last_is_refused
}

test_mode() {
	set_mode "$1"
	nr=$(count_secondary)

	trace_start
	check "$1: each CPU goes off and on and works" each_off_on
	check "$1: and once more" each_off_on
	check_went_by "$1: the trace has each of them" "$1" $((2 * nr))
	check "$1: no task can be bound to a CPU that is off" off_is_off
	check "$1: off twice and on twice is like once" twice_is_once
	check "$1: all go off but CPU0" all_off
	check "$1: the last CPU gives EBUSY and works on" last_is_refused
	check "$1: all come on" all_on
	check "$1: all work" all_back
	check "$1: junk gives EINVAL and changes nothing" junk_is_refused
}

if [ "$(count_secondary)" -eq 0 ]; then
	ktap_set_plan 2
	test_one_cpu
else
	ktap_set_plan $(($(modes | wc -l) * 10 + 1))
	for mode in $(modes); do
		test_mode "$mode"
	done
fi
check_log
ktap_finished
