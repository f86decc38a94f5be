#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Isolated CPUs, CPU0 among them: the others go off and on, or are refused with a
# reason; and suspend, which does not ask who is isolated, comes back.  Boot it with
# nohz_full=0,2-3 or isolcpus=0,2-3, or others.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 200 "$@"

grep -qE 'nohz_full=|isolcpus=' /proc/cmdline || skip_all "needs nohz_full= or isolcpus="
! grep -q nohz_full= /proc/cmdline || [ -n "$(cat "$CPU_SYS/nohz_full" 2>/dev/null)" ] ||
	skip_all "needs CONFIG_NO_HZ_FULL"
[ "$(count_secondary)" -gt 1 ] || skip_all "needs at least 3 CPUs"

cleanup() {
	pm_test_end
}

# each_or_why: CPU is off and on again, or the log says why not
each_or_why() {
	refused=''
	for cpu in $(secondary_cpus); do
		log_mark
		out=$(try_write "$CPU_SYS/cpu$cpu/online" 0)
		case $out in
		"OK "*) cpu_on "$cpu" || return 1 ;;
		"EBUSY "*)
			refused="$refused $cpu"
			log_says "CPU $cpu stays online: it is the" || return 1
			;;
		*) diag "CPU$cpu: $out"; return 1 ;;
		esac
		works "$cpu" || return 1
	done
	diag "refused:${refused:- none}"
	same "CPUs that are refused" "$REFUSED" "${refused# }"
}

suspend() {
	pm_test processors mem OK
}

# What isolcpus= takes from the domains is never the last one that is on; CPU0, if
# nohz_full= has it, keeps the tick.
REFUSED=${1:-}
ktap_set_plan $(($(modes | wc -l) * 3 + 1))
for mode in $(modes); do
	set_mode "$mode"
	check "$mode: each goes and comes, or is refused with a reason" each_or_why
	if can_suspend; then
		check "$mode: suspend comes back" suspend
	else
		skip "$mode: suspend comes back" "$NO_SUSPEND"
	fi
	check "$mode: all CPUs are back and work" all_back
done
check_log
ktap_finished
