#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Arguments: [RUNS [RUNS of the first part]]; with 0 RUNS only the first part
#
# The timers of a task that is pushed off an outgoing CPU are not later than with
# stop_machine(), and the jiffies do not stand still for longer: by the medians
# of both ways in turn. Once with nothing else going on, and once while somebody
# makes the grace period last. Nor do the jiffies stand still when the CPU that
# counts them leaves while the others sleep. Meant for virtual time (QEMU's
# -icount), in which the figures are no noise.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

RUNS=${1:-5}
SLACK_US=50	# the same code, at another place in memory
SECTION_US=20000
TICK_US=4000	# HZ=250
DUTY_RUNS=${2:-25}
OUT=/tmp/late.out
LATE=$HERE/late
cpuhp_start 400 "$@"

[ "$(modes | wc -l)" = 2 ] || skip_all "needs both ways: CONFIG_CPUHP_STOP_MACHINE"
[ "$(count_secondary)" -ge 4 ] || skip_all "needs at least 5 CPUs"
has_module cpuhptorture || skip_all "no cpuhptorture.ko: needs CONFIG_CPUHP_TORTURE_TEST=m"

cleanup() {
	! is_loaded cpuhp_hog || rmmod cpuhp_hog
	! is_loaded cpuhptorture || rmmod cpuhptorture
	! is_loaded torture || rmmod torture
}

# One reader that spends its time in sections with preemption disabled, on a CPU
# on which nothing else is: it must not be the reader that a timer waits for.
sections() {
	load torture && load cpuhptorture nreaders=1 contexts=1 services=1 dwell_us=$SECTION_US \
		onoff_interval=0 shuffle_interval=0 stutter=0 states=0 min_offlines=0 \
		stat_interval=1000 || return 1
	reader=$(pidof cpuhpt_reader) && taskset -p 1 "$reader" >/dev/null
}

measure() {
	: >$OUT
	run=0
	while [ "$run" -lt "$RUNS" ]; do
		for mode in stop_machine idle; do
			set_mode $mode
			line=$("$LATE" 1 2>&1) || { diag "$line"; return 1; }
			echo "$mode $line" >>$OUT
		done
		run=$((run + 1))
	done
	diag "timer/armed/jiffies, us: $(awk '{ printf "%s %s/%s/%s  ", $1, $3, $5, $7 }' $OUT)"
}

# median MODE FIELD
median() {
	awk -v mode="$1" -v field="$2" '$1 == mode { print $field }' $OUT | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# not_above FIELD SLACK
not_above() {
	old=$(median stop_machine "$1")
	new=$(median idle "$1")
	diag "median: stop_machine $old us, idle $new us"
	[ "$new" -le $((old + $2)) ]
}

# worst FIELD
worst() {
	awk -v field="$1" '$1 == "idle" && $field > max { max = $field } END { print max + 0 }' $OUT
}

# A timer that stays on the outgoing CPU expires when the grace period has ended.
no_wait() {
	us=$(worst 5)
	diag "worst: $us us"
	[ "$us" -lt $((SECTION_US / 4)) ]
}

# both NAME: 4 tests
both() {
	check "$1: CPUs go off" measure
	check "$1: timers of a pushed task are not later" not_above 3 "$SLACK_US"
	check "$1: none waits for the grace period" no_wait
	# Each tick is late by what it met; a tick that is lost is one more.
	check "$1: the jiffies stand still no longer" not_above 7 $((TICK_US / 10))
}

# The outgoing CPU is busy, the only one that is, and keeps its tick until it is taken
# down. Others can be awake for a moment and count instead, so try often.
duty() {
	load cpuhp_hog cpu=1 stage=tick ms=40 || return 1
	set_mode idle
	: >$OUT
	run=0
	while [ "$run" -lt "$DUTY_RUNS" ]; do
		run=$((run + 1))
		if line=$("$LATE" -j 1 2>&1); then
			echo "idle $line" >>$OUT
		else
			diag "$line"
		fi
	done
	seen=$(wc -l <$OUT)
	us=$(worst 7)
	diag "worst of $seen: $us us; a tick lasts $TICK_US us"
	[ "$seen" -eq "$DUTY_RUNS" ] && [ "$us" -lt $((4 * TICK_US)) ]
}

# Before a clocksource has been found good, a while after boot, the tick is all
# there is: then each timer is late by up to a tick.
high_resolution() {
	tries=0
	while ! grep -q 'hres_active *: 1' /proc/timer_list ||
		grep -q 'hres_active *: 0' /proc/timer_list; do
		[ $((tries += 1)) -le 100 ] || return 1
		sleep 0.1
	done
}

ktap_set_plan $((RUNS > 0 ? 11 : 2))
quiet_console
high_resolution || diag "no high resolution timers: the figures are coarse"
check "the CPU that counts the jiffies goes off" duty
unload cpuhp_hog
if [ "$RUNS" -gt 0 ]; then
	both "quiet"
	check "somebody makes long sections" sections
	both "long sections"
fi
check_log
ktap_finished
