#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Arguments: [MINUTES]
#
# Everything at once: CPUs go off and on by writers of their own, by SMT control
# and by suspend, while readers use CPUs that they saw online, tasks, interrupts
# and cpusets move, code is patched, and states are registered and removed.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

MINUTES=${1:-30}
cpuhp_start $((MINUTES * 60 + 600)) "$@"

LOGS=$(mktemp -d)
STOP=$LOGS/stop
CGROUP=/sys/fs/cgroup/soak
EVENTS=$TRACING/events/sched/enable

[ "$(count_secondary)" -gt 2 ] || skip_all "needs at least 4 CPUs"
has_module cpuhptorture || skip_all "no cpuhptorture.ko: needs CONFIG_CPUHP_TORTURE_TEST=m"

cleanup() {
	: >"$STOP"
	[ -z "${loops:-}" ] || wait
	pm_test_end
	echo 0 >"$EVENTS"
	[ ! -d "$CGROUP" ] || rmdir "$CGROUP"
	! is_loaded cpuhptorture || rmmod cpuhptorture
	! is_loaded torture || rmmod torture
	rm -rf "$LOGS"
}

# may ERRORS FILE TEXT: the write ends in one of them
may() {
	out=$(try_write "$2" "$3")
	case " $1 " in
	*" ${out% *} "*) return 0 ;;
	esac
	diag "write of '$3' to $2 gives ${out% *}, not one of: $1"
	return 1
}

# A number below N, another one each time
random() {
	awk -v n="$1" -v seed="$(od -An -N4 -tu4 /dev/urandom)" '
		BEGIN { srand(seed); print int(rand() * n) }'
}

# One of the CPUs that can go off
a_cpu() {
	# shellcheck disable=SC2046 # a list of numbers
	set -- $(secondary_cpus)
	shift "$(random $#)"
	echo "$1"
}

# EPERM: SMT control has taken it. EBUSY: suspend is taking all.
do_onoff() {
	cpu=$(a_cpu)
	may "OK EBUSY" "$CPU_SYS/cpu$cpu/online" 0 &&
		may "OK EBUSY EPERM" "$CPU_SYS/cpu$cpu/online" 1
}

do_smt() {
	sleep 3
	may "OK EBUSY" "$CPU_SYS/smt/control" off && may "OK EBUSY" "$CPU_SYS/smt/control" on
}

# EBUSY: somebody else has just been there
do_suspend() {
	sleep 10
	pm_test processors mem OK
}

do_irqs() {
	sleep 1
	# shellcheck disable=SC2046 # a list
	move_irqs $(movable_irqs)
}

do_code() {
	sleep 1
	echo 1 >"$EVENTS" && echo 0 >"$EVENTS"
}

# A partition of its own needs CPUs that are on: what it says is of no interest
do_cpusets() {
	sleep 1
	for kind in isolated member root member; do
		a_cpu >"$CGROUP/cpuset.cpus"
		echo "$kind" >"$CGROUP/cpuset.cpus.partition"
	done 2>/dev/null
	echo member >"$CGROUP/cpuset.cpus.partition"
}

do_forks() {
	i=0
	while [ $i -lt 20 ]; do
		/bin/true
		i=$((i + 1))
	done
	sleep 1
}

# The CPU may be off already, or go off by somebody else.  It takes two more.
do_late() {
	sleep 5
	line=$("$HERE/late" $(($(random $(($(count_secondary) - 2))) + 1)) 2>/dev/null) || return 0
	echo "$line" >>"$LOGS/lateness"
}

# loop NAME: do_NAME until the end, and count
loop() {
	ops=0 bad=0
	while [ ! -e "$STOP" ]; do
		"do_$1" || bad=$((bad + 1))
		ops=$((ops + 1))
	done
	echo "$1 $ops $bad" >"$LOGS/ops.$1"
}

prepare() {
	echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control && mkdir "$CGROUP" ||
		loops="${loops% cpusets}"
	load torture && load cpuhptorture onoff_interval=0 stat_interval=60 min_offlines=1 \
		min_sections=1
}

soak() {
	: >"$LOGS/lateness"
	for name in $loops; do
		loop "$name" >"$LOGS/said.$name" 2>&1 &
	done
	sleep $((MINUTES * 60))
	: >"$STOP"
	wait
	loops=
	all_on && unload cpuhptorture
}

all_well() {
	cat "$LOGS"/said.* | grep '^#' | head -n 10
	sort "$LOGS"/ops.* | awk '
		{ print "# " $1 ": " $2 " times, " $3 " not as said"; bad += $3 }
		END { exit bad > 0 }'
}

succeeded() {
	log_since | grep -o 'sections: .* states: [0-9]* late: [0-9]*' | tail -n 1 | sed 's/^/# /'
	log_since | grep -q 'cpuhp.*End of test: SUCCESS'
}

lateness() {
	sort -k 2n "$LOGS/lateness" | awk '
		{ t[NR] = $2; if ($6 > j) j = $6 }
		END {
			if (!NR)
				exit
			printf "# timers of a pushed task, ms: median %.1f, worst %.1f of %d\n",
				t[int((NR + 1) / 2)] / 1000, t[NR] / 1000, NR
			printf "# the jiffies stood still for up to %.1f ms\n", j / 1000
		}'
}

loops="onoff irqs code forks late"
[ ! -w "$CPU_SYS/smt/control" ] || [ "$(cat "$CPU_SYS/smt/control")" != on ] || loops="$loops smt"
! can_suspend || loops="$loops suspend"
[ ! -e /sys/fs/cgroup/cgroup.subtree_control ] || loops="$loops cpusets"

ktap_set_plan 6
quiet_console
set_mode idle
trace_start
check "it starts" prepare
check "$MINUTES minutes of:${loops:+ $loops}" soak
diag "CPUs went by the idle takedown: $(count_dead idle) times in the trace buffer"
check "each operation ended as it may" all_well
check "End of test: SUCCESS" succeeded
lateness
check "all CPUs are back and work" all_back
check_log
ktap_finished
