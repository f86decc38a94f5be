#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A CPU goes offline if the other ones have as many vectors to spare as it has
# interrupts, also if these never fire. Meant for 2 CPUs and devices with more
# interrupts than a CPU has vectors to spare twice:
#
#   -device virtio-serial-pci,max_ports=31,vectors=66 (twice)
#   -device virtio-serial-pci,max_ports=15,vectors=34

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 200 "$@"

DRIVER=/sys/bus/virtio/drivers/virtio_console
CPU=$(first_secondary)

cleanup() {
	pm_test_end
}

# The interrupts in use whose CPU is $1
irqs_of() {
	for dir in /proc/irq/[0-9]*/virtio*; do
		[ "$(cat "${dir%/*}/effective_affinity_list")" != "$1" ] || echo "$dir"
	done
}

# Interrupts that have never fired do not move back.  New ones go to the CPU that
# has the most vectors to spare.
spread() {
	for dev in "$DRIVER"/virtio*; do
		echo "${dev##*/}" >"$DRIVER/unbind" || return 1
	done
	for dev in $DEVICES; do
		echo "$dev" >"$DRIVER/bind" || return 1
	done
	had=$(irqs_of "$CPU" | wc -l)
	others=$(irqs_of 0 | wc -l)
	diag "interrupts of CPU$CPU: $had, of CPU0: $others"
	[ "$had" -ge 60 ] && [ "$others" -ge 60 ]
}

off_and_on() {
	set_mode "$1"
	spread || return 1
	cpu_off "$CPU" || return 1
	same "interrupts left on CPU$CPU" 0 "$(irqs_of "$CPU" | wc -l)" && cpu_on "$CPU"
}

suspend() {
	set_mode "$1"
	spread && pm_test processors mem OK
}

DEVICES=
for dev in "$DRIVER"/virtio*; do
	[ ! -e "$dev" ] || DEVICES="$DEVICES ${dev##*/}"
done
[ -n "$DEVICES" ] || skip_all "needs virtio-serial with many ports"

# shellcheck disable=SC2046 # a list of words
set -- $(modes)
ktap_set_plan $((2 * $# + 3))
for mode; do
	check "$mode: a CPU with many idle interrupts goes off" off_and_on "$mode"
	if can_suspend; then
		check "$mode: the machine suspends" suspend "$mode"
	else
		skip "$mode: the machine suspends" "it cannot"
	fi
done
check_vectors
check "all CPUs work" all_back
check_log
ktap_finished
