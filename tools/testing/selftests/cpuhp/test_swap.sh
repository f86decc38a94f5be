#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Memory is compressed and decompressed by zswap on all CPUs while they go off and on,
# and is what it was.
#
# test_swap.sh [ROUNDS]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 600 "$@"

ROUNDS=${1:-10}
DISK=/dev/ram0
GROUP=/sys/fs/cgroup/cpuhp_swap

{ [ -b $DISK ] && [ -e /sys/module/zswap ]; } ||
	skip_all "needs CONFIG_ZSWAP and CONFIG_BLK_DEV_RAM"
[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"

cleanup() {
	busy_end
	swapoff $DISK
	rmdir $GROUP
} 2>/dev/null

prepare() {
	echo Y >/sys/module/zswap/parameters/enabled
	mkswap $DISK >/dev/null && swapon $DISK || return 1
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control && mkdir -p $GROUP
}

# As many as CPUs, which together may have less than what they want.  Memory belongs to
# the group that a task is in when it first writes there.
hogs_start() {
	echo 8M >$GROUP/memory.max
	echo $$ >$GROUP/cgroup.procs || return 1
	busy_start_all memory 8
	echo $$ >/sys/fs/cgroup/cgroup.procs
}

swapped() {
	awk '$1 == "zswpout" { print $2 }' $GROUP/memory.stat
}

beside_hogs() {
	set_mode "$1"
	before=$(swapped)
	hogs_start && each_off_and_on "$ROUNDS"
	status=$?
	busy_end || status=1
	echo max >$GROUP/memory.max
	diag "pages compressed: $(($(swapped) - before))"
	[ "$(swapped)" -gt "$before" ] && return "$status"
}

ktap_set_plan $(($(modes | wc -l) + 4))
check "zswap is used" prepare
for mode in $(modes); do
	check "$mode: memory is what it was, when CPUs go that compress it" beside_hogs "$mode"
done
check_end
