#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# CPUs go off and on under each cpufreq governor, beside tasks that have it change
# frequencies: a policy that has lost all its CPUs is asked for nothing, one that has
# them back has its governor back.  By cpuhp_freq, a driver without hardware: a clock
# for each CPU, for two, and changed by the scheduler itself.
#
# test_freq.sh [half-way]: that alone, where the driver goes meanwhile

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 600 "$@"

WHAT=${1:-all}
POLICIES=$CPU_SYS/cpufreq
COUNTS=/sys/module/cpuhp_freq/parameters

has_module cpuhp_freq || skip_all "no cpuhp_freq.ko: needs CONFIG_CPUHP_FREQ_TEST=m"
[ "$(count_secondary)" -gt 1 ] || skip_all "needs at least 3 CPUs"

cleanup() {
	kill_spinners
	unload cpuhp_freq
	pm_test_end
}

sets() {
	cat $COUNTS/sets
}

governors() {
	cat "$POLICIES"/policy0/scaling_available_governors
}

# all_have GOVERNOR: each CPU that is online, by whichever policy
all_have() {
	for cpu in 0 $(secondary_cpus); do
		policy=$CPU_SYS/cpu$cpu/cpufreq
		same "governor of CPU$cpu" "$1" "$(cat "$policy/scaling_governor")" &&
			grep -qw "$cpu" "$policy/affected_cpus" || return 1
	done
}

set_governor() {
	for policy in "$POLICIES"/policy*; do
		echo "$1" >"$policy/scaling_governor" || return 1
	done
}

# A CPU that is off has no part in a policy
leaves_policy() {
	cpu=$(secondary_cpus | tail -n 1)
	cpu_off "$cpu" || return 1
	! cat "$POLICIES"/policy*/affected_cpus 2>/dev/null | grep -w "$cpu" && cpu_on "$cpu"
}

under_each_governor() {
	for governor in $(governors); do
		set_governor "$governor" && each_off_and_on 1 && leaves_policy &&
			all_have "$governor" || return 1
		diag "$governor: frequencies set $(sets) times"
	done
	! can_suspend || pm_test processors mem OK && all_have "$governor" || return 1
	same "frequencies that were set for no online CPU" 0 "$(cat $COUNTS/strays)" &&
		[ "$(sets)" -gt 0 ]
}

# with_driver MODE PARAMETERS
with_driver() {
	set_mode "$1"
	shift
	load cpuhp_freq "$@" && under_each_governor
	status=$?
	unload cpuhp_freq && return "$status"
}

# Linux lets the scheduler set none where others want to be told of each change, as on
# an x86 without CONSTANT_TSC.
can_be_fast() {
	log_mark
	load cpuhp_freq fast=1 && set_governor schedutil && unload cpuhp_freq &&
		! log_since | grep -q "Fast frequency switching not enabled"
}

# The driver goes away when a CPU has left its policy, but is still there
unloads_half_way() {
	set_mode "$1"
	for s in $(stops | sort -rn); do
		[ "$s" -gt "$(state cpu:teardown)" ] || break
		load cpuhp_freq && set_governor ondemand &&
			write_gives OK "$CPU_SYS/cpu1/hotplug/target" "$s" && unload cpuhp_freq &&
			write_gives OK "$CPU_SYS/cpu1/hotplug/target" "$(state online)" || return 1
	done
}

each=4
[ "$WHAT" = all ] || each=1
ktap_set_plan $(($(modes | wc -l) * each + 3))
# A tick of work here and there
for cpu in 0 $(secondary_cpus); do
	taskset -c 0-3 sh -c 'while :; do sleep 0.01; done' &
	SPINNERS="$SPINNERS $!"
done
for mode in $(modes); do
	if [ "$WHAT" = all ]; then
		check "$mode: a clock for each CPU" with_driver "$mode"
		check "$mode: a clock for two CPUs" with_driver "$mode" cluster=2
		if can_be_fast; then
			check "$mode: clocks that the scheduler sets" with_driver "$mode" fast=1
		else
			skip "$mode: clocks that the scheduler sets" \
				"others are told of each change"
		fi
	fi
	if can_stop; then
		check "$mode: the driver goes when a CPU has stopped half way" \
			unloads_half_way "$mode"
	else
		skip "$mode: the driver goes when a CPU has stopped half way" "$NO_STEPS"
	fi
done
kill_spinners
check_end
