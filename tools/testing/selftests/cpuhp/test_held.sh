#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# How long the outgoing CPU waits, out of cpu_online_mask, for a reader of RCU that
# is kept from running: throttled by cpu.max, or of the lowest class beside a task
# of a higher one.  There is no limit, so the figures are the result, and that each
# offline comes to its end.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

ROUNDS=${1:-20}
CPU=$(first_secondary)
LAST=$(secondary_cpus | tail -n 1)
GROUP=/sys/fs/cgroup/cpuhp_held

has_idle || skip_all "this kernel has no idle takedown"
[ "$(count_secondary)" -gt 1 ] || skip_all "needs at least 3 CPUs"
has_module cpuhp_hog || skip_all "needs CONFIG_CPUHP_HOG_TEST=m"
echo +cpu 2>/dev/null >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p "$GROUP"
[ -e "$GROUP/cpu.max" ] || skip_all "needs CONFIG_CFS_BANDWIDTH"

cleanup() {
	kill_spinners
	preempt_end
	unload cpuhp_hog
	rmdir "$GROUP"
}

# From QUIESCED to COMMITTED, in us: of each event the control CPU says how many ns ago it was
grace_periods() {
	sed -n 's/.* \([0-9.]*\): cpuhp_takedown: .* phase: \([a-z-]*\) .* ago: /\1 \2 /p' \
		"$TRACING/trace" | awk '$2 == "quiesced" { from = $1 - $3 / 1e9 }
			$2 == "committed" { printf "%d\n", ($1 - $3 / 1e9 - from) * 1e6 }'
}

# wait_for WHAT: so many offlines
wait_for() {
	trace_start
	round=0
	while [ "$round" -lt "$ROUNDS" ]; do
		cpu_off "$CPU" && cpu_on "$CPU" || return 1
		round=$((round + 1))
	done
	grace_periods | sort -n | awk -v what="$1" '
		{
			us[NR] = $1
			b = 0
			for (ms = 1; b < 4 && $1 >= ms * 1000; ms *= 10) b++
			n[b]++
		}
		END {
			printf "# %s: %d offlines, us: ", what, NR
			printf "min %d, median %d, max %d", us[1], us[int((NR + 1) / 2)], us[NR]
			printf "; below 1, 10, 100, 1000 ms and above:"
			for (b = 0; b <= 4; b++) printf " %d", n[b]
			print ""
		}'
	same "offlines with a grace period" "$ROUNDS" "$(grace_periods | wc -l)"
}

# held CPU.MAX CPU.IDLE: the reader is
held() {
	load cpuhp_hog stage=held || return 1
	echo "$1" >"$GROUP/cpu.max"
	echo "$2" >"$GROUP/cpu.idle"
	pid=$(grep -l '^cpuhp_reader/' /proc/[0-9]*/comm 2>/dev/null | cut -d/ -f3)
	[ -n "$pid" ] && echo "$pid" >"$GROUP/cgroup.procs"
}

# more THAN IS WHAT: a reader that is not kept from running would hold nobody
more() {
	[ "$2" -gt "$1" ] && return 0
	diag "$3: $2, more than $1 are needed"
	return 1
}

# field NAME FILE
field() {
	awk -v name="$1" '$1 == name { print $2 }' "$2"
}

throttled() {
	held "2000 100000" 0 && wait_for "reader with 2 ms of each 100" &&
		more "$ROUNDS" "$(field nr_throttled "$GROUP/cpu.stat")" "times throttled"
	status=$?
	unload cpuhp_hog && return "$status"
}

starved() {
	spin_on "$LAST"
	held max 1 && wait_for "SCHED_IDLE reader beside a busy task" &&
		more "$ROUNDS" "$(field nonvoluntary_ctxt_switches: "/proc/$pid/status")" \
			"times preempted"
	status=$?
	kill_spinners
	unload cpuhp_hog && return "$status"
}

set_mode idle
ktap_set_plan 6
check "nobody reads" wait_for "no reader"
if preempt_full; then
	check "the reader is throttled" throttled
	check "the reader has a busy task beside it" starved
else
	# Only between its sections, when it holds nobody
	skip "the reader is throttled" "a reader is not preempted in this kernel"
	skip "the reader has a busy task beside it" "a reader is not preempted in this kernel"
fi
check_end
