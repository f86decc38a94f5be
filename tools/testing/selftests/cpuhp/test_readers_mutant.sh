#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Arguments: [SECONDS]
#
# Would the readers notice if the grace period were missing?  A debug switch
# removes it: then the readers' test has to fail within SECONDS.  It is the last
# test of a guest: what a lost cross-call leaves behind is anybody's guess.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

SECS=${1:-60}
cpuhp_start $((SECS + 240)) "$@"

has_param debug_skip_gp || skip_all "no debug_skip_gp: needs CONFIG_CPUHP_TAKEDOWN_DEBUG"
has_module cpuhptorture || skip_all "no cpuhptorture.ko: needs CONFIG_CPUHP_TORTURE_TEST=m"
[ "$(count_secondary)" -gt 1 ] || skip_all "needs at least 3 CPUs"

cleanup() {
	set_param debug_skip_gp N
}

start() {
	load torture && load cpuhptorture onoff_interval=2 stat_interval=5 lost_secs=5
}

# Not that there were too few sections: that somebody was refused, and so on
faults() {
	log_since | grep -E 'cpuhp.*!!! (refused|lost|wrong|topo|stuck)'
}

caught() {
	from=$(now_ms)
	while [ "$(now_ms)" -lt $((from + SECS * 1000)) ]; do
		if [ -n "$(faults)" ]; then
			diag "caught after $((($(now_ms) - from) / 1000)) s"
			return 0
		fi
		sleep 1
	done
	diag "not caught within $SECS s"
	return 1
}

# A reader that waits for ever for a lost call keeps the module from going
failed() {
	timeout 60 rmmod cpuhptorture
	log_since | grep -q 'cpuhp.*End of test: FAILURE'
}

ktap_set_plan 3
quiet_console
set_mode idle
set_param debug_skip_gp Y
check "no grace period: the test starts" start
check "no grace period: the readers notice within $SECS s" caught
faults | head -n 5 | sed 's/^/# /'
set_param debug_skip_gp N
check "no grace period: End of test: FAILURE" failed
ktap_finished
