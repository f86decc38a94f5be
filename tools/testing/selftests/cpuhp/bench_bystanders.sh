#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# bench_bystanders.sh timerlat SECONDS [PERIOD-US [CPU]]: how late timers are on CPU1, in us,
#	by rtla; a task spins on CPU
# bench_bystanders.sh osnoise SECONDS: what takes CPU1 away from a task, by rtla
# bench_bystanders.sh isolated COUNT: what interrupts tasks that spin on isolated CPUs
#
# ... while the last CPU goes off and on by each way in turn, and without ("none").
# CPU0 does all the work.  The first word of each line of the output tells what it is:
#
#   ops MODE OFFLINES				that there were meanwhile
#   timerlat MODE irq|thread N MIN AVG MAX
#   hist MODE irq|thread US N			a bucket of 1 us, ">" before what is beyond
#   osnoise MODE PERIODS RUNTIME NOISE MAX-NOISE MAX-SINGLE HW NMI IRQ SOFTIRQ THREAD
#   window MODE WINDOW N TOTAL-US		takedown: request to dead; write: of 0 to "online",
#						for "none" as long, and quiet; online: of 1
#   count MODE WINDOW WHAT NAME N		on all isolated CPUs together
#   chain MODE WINDOW N EVENT FUNCTION<CALLER<...	of what was sent there
#
# scripts/bench-bystanders makes tables and plots of it.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

WHAT=${1:-}
AMOUNT=${2:-10}
PERIOD=${3:-1000}
SPIN=${4:-}
RTLA=$HERE/rtla
VICTIM=$(secondary_cpus | tail -n 1)
ONLINE=$CPU_SYS/cpu$VICTIM/online
STOP=/tmp/bystanders.stop
INSTANCE=$TRACING/instances/bystanders
BUCKETS=200000
SETTLE_US=20000
status=0

fail() {
	echo "# $*"
	status=1
}

give_up() {
	fail "$@"
	exit 1
}

# shellcheck disable=SC2317,SC2329 # by the trap
finish() {
	kill_spinners
	if [ -d "$INSTANCE" ]; then
		echo 0 >"$INSTANCE/tracing_on"
		echo 0 >"$INSTANCE/events/enable"
		rmdir "$INSTANCE"
	fi
	all_on >/dev/null
	set_mode idle
}

#
# With rtla: CPUs go off and on in the background
#

# Until STOP is there; tells how often in it
off_and_on() {
	n=0
	while [ ! -e "$STOP" ]; do
		cpu_off "$VICTIM" || { status=1; break; }
		n=$((n + 1))
		usleep "$SETTLE_US"
		cpu_on "$VICTIM" || { status=1; break; }
		usleep "$SETTLE_US"
	done
	echo "ops $1 $n"
	return "$status"
}

# during MODE COMMAND...: its output is in /tmp/rtla
during() {
	mode=$1 hotplug=
	shift
	rm -f "$STOP"
	trace_start
	if [ "$mode" != none ]; then
		set_mode "$mode"
		off_and_on "$mode" >/tmp/ops &
		hotplug=$!
	else
		echo "ops none 0" >/tmp/ops
	fi
	"$@" >/tmp/rtla 2>&1 || { cat /tmp/rtla; fail "$* failed"; }
	: >"$STOP"
	if [ -n "$hotplug" ]; then
		wait "$hotplug" || status=1
		if has_idle; then
			went_by "$mode" "$(sed -n 's/^ops .* //p' /tmp/ops)" || status=1
		fi
	fi
	cat /tmp/ops
}

# Columns: bucket, irq and thread of CPU1, then of other CPUs; then the same of the summary
print_timerlat() {
	tr -d '\r' </tmp/rtla | awk -v mode="$1" -v beyond="$BUCKETS" '
		/^ALL/ { exit }
		/^(count|min|avg|max):/ { v[$1, "irq"] = $2; v[$1, "thread"] = $3 }
		/^over:/ && $2 { print "hist", mode, "irq", ">" beyond, $2 }
		/^over:/ && $3 { print "hist", mode, "thread", ">" beyond, $3 }
		/^[0-9]+ / && $2 { print "hist", mode, "irq", $1, $2 }
		/^[0-9]+ / && $3 { print "hist", mode, "thread", $1, $3 }
		function row(what) {
			if (v["count:", what] + 0 == 0) bad = 1
			print "timerlat", mode, what, v["count:", what], v["min:", what],
				v["avg:", what], v["max:", what]
		}
		END { row("irq"); row("thread"); exit bad }' || fail "rtla says nothing of CPU1"
}

print_osnoise() {
	tr -d '\r' </tmp/rtla | awk -v mode="$1" '
		$1 == 1 && $2 ~ /^#/ {
			sub(/^#/, "", $2)
			print "osnoise", mode, $2, $3, $4, $6, $7, $8, $9, $10, $11, $12
			ok = $2 > 0
		}
		END { exit !ok }' || { cat /tmp/rtla; fail "rtla says nothing of CPU1"; }
}

bench_rtla() {
	[ -x "$RTLA" ] || give_up "$RTLA is missing"
	[ "$VICTIM" -gt 1 ] || give_up "this needs 3 CPUs"
	# In virtual time the emulator skips the time in which no CPU is awake, and at times
	# more than that: keep one awake.
	[ -z "$SPIN" ] || spin_on "$SPIN"
	for mode in none $(modes); do
		case $1 in
		timerlat)
			during "$mode" "$RTLA" timerlat hist -k -c 1 -H 0 -p "$PERIOD" \
				-d "$AMOUNT" -b 1 -E "$BUCKETS" --no-aa
			print_timerlat "$mode"
			;;
		osnoise)
			during "$mode" "$RTLA" osnoise top -q -c 1 -H 0 -d "$AMOUNT" \
				-p 200000 -r 180000
			print_osnoise "$mode"
			;;
		esac
	done
}

#
# Isolated CPUs
#

# in_list LIST: prints each CPU of 1-2,5
in_list() {
	echo "$1" | awk -F , '{
		for (i = 1; i <= NF; i++) {
			n = split($i, r, "-")
			for (c = r[1] + 0; c <= r[n] + 0; c++) print c
		}
	}'
}

# event_on EVENT [FILTER [stack]]: in our instance
event_on() {
	dir=$INSTANCE/events/$1
	if [ -n "${2:-}" ]; then
		echo "$2" >"$dir/filter" || give_up "no filter '$2' for the event $1"
	fi
	if [ -n "${3:-}" ]; then
		echo "stacktrace${2:+ if $2}" >"$dir/trigger" ||
			give_up "no stack traces for the event $1"
	fi
	echo 1 >"$dir/enable" || give_up "no event $1"
}

instance_start() {
	mkdir "$INSTANCE" || give_up "no trace instance"
	echo 0 >"$INSTANCE/tracing_on"
	echo mono >"$INSTANCE/trace_clock"
	echo 8192 >"$INSTANCE/buffer_size_kb"
	there="CPU & CPUS{$ISOLATED}" sent=
	for cpu in $(in_list "$ISOLATED"); do
		sent="${sent:+$sent || }cpu == $cpu"
	done
	event_on cpuhp/cpuhp_takedown
	event_on csd/csd_queue_cpu "$sent" stack
	event_on ipi/ipi_send_cpu "$sent" stack
	event_on ipi/ipi_send_cpumask "" stack
	for event in context_tracking/user_exit sched/sched_switch irq/irq_handler_entry; do
		event_on "$event" "$there"
	done
	for dir in "$INSTANCE"/events/irq_vectors/*_entry; do
		event_on "irq_vectors/${dir##*/}" "$there"
	done
}

# A figure from an incomplete trace is worth nothing.
none_lost_in_trace() {
	awk '/^(overrun|commit overrun|dropped events):/ { n += $NF } END { exit n > 0 }' \
		"$INSTANCE"/per_cpu/cpu*/stats
}

mark() {
	echo "$*" >"$INSTANCE/trace_marker"
}

# traced WINDOW COMMAND...: with the trace on from before to after it
traced() {
	window=$1
	shift
	echo 1 >"$INSTANCE/tracing_on"
	mark "begin $window"
	"$@"
	mark "end $window"
	echo 0 >"$INSTANCE/tracing_on"
	usleep "$SETTLE_US"
}

# shellcheck disable=SC2317,SC2329 # by traced
write_online() {
	echo "$1" >"$ONLINE" || fail "write of $1 to $ONLINE"
}

# evaluate MODE COUNT: the trace as lines of window, count and chain.  Events that the
# kernel has not filtered are the IPIs to many.
evaluate() {
	awk -v mode="$1" -v asked="$2" -v cpus="$(in_list "$ISOLATED" | tr '\n' ' ')" '
		BEGIN { split(cpus, c, " "); for (i in c) isolated[c[i]] }
		# The text behind key, up to a blank, and without the offset of a symbol
		function arg(key,   s) {
			if (!match($0, key "[^ ]*")) return "?"
			s = substr($0, RSTART + length(key), RLENGTH - length(key))
			sub(/[+].*/, "", s)
			return s
		}
		function hits(list,   n, i, k, r, p) {
			n = split(list, r, ",")
			for (i = 1; i <= n; i++) {
				k = split(r[i], p, "-")
				for (c = p[1] + 0; c <= p[k] + 0; c++) if (c in isolated) return 1
			}
			return 0
		}
		function add(what, name) {
			sum[window " " what " " name]++
			if (taken) sum["takedown " what " " name]++
		}
		# The stack trace of an event is an event of its own, behind it on the same CPU.
		function sender(what, name, f) {
			add(what, f)
			sent[cpu] = name
			sent_taken[cpu] = taken
		}
		function flush_chain() {
			if (chain != "") {
				chains[window, chain]++
				if (sent_taken[at]) chains["takedown", chain]++
			}
			chain = ""
		}
		/^ => / {
			if (chain == "" || NF < 2 || $2 ~ /^trace_event_raw/) next
			f = $2; sub(/[+].*/, "", f)
			chain = chain (chain ~ / $/ ? "" : "<") f
			next
		}
		!match($0, / \[[0-9]+\] /) { next }
		{
			flush_chain()
			cpu = substr($0, RSTART + 2, RLENGTH - 4) + 0
			$0 = substr($0, RSTART + RLENGTH)
			us = $2; sub(/:$/, "", us)
			split(us, t, "."); us = t[1] * 1000000 + t[2]
			event = $3; sub(/:$/, "", event)
		}
		event == "tracing_mark_write" {
			if ($4 == "begin") { window = $5; from = us; n[window]++ }
			else { total[window] += us - from; window = "" }
			next
		}
		window == "" { next }
		event == "cpuhp_takedown" && /phase: request/ {
			if (arg("mode: ") != mode) other++
			taken = 1; from_request = us; next
		}
		event == "cpuhp_takedown" {
			if (!/phase: dead/) next
			taken = 0
			n["takedown"]++
			total["takedown"] += us - from_request
			next
		}
		event == "<stack" {
			if (sent[cpu] != "") { chain = sent[cpu] " "; at = cpu }
			sent[cpu] = ""
			next
		}
		event == "csd_queue_cpu" {
			sender("calls", "call:" arg("func="), arg("func="))
			next
		}
		event == "ipi_send_cpu" {
			sender("ipis", "ipi:" arg("callback="), arg("callsite="))
			next
		}
		event == "ipi_send_cpumask" {
			if (hits(arg("cpumask=")))
				sender("ipis", "ipi:" arg("callback="), arg("callsite="))
			else
				sent[cpu] = ""
			next
		}
		event == "user_exit" { add("entries", "all"); next }
		event == "sched_switch" {
			name = arg("next_comm=")
			sub(/\/.*/, "", name)
			add("switches", name)
			next
		}
		event == "irq_handler_entry" { add("interrupts", arg("name=")); next }
		event ~ /_entry$/ { sub(/_entry$/, "", event); add("interrupts", event) }
		END {
			flush_chain()
			if (n["write"] != asked || other ||
			    (mode != "none" && n["takedown"] != asked)) {
				printf "# %d windows, %d takedowns, %d by the other; asked: %d\n",
					n["write"], n["takedown"], other, asked
				exit 1
			}
			for (i in n) print "window", mode, i, n[i], total[i]
			for (i in sum) print "count", mode, i, sum[i]
			for (i in chains) {
				split(i, k, SUBSEP)
				print "chain", mode, k[1], chains[i], k[2]
			}
		}' "$INSTANCE/trace" >/tmp/evaluated ||
		fail "the trace of $1 is not what it has to be"
	sort /tmp/evaluated
}

# What the isolated CPUs do all the time; they have nothing else to run.
spinners_start() {
	for cpu in $(in_list "$ISOLATED"); do
		spin_on "$cpu"
	done
	# Their ticks stop, and what was left to do there is done.
	sleep 2
}

# "CPU STATE" of each
spinners() {
	for pid in $SPINNERS; do
		awk '{ sub(/.*[)]/, ""); print $37, $1 }' "/proc/$pid/stat"
	done
}

spinners_spin() {
	same "spinners" "$(in_list "$ISOLATED" | sed 's/$/ R/')" "$(spinners)"
}

bench_isolated() {
	read -r ISOLATED <"$CPU_SYS/isolated"
	read -r full <"$CPU_SYS/nohz_full"
	if [ -z "$ISOLATED" ] || [ "$full" != "$ISOLATED" ]; then
		give_up "CPUs that are isolated: '$ISOLATED', with nohz_full: '$full'"
	fi
	instance_start
	spinners_start
	quiet=0
	for mode in $(modes) none; do
		: >"$INSTANCE/trace"
		[ "$mode" = none ] || set_mode "$mode"
		i=0
		while [ "$i" -lt "$AMOUNT" ]; do
			if [ "$mode" = none ]; then
				traced write usleep "$quiet"
			else
				traced write write_online 0
				traced online write_online 1
			fi
			i=$((i + 1))
		done
		spinners_spin || status=1
		none_lost_in_trace || fail "events were lost"
		evaluate "$mode" "$AMOUNT"
		us=$(awk -v n="$AMOUNT" '$1 == "window" && $3 == "write" { printf "%d", $5 / n }' \
			/tmp/evaluated)
		[ "${us:-0}" -le "$quiet" ] || quiet=$us
	done
}

case $WHAT in
timerlat | osnoise | isolated) ;;
*) echo "# usage: bench_bystanders.sh timerlat|osnoise|isolated SECONDS|COUNT"; exit 2 ;;
esac
trap finish EXIT
trap 'exit 1' INT TERM
taskset -p 1 $$ >/dev/null
# As who cares about latency does
echo 1 >/proc/irq/default_smp_affinity
steer_irqs
case $WHAT in
isolated) bench_isolated ;;
*) bench_rtla "$WHAT" ;;
esac
exit "$status"
