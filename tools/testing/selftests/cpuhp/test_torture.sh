#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Arguments: scftorture|rcutorture|locktorture [SECONDS [MODE [PARAMETER...]]]
#
# Linux's own torture tests, with CPUs that go off and on meanwhile.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

MODULE=${1:-scftorture}
SECS=${2:-60}
MODE=${3:-idle}
cpuhp_start $((SECS + 240)) "$@"
if [ $# -le 3 ]; then set --; else shift 3; fi

has_module "$MODULE" || skip_all "no $MODULE.ko"
modes | grep -qx "$MODE" || skip_all "this kernel has no $MODE path"
[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"

# In jiffies, but in seconds for locktorture
INTERVAL=20
[ "$MODULE" != locktorture ] || INTERVAL=1

cleanup() {
	! is_loaded "$MODULE" || rmmod "$MODULE"
	! is_loaded torture || rmmod torture
}

start() {
	load torture && load "$MODULE" onoff_holdoff=1 onoff_interval="$INTERVAL" \
		stat_interval=15 "$@"
}

run() {
	sleep "$SECS"
	unload "$MODULE"
}

# "onoff: 31/31:32/33 ...": online:offline, each successes/attempts.  Not all
# modules say it; End of test: LOCK_HOTPLUG tells of failures in any case.
offlines() {
	said=$(log_since | sed -n 's|.*onoff: [0-9]*/[0-9]*:\([0-9]*/[0-9]*\).*|\1|p' | tail -n 1)
	seen=$(count_dead "$MODE")
	echo "${said:-$seen/$seen}"
}

offlined() {
	found=$(offlines)
	[ "${found%/*}" -gt 0 ] 2>/dev/null && same "offlines" "${found#*/}" "${found%/*}"
}

succeeded() {
	log_since | grep -q 'End of test: SUCCESS' && return 0
	log_since | grep -iE 'End of test|!!!|failure' | tail -n 8 | sed 's/^/# /'
	return 1
}

ktap_set_plan 6
quiet_console
set_mode "$MODE"
trace_start
check "$MODULE: starts" start "$@"
check "$MODULE: ends" run
diag "offlines: $(offlines)"
check "$MODULE: CPUs went off, and none was refused" offlined
check "$MODULE: End of test: SUCCESS" succeeded
check "$MODULE: all CPUs are back and work" all_back
check_log
ktap_finished
