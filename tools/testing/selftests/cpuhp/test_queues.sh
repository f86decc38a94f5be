#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Arguments: shared | own | back
#
# shared: the interrupt of a queue of two CPUs stays on one that works. Meant for
# 4 CPUs and an NVMe device with max_ioqpairs=2.
#
# own: a CPU that has interrupts of its own is as fast to go as others; they do not
# leave with it, and come back. Meant for virtual time and max_ioqpairs=4.
#
# back: a CPU that refuses has them back. Meant for the debug kernel, which can refuse.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 400 "$@"

DISK=/dev/nvme0n1
NVME=/sys/bus/pci/drivers/nvme
READ_MS=10000	# much less than the driver waits before it looks for itself
RUNS=3

[ -e $DISK ] || skip_all "needs an NVMe device"

# queue_of MASK: the interrupt with this affinity
queue_of() {
	for dir in /proc/irq/[0-9]*/nvme0q[1-9]*; do
		[ "$(cat "${dir%/*}/smp_affinity_list")" != "$1" ] || echo "${dir%/*}"
	done | head -n 1
}

# reads CPU: it does, and is told by the interrupt
reads() {
	out=$("$TOOL" read "$1" $DISK)
	diag "read on CPU$1: $out"
	[ "${out% *}" = OK ] && [ "${out#* }" -lt $READ_MS ]
}

all_read() {
	for cpu in 0 $(secondary_cpus); do
		reads "$cpu" || return 1
	done
}

# The other CPU of the mask is half way down, and then back
strands() {
	set_mode "$1"
	# shellcheck disable=SC2034 # step_to wants it
	CPU=$2
	step_to "$(state workqueue:online)" && cpu_off "$3" || return 1
	diag "interrupt of CPUs $2-$3: CPU $(cat "$QUEUE/effective_affinity_list")"
	step_to "$(state online)" && reads "$2" && cpu_on "$3" && reads "$3"
}

# What is reserved for it on a CPU that is off
rebind() {
	device=$(basename "$(dirname "$(find $NVME/*/nvme -maxdepth 0)")")
	cpu_off 3 || return 1
	echo "$device" >$NVME/unbind
	cpu_on 3 || return 1
	vectors_add_up || return 1
	cpu_off 3 || return 1
	echo "$device" >$NVME/bind
	cpu_on 3 && vectors_add_up || return 1
	echo "$device" >$NVME/unbind && echo "$device" >$NVME/bind && vectors_add_up
}

shared() {
	ktap_set_plan $(($(modes | wc -l) + 4))
	check "each CPU has a queue that works" all_read
	QUEUE=$(queue_of 2-3)
	for mode in $(modes); do
		if can_stop 2; then
			check "$mode: an interrupt of a queue goes to a CPU that is half way down" \
				strands "$mode" 2 3
		else
			skip "$mode: an interrupt of a queue goes to a CPU that is half way down" \
				"$NO_STEPS"
		fi
	done
	set_mode idle
	if vectors >/dev/null; then
		check "all vectors are accounted for" rebind
	else
		skip "all vectors are accounted for" "needs CONFIG_GENERIC_IRQ_DEBUGFS"
	fi
	check "each CPU has a queue that works, again" all_read
}

# Something that is no queue, where it can be moved: it moves with the first of these
# interrupts, the second one ends the move.
bind_rtc() {
	for irq in /proc/irq/[0-9]*/rtc*; do
		[ ! -e "$irq" ] || echo "$1" >"${irq%/*}/smp_affinity_list"
	done
	"$TOOL" rtc 3
}

# measure MODE: from request to dead, us
measure() {
	set_mode "$1"
	run=0
	while [ $run -lt $RUNS ]; do
		for cpu in $(secondary_cpus); do
			[ "$cpu" != 3 ] || bind_rtc 3 || return 1
			trace_start
			cpu_off "$cpu" && cpu_on "$cpu" || return 1
			awk '/phase: (request|dead) / {
				for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9]+:$/) at = $i + 0
				if (/request/) from = at
				else print int((at - from) * 1000000 + 0.5)
			}' "$TRACING/trace" >>"/tmp/own.$1"
		done
		run=$((run + 1))
	done
	diag "$1: $(sort -n "/tmp/own.$1" | tr '\n' ' ')"
}

median() {
	sort -n "/tmp/own.$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

not_slow() {
	diag "request to dead, median, us: $(median idle), stop_machine $(median stop_machine)"
	[ "$(median idle)" -gt 0 ] && [ $((5 * $(median idle))) -le "$(median stop_machine)" ]
}

# The CPU refuses, and all is as before
refuses() {
	set_mode idle
	bind_rtc 3 || return 1
	rtc=$(find /proc/irq/*/rtc* -maxdepth 0 | head -n 1)
	set_param debug_refuse Y
	write_gives ENOSPC "$CPU_SYS/cpu3/online" 0
	status=$?
	set_param debug_refuse N
	[ $status = 0 ] && reads 3 || return 1
	same "affinity of the RTC" 3 "$(cat "${rtc%/*}/smp_affinity_list")" && "$TOOL" rtc 1 &&
		same "CPU of the RTC" 3 "$(cat "${rtc%/*}/effective_affinity_list")"
}

own() {
	[ "$(modes | wc -l)" = 2 ] || skip_all "needs both ways: CONFIG_CPUHP_STOP_MACHINE"
	ktap_set_plan 6
	check "each CPU has a queue that works" all_read
	for mode in $(modes); do
		check "$mode: CPUs with interrupts of their own go off" measure "$mode"
	done
	check "request to dead is a fifth of stop_machine()'s at most" not_slow
	check "each CPU has a queue that works, again" all_read
}

back() {
	has_param debug_refuse || skip_all "needs CONFIG_CPUHP_TAKEDOWN_DEBUG"
	ktap_set_plan 4
	check "each CPU has a queue that works" all_read
	check "a CPU that refuses has its interrupts back" refuses
	check "each CPU has a queue that works, again" all_read
}

case ${1:-} in
shared | own | back) "$1" ;;
*) skip_all "usage: $0 shared|own|back" ;;
esac
check_log
ktap_finished
