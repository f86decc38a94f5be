#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# with_cookies.sh COMMAND...: run COMMAND while tasks run that do not share a core,
# so that the cores are scheduled as a whole (CONFIG_SCHED_CORE, SMT)

HERE=$(cd "$(dirname "$0")" && pwd)
SPIN=100000	# s, longer than any test

if ! "$HERE/cpu_tool" spin 0; then
	echo "1..0 # SKIP needs core scheduling"
	exit 4
fi
"$HERE/cpu_tool" spin $SPIN &
first=$!
"$HERE/cpu_tool" spin $SPIN &
second=$!
"$@"
status=$?
kill "$first" "$second"
exit "$status"
