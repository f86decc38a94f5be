#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Interrupts are moved to the CPUs that go off, all the time: edges of the RTC, and
# the messages of an nvme device, if there is one.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

SECS=60
DISK=/dev/nvme0n1

cleanup() {
	for pid in ${mover:-} ${ticker:-} ${reader:-}; do
		kill "$pid" 2>/dev/null
	done
	mover='' ticker='' reader=''
}

move() {
	while :; do
		# shellcheck disable=SC2086 # a list
		move_irqs $IRQS
	done
}

count_irqs() {
	awk '$1 ~ /^[0-9]+:$/ { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) n += $i }
		END { print n }' /proc/interrupts
}

# As long as the RTC interrupts
off_and_on() {
	from=$(count_irqs)
	rounds=0
	while kill -0 "$ticker" 2>/dev/null; do
		each_off_and_on 1 || return 1
		# Something to interrupt for
		diag "round $rounds"
		rounds=$((rounds + 1))
	done
	diag "$(($(count_irqs) - from)) device interrupts"
	[ $(($(count_irqs) - from)) -ge $SECS ]
}

# Its interrupts came one after the other to the end
rtc_went_on() {
	wait "$ticker"
}

disk_went_on() {
	wait "$reader"
}

nothing_lost() {
	log_since | grep 'move in progress' | sed 's/^/# /'
	! log_since | grep -E 'No irq handler|set affinity failed|nvme.*timeout' |
		sed 's/^/# /' | grep .
}

set_mode idle
IRQS=$(movable_irqs)
diag "moved:" "$(echo "$IRQS" | sed 's,.*/,,' | tr '\n' ' ')"
ktap_set_plan 6
move &
mover=$!
"$TOOL" rtc $SECS &
ticker=$!
if [ -e "$DISK" ]; then
	"$TOOL" reads $SECS "$DISK" &
	reader=$!
fi
check "CPUs go off and on while interrupts move to them" off_and_on
check "the interrupts of the RTC went on" rtc_went_on
if [ -e "$DISK" ]; then
	check "the interrupts of the disk went on" disk_went_on
else
	skip "the interrupts of the disk went on" "no $DISK"
fi
cleanup
check "no interrupt was left behind" nothing_lost
check "all CPUs work" all_back
check_log
ktap_finished
