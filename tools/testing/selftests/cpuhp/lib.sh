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
TOOL=$HERE/cpu_tool

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

# The CPUs that can go off; on x86 all but CPU0
secondary_cpus() {
	for dir in "$CPU_SYS"/cpu[0-9]*; do
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
	[ "$(cat "$CPU_SYS/cpu$1/online")" = 1 ]
}

# try_write FILE TEXT: prints "OK" or the error's name, and the ms that it took
try_write() {
	"$TOOL" write "$1" "$2"
}

# write_gives ERROR FILE TEXT: ok if the write ends like that
write_gives() {
	out=$(try_write "$2" "$3")
	same "write of '$3' to $2" "$1" "${out% *}"
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
	grep -c "cpuhp_takedown: .*phase: dead mode: $1\$" "$TRACING/trace" || :
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
	echo "$MARK" >/dev/kmsg
}

# What the kernel has said since log_mark
log_since() {
	dmesg | grep -q "$MARK" || echo "!!! the kernel log has lost its begin: set log_buf_len"
	dmesg | sed "1,/$MARK/d"
}

COMPLAINTS='WARNING:|BUG:|Oops|INFO: .*(stall|blocked|lockdep|suspicious)|rcu:.*stall|'
COMPLAINTS="$COMPLAINTS"'possible .* detected|inconsistent lock state|UBSAN|KASAN|ODEBUG|'
COMPLAINTS="$COMPLAINTS"'Call Trace|!!!|NOHZ tick-stop error|unable to handle'

no_complaint() {
	# scftorture says "!!!" of a parameter that a module does not have
	complaints=$(log_since | grep -E "$COMPLAINTS" | grep -v 'built as module' | head -n 5)
	[ -z "$complaints" ] && return 0
	echo "$complaints" | sed 's/^/# /'
	return 1
}

check_log() {
	check "no complaint in the kernel log" no_complaint
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
