# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What the tests of CPU offline share.  They source it first of all, and then say
# how long they may take altogether, in s:
#
#   cpuhp_start 120 "$@"
#
# The results are KTAP, by the helpers of the kernel's own self-tests.

HERE=$(cd "$(dirname "$0")" && pwd)
CPU_SYS=/sys/devices/system/cpu
PARAMS=/sys/module/cpuhp/parameters
MODULES=${MODULES:-/lib/modules}
TRACING=/sys/kernel/tracing
KCSAN=/sys/kernel/debug/kcsan
TOOL=$HERE/cpu_tool
WAITER_SAYS=${TMPDIR:-/tmp}/cpuhp-waiter.$$

for helpers in "$HERE/ktap_helpers.sh" "$HERE/../kselftest/ktap_helpers.sh"; do
	# shellcheck source=/dev/null
	[ -r "$helpers" ] && . "$helpers" && break
done

#
# Frame
#

# cpuhp_start SECONDS [ARGS]: run the calling script again with a time limit
cpuhp_start() {
	limit=$1
	shift
	if [ -z "${CPUHP_LIMITED:-}" ]; then
		status=0
		CPUHP_LIMITED=1 timeout -s KILL "$limit" sh "$0" "$@" || status=$?
		[ "$status" -ne 137 ] || echo "Bail out! $(basename "$0"): no end after $limit s"
		exit "$status"
	fi

	echo "KTAP version 1"
	if [ "$(id -u)" -ne 0 ]; then
		skip_all "must be run as root"
	fi
	if [ ! -x "$TOOL" ]; then
		skip_all "$TOOL is missing"
	fi
	# A machine can have been booted with fewer (maxcpus=).
	all_on >/dev/null
	SAVED_MODE=$(param stop_machine)
	SAVED_TIMEOUT=$(param takedown_timeout_ms)
	trap cpuhp_restore EXIT
	trap 'exit 1' INT TERM
	log_mark
}

# Tests with more to put back redefine cleanup()
cleanup() {
	:
}

# The torture tests talk a lot at a level that even a quiet console prints.  An
# oops or a lockdep report makes the console verbose again by itself.
quiet_console() {
	CONSOLE=$(cut -f 1 /proc/sys/kernel/printk)
	dmesg -n 1
}

cpuhp_restore() {
	cleanup
	[ -z "${CONSOLE:-}" ] || dmesg -n "$CONSOLE"
	all_on >/dev/null
	[ -z "$SAVED_MODE" ] || set_param stop_machine "$SAVED_MODE"
	[ -z "$SAVED_TIMEOUT" ] || set_param takedown_timeout_ms "$SAVED_TIMEOUT"
	trace_end
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit "$KSFT_SKIP"
}

diag() {
	printf '# %s\n' "$*"
}

# check DESCRIPTION COMMAND...: ok if the command succeeds; it prints "# ..." only
check() {
	desc=$1
	shift
	if "$@"; then
		ktap_test_pass "$desc"
	else
		ktap_test_fail "$desc"
	fi
}

# skip DESCRIPTION REASON
skip() {
	diag "$2"
	ktap_test_skip "$1"
}

# same WHAT EXPECTED FOUND
same() {
	[ "$2" = "$3" ] && return 0
	diag "$1: expected '$2', found '$3'"
	return 1
}

now_ms() {
	awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}

#
# CPUs
#

# The CPUs that can go off, but for CPU0, which has a test of its own where it can
secondary_cpus() {
	for dir in "$CPU_SYS"/cpu[1-9]*; do
		[ ! -w "$dir/online" ] || echo "${dir##*/cpu}"
	done | sort -n
}

count_secondary() {
	secondary_cpus | wc -l
}

first_secondary() {
	secondary_cpus | head -n 1
}

is_online() {
	read -r found <"$CPU_SYS/cpu$1/online"
	[ "$found" = 1 ]
}

# try_write FILE TEXT: prints "OK" or the error's name, and the ms that it took
try_write() {
	"$TOOL" write "$1" "$2"
}

# write_gives ERROR FILE TEXT: ok if the write ends like that
write_gives() {
	TRIED=$((TRIED + 1))
	out=$(try_write "$2" "$3")
	same "write of '$3' to $2" "$1" "${out% *}" && return 0
	OTHERWISE=$((OTHERWISE + 1))
	return 1
}

cpu_off() {
	write_gives OK "$CPU_SYS/cpu$1/online" 0 && ! is_online "$1"
}

cpu_on() {
	write_gives OK "$CPU_SYS/cpu$1/online" 1 && is_online "$1"
}

all_off() {
	for cpu in $(secondary_cpus); do
		cpu_off "$cpu" || return 1
	done
	same "online CPUs" 0 "$(cat "$CPU_SYS/online")"
}

# each_off_and_on ROUNDS
each_off_and_on() {
	round=0
	while [ "$round" -lt "$1" ]; do
		for cpu in $(secondary_cpus); do
			cpu_off "$cpu" || return 1
			cpu_on "$cpu" || return 1
		done
		round=$((round + 1))
	done
}

# The CPUs that are off come on; also those that SMT control took
all_on() {
	[ "$(cat "$CPU_SYS/smt/control" 2>/dev/null)" != off ] || echo on >"$CPU_SYS/smt/control"
	for cpu in $(secondary_cpus); do
		is_online "$cpu" || cpu_on "$cpu" || return 1
	done
}

all_online() {
	same "online CPUs" "$(cat "$CPU_SYS/present")" "$(cat "$CPU_SYS/online")"
}

# works CPU: a bound task runs there and its timers fire
works() {
	"$TOOL" works "$1"
}

all_work() {
	for cpu in 0 $(secondary_cpus); do
		works "$cpu" || return 1
	done
}

all_back() {
	all_online && all_work
}

#
# Operations: each call of write_gives is one
#

TRIED=0
OTHERWISE=0

none_lost() {
	lost=0
	for dir in "$CPU_SYS"/cpu[0-9]*; do
		works "${dir##*/cpu}" || lost=$((lost + 1))
	done
	diag "$TRIED operations tried, $((TRIED - OTHERWISE)) ended as said, $lost CPUs lost"
	all_online && [ "$TRIED" -gt 0 ] && [ "$OTHERWISE" -eq 0 ] && [ "$lost" -eq 0 ]
}

check_operations() {
	check "all operations ended as said, no CPU is lost" none_lost
}

#
# The hotplug state machine
#

# state NAME: its number, nothing if this kernel does not have it
state() {
	awk -F ': ' -v name="$1" '$2 == name { print $1 + 0 }' "$CPU_SYS/hotplug/states"
}

# The numbers of all states with a name
states() {
	awk -F ': ' '{ print $1 + 0 }' "$CPU_SYS/hotplug/states"
}

# The state in which a CPU is kicked, by a name that the architecture decides about
state_of_kick() {
	kick=$(state cpu:kick_ap)
	echo "${kick:-$(state cpu:bringup)}"
}

# The states in which a CPU can stop, from below.  It cannot between the moment
# when it is kicked and the one when its hotplug thread runs, nor on the way back.
stops() {
	first=$(state threads:prepare)
	from=$(state_of_kick)
	to=$(state cpu:teardown)
	for s in $(states); do
		[ "$s" -ne "$first" ] || continue
		[ "$s" -lt "$from" ] || [ "$s" -gt "$to" ] || continue
		echo "$s"
	done
}

# below STATE: the one before it in which a CPU can stop
below() {
	stops | sort -n | awk -v above="$1" '$1 < above { s = $1 } END { print s }'
}

# hotplug_is CPU FILE VALUE
hotplug_is() {
	read -r found <"$CPU_SYS/cpu$1/hotplug/$2"
	same "$2 of CPU$1" "$3" "$found"
}

# in_state CPU STATE: the CPU is there, and wants to be
in_state() {
	hotplug_is "$1" state "$2" && hotplug_is "$1" target "$2"
}

# thread_of CPU: the other thread of its core, if that is one and can go
thread_of() {
	tr ',-' '  ' <"$CPU_SYS/cpu$1/topology/thread_siblings_list" |
		awk -v c="$1" 'NF == 2 && $1 > 0 { print $1 == c ? $2 : $1 }'
}

# step_to STATE [CPU]: the CPU, or $CPU, goes there
step_to() {
	write_gives OK "$CPU_SYS/cpu${2:-$CPU}/hotplug/target" "$1" && in_state "${2:-$CPU}" "$1"
}

# steps_start: from here on each callback is traced, but for those of the atomic
# states: a CPU that is not online does not trace itself.
steps_start() {
	echo 0 >"$TRACING/tracing_on"
	echo 0 >"$TRACING/events/enable"
	echo 1 >"$TRACING/events/cpuhp/enable"
	echo 1 >"$TRACING/tracing_on"
	steps_clear
}

steps_clear() {
	: >"$TRACING/trace"
}

steps_end() {
	echo 0 >"$TRACING/events/cpuhp/enable"
}

# steps: what ran since steps_clear, as "up|down CPU STEP FUNCTION [multi]", one
# instance per line, and "born|dead CPU".  What returned an error did not run.
steps() {
	awk '
		{ event = $0 }
		!sub(/.* cpuhp_/, "", event) { next }
		{ split(event, f); sub(/^0*/, "", f[3]); cpu = f[3] + 0 }
		event ~ /^(multi_)?enter: / {
			depth[cpu]++
			step[cpu, depth[cpu]] = f[7]
			name[cpu, depth[cpu]] = f[8] (event ~ /^multi/ ? " multi" : "")
		}
		event ~ /^exit: / {
			if (!depth[cpu]) { print "lost", cpu; exit }
			s = step[cpu, depth[cpu]]
			n = name[cpu, depth[cpu]]
			depth[cpu]--
			if (n ~ /cpuhp_kick_ap_work|finish_cpu/) next
			if (n ~ /cpuhp_bringup_ap|bringup_cpu/) { print "born", cpu; next }
			if (f[9] != 0) next
			if (n ~ /takedown_cpu/) { print "dead", cpu; next }
			print f[5] == s ? "up" : f[5] == s - 1 ? "down" : "odd", cpu, s, n
		}' "$TRACING/trace"
}

# steps_match: all that was torn down was set up again, and the other way round,
# where a state has both.  The CPUs have to be back where they were.
steps_match() {
	odd=$(steps | awk '
		{ seen++ }
		$1 == "born" { lives[$2]++ }
		$1 == "dead" { lives[$2]-- }
		$1 == "up" { sum[$2, $3]++; up[$3]++ }
		$1 == "down" { sum[$2, $3]--; down[$3]++ }
		$1 == "odd" || $1 == "lost" { print }
		$1 == "up" || $1 == "down" {
			if (last[$2, $3] == $1 && NF < 5) twice[$2, $3] = $0
			last[$2, $3] = $1
		}
		END {
			if (!seen) print "nothing traced"
			for (cpu in lives) if (lives[cpu]) print "lives", cpu, lives[cpu]
			for (i in sum) {
				split(i, k, SUBSEP)
				if (!up[k[2]] || !down[k[2]]) continue
				if (sum[i]) print "unmatched", k[1], k[2], sum[i]
				if (i in twice) print "twice in a row", twice[i]
			}
		}')
	[ -z "$odd" ] && return 0
	diag "callbacks: $odd"
	return 1
}

#
# The takedown's parameters
#

has_param() {
	[ -e "$PARAMS/$1" ]
}

param() {
	cat "$PARAMS/$1" 2>/dev/null || :
}

set_param() {
	echo "$2" >"$PARAMS/$1"
}

has_idle() {
	[ -d "$TRACING/events/cpuhp/cpuhp_takedown" ]
}

# The ways of taking a CPU down that this kernel has
modes() {
	if has_idle; then
		echo idle
	fi
	if ! has_idle || has_param stop_machine; then
		echo stop_machine
	fi
}

set_mode() {
	has_param stop_machine || return 0
	if [ "$1" = stop_machine ]; then
		set_param stop_machine Y
	else
		set_param stop_machine N
	fi
}

#
# The kernel's own word: its trace and its log
#

trace_start() {
	has_idle || return 0
	echo 0 >"$TRACING/tracing_on"
	echo 0 >"$TRACING/events/enable"
	echo 1 >"$TRACING/events/cpuhp/cpuhp_takedown/enable"
	: >"$TRACING/trace"
	echo 1 >"$TRACING/tracing_on"
}

trace_end() {
	has_idle || return 0
	echo 0 >"$TRACING/events/cpuhp/cpuhp_takedown/enable"
}

# count_dead MODE: CPUs that were taken down by MODE since trace_start
count_dead() {
	grep -c "cpuhp_takedown: .*phase: dead mode: $1 " "$TRACING/trace" || :
}

# went_by MODE COUNT: so many CPUs went by MODE, and none by the other one
went_by() {
	other=idle
	[ "$1" = stop_machine ] || other=stop_machine
	same "CPUs that went by $1" "$2" "$(count_dead "$1")" &&
		same "CPUs that went by $other" 0 "$(count_dead "$other")"
}

# check_went_by DESCRIPTION MODE COUNT: a test of its own
check_went_by() {
	if has_idle; then
		check "$1" went_by "$2" "$3"
	else
		skip "$1" "no tracepoint cpuhp_takedown in this kernel"
	fi
}

log_mark() {
	MARK="$(basename "$0") $$ $(now_ms)"
	: "${LOG_BEGIN:=$MARK}"
	echo "$MARK" >/dev/kmsg
}

# What the kernel has said since log_mark, or another mark
log_since() {
	mark=${1:-$MARK}
	dmesg | grep -q "$mark" || echo "!!! the kernel log has lost its begin: set log_buf_len"
	dmesg | sed "1,/$mark/d"
}

# log_says PATTERN: since log_mark, and where
log_says() {
	log_since | grep "$1" | head -n 3 | sed 's/^/# /' | grep .
}

COMPLAINTS='WARNING:|BUG:|Oops|INFO: .*(stall|blocked|lockdep|suspicious)|rcu:.*stall|'
COMPLAINTS="$COMPLAINTS"'possible .* detected|inconsistent lock state|UBSAN|KASAN|ODEBUG|KCSAN|'
COMPLAINTS="$COMPLAINTS"'Call Trace|!!!|NOHZ tick-stop error|unable to handle'
# But for these: scftorture says "!!!" of a parameter that a module does not have
KNOWN='built as module'

# A sanitizer that is built in but off would find nothing.
kcsan_is_on() {
	[ ! -e "$KCSAN" ] || grep -q '^enabled: 1' "$KCSAN" && return 0
	diag "$KCSAN: KCSAN is built in, and off"
	return 1
}

no_complaint() {
	kcsan_is_on || return 1
	complaints=$(log_since "$LOG_BEGIN" | awk -f "$HERE/races.awk" | grep -E "$COMPLAINTS" |
		grep -v -E "$KNOWN" | head -n 5)
	[ -z "$complaints" ] && return 0
	echo "$complaints" | sed 's/^/# /'
	return 1
}

check_log() {
	check "no complaint in the kernel log" no_complaint
}

# loop_start COMMAND...: again and again, beside the test, until it fails or loop_end
loop_start() {
	LOOP=$(mktemp) || exit 1
	(
		turns=0 status=0
		while [ "$status" = 0 ] && [ -e "$LOOP" ]; do
			"$@" || status=1
			turns=$((turns + 1))
		done
		echo "$turns" >"$LOOP.turns"
		[ "$turns" -gt 0 ] && exit "$status"
	) &
	LOOPER=$!
}

# Sets TURNS to how often the command was run, and fails if that was never, or if the
# command has failed
loop_end() {
	[ -n "${LOOP:-}" ] || return 0
	rm -f "$LOOP"
	loop=0
	wait "$LOOPER" || loop=$?
	# shellcheck disable=SC2034 # for who sources this
	read -r TURNS <"$LOOP.turns"
	rm -f "$LOOP.turns"
	LOOP=
	return "$loop"
}

# beside LOOP COMMAND...: the command, with LOOP as by loop_start; both have to succeed
beside() {
	loop_start "$1"
	shift
	"$@"
	result=$?
	loop_end && return "$result"
}

# check_end: the last three tests of most
check_end() {
	check "all CPUs work" all_back
	check_operations
	check_log
	ktap_finished
}

#
# Others that have to do with CPUs
#

# Why a test is skipped
# shellcheck disable=SC2034 # for who sources this
NO_SUSPEND="needs CONFIG_SUSPEND, CONFIG_PM_DEBUG and ACPI S3"
# shellcheck disable=SC2034
NO_STEPS="needs CONFIG_CPU_HOTPLUG_STATE_CONTROL"

# can_stop [CPU]: half way, and comes back.  Without that option hotplug/target takes
# "online" and "offline" all the same.
can_stop() {
	target=$CPU_SYS/cpu${1:-$(first_secondary)}/hotplug/target
	try_write "$target" "$(state sched:active)" >/dev/null &&
		try_write "$target" "$(state online)" >/dev/null
}

# check_threads DESCRIPTION COMMAND: of the two threads of a core, which can stop half way
check_threads() {
	one=$(secondary_cpus | tail -n 1)
	other=$(thread_of "$one")
	if [ -z "$other" ]; then
		skip "$1" "needs two threads per core"
	elif ! can_stop "$one"; then
		skip "$1" "$NO_STEPS"
	else
		check "$1" "$2" "$one" "$other"
	fi
}

PREEMPT=/sys/kernel/debug/sched/preempt

# preempt_full: where that can be chosen, until preempt_end.  False: this kernel has
# no full preemption.
preempt_full() {
	if [ -w "$PREEMPT" ]; then
		PREEMPTED=$(sed 's/.*(\(.*\)).*/\1/' "$PREEMPT")
		echo full >"$PREEMPT"
	else
		uname -v | grep -q PREEMPT
	fi
}

preempt_end() {
	[ -z "${PREEMPTED:-}" ] || echo "$PREEMPTED" >"$PREEMPT"
	PREEMPTED=
}

PM_DELAY=/sys/module/suspend/parameters/pm_test_delay

can_suspend() {
	[ -w /sys/power/pm_test ] && grep -q mem /sys/power/state &&
		echo deep >/sys/power/mem_sleep 2>/dev/null
}

# The kernel to jump to is a few instructions of x86.
can_jump() {
	[ "$(uname -m)" = x86_64 ] && [ -x "$HERE/kexec_jump" ] && [ -e /sys/kernel/kexec_loaded ]
}

# with_pm_test LEVEL COMMAND...: who suspends goes down to LEVEL and back.  "processors"
# is everything but the sleep itself.
with_pm_test() {
	[ ! -w "$PM_DELAY" ] || echo 0 >"$PM_DELAY"
	echo "$1" >/sys/power/pm_test || return 1
	shift
	"$@"
	status=$?
	echo none >/sys/power/pm_test
	return "$status"
}

# pm_test LEVEL mem|disk ERROR
pm_test() {
	with_pm_test "$1" write_gives "$3" /sys/power/state "$2"
}

pm_test_end() {
	[ ! -w /sys/power/pm_test ] || echo none >/sys/power/pm_test
	[ ! -w "$PM_DELAY" ] || echo 5 >"$PM_DELAY"
}

# The serial line that carries this very output, the RTC, ACPI, whatever moves
movable_irqs() {
	for irq in /proc/irq/[0-9]*; do
		read -r mask <"$irq/smp_affinity"
		echo "$mask" >"$irq/smp_affinity" 2>/dev/null && echo "$irq"
	done 2>/dev/null
}

# steer_irqs: all to CPU0, as one does for CPUs that are isolated.  Else the threads
# of interrupts that move follow them by the stopper.
steer_irqs() {
	for irq in /proc/irq/[0-9]*; do
		echo 0 >"$irq/smp_affinity_list"
	done 2>/dev/null
	return 0
}

# move_irqs IRQ...: once around.  A CPU that is off takes none.
move_irqs() {
	for cpu in 0 $(secondary_cpus); do
		for irq; do
			echo "$cpu" >"$irq/smp_affinity_list" 2>/dev/null || :
		done
	done
}

# vectors: of each CPU that is online, how many are available, reserved for managed
# interrupts, and allocated to others
vectors() {
	awk '/^ *[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ / { print $1, $2, $3, $5 - $4 }
		/^Global available/ { print "all", $3 }' \
		/sys/kernel/debug/irq/domains/VECTOR 2>/dev/null | grep .
}

# Each CPU has the same number altogether.
vectors_add_up() {
	odd=$(vectors | awk '
		$1 == "all" { all = $2; next }
		{
			sum = $2 + $3 + $4
			avail += $2
			if (NR > 2 && sum != last) bad = 1
			last = sum
			line = line " CPU" $1 ":" $2 "+" $3 "+" $4
		}
		END { if (bad || avail != all) print "available", all, "on CPUs:" line }')
	[ -z "$odd" ] && return 0
	diag "vectors: $odd"
	return 1
}

check_vectors() {
	if vectors >/dev/null; then
		check "all vectors are accounted for" vectors_add_up
	else
		skip "all vectors are accounted for" "needs CONFIG_GENERIC_IRQ_DEBUGFS"
	fi
}

#
# Modules
#

has_module() {
	[ -e "$MODULES/$1.ko" ]
}

is_loaded() {
	grep -q "^$1 " /proc/modules
}

# load MODULE [PARAMETERS]
load() {
	is_loaded "$1" && return 0
	module=$1
	shift
	insmod "$MODULES/$module.ko" "$@" 2>&1 | sed 's/^/# /'
	is_loaded "$module"
}

unload() {
	! is_loaded "$1" || rmmod "$1" 2>&1 | sed 's/^/# /'
	! is_loaded "$1"
}

#
# Tasks of user space that keep a CPU busy, until kill_spinners
#

SPINNERS=''

# spin_on CPUS: a list of those that it may run on; $! is the task
spin_on() {
	taskset -c "$1" sh -c 'while :; do :; done' &
	SPINNERS="$SPINNERS $!"
}

kill_spinners() {
	for pid in $SPINNERS; do
		kill "$pid"
		wait "$pid"
	done 2>/dev/null
	SPINNERS=''
}

#
# Other loads, by cpu_load, until busy_end
#

LOADS=''

# busy_start LOAD [ARGS]: $! is the task
busy_start() {
	"$HERE/cpu_load" "$@" &
	LOADS="$LOADS $!"
}

# busy_start_all LOAD [ARGS]: as many as there are CPUs
busy_start_all() {
	tasks=0
	while [ "$tasks" -le "$(count_secondary)" ]; do
		busy_start "$@"
		tasks=$((tasks + 1))
	done
}

# busy_end: each of them went on to the end, and did something
busy_end() {
	ended=0
	for pid in $LOADS; do
		kill "$pid" 2>/dev/null
		wait "$pid" || ended=1
	done
	LOADS=''
	return "$ended"
}

#
# A takedown that waits: for the CPU to become idle, which cpuhp_hog keeps it
# from, or for readers that saw it online, as cpuhptorture has them
#

# keeper_start idle|readers|reader CPU: the reader's section is the one to rely on
keeper_start() {
	case $1 in
	idle)
		load cpuhp_hog cpu="$2" stage=late
		;;
	reader)
		load cpuhp_hog stage=reader ms=8000
		;;
	readers)
		load torture && load cpuhptorture nreaders=1 contexts=1 services=1 dwell_us=500000 \
			states=N lost_secs=60 min_sections=0 min_offlines=0 onoff_interval=0 \
			shuffle_interval=0 stat_interval=0 stutter=0
		;;
	esac
}

keeper_end() {
	for module in cpuhp_hog cpuhptorture torture; do
		unload "$module" || return 1
	done
}

has_keeper() {
	case $1 in
	idle | reader) has_module cpuhp_hog ;;
	readers) has_module cpuhptorture ;;
	esac
}

last_phase() {
	sed -n 's/.*cpuhp_takedown: .*phase: \([a-z-]*\) .*/\1/p' "$TRACING/trace" | tail -n 1
}

# Until it waits, or does not any more
takedown_begins() {
	while kill -0 "$WAITER" 2>/dev/null; do
		case $1,$(last_phase) in
		idle,request | reader*,quiesced) return 0 ;;
		*,grace-period | *,committed | *,closed | *,dead | *,withdrawn) return 1 ;;
		esac
	done
	return 1
}

# The reader between two of its sections does not see the CPU leave.
still_waits() {
	[ "$1" != reader ] || { sleep 0.3 && [ "$(last_phase)" = quiesced ]; }
}

# takedown_waits idle|readers|reader CPU: starts an offline, in the background, that has
# come to where it waits.  Not every reader is in a section that is long enough.
takedown_waits() {
	tries=0
	while [ "$tries" -lt 20 ]; do
		trace_start
		try_write "$CPU_SYS/cpu$2/online" 0 >"$WAITER_SAYS" &
		WAITER=$!
		takedown_begins "$1" && still_waits "$1" && return 0
		wait "$WAITER"
		is_online "$2" || cpu_on "$2" || return 1
		tries=$((tries + 1))
	done
	diag "no takedown had to wait for: $1"
	return 1
}

# takedown_ends ERROR
takedown_ends() {
	wait "$WAITER"
	same "the offline that waited" "$1" "$(sed 's/ .*//' "$WAITER_SAYS")"
}
