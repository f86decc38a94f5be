#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# An interrupt that the IO-APIC takes by its edge comes once: a serial port whose driver
# has missed one does not send any more.  It is sent from other CPUs while the CPU that
# takes its interrupts goes off.  Needs a second port besides those of the guest:
#
#   -chardev null,id=none -device isa-serial,iobase=0x3e8,irq=7,chardev=none
#
# test_edges.sh [ROUNDS]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

ROUNDS=${1:-15}
PORT=/dev/ttyS2 DRIVER=/proc/tty/driver/serial

cleanup() {
	[ -z "${sender:-}" ] || kill -9 "$sender"
	sender=
}

# Each line that finds the port idle makes it interrupt.
send() {
	while :; do
		echo "a few words"
	done >$PORT
}

sent() {
	sed -n 's/^2: .* tx:\([0-9]*\) .*/\1/p' $DRIVER
}

goes_on() {
	from=$(sent)
	for _ in $(seq 50); do
		[ "$(sent)" = "$from" ] || return 0
		sleep 0.1
	done
	diag "$PORT has sent $from bytes and no more, after $round rounds of $cpu"
	return 1
}

# With the CPU that takes its interrupts off and on
loses_none() {
	echo "$cpu" >/proc/irq/"$IRQ"/smp_affinity_list && goes_on && cpu_off "$cpu" || return 1
	goes_on
	result=$?
	cpu_on "$cpu" && [ $result = 0 ] && goes_on
}

each_takes_edges() {
	set_mode "$1"
	for round in $(seq "$ROUNDS"); do
		for cpu in $(secondary_cpus); do
			loses_none || return 1
		done
	done
}

IRQ=$(sed -n 's/^2: uart:16550A port:.* irq:\([0-9]*\) .*/\1/p' $DRIVER 2>/dev/null) || :
[ -n "$IRQ" ] || skip_all "needs a third 16550A, $PORT"
[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"
# It has its interrupt while it is open.
send &
sender=$!
sleep 1
grep -q "^ *$IRQ:.*IO-APIC.*-edge" /proc/interrupts || skip_all "$PORT interrupts by no edge"

ktap_set_plan $(($(modes | wc -l) + 3))
for mode in $(modes); do
	check "$mode: no edge is lost" each_takes_edges "$mode"
done
diag "sent: $(sent) bytes"
cleanup
check_end
