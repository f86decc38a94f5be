#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Allocations fail while a CPU goes off or comes on: each one of the writer and of
# the CPU's hotplug thread in turn, and then any one of all that take part.  The
# operation does without, or it gives ENOMEM and the CPU ends in the state it had.
#
# test_nomem.sh [STRIDE [ROUNDS]]: of the hotplug thread's allocations, every
# STRIDE-th one

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

FAILSLAB=/sys/kernel/debug/failslab
STRIDE=${1:-7}
ROUNDS=${2:-5}
PERCENT=10
MOST=2000000000	# what "times" counts down from

[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"
[ -d "$FAILSLAB" ] || skip_all "needs CONFIG_FAILSLAB and CONFIG_FAULT_INJECTION_DEBUG_FS"

# alloc_cpumask_var() shows where it failed (CONFIG_DEBUG_PER_CPU_MAPS).
COMPLAINTS=$(echo "$COMPLAINTS" | sed 's/Call Trace|//')
ONLINE=$(state online)
OFFLINE=$(state offline)
CPU=$(first_secondary)
SAVED=$(mktemp -d)

cleanup() {
	for file in "$SAVED"/*; do
		cat "$file" >"$FAILSLAB/${file##*/}"
	done
	rm -rf "$SAVED"
	let_fail 0
	for task in /proc/[0-9]*; do
		[ ! -e "$task/fail-nth" ] || echo 0 >"$task/fail-nth"
	done
}

prepare() {
	for file in probability interval times space verbose task-filter ignore-gfp-wait; do
		cat "$FAILSLAB/$file" >"$SAVED/$file"
	done
	echo 0 >"$FAILSLAB/probability"
	echo 1 >"$FAILSLAB/interval"
	echo "$MOST" >"$FAILSLAB/times"
	echo 0 >"$FAILSLAB/space"
	echo 0 >"$FAILSLAB/verbose"
	echo Y >"$FAILSLAB/task-filter"
	echo N >"$FAILSLAB/ignore-gfp-wait"
}

failed() {
	echo $((MOST - $(cat "$FAILSLAB/times")))
}

# The kthreads that take part; what they do besides has to live with it as well
parties() {
	for task in /proc/[0-9]*; do
		case $(cat "$task/comm" 2>/dev/null) in
		cpuhp/* | kworker/* | migration/* | kthreadd) echo "$task" ;;
		esac
	done
}

# let_fail 0|1
let_fail() {
	for task in $(parties); do
		echo "$1" >"$task/make-it-fail"
	done 2>/dev/null
}

hotplug_thread() {
	for task in /proc/[0-9]*; do
		[ "$(cat "$task/comm" 2>/dev/null)" != "cpuhp/$CPU" ] || echo "$task"
	done
}

# before_and_after UP: the states at the ends of an operation
before_and_after() {
	if [ "$1" = 1 ]; then
		echo "$OFFLINE $ONLINE"
	else
		echo "$ONLINE $OFFLINE"
	fi
}

# ended UP RESULT: as it may.  Leaves the CPU where it was before.
ended() {
	# shellcheck disable=SC2046
	set -- "$1" "$2" $(before_and_after "$1")
	TRIED=$((TRIED + 1))
	case $2 in
	OK) in_state "$CPU" "$4" && write_gives OK "$CPU_SYS/cpu$CPU/online" $((1 - $1)) ;;
	ENOMEM) in_state "$CPU" "$3" ;;
	*) OTHERWISE=$((OTHERWISE + 1)); diag "write of $1 gives $2"; return 1 ;;
	esac
}

writer_fails() {
	out=$("$TOOL" failnth "$1" "$CPU_SYS/cpu$CPU/online" "$2")
	left=${out##* }
	ended "$2" "${out%% *}"
}

thread_fails() {
	echo "$1" >"$THREAD/fail-nth"
	out=$(try_write "$CPU_SYS/cpu$CPU/online" "$2")
	left=$(cat "$THREAD/fail-nth")
	echo 0 >"$THREAD/fail-nth"
	ended "$2" "${out%% *}"
}

# each_fails WHO UP [STRIDE]: until there is none left to fail
each_fails() {
	[ "$2" = 0 ] || cpu_off "$CPU" || return 1
	enomem=0
	n=1
	tried=0
	while :; do
		"$1" "$n" "$2" || { diag "at allocation $n"; return 1; }
		case $out in ENOMEM*) enomem=$((enomem + 1)) ;; esac
		[ "$left" = 0 ] || break
		n=$((n + ${3:-1}))
		tried=$((tried + 1))
	done
	diag "$tried allocations failed, of at least $((n - ${3:-1})); ENOMEM $enomem times"
	[ "$2" = 0 ] || cpu_on "$CPU"
}

# A child, for what it allocates to do the write can fail as well
failing_write() {
	sh -c 'echo 1 >/proc/self/make-it-fail; exec "$@"' sh \
		"$TOOL" write "$CPU_SYS/cpu$CPU/online" "$1"
}

# any_fails UP: once on CPU
any_fails() {
	[ "$1" = 0 ] || cpu_off "$CPU" || return 1
	echo "$PERCENT" >"$FAILSLAB/probability"
	out=$(failing_write "$1" 2>/dev/null)
	echo 0 >"$FAILSLAB/probability"
	case $out in
	'') ;;	# The child did not even get to the write.
	*) ended "$1" "${out%% *}" || return 1 ;;
	esac
	case $out in ENOMEM*) enomem=$((enomem + 1)) ;; esac
	[ "$1" = 0 ] || cpu_on "$CPU"
}

any_fail() {
	round=0
	enomem=0
	before=$(failed)
	let_fail 1
	while [ "$round" -lt "$ROUNDS" ]; do
		for CPU in $(secondary_cpus); do
			any_fails 0 && any_fails 1 || return 1
		done
		round=$((round + 1))
	done
	let_fail 0
	diag "$(($(failed) - before)) allocations failed, ENOMEM $enomem times"
}

some_failed() {
	[ "$(failed)" -gt 0 ]
}

ktap_set_plan 9
set_mode idle
prepare
THREAD=$(hotplug_thread)
check "each allocation of the writer fails, on the way down" each_fails writer_fails 0
check "each allocation of the writer fails, on the way up" each_fails writer_fails 1
check "allocations of the hotplug thread fail, on the way down" each_fails thread_fails 0 "$STRIDE"
check "allocations of the hotplug thread fail, on the way up" each_fails thread_fails 1 "$STRIDE"
check "$PERCENT% of all allocations fail, $ROUNDS rounds" any_fail
check "allocations have failed" some_failed
check "the CPUs go off and on" each_off_and_on 1
check_operations
check_log
ktap_finished
