#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Arguments: call|timers
#
# A CPU goes offline while an asynchronous call that it has made lies in the queue
# of an idle CPU that takes no interrupt.
#
# call: the call may not be freed before it has been taken up.  Boot it with 4 CPUs
# and isolcpus=3.
#
# timers: the outgoing CPU, which others can still call, does not wait for that. It
# tells the other CPU that it has got timers, which is CPU0: boot with isolcpus=0.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
WHAT=${1:-call}
case $WHAT in
call) DEAF=3 ;;
timers) DEAF=0 ;;
*) DEAF= ;;
esac
cpuhp_start 100 "$@"

[ -n "$DEAF" ] || skip_all "usage: $0 call|timers"
[ "$(count_secondary)" -eq 3 ] || skip_all "needs 4 CPUs"
grep -qw "isolcpus=$DEAF" /proc/cmdline || skip_all "needs isolcpus=$DEAF"
has_idle || skip_all "this kernel has no idle takedown"
[ "$WHAT" = call ] || has_module cpuhp_hog || skip_all "needs CONFIG_CPUHP_HOG_TEST=m"
has_module cpuhp_deaf || skip_all "needs CONFIG_CPUHP_DEAF_TEST=m"

ran() {
	cat /sys/module/cpuhp_deaf/parameters/ran
}

cleanup() {
	! is_loaded cpuhp_hog || rmmod cpuhp_hog
	! is_loaded cpuhp_deaf || rmmod cpuhp_deaf
}

deaf_goes() {
	unload cpuhp_deaf
}

load_deaf() {
	load cpuhp_deaf cpu="$DEAF" from=1
}

# It has to be idle, and the call has to come while it sleeps.
goes_to_sleep() {
	for try in 1 2 3; do
		out=$(try_write /sys/module/cpuhp_deaf/parameters/go 1) && return
		diag "try $try: CPU$DEAF does not sleep: $out"
	done
	return 1
}

call_lies_there() {
	goes_to_sleep && same "runs of the call before CPU1 goes off" 0 "$(ran)"
}

# In one round of three something else may wait for CPU3 as well: a jump label, say.
off_after_the_call() {
	round=1
	while cpu_off 1 && same "runs of the call when CPU1 is off, round $round" 1 "$(ran)"; do
		[ $((round += 1)) -le 3 ] || return 0
		cpu_on 1 && call_lies_there || return 1
	done
	return 1
}

# A reader on CPU3 sets timers on CPU1 when it is on its way out, by calls that are not
# to wait until CPU0 wakes up, which is after 2 s.
timers_move() {
	load cpuhp_hog stage=timers ms=20 && goes_to_sleep && cpu_off 1
	status=$?
	met=$(cat /sys/module/cpuhp_hog/parameters/met)
	late=$(cat /sys/module/cpuhp_hog/parameters/late_ms)
	diag "$met calls, the slowest took $late ms"
	unload cpuhp_hog && [ "$met" -gt 1 ] && [ "$late" -lt 500 ] && return "$status"
}

back() {
	all_on && all_back
}

set_mode idle
ktap_set_plan $((DEAF ? 7 : 6))
check "CPU$DEAF can be sent to sleep" load_deaf
if [ "$WHAT" = call ]; then
	check "it sleeps, with a call of CPU1 in its queue" call_lies_there
	check "CPU1 is off when the call has been run, not earlier" off_after_the_call
else
	check "CPU1 goes off, and hands timers to it again and again" timers_move
fi
check "CPU$DEAF can be left alone" deaf_goes
check "all CPUs come back, and work" back
check_operations
check_log
ktap_finished
