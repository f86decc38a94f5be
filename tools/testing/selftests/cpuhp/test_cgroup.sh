#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Control groups while CPUs go off and on: who writes "online" is throttled by
# cpu.max, beside busy CPUs; the cpusets of its group change meanwhile; and a
# partition of isolated CPUs loses them all and gets them back.  In each mode.
#
# test_cgroup.sh [CYCLES]

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 1500 "$@"

CYCLES=${1:-50}
ROOT=/sys/fs/cgroup
GROUP=$ROOT/cpuhp_cgroup
CPU=$(first_secondary)

[ "$(count_secondary)" -ge 3 ] || skip_all "needs at least 4 CPUs"
echo "+cpu +cpuset" 2>/dev/null >$ROOT/cgroup.subtree_control
mkdir -p $GROUP
{ [ -e $GROUP/cpu.max ] && [ -e $GROUP/cpuset.cpus.partition ]; } ||
	skip_all "needs CONFIG_CFS_BANDWIDTH and CONFIG_CPUSETS"

cleanup() {
	loop_end
	kill_spinners
	echo $$ >$ROOT/cgroup.procs
	wait
	echo member >$GROUP/cpuset.cpus.partition
	rmdir $GROUP
}

# By the shell itself: it has little time, and none to fork
cycles() {
	round=0
	while [ "$round" -lt "$CYCLES" ]; do
		echo 0 >"$CPU_SYS/cpu$CPU/online" && echo 1 >"$CPU_SYS/cpu$CPU/online" || return 1
		round=$((round + 1))
	done
}

# throttled COMMAND: with 2 ms of each 100, and that it was
throttled() {
	echo "2000 100000" >$GROUP/cpu.max
	before=$(awk '$1 == "nr_throttled" { print $2 }' $GROUP/cpu.stat)
	echo $$ >$GROUP/cgroup.procs
	"$@"
	status=$?
	echo $$ >$ROOT/cgroup.procs
	times=$(($(awk '$1 == "nr_throttled" { print $2 }' $GROUP/cpu.stat) - before))
	echo max >$GROUP/cpu.max
	diag "throttled $times times"
	[ "$times" -gt 0 ] && return "$status"
}

change_cpusets() {
	for cpus in 0-1 0,2 0-3 0,3; do
		echo "$cpus" >$GROUP/cpuset.cpus || return 1
	done
}

with_cpusets() {
	beside change_cpusets throttled cycles
	status=$?
	: >$GROUP/cpuset.cpus
	diag "cpuset.cpus changed $((TURNS * 4)) times"
	return "$status"
}

# partition_is VALUE: but for the reason in brackets
partition_is() {
	found=$(cat $GROUP/cpuset.cpus.partition)
	[ "${found%% (*}" != "$1" ] || return 0
	diag "partition: expected '$1', found '$(cat $GROUP/cpuset.cpus.partition)'"
	return 1
}

# With a task in it.  An empty one stays valid.
isolated() {
	echo 2-3 >$GROUP/cpuset.cpus && echo isolated >$GROUP/cpuset.cpus.partition &&
		partition_is isolated || return 1
	spin_on 0-3
	echo $! >$GROUP/cgroup.procs
	cpu_off 2 && partition_is isolated && cpu_off 3 && sleep 0.5 &&
		partition_is "isolated invalid" && same "its CPUs" 2-3 "$(cat $GROUP/cpuset.cpus)"
	status=$?
	kill "$!"
	all_on && sleep 0.5 && partition_is isolated &&
		same "its CPUs" 2-3 "$(cat $GROUP/cpuset.cpus)" &&
		echo member >$GROUP/cpuset.cpus.partition && return "$status"
}

ktap_set_plan $(($(modes | wc -l) * 3 + 3))
spin_on 0-3
spin_on 0-3
spin_on 0-3
for mode in $(modes); do
	set_mode "$mode"
	check "$mode: the writer is throttled" throttled cycles
	check "$mode: the writer is throttled, and its cpuset changes" with_cpusets
	check "$mode: a partition loses its CPUs and has them back" isolated
done
kill_spinners
check_end
