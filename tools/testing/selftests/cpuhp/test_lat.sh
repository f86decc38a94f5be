#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# tools/tracing/cpuhp-lat measures what it says: its figures are sane, in each mode
# that the kernel has, it leaves nothing behind, and its errors are errors.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

LAT=${LAT:-$HERE/cpuhp-lat}
JSON=${TMPDIR:-/tmp}/cpuhp-lat.$$.json
SAYS=${TMPDIR:-/tmp}/cpuhp-lat.$$.says
COUNT=4

[ -x "$LAT" ] || skip_all "$LAT is missing"
[ "$(count_secondary)" -ge 2 ] || skip_all "needs 3 CPUs"

cleanup() {
	rm -f "$JSON" "$SAYS"
	! has_param debug_refuse || set_param debug_refuse N
}

# lat STATUS ARGS...: it ends with this status. Its output is in $JSON.
lat() {
	wanted=$1
	shift
	status=0
	"$LAT" "$@" >"$JSON" 2>"$SAYS" || status=$?
	same "status of cpuhp-lat $*" "$wanted" "$status" && return 0
	sed 's/^/# /' "$SAYS"
	return 1
}

# It prints one key on a line, or one row, or one window of a bystander.

# value KEY: the first one outside of rows and bystanders
value() {
	sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$JSON" | head -n 1
}

# row NAME FIELD
row() {
	sed -n "s/^ *\"$1\": {.*\"$2\": \([0-9.]*\).*/\1/p" "$JSON"
}

# rows: the names of all
rows() {
	sed -n 's/^ *"\([a-z_]*\)": { "unit".*/\1/p' "$JSON"
}

# noticed WINDOW FIELD: the sum over all bystanders
noticed() {
	sed -n "s/^ *\"$1\": {.*\"$2\": \([0-9.]*\).*/\1/p" "$JSON" |
		awk '{ sum += $1; n++ } END { if (n) print sum + 0 }'
}

# A row of which the values are in order and more than nothing
row_is_sane() {
	echo "$(row "$1" min) $(row "$1" median) $(row "$1" p99) $(row "$1" max)" | awk '
		NF == 4 && $1 <= $2 && $2 <= $3 && $3 <= $4 && $4 > 0 { good = 1 }
		END { exit !good }' && return 0
	diag "row $1: $(grep "\"$1\"" "$JSON")"
	return 1
}

rows_are_sane() {
	for name in $(rows); do
		[ "$name" = served_cross_calls ] || row_is_sane "$name" || return 1
	done
}

window() {
	if has_idle; then
		echo request_to_dead
	else
		echo takedown_cpu_enter_to_exit
	fi
}

# went MODE COUNT: so many CPUs went by this mode, and nothing was lost
went() {
	same mode "$1" "$(value mode)" && same n "$2" "$(value n)" &&
		same "n of $(window)" "$2" "$(row "$(window)" n)" &&
		same "lost events" 0 "$(value lost_events)" && rows_are_sane
}

runs_in() {
	lat 0 run -c "$(first_secondary)" -n "$COUNT" --json && went "$1" "$COUNT" &&
		same "n of the write" "$COUNT" "$(row write_to_return n)" &&
		same "n of the way back" "$COUNT" "$(row online_write_to_return n)"
}

# All phases, in their order, and together they are the whole
phases_in() {
	[ "$1" = idle ] || return 0
	found=$(rows | grep -v -e write -e served | tr '\n' ' ')
	case $found in
	"request_to_taken taken_to_quiesced quiesced_to_"*"_to_dead request_to_dead ") return 0 ;;
	esac
	diag "phases: $found"
	return 1
}

# In stop_machine it runs on each bystander in each offline
stopper_in() {
	runs=$(noticed takedown stopper_runs)
	offlines=$(sed -n 's/^ *{ "cpu": [0-9]*, "n": \([0-9]*\),$/\1/p' "$JSON" |
		awk '{ sum += $1 } END { print sum + 0 }')
	diag "$1: the stopper ran $runs times on bystanders, which saw $offlines offlines"
	[ "$offlines" -gt 0 ] || return 1
	if [ "$1" = idle ]; then
		[ "$runs" -eq 0 ]
	else
		[ "$runs" -ge "$offlines" ]
	fi
}

records_in() {
	cpu=$(first_secondary)
	# shellcheck disable=SC2016 # for the shell in there
	lat 0 record --json -- sh -c 'for i in 1 2 3; do echo 0 >"$0"; echo 1 >"$0"; done' \
		"$CPU_SYS/cpu$cpu/online" &&
		went "$1" 3 && same "n of the whole" 3 "$(row first_to_last_callback n)" &&
		same "n of the way back" 3 "$(row online_first_to_last_callback n)"
}

spins() {
	lat 0 run -c "$(first_secondary)" -n 2 --spin --json && [ "$(value n)" = 2 ] &&
		awk -v gap="$(noticed operation spin_gap_max_us)" 'BEGIN { exit !(gap > 0) }'
}

modes_seen() {
	sed -n 's/^ *"mode": "\(.*\)",/\1/p' "$JSON" | tr '\n' ' '
}

# both_modes: one recording that has seen both keeps them apart
both_modes() {
	cpu=$(first_secondary)
	# shellcheck disable=SC2016 # for the shell in there
	lat 0 record --json -- sh -c 'for mode in Y N; do
			echo $mode >"$1"; echo 0 >"$0"; echo 1 >"$0"
		done' "$CPU_SYS/cpu$cpu/online" "$PARAMS/stop_machine" &&
		same modes "idle stop_machine " "$(modes_seen)"
}

prints_text() {
	lat 0 run -c "$(first_secondary)" -n 1 && grep -q '^mode .*: 1 offline$' "$JSON" &&
		grep -q 'write to return  *1 ' "$JSON" && grep -q '^  bystanders: ' "$JSON"
}

# It reads the names of all the kernel's functions before it begins.  A new instance
# is on; it is off before it gets its clock, and on again when all is ready.
is_tracing() {
	grep -q '\[mono\]' "$1/trace_clock" && [ "$(cat "$1/tracing_on")" = 1 ]
} 2>/dev/null

until_it_traces() {
	until is_tracing "$TRACING/instances/cpuhp-lat-$pid"; do
		kill -0 "$pid" || return 1
		sleep 0.1
	done
}

# interrupted SIGNAL: the CPUs are back, the report is there, the instance is not
interrupted() {
	"$LAT" run -c "$(first_secondary)" -n 1000000 --json >"$JSON" 2>"$SAYS" &
	pid=$!
	until_it_traces && kill -s "$1" "$pid"
	status=0
	wait "$pid" || status=$?
	same "status after a signal" 0 "$status" && [ "$(value n)" -gt 0 ] && all_online &&
		no_instance
}

no_instance() {
	same "instances left" "" "$(ls "$TRACING/instances")"
}

# says STATUS TEXT ARGS...: that is the error
says() {
	wanted_text=$2
	wanted_status=$1
	shift 2
	lat "$wanted_status" "$@" || return 1
	grep -q "$wanted_text" "$SAYS" && return 0
	diag "cpuhp-lat $*: expected '$wanted_text', found '$(head -n 1 "$SAYS")'"
	return 1
}

usage_errors() {
	says 2 "run or record" && says 2 "run or record" walk && says 2 "needs -c" run || return 1
	for junk in x 1- -1 1,,2 3-1 1x "" 99999; do
		says 2 "not a list" run -c "$junk" || return 1
	done
	says 2 "not a number" run -c 1 -n 0 && says 2 "not a number" record -d 1s &&
		says 2 option record -c 1 && says 2 "not an option" run -c 1 --duration 1 &&
		says 2 "what is that" run -c 1 true
}

cpu_errors() {
	says 1 "CPU1000 does not exist" run -c 1000 &&
		says 1 "no other CPU" run -c "$(cat "$CPU_SYS/online")" || return 1
	# On x86 it is the one that cannot; elsewhere it can.
	[ -e "$CPU_SYS/cpu0/online" ] || says 1 "CPU0 cannot be taken offline" run -c 0
}

offline_error() {
	cpu=$(first_secondary)
	cpu_off "$cpu" || return 1
	says 1 "CPU$cpu is offline" run -c "$cpu"
	status=$?
	cpu_on "$cpu" && return "$status"
}

root_error() {
	status=0
	su -s /bin/sh nobody -c "$LAT record -d 1" >"$JSON" 2>"$SAYS" || status=$?
	same "status as nobody" 1 "$status" && grep -q "only root" "$SAYS"
}

no_command() {
	says 1 "cannot run /no/such" record -- /no/such && no_instance
}

# While it does not read, its buffer is soon full.
lost_events() {
	"$LAT" record -b 1 --json >"$JSON" 2>"$SAYS" &
	pid=$!
	until_it_traces && kill -s STOP "$pid" || return 1
	each_off_and_on 3
	kill -s CONT "$pid"
	kill -s INT "$pid"
	status=0
	wait "$pid" || status=$?
	same "status with lost events" 1 "$status" && [ "$(value lost_events)" -gt 0 ] &&
		grep -q 'events were lost.* -b' "$SAYS"
}

refused() {
	set_mode idle
	set_param debug_refuse Y
	lat 1 run -c "$(first_secondary)" -n 3 --json
	status=$?
	set_param debug_refuse N
	[ "$status" -eq 0 ] && same n 0 "$(value n)" && same refused 3 "$(value refused)" &&
		grep -q '"to": "offline", "error": "ENOSPC", "count": 3 }' "$JSON" && all_online
}

test_mode() {
	set_mode "$1"
	check "$1: run takes a CPU off and on, as often as it should" runs_in "$1"
	check "$1: its phases are there" phases_in "$1"
	check "$1: the stopper runs on bystanders if and only if it has to" stopper_in "$1"
	check "$1: record sees what something else does" records_in "$1"
}

ktap_set_plan $(($(modes | wc -l) * 4 + 13))
steer_irqs
# The guest has no users.
[ -e /etc/passwd ] || { mkdir -p /etc && echo nobody:x:65534:65534::/:/bin/sh >/etc/passwd; }
for mode in $(modes); do
	test_mode "$mode"
done
if [ "$(modes | wc -l)" -eq 2 ]; then
	check "record keeps two modes apart" both_modes
else
	skip "record keeps two modes apart" "one mode in this kernel"
fi
check "spinners tell of their gaps" spins
check "the text has the same" prints_text
check "SIGINT ends it, the CPUs are back" interrupted INT
check "SIGTERM ends it, the CPUs are back" interrupted TERM
check "usage errors give 2" usage_errors
check "CPUs that are not there or cannot go off give 1" cpu_errors
check "a CPU that is off gives 1" offline_error
check "it is for root only" root_error
check "a command that is not there gives 1" no_command
check "lost events give 1 and advice" lost_events
if has_param debug_refuse; then
	check "refusals are counted and named" refused
else
	skip "refusals are counted and named" "needs CONFIG_CPUHP_TAKEDOWN_DEBUG"
fi
check_log
ktap_finished
