#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A CPU goes offline while an asynchronous call that it has made lies in the queue
# of an idle CPU that takes no interrupt.  The call may not be freed before it has
# been taken up.  Boot it with 4 CPUs and isolcpus=3.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 100 "$@"

[ "$(count_secondary)" -eq 3 ] || skip_all "needs 4 CPUs"
grep -qw "isolcpus=3" /proc/cmdline || skip_all "needs isolcpus=3"
has_idle || skip_all "this kernel has no idle takedown"
has_module cpuhp_deaf || skip_all "needs CONFIG_CPUHP_DEAF_TEST=m"

ran() {
	cat /sys/module/cpuhp_deaf/parameters/ran
}

cleanup() {
	unload cpuhp_deaf
}

call_lies_there() {
	load cpuhp_deaf cpu=3 from=1 && echo 1 >/sys/module/cpuhp_deaf/parameters/go &&
		same "runs of the call before CPU1 goes off" 0 "$(ran)"
}

off_after_the_call() {
	cpu_off 1 && same "runs of the call when CPU1 is off" 1 "$(ran)"
}

back() {
	all_on && all_back
}

set_mode idle
ktap_set_plan 6
check "CPU3 sleeps, with a call of CPU1 in its queue" call_lies_there
check "CPU1 is off when the call has been run, not earlier" off_after_the_call
check "CPU3 can be left alone" cleanup
check "all CPUs come back, and work" back
check_operations
check_log
ktap_finished
