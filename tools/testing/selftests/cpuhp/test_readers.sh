#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Arguments: [SECONDS [SECTIONS [OFFLINES [MODE [PARAMETER...]]]]]
#
# Readers use each service of a CPU that they have seen online while CPUs go off
# and on.  Runs for SECONDS, and on until there are SECTIONS and OFFLINES, at
# most five times as long.  The parameters are those of cpuhptorture.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

SECS=${1:-40}
SECTIONS=${2:-10000}
OFFLINES=${3:-200}
MODE=${4:-idle}
cpuhp_start $((SECS * 5 + 180)) "$@"
if [ $# -le 4 ]; then set --; else shift 4; fi

has_module cpuhptorture || skip_all "no cpuhptorture.ko: needs CONFIG_CPUHP_TORTURE_TEST=m"
modes | grep -qx "$MODE" || skip_all "this kernel has no $MODE path"
[ "$(count_secondary)" -gt 1 ] || skip_all "needs at least 3 CPUs"

LEFT=1
[ "$MODE" = idle ] || LEFT=0

cleanup() {
	! is_loaded cpuhptorture || rmmod cpuhptorture
	! is_loaded torture || rmmod torture
}

start() {
	load torture && load cpuhptorture onoff_holdoff=5 onoff_interval=2 stat_interval=5 \
		min_sections="$SECTIONS" min_offlines="$OFFLINES" min_left="$LEFT" "$@"
}

# The last line of statistics
stats() {
	log_since | grep -o 'sections: .* states: [0-9]*' | tail -n 1
}

# Of the timers; the host decides that, so it is no test
lateness() {
	log_since | sed -n 's/.*torture: \(h*r*timer\): used: .* late: \(.*\)/\1: late: \2/p' |
		tail -n 2 | sed 's/^/# /'
}

# stat NAME: a number from it
stat() {
	stats | sed -n "s/.*\\b$1: \\([0-9]*\\).*/\\1/p"
}

enough() {
	[ "$(stat sections || :)" -ge "$SECTIONS" ] 2>/dev/null &&
		[ "$(stat offlines || :)" -ge "$OFFLINES" ] &&
		[ "$(stat left || :)" -ge "$LEFT" ]
}

run() {
	sleep "$SECS"
	limit=$(($(now_ms) + SECS * 4000))
	while ! enough && [ "$(now_ms)" -lt "$limit" ]; do
		sleep 5
	done
	unload cpuhptorture
}

at_least() {
	found=$(stat "$1")
	[ "${found:-0}" -ge "$2" ] && return 0
	diag "$1: ${found:-none}, at least $2 are wanted"
	return 1
}

none() {
	same "$1" 0 "$(stat "$1")"
}

succeeded() {
	log_since | grep -q 'cpuhp.*End of test: SUCCESS' && return 0
	log_since | grep -E 'End of test|!!!' | tail -n 8 | sed 's/^/# /'
	return 1
}

ktap_set_plan 10
quiet_console
set_mode "$MODE"
check "$MODE: the test starts" start "$@"
check "$MODE: it ends" run
diag "$(stats)"
lateness
check "$MODE: at least $SECTIONS sections" at_least sections "$SECTIONS"
check "$MODE: at least $OFFLINES offlines" at_least offlines "$OFFLINES"
if [ "$MODE" = idle ]; then
	check "$MODE: in some, the CPU left" at_least left "$LEFT"
else
	check "$MODE: in none, the CPU left" none left
fi
check "$MODE: no service was refused" none refused
check "$MODE: nothing was lost" none lost
check "$MODE: End of test: SUCCESS" succeeded
check "$MODE: all CPUs are back and work" all_back
check_log
ktap_finished
