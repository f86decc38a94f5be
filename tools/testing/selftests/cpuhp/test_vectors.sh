#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# CPUs go off one after the other, until those that are left have no vectors for the
# interrupts of the next one: ENOSPC, the log says so, and that CPU is complete.
# Meant for many devices with many interrupts:
#
#   -netdev tap,queues=31,script=no,downscript=no,id=N and
#   -device virtio-net-pci,netdev=N,mq=on,vectors=64 (six times)

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

cleanup() {
	pm_test_end
}

# irqs_of CPU: how many interrupts of devices are sent there
irqs_of() {
	cat /proc/irq/[0-9]*/effective_affinity_list 2>/dev/null | grep -cx "$1" || :
}

runs_out() {
	set_mode "$1"
	log_mark
	for cpu in $(secondary_cpus | sort -rn); do
		diag "CPU$cpu has $(irqs_of "$cpu") interrupts; online: $(cat "$CPU_SYS/online")"
		out=$(try_write "$CPU_SYS/cpu$cpu/online" 0)
		case ${out% *} in
		OK) ;;
		ENOSPC) stays "$cpu"; return ;;
		*) diag "CPU$cpu: $out"; return 1 ;;
		esac
	done
	diag "all went off: it takes more interrupts"
	return 1
}

# Complete: no more, no less than before
stays() {
	log_says "CPU $1 has .* vectors, .* available. Cannot disable CPU" &&
		is_online "$1" && works "$1" && in_state "$1" "$(state online)" && all_on
}

suspend() {
	pm_test processors mem OK
}

interrupts=$(for cpu in 0 $(secondary_cpus); do irqs_of "$cpu"; done |
	awk '{ n += $1 } END { print n }')
[ "$interrupts" -gt 250 ] || skip_all "needs more than 250 interrupts of devices, has $interrupts"
ktap_set_plan $(($(modes | wc -l) * 2 + 3))
for mode in $(modes); do
	check "$mode: CPUs go off until one has no place for its interrupts" runs_out "$mode"
	if can_suspend; then
		check "$mode: suspend, where devices give theirs up, comes back" suspend
	else
		skip "$mode: suspend, where devices give theirs up, comes back" "$NO_SUSPEND"
	fi
done
check_vectors
check "all CPUs work" all_back
check_log
ktap_finished
