#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# An interrupt that the IO-APIC takes by its edge comes once: a serial port whose driver
# has missed one does not send any more.  It is sent from other CPUs while the CPU that
# takes its interrupts goes off.  That its interrupt moves does not make a port that may
# wake the machine do so.  Needs a third port, besides those of the guest:
#
#   -chardev null,id=none -device isa-serial,iobase=0x3e8,irq=7,chardev=none
#
# test_edges.sh [ROUNDS]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

ROUNDS=${1:-15}
PORT=/dev/ttyS2 DRIVER=/proc/tty/driver/serial WAKEUP=/sys/class/tty/ttyS2/power/wakeup

cleanup() {
	sender_end
	[ ! -e $WAKEUP ] || echo disabled >$WAKEUP
}

# Each line that finds the port idle makes it interrupt.
send() {
	while :; do
		echo "a few words"
	done >&3
}

sender_start() {
	send &
	sender=$!
}

# ... and has sent what it was given
sender_end() {
	[ -n "${sender:-}" ] || return 0
	kill -9 "$sender"
	sender=
	from=
	until [ "$(sent)" = "$from" ]; do
		from=$(sent)
		sleep 0.3
	done
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

# It moves with the next interrupt.
comes_to() {
	echo "$1" >/proc/irq/"$IRQ"/smp_affinity_list || return 1
	for _ in $(seq 50); do
		[ "$(cat /proc/irq/"$IRQ"/effective_affinity_list)" != "$1" ] || return 0
		sleep 0.1
	done
	diag "the interrupts of $PORT do not come to CPU $1"
	return 1
}

# With the CPU that takes its interrupts off and on
loses_none() {
	comes_to "$cpu" && goes_on && cpu_off "$cpu" || return 1
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

suspends() {
	set_mode "$1"
	echo enabled >$WAKEUP || return 1
	for cpu in $(secondary_cpus); do
		sender_start
		comes_to "$cpu" && sender_end && pm_test processors mem OK || return 1
	done
}

IRQ=$(sed -n 's/^2: uart:16550A port:.* irq:\([0-9]*\) .*/\1/p' $DRIVER 2>/dev/null) || :
[ -n "$IRQ" ] || skip_all "needs a third 16550A, $PORT"
[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"
# It has its interrupt while it is open.
exec 3>$PORT
sender_start
sleep 1
grep -q "^ *$IRQ:.* IO-APIC .*-edge" /proc/interrupts || skip_all "$PORT interrupts by no edge"

ktap_set_plan $((2 * $(modes | wc -l) + 3))
for mode in $(modes); do
	check "$mode: no edge is lost" each_takes_edges "$mode"
done
sender_end
diag "sent: $(sent) bytes"
for mode in $(modes); do
	if can_suspend && [ -e $WAKEUP ]; then
		check "$mode: suspend comes back, no wakeup ends it" suspends "$mode"
	else
		skip "$mode: suspend comes back, no wakeup ends it" "$NO_SUSPEND"
	fi
done
cleanup
check_end
