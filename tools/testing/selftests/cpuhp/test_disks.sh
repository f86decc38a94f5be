#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Disks with a queue for each CPU, or a few: tasks on all CPUs read from them while
# CPUs go off and on, and the machine suspends.  No read fails or is forgotten.
#
# test_disks.sh [CYCLES]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 1500 "$@"

CYCLES=${1:-60}
SUSPENDS=3

cleanup() {
	busy_end
	pm_test_end
}

disks() {
	for dev in /sys/block/vd* /sys/block/nvme* /sys/block/sd*; do
		[ ! -e "$dev" ] || echo "${dev##*/}"
	done
}

queues() {
	for disk in $(disks); do
		queues=$(find "/sys/block/$disk/mq" -mindepth 1 -maxdepth 1 | wc -l)
		printf '%s:%s ' "$disk" "$queues"
	done
}

# As many as CPUs, each of which goes round
readers_start() {
	for disk in $(disks); do
		busy_start_all read "/dev/$disk"
	done
}

no_errors() {
	! log_since | grep -iE 'I/O error|blk_update|timeout|exception Emask|reset' |
		head -n 5 | sed 's/^/# /' | grep .
}

reads_go_on() {
	readers_start
	"$@"
	status=$?
	busy_end && no_errors && return "$status"
}

suspends() {
	n=0
	while [ $n -lt $SUSPENDS ]; do
		pm_test processors mem OK || return 1
		n=$((n + 1))
	done
}

[ -n "$(disks)" ] || skip_all "needs a disk: virtio-blk, nvme, AHCI"
diag "queues: $(queues)"
ktap_set_plan $(($(modes | wc -l) * 2 + 3))
for mode in $(modes); do
	set_mode "$mode"
	check "$mode: reads go on while $CYCLES CPUs go off and on" \
		reads_go_on each_off_and_on $(((CYCLES - 1) / $(count_secondary) + 1))
	if can_suspend; then
		check "$mode: reads go on after suspend" reads_go_on suspends
	else
		skip "$mode: reads go on after suspend" "$NO_SUSPEND"
	fi
done
check_end
