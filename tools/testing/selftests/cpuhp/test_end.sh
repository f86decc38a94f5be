#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The system ends while a takedown waits.  This test is the end of its guest:
#
#   test_end.sh panic idle|reader	the crash kernel starts, and says so, and
#					whether there are registers of the outgoing
#					CPU.  Needs crashkernel=16M
#   test_end.sh panic-there		the outgoing CPU panics, in a cross-call, while
#					it waits for a reader; then it is the control
#					CPU that has to be stopped
#   test_end.sh kexec			a takedown waits for a reader while another
#					kernel starts, in place of the code of this
#					one: no CPU may still run there
#   test_end.sh reboot idle|readers	the takedown still waits when the test ends,
#					so that the guest reboots with it under way

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 120 "$@"

END=${1:-reboot}
KIND=${2:-idle}
[ "$END" != panic-there ] || KIND=reader
CPU=$(first_secondary)

has_idle || skip_all "this kernel has no idle takedown"
[ "$(count_secondary)" -gt 1 ] || skip_all "needs at least 3 CPUs"
has_keeper "$KIND" || skip_all "needs CONFIG_CPUHP_HOG_TEST=m and CONFIG_CPUHP_TORTURE_TEST=m"

waits() {
	keeper_start "$KIND" "$CPU" && takedown_waits "$KIND" "$CPU"
}

# One by one, but for the last one, and as soon as each is allowed to: the first
# begins before kexec forbids it, or else after.
all_but_last_off() {
	until grep -q 1 /sys/kernel/kexec_loaded; do
		sleep 0.02
	done
	for cpu in $(secondary_cpus | sed '$d'); do
		while is_online "$cpu"; do
			try_write "$CPU_SYS/cpu$cpu/online" 0
		done
	done
}

# not_ended STATUS: this kernel goes on; that of kexec_crash tells why
not_ended() {
	result=ktap_test_fail
	[ "$1" -ne "$KSFT_SKIP" ] || result=ktap_test_skip
	"$result" "$title"
	[ -z "$note" ] || "$result" "$note"
}

note=''
quiet_console
set_mode idle
set_param takedown_timeout_ms 3000

case $END in
panic | panic-there)
	ktap_set_plan 2
	title="waits for $KIND: after a panic the crash kernel starts"
	trigger=/proc/sysrq-trigger
	stopped=$CPU
	note="waits for $KIND: the panic has stopped the CPU, and has its registers"
	if [ "$END" = panic-there ]; then
		title="waits for $KIND: after a panic of the outgoing CPU the crash kernel starts"
		trigger=/sys/module/cpuhp_hog/parameters/panic
		stopped=0
		note="waits for $KIND: the panic has stopped CPU0, and has its registers"
	fi
	# The last line is what a guest says whose command has come to its end.
	"$HERE/kexec_crash" "ok 1 - $title
ok 2 - $note
guest: exit 0
" "$stopped" "ok 1 - $title
not ok 2 - $note
guest: exit 1
" && waits && echo c >"$trigger" && sleep 60
	not_ended $?
	;;
kexec)
	ktap_set_plan 1
	title="a takedown waits: kexec starts a kernel, and no CPU runs on in its place"
	load cpuhp_hog stage=reader ms=6000
	all_but_last_off >/dev/null &
	WAITER=$!
	"$HERE/kexec_crash" -e "ok 1 - $title
guest: exit 0
" "not ok 1 - $title
guest: exit 1
"
	status=$?
	kill "$WAITER"
	not_ended $status
	;;
reboot)
	ktap_set_plan 1
	check "waits for $KIND: a takedown waits, and the system reboots" waits
	# To put things back would be to wait for the end of the takedown.
	trap - EXIT
	;;
esac
ktap_finished
