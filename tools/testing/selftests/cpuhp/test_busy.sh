#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A CPU is kept busy by a kthread that does not go away: its offline gives EBUSY
# at the time limit, and the CPU works on as if nothing had been.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 240 "$@"

has_idle || skip_all "this kernel has no idle takedown"
has_module cpuhp_hog || skip_all "no cpuhp_hog.ko: needs CONFIG_CPUHP_HOG_TEST=m"
[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"

SLACK=3000	# ms: the way to the takedown, and the way back
CPU=$(first_secondary)
STATE=$CPU_SYS/cpu$CPU/hotplug/state

cleanup() {
	! is_loaded cpuhp_hog || rmmod cpuhp_hog
	echo -1 >"$CPU_SYS/cpu$CPU/hotplug/fail"
}

start_hog() {
	load cpuhp_hog cpu="$CPU" stage="$1"
}

# EBUSY, not before the limit and soon after it
refused_in_time() {
	out=$(try_write "$CPU_SYS/cpu$CPU/online" 0)
	ms=${out#* }
	diag "${out% *} after $ms ms, the limit is $1 ms"
	same "offline" EBUSY "${out% *}" || return 1
	[ "$ms" -ge "$1" ] && [ "$ms" -le $(($1 + SLACK)) ]
}

is_named() {
	log_says "cpuhp: .*cpuhp_hog/$CPU"
}

is_complete() {
	is_online "$CPU" && same "hotplug state" "$1" "$(cat "$STATE")" &&
		same "hotplug target" "$1" "$(cat "$CPU_SYS/cpu$CPU/hotplug/target")" && all_online
}

goes_off_and_on() {
	cpu_off "$CPU" && cpu_on "$CPU" && works "$CPU"
}

# busy STAGE LIMIT: 7 tests
busy() {
	name="hog $1, limit $2 ms"
	state=$(cat "$STATE")
	log_mark
	set_param takedown_timeout_ms "$2"
	check "$name: the hog runs" start_hog "$1"
	check "$name: EBUSY in time" refused_in_time "$2"
	check "$name: the hog is named" is_named
	check "$name: the CPU is online and complete" is_complete "$state"
	check "$name: a bound task runs there and its timers fire" works "$CPU"
	check "$name: the hog goes" unload cpuhp_hog
	check "$name: without it the CPU goes off and on" goes_off_and_on
}

# Drivers can have their interrupts while the CPU is waited for.
irq_while_it_waits() {
	start_hog late && trace_start || return 1
	try_write "$CPU_SYS/cpu$CPU/online" 0 >"$WAITER_SAYS" &
	usleep 700000
	start=$(now_ms)
	cat "/sys/module/cpuhp_hog/parameters/irq" >/dev/null || return 1
	ms=$(($(now_ms) - start))
	wait
	unload cpuhp_hog
	read -r says _ <"$WAITER_SAYS"
	diag "an interrupt after $ms ms, the write: $says"
	same "offline" EBUSY "$says" && [ "$ms" -lt 1000 ]
}

# A CPU that fails to come up goes back when it can, however long it is kept busy:
# to give up would leave it half way, and others would run its callbacks.
way_back_waits() {
	load cpuhp_hog cpu="$CPU" stage=up ms=2000 && cpu_off "$CPU" || return 1
	state workqueue:online >"$CPU_SYS/cpu$CPU/hotplug/fail"
	out=$(try_write "$CPU_SYS/cpu$CPU/online" 1)
	ms=${out#* }
	diag "the way up: ${out% *} after $ms ms, the hog takes 2000"
	unload cpuhp_hog
	same "online" EAGAIN "${out% *}" && [ "$ms" -ge 1500 ] && is_named &&
		same "hotplug state" 0 "$(cat "$STATE")" && cpu_on "$CPU" && works "$CPU"
}

# The limit is that of the operation, whatever the parameters say meanwhile.
limit_stays() {
	log_mark
	start_hog pinned && takedown_waits idle "$CPU" || return 1
	set_param stop_machine Y
	usleep $(((2000 + SLACK) * 1000))
	set_mode idle
	unload cpuhp_hog
	wait "$WAITER"
	read -r says ms <"$WAITER_SAYS"
	diag "$says after $ms ms, the limit is 2000 ms"
	same "offline" EBUSY "$says" && [ "$ms" -ge 2000 ] &&
		[ "$ms" -le $((2000 + SLACK)) ] && is_named && works "$CPU"
}

# There is no limit for readers, but the log says who waits for them.  Now and then the
# CPU leaves while the reader is between two sections.
readers_are_told() {
	load cpuhp_hog stage=reader ms=1500 || return 1
	log_mark
	tries=0
	told=1
	while [ "$told" != 0 ] && [ $((tries += 1)) -le 5 ] && cpu_off "$CPU" && cpu_on "$CPU"; do
		log_says "for the readers who saw CPU $CPU online"
		told=$?
	done
	unload cpuhp_hog && is_online "$CPU" && return "$told"
}

# An idle CPU that is in an interrupt for too long is asked again, as if never before.
# Now and then the CPU is gone before the interrupt comes.
irq_delays() {
	tries=0
	met=0
	while [ "$met" -eq 0 ] && [ $((tries += 1)) -le 5 ]; do
		load cpuhp_hog cpu="$CPU" stage=irq ms=250 || return 1
		out=$(try_write "$CPU_SYS/cpu$CPU/online" 0)
		ms=${out#* }
		met=$(cat /sys/module/cpuhp_hog/parameters/met)
		diag "${out% *} after $ms ms, the task and $met interrupts take 250 each"
		unload cpuhp_hog
		same "offline" OK "${out% *}" && cpu_on "$CPU" && works "$CPU" || return 1
	done
	[ "$met" -gt 0 ] && [ "$ms" -ge 500 ]
}

ktap_set_plan 42
set_mode idle
busy early 2000
busy late 2000
busy idle 1000
# again, and at the default limit
busy late 1000
busy early "$SAVED_TIMEOUT"
set_param takedown_timeout_ms 2000
check "hog late: others can have an interrupt meanwhile" irq_while_it_waits
if has_param stop_machine; then
	check "hog pinned: the limit stays when the parameters change" limit_stays
else
	skip "hog pinned: the limit stays when the parameters change" \
		"needs CONFIG_CPUHP_STOP_MACHINE"
fi
if [ "$(count_secondary)" -gt 1 ]; then
	check "hog reader: the log says that readers are waited for" readers_are_told
else
	skip "hog reader: the log says that readers are waited for" "needs at least 3 CPUs"
fi
check "hog irq: a CPU that an interrupt keeps goes off after it" irq_delays
set_param takedown_timeout_ms 500
log_mark
check "hog up: a CPU that fails to come up waits for it" way_back_waits
check_log
check "all CPUs are back and work" all_back
ktap_finished
