#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# test_fuzz.sh SEED [COUNT [KEPT]]
#
# A random sequence of operations on CPUs, which SEED decides.  What each may end with
# follows from those before: an error that nobody has asked for is a failure, and so is
# a CPU that is not in the state that the result says, or does not work.
#
# KEPT: of the COUNT operations only these, as 1-5,9: to find out which ones it takes.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
SEED=${1:-1} COUNT=${2:-100} KEPT=${3:-1-999999}
cpuhp_start $((COUNT * 10 + 200)) "$@"

GROUP=/sys/fs/cgroup/cpuhp_fuzz
ONLINE=$(state online)
TEARDOWN=$(state cpu:teardown)
OFFLINE=$(state offline)
NONE=-1

# words COMMAND: what it prints, in one line
words() {
	"$@" | tr '\n' ' '
}

CPUS=$(words secondary_cpus)

[ "$(count_secondary)" -gt 2 ] || skip_all "needs at least 4 CPUs"

cleanup() {
	disarm
	set_filter ''
	kill_spinners
	pm_test_end
	[ ! -d $GROUP ] || rmdir $GROUP
	for module in $TOGGLED; do
		unload "$module"
	done
}

# Nothing lies in wait any more
disarm() {
	! has_param debug_refuse || set_param debug_refuse N
	for cpu in $CPUS; do
		echo $NONE >"$CPU_SYS/cpu$cpu/hotplug/fail"
	done
}

# Modules with callbacks, and what they are worth trying for
toggled() {
	for module in cpuhp_freq pcrypt; do
		! has_module $module || echo $module
	done
}

# Of the function tracer: all functions are too many for an emulator.
set_filter() {
	[ ! -e "$TRACING/set_ftrace_filter" ] || echo "$1" >"$TRACING/set_ftrace_filter"
}

tracers() {
	for tracer in nop timerlat osnoise function; do
		! grep -qw $tracer "$TRACING/available_tracers" || echo $tracer
	done
}

# generate: one operation per line, with its number
generate() {
	awk -v seed="$SEED" -v count="$COUNT" -v kept="$KEPT" -v cpus="$CPUS" \
		-v modules="$(words toggled)" -v states="$(words states)" \
		-v stops="$(words stops)" \
		-v tracers="$(words tracers)" -v smt="$(smt_control)" '
		function below(n) { return int(rand() * n) }
		function one(list, a, n) {
			n = split(list, a, " ")
			return n ? a[1 + below(n)] : ""
		}
		# word*times ...
		function weighted(list, words, w, n, i, j, k) {
			n = split(list, w, " ")
			for (i = 1; i <= n; i++)
				for (j = split(w[i], k, "*") > 1 ? k[2] : 1; j > 0; j--)
					words = words " " k[1]
			return words
		}
		function keep(i, a, n, j, r) {
			n = split(kept, a, ",")
			for (j = 1; j <= n; j++) {
				split(a[j], r, "-")
				if (i >= r[1] + 0 && i <= (r[2] == "" ? r[1] : r[2]) + 0) return 1
			}
			return 0
		}
		BEGIN {
			srand(seed)
			ops = weighted("online*6 target*5 fail*2 refuse mode suspend race*2 " \
				"nomem*2 push cpuset irqs module tracer governor smt busy")
			levels = weighted("freezer devices processors*3")
			for (i = 1; i <= count; i++) {
				o = one(ops)
				c = one(cpus)
				d = one(cpus)
				v = below(2)
				s = one(states)
				z = below(4) ? one(stops) : s
				l = one(levels)
				k = 1 + below(40)
				m = one(modules)
				t = one(tracers)
				if (o == "online") line = o " " c " " v
				else if (o == "target") line = o " " c " " z
				else if (o == "fail") line = o " " c " " s
				else if (o == "refuse") line = o " " (v ? "Y" : "N")
				else if (o == "mode") line = o " " (v ? "idle" : "stop_machine")
				else if (o == "suspend") line = o " " l
				else if (o == "race") line = o " " c " " v " " d " " below(2)
				else if (o == "nomem") line = o " " c " " k
				else if (o == "push" || o == "cpuset" || o == "busy") line = o " " c
				else if (o == "module") line = o " " m
				else if (o == "tracer") line = o " " t
				else if (o == "smt" && smt != "on") line = o " none"
				else if (o == "smt") line = o " " (v ? "on" : "off")
				else line = o " " v
				if (keep(i)) print i, line
			}
		}'
}

state_of() {
	cat "$CPU_SYS/cpu$1/hotplug/state"
}

is_armed() {
	[ "$(cat "$CPU_SYS/cpu$1/hotplug/fail")" != $NONE ]
}

any_armed() {
	for cpu in $CPUS; do
		! is_armed "$cpu" || return 0
	done
	return 1
}

refuses() {
	has_param debug_refuse && [ "$(param debug_refuse)" = Y ] &&
		[ "$(param stop_machine)" != Y ]
}

smt_control() {
	cat "$CPU_SYS/smt/control" 2>/dev/null
}

# SMT control has it, as the second thread of its core
is_taken() {
	[ "$(smt_control)" = off ] && [ $(($1 % 2)) = 1 ]
}

# may_end [CPU...]: with what, as far as it is because of faults; all that can go wrong
# with one of these CPUs
may_end() {
	allowed=OK
	for cpu; do
		! is_armed "$cpu" || allowed="$allowed EAGAIN"
		! is_taken "$cpu" || allowed="$allowed EPERM"
	done
	! refuses || allowed="$allowed ENOSPC"
	echo "$allowed"
}

# all_may_end: the same for what takes many CPUs and gives up with the first one
all_may_end() {
	if any_armed || refuses; then
		echo OK EAGAIN ENOSPC EBUSY
	else
		echo OK
	fi
}

# ended ALLOWED RESULT
ended() {
	TRIED=$((TRIED + 1))
	for allowed_result in $1; do
		[ "${2%% *}" != "$allowed_result" ] || return 0
	done
	OTHERWISE=$((OTHERWISE + 1))
	diag "it ends with ${2%% *}, not with: $1"
	return 1
}

# in_place CPU FROM: it failed, and is where it was.  One that failed to come up, and to
# go back, is where it can go on from.
in_place() {
	[ "$(state_of "$1")" != "$2" ] || return 0
	[ "$2" -ge "$TEARDOWN" ] || [ "$(state_of "$1")" != "$TEARDOWN" ] || return 0
	diag "CPU$1 is in state $(state_of "$1"), not in $2"
	return 1
}

# moves CPU TO ALLOWED COMMAND...: by COMMAND, the CPU is in TO then, or where it was
moves() {
	cpu=$1 to=$2 allowed=$3 from=$(state_of "$1")
	shift 3
	# None gets by the one that refuses.
	if refuses && [ "$from" -gt "$TEARDOWN" ] && [ "$to" -lt "$TEARDOWN" ]; then
		allowed=${allowed#OK}
	fi
	result=$("$@")
	ended "$allowed" "$result" && in_place_after "$cpu" "$result" "$to" "$from"
}

# in_place_after CPU RESULT TO FROM
in_place_after() {
	case $2 in
	OK*) same "state of CPU$1" "$3" "$(state_of "$1")" ;;
	*) in_place "$1" "$4" ;;
	esac && { [ "$(state_of "$1")" != "$ONLINE" ] || works "$1"; }
}

# written CPU VALUE: the state that "online" leads to.  It is about what was written
# there before; "target" does not change that.
written() {
	if [ "$(cat "$CPU_SYS/cpu$1/online")" = "$2" ]; then
		state_of "$1"
	elif [ "$2" = 0 ]; then
		echo "$OFFLINE"
	else
		echo "$ONLINE"
	fi
}

op_online() {
	moves "$1" "$(written "$1" "$2")" "$(may_end "$1")" try_write "$CPU_SYS/cpu$1/online" "$2"
}

op_target() {
	if stops | grep -qx "$2"; then
		moves "$1" "$2" "$(may_end "$1")" try_write "$CPU_SYS/cpu$1/hotplug/target" "$2"
	else
		moves "$1" "$2" EINVAL try_write "$CPU_SYS/cpu$1/hotplug/target" "$2"
	fi
}

op_fail() {
	ended "OK EINVAL" "$(try_write "$CPU_SYS/cpu$1/hotplug/fail" "$2")"
}

op_refuse() {
	! has_param debug_refuse || ended OK "$(try_write "$PARAMS/debug_refuse" "$1")"
}

op_mode() {
	set_mode "$1"
}

# What fails for a reason takes the whole with it, and all that went come back
op_suspend() {
	can_suspend || return 0
	before=$(cat "$CPU_SYS/online")
	allowed=$(all_may_end)
	ended "$allowed" "$(with_pm_test "$1" try_write /sys/power/state mem)" || return 1
	any_armed || [ "$allowed" != OK ] ||
		same "online CPUs after suspend" "$before" "$(cat "$CPU_SYS/online")"
}

op_smt() {
	[ "$1" != none ] || return 0
	allowed=$(all_may_end)
	ended "$allowed" "$(try_write "$CPU_SYS/smt/control" "$1")"
}

# Two at once
op_race() {
	allowed=$(may_end "$1") to=$(written "$1" "$2") from=$(state_of "$1")
	allowed2=$(may_end "$3") to2=$(written "$3" "$4") from2=$(state_of "$3")
	try_write "$CPU_SYS/cpu$1/online" "$2" >"$WAITER_SAYS" &
	result2=$(try_write "$CPU_SYS/cpu$3/online" "$4")
	wait $!
	read -r result <"$WAITER_SAYS"
	ended "$allowed" "$result" && ended "$allowed2" "$result2" || return 1
	[ "$1" != "$3" ] || return 0
	in_place_after "$1" "$result" "$to" "$from" &&
		in_place_after "$3" "$result2" "$to2" "$from2"
}

# An allocation of the writer fails, once, or there are less
op_nomem() {
	[ -e /proc/self/fail-nth ] || return 0
	value=1
	[ "$(cat "$CPU_SYS/cpu$1/online")" = 0 ] || value=0
	moves "$1" "$(written "$1" $value)" "$(may_end "$1") ENOMEM" \
		"$TOOL" failnth "$2" "$CPU_SYS/cpu$1/online" $value
}

# A CPU that is kept busy stays.  stop_machine() would take it down with its task.
op_busy() {
	{ has_module cpuhp_hog && [ "$(param stop_machine)" != Y ] &&
		[ "$(state_of "$1")" = "$ONLINE" ]; } || return 0
	set_param takedown_timeout_ms 300
	allowed=$(may_end "$1")
	allowed="${allowed#OK} EBUSY"
	load cpuhp_hog cpu="$1" stage=late &&
		ended "$allowed" "$(try_write "$CPU_SYS/cpu$1/online" 0)"
	result=$?
	unload cpuhp_hog && set_param takedown_timeout_ms "$SAVED_TIMEOUT" &&
		in_place "$1" "$ONLINE" && return $result
}

# Who sets an affinity does not know who is online
op_push() {
	for pid in $SPINNERS; do
		taskset -pc "0,$1" "$pid" >/dev/null && taskset -pc "$1" "$pid" >/dev/null
	done 2>/dev/null
	return 0
}

op_cpuset() {
	[ -d $GROUP ] || return 0
	for kind in isolated member root member; do
		echo "$1" >$GROUP/cpuset.cpus
		echo $kind >$GROUP/cpuset.cpus.partition
	done 2>/dev/null
	echo member >$GROUP/cpuset.cpus.partition
}

op_irqs() {
	# shellcheck disable=SC2046 # a list
	move_irqs $(movable_irqs)
}

op_module() {
	[ -n "${1:-}" ] || return 0
	if is_loaded "$1"; then unload "$1"; else load "$1"; fi
}

op_tracer() {
	[ -z "${1:-}" ] || echo "$1" >"$TRACING/current_tracer"
}

op_governor() {
	for policy in "$CPU_SYS"/cpufreq/policy*; do
		[ ! -e "$policy/scaling_governor" ] || if [ "$1" = 1 ]; then
			echo schedutil >"$policy/scaling_governor"
		else
			echo ondemand >"$policy/scaling_governor"
		fi
	done 2>/dev/null
	return 0
}

# Each is told before it begins: the last one that is there is the one that hangs.
sequence() {
	while read -r number op args; do
		echo "# $number: $op $args"
		# shellcheck disable=SC2086 # a list
		"op_$op" $args || { diag "failed: operation $number, $op $args"; return 1; }
		done_ops=$((done_ops + 1))
	done <"$WAITER_SAYS.ops"
	[ "$done_ops" -gt 0 ]
}

come_back() {
	disarm
	echo nop >"$TRACING/current_tracer"
	[ "$(smt_control)" != off ] || write_gives OK "$CPU_SYS/smt/control" on || return 1
	for cpu in $CPUS; do
		write_gives OK "$CPU_SYS/cpu$cpu/hotplug/target" "$ONLINE" || return 1
	done
	all_on && all_back
}

can_stop || skip_all "$NO_STEPS"
TOGGLED=$(toggled)
echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control && mkdir -p $GROUP
generate >"$WAITER_SAYS.ops"
ktap_set_plan 4
set_mode idle
set_filter 'cpuhp_*'
spin_on 0-3
spin_on 0-3
done_ops=0
check "seed $SEED: each operation ends as it may" sequence
diag "operations: $done_ops, writes: $TRIED"
kill_spinners
check "all CPUs come back, and work" come_back
check_operations
check_log
rm -f "$WAITER_SAYS.ops"
ktap_finished
