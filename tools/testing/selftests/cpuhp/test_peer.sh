#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# test_peer.sh [-k REGEX] MODE alone|beside|without LIMIT COMMAND...
#
# A test of others, run by COMMAND with the programs of the host, whose files come by
# 9p: alone, since it takes CPUs off by itself, beside CPUs that go off and on, or
# without any that goes.  It has LIMIT s.  What it prints is in the output, and how it
# ends is the result.  REGEX: what Linux is known to say of it, is counted only.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
known=
[ "$1" != -k ] || { known=$2; shift 2; }
[ $# -ge 4 ] || { echo "usage: $0 [-k REGEX] MODE alone|beside|without LIMIT COMMAND..."; exit 2; }
MODE=$1 HOW=$2 LIMIT=$3
cpuhp_start $((LIMIT + 120)) "$@"
shift 3

HOST=/host

cleanup() {
	loop_end
	kill_spinners
	unload cpuhp_freq
}

mount_host() {
	mkdir -p $HOST
	mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host $HOST ||
		return 1
	for dir in dev proc sys; do
		mount --rbind /$dir $HOST/$dir || return 1
	done
	for dir in tmp run var/tmp root; do
		mount -t tmpfs none $HOST/$dir || return 1
	done
	mkdir -p $HOST/dev/shm
	mount -t tmpfs none $HOST/dev/shm
}

cycles_end() {
	loop_end && diag "offlines: $((TURNS * $(count_secondary)))"
}

peer() {
	timeout "$LIMIT" chroot $HOST /usr/bin/env -i \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
		/bin/bash -o pipefail -c "$*" >/tmp/peer.out 2>&1
	status=$?
	sed 's/^/# | /' /tmp/peer.out
	[ $status -eq 0 ] && return
	diag "it ends with status $status"
	[ $status -ne 4 ] || diag "failed: nothing, it was skipped"
	return 1
}

set_mode "$MODE"
mount_host || skip_all "no files of the host: needs 9p"
load cpuhp_freq
ktap_set_plan 4
# Without, there is as much work beside it.
case $HOW in
beside) loop_start each_off_and_on 1 ;;
without) spin_on 0-3 ;;
esac
check "$MODE: it passes" peer "$@"
case $HOW in
beside) check "$MODE: CPUs went off and on beside it" cycles_end ;;
alone) check "$MODE: it took CPUs off" log_says "is now offline" ;;
*) skip "$MODE: CPUs went off" "none shall" ;;
esac
check "$MODE: all CPUs are back and work" all_back
if [ -n "$known" ]; then
	diag "known: $(log_since "$LOG_BEGIN" | grep -c -E "$known")"
	KNOWN="$KNOWN|$known"
fi
check_log
ktap_finished
