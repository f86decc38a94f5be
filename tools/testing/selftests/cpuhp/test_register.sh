#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A module registers hotplug states of all three sections, is loaded and unloaded
# while CPUs come and go, and misses none and sees none twice.
#
# test_register.sh [ROUNDS [MODE]]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

ROUNDS=${1:-30}
MODE=${2:-idle}

[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"
has_module cpuhptorture || skip_all "no cpuhptorture.ko: needs CONFIG_CPUHP_TORTURE_TEST=m"
modes | grep -qx "$MODE" || skip_all "this kernel has no $MODE path"

LOGS=$(mktemp -d)
STOP=$LOGS/stop

cleanup() {
	: >"$STOP"
	wait
	keeper_end
	rm -rf "$LOGS"
}

off_and_on() {
	nr=0
	until [ -e "$STOP" ]; do
		cpu_off "$1" || break
		cpu_on "$1" || break
		nr=$((nr + 1))
	done
	echo "$nr" >"$LOGS/$1"
}

# No readers: only what registers states, and what calls the CPUs that go
load_and_unload() {
	round=0
	while [ "$round" -lt "$ROUNDS" ]; do
		load torture && load cpuhptorture nreaders=0 min_sections=0 min_offlines=0 \
			onoff_interval=0 shuffle_interval=0 stat_interval=0 stutter=0 || return 1
		sleep "0.$((round * 37 % 100))"
		keeper_end || return 1
		round=$((round + 1))
	done
}

each_succeeded() {
	succeeded=$(log_since | grep -c 'cpuhp.*End of test: SUCCESS')
	same "End of test: SUCCESS" "$ROUNDS" "$succeeded" && return 0
	log_since | grep -E 'End of test|!!!' | grep -v SUCCESS | head -n 8 | sed 's/^/# /'
	return 1
}

# As often as they come and go the callbacks have something to miss
in_between() {
	log_since | sed -n 's/.*hotplug states: rounds: \([0-9]*\) started: \([0-9]*\)$/\1 \2/p' |
		awk '{ n += $1; s += $2 }
			END { print "# registered " n " times, started " s " times" }'
	gone=$(cat "$LOGS"/[0-9]* | awk '{ n += $1 } END { print n }')
	diag "CPUs went off and on $gone times"
	[ "$gone" -ge "$ROUNDS" ]
}

set_mode "$MODE"
ktap_set_plan 6
quiet_console
for cpu in $(secondary_cpus); do
	off_and_on "$cpu" &
done
check "$MODE: a module is loaded and unloaded, $ROUNDS times" load_and_unload
: >"$STOP"
wait
check "$MODE: CPUs came and went meanwhile" in_between
check "$MODE: no CPU was missed or seen twice" each_succeeded
check "$MODE: all CPUs are back and work" all_back
check "$MODE: they go off and on" each_off_and_on 1
check_log
ktap_finished
