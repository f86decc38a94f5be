#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The tracepoint of the takedown: its phases, what it says of them, and that
# hist triggers and synthetic events can do with it as it is.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 120 "$@"

EVENT=$TRACING/events/cpuhp/cpuhp_takedown
SYNTH=$TRACING/events/synthetic/takedown_latency
BEGIN='hist:keys=cpu:from=common_timestamp.usecs if phase == "request"'
END="hist:keys=cpu:us=common_timestamp.usecs-\$from:onmatch(cpuhp.cpuhp_takedown)"
END="$END.takedown_latency(cpu,\$us) if phase == \"dead\""

has_idle || skip_all "this kernel has no idle takedown"
[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"

cleanup() {
	loop_end
	echo 0 >"$TRACING/events/sched/enable"
	hist_off
}

# phases CPU: of all that is in the trace
phases() {
	sed -n "s/.*cpuhp_takedown: cpu: 0*$1 phase: \([a-z-]*\) mode.*/\1/p" "$TRACING/trace" |
		tr '\n' ' '
}

each_has_phases() {
	trace_start
	each_off_and_on 1 || return 1
	for cpu in $(secondary_cpus); do
		same "phases of CPU$cpu" "$1" "$(phases "$cpu")" || return 1
	done
}

# value PHASE FIELD: of the last one
value() {
	sed -n "s/.*cpuhp_takedown: .* phase: $1 .* $2: \([0-9]*\).*/\1/p" "$TRACING/trace" |
		tail -n 1
}

states_are_right() {
	same "state when it was asked" "$(state cpu:teardown)" "$(value request state)" &&
		same "state in which it waited" "$(state cpu:drain)" "$(value quiesced state)"
}

# Reported by the control CPU, after the event
says_when() {
	same "ns since the request" 0 "$(value request ago)" &&
		[ "$(value quiesced ago)" -gt 0 ] && [ "$(value closed ago)" -gt 0 ]
}

patch_code() {
	echo 1 >"$TRACING/events/sched/enable" && echo 0 >"$TRACING/events/sched/enable"
}

# Changing code is a cross-call to each CPU, that which waits included
counts_calls() {
	loop_start patch_code
	tries=0 served=0
	while [ "$tries" -lt 40 ] && [ "$served" = 0 ]; do
		trace_start
		# trace_start has switched the others off
		each_off_and_on 1 || return 1
		served=$(sed -n 's/.* phase: dead .* served: \([0-9]*\).*/\1/p' "$TRACING/trace" |
			awk '{ n += $1 } END { print n + 0 }')
		tries=$((tries + 1))
	done
	loop_end || return 1
	diag "$served calls served after $tries rounds"
	[ "$served" -gt 0 ]
}

hist_on() {
	echo 'takedown_latency unsigned int cpu; u64 us' >"$TRACING/synthetic_events" &&
		echo "$BEGIN" >"$EVENT/trigger" && echo "$END" >>"$EVENT/trigger" &&
		echo 'hist:keys=cpu:vals=us' >"$SYNTH/trigger"
}

hist_off() {
	[ -d "$SYNTH" ] || return 0
	echo '!hist:keys=cpu:vals=us' >"$SYNTH/trigger"
	echo "!$END" >"$EVENT/trigger"
	echo "!$BEGIN" >"$EVENT/trigger"
	echo '!takedown_latency' >>"$TRACING/synthetic_events"
} 2>/dev/null

hist_counts() {
	hist_on || { sed 's/^/# /' "$TRACING/error_log"; return 1; }
	each_off_and_on 2 || return 1
	awk -v cpus="$(count_secondary)" '
		$1 == "{" { n++; if ($6 != 2 || $8 == 0) bad = 1 }
		END { exit bad || n != cpus }' "$SYNTH/hist" && return 0
	sed 's/^/# /' "$SYNTH/hist"
	return 1
}

modes=$(modes | wc -l)
ktap_set_plan $((modes + 5))
set_mode idle
check "idle: each offline has all phases, in order" \
	each_has_phases "request taken quiesced grace-period committed closed dead "
check "its states are those of the state machine" states_are_right
check "what the control CPU reports for the other has its age" says_when
check "the cross-calls that were served are counted" counts_calls
check "a synthetic event gives the latency of each CPU" hist_counts
if [ "$modes" -gt 1 ]; then
	set_mode stop_machine
	check "stop_machine: request and dead" each_has_phases "request dead "
fi
check_log
ktap_finished
