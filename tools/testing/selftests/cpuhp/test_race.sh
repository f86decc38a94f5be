#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Two shells for each CPU write to its "online", "hotplug/target" and
# "hotplug/fail" at the same time.  Each write ends in one of the ways in which it
# may, and afterwards each CPU is what it was.
#
# test_race.sh [WRITES [MODE]]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"

WRITES=${1:-1000}
MODE=${2:-idle}
WRITERS=2	# for each CPU
ONLINE=$(state online)
LOGS=$(mktemp -d)
STATES=$(states | tr '\n' ' ')

cleanup() {
	settle
	rm -rf "$LOGS"
}

# No failure lies in wait, and "online" and "target" agree.  What is still under
# way is waited for.
settle() {
	for cpu in $(secondary_cpus); do
		echo -1 >"$CPU_SYS/cpu$cpu/hotplug/fail"
		echo "$ONLINE" >"$CPU_SYS/cpu$cpu/hotplug/target"
		echo 1 >"$CPU_SYS/cpu$cpu/online"
	done
}

# plan SEED WRITES: a line of "FILE TEXT" for each write.  Three of four are to
# take the CPU down or up, the others to any state, or have any state fail.
plan() {
	awk -v seed="$1" -v n="$2" -v states="$STATES" 'BEGIN {
		srand(seed)
		nr = split(states, s)
		for (; n > 0; n--) {
			what = rand()
			if (what < 0.6) print "online", rand() < 0.5 ? 0 : 1
			else if (what < 0.75) print "hotplug/target", rand() < 0.5 ? s[1] : s[nr]
			else if (what < 0.9) print "hotplug/target", s[1 + int(rand() * nr)]
			else print "hotplug/fail", s[1 + int(rand() * nr)]
		}
	}'
}

# writer CPU SEED WRITES
writer() {
	plan "$2" "$3" | while read -r file text; do
		echo "$file $text $(try_write "$CPU_SYS/cpu$1/$file" "$text")"
	done >"$LOGS/$1.$2"
}

race() {
	pids=
	seed=0
	each=$((WRITES / (WRITERS * $(count_secondary)) + 1))
	for cpu in $(secondary_cpus); do
		nr=0
		while [ "$nr" -lt "$WRITERS" ]; do
			seed=$((seed + 1))
			writer "$cpu" "$seed" "$each" &
			pids="$pids $!"
			nr=$((nr + 1))
		done
	done
	# shellcheck disable=SC2086
	wait $pids
	TRIED=$(cat "$LOGS"/* | wc -l)
	cat "$LOGS"/* | awk '{ n[$1 " " $3]++ } END { for (i in n) print "#", i, n[i] }' | sort
	[ "$TRIED" -ge "$WRITES" ]
}

# EAGAIN is what fails when it shall, EBUSY the way down while only CPU0 is online,
# of a CPU that "online" or "target" has not heard of; EINVAL is no state to stop
# or to fail in.
as_said() {
	cat "$LOGS"/* | awk '
		$1 == "online" && $3 ~ /^(OK|EAGAIN)$/ { next }
		$1 == "online" && $2 == 0 && $3 == "EBUSY" { next }
		$1 == "hotplug/target" && $3 ~ /^(OK|EAGAIN|EBUSY|EINVAL)$/ { next }
		$1 == "hotplug/fail" && $3 ~ /^(OK|EINVAL)$/ { next }
		{ print }' >"$LOGS/otherwise"
	OTHERWISE=$(wc -l <"$LOGS/otherwise")
	sed -n '1,5s/^/# /p' "$LOGS/otherwise"
	rm "$LOGS/otherwise"
	[ "$OTHERWISE" -eq 0 ]
}

went_often() {
	dead=$(count_dead "$MODE")
	diag "CPUs went by $MODE $dead times"
	[ "$dead" -ge $((WRITES / 20)) ]
}

settled() {
	settle
	for cpu in $(secondary_cpus); do
		in_state "$cpu" "$ONLINE" && is_online "$cpu" || return 1
	done
	all_back
}

ktap_set_plan 7
set_mode "$MODE"
trace_start
check "$WRITES writes, $((WRITERS * $(count_secondary))) writers" race
check "each ends in a way in which it may" as_said
if has_idle; then
	check "the CPUs went often" went_often
else
	skip "the CPUs went often" "no tracepoint cpuhp_takedown in this kernel"
fi
check "all CPUs are back and work" settled
trace_end
check "they go off and on" each_off_and_on 1
check_operations
check_log
ktap_finished
