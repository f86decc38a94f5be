#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The system ends while a takedown waits.  This test is the end of its guest:
#
#   test_end.sh panic idle|readers	the crash kernel starts, and says so.  Needs
#					crashkernel=16M
#   test_end.sh reboot idle|readers	the takedown still waits when the test ends,
#					so that the guest reboots with it under way

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 120 "$@"

END=${1:-reboot}
KIND=${2:-idle}
CPU=$(first_secondary)

has_idle || skip_all "this kernel has no idle takedown"
[ "$(count_secondary)" -gt 1 ] || skip_all "needs at least 3 CPUs"
has_keeper "$KIND" || skip_all "needs CONFIG_CPUHP_HOG_TEST=m and CONFIG_CPUHP_TORTURE_TEST=m"

waits() {
	keeper_start "$KIND" "$CPU" && takedown_waits "$KIND" "$CPU"
}

quiet_console
set_mode idle
set_param takedown_timeout_ms 3000

ktap_set_plan 1
case $END in
panic)
	title="waits for $KIND: after a panic the crash kernel starts"
	# The last line is what a guest says whose command has come to its end.
	"$HERE/kexec_crash" "ok 1 - $title
guest: exit 0
" && waits && echo c >/proc/sysrq-trigger
	ktap_test_fail "$title"
	;;
reboot)
	check "waits for $KIND: a takedown waits, and the system reboots" waits
	# To put things back would be to wait for the end of the takedown.
	trap - EXIT
	;;
esac
ktap_finished
