#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The KUnit tests of the cross-call queue and of the state word, as a module

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 120 "$@"

RESULTS=/sys/kernel/debug/kunit
OUT=$(mktemp)

has_module takedown_kunit || skip_all "needs CONFIG_KUNIT=m and CONFIG_CPUHP_KUNIT_TEST=m"

cleanup() {
	unload takedown_kunit >/dev/null
	unload kunit >/dev/null
	rm -f "$OUT" "$OUT.cases"
}

passed() {
	[ "${line#ok }" != "$line" ]
}

load kunit || skip_all "kunit.ko cannot be loaded"
load takedown_kunit || skip_all "takedown_kunit.ko cannot be loaded"

# A test case is a line that is indented once
cat $RESULTS/*/results >"$OUT" || skip_all "needs CONFIG_KUNIT_DEBUGFS"
sed -n -E 's/^    (ok|not ok) /\1 /p' "$OUT" >"$OUT.cases"
planned=$(awk '/^    1\.\./ { sub(/^    1\.\./, ""); n += $1 } END { print n + 0 }' "$OUT")

all_have_run() {
	[ "$planned" -gt 0 ] && same "cases" "$planned" "$(wc -l <"$OUT.cases")"
}

ktap_set_plan $(($(wc -l <"$OUT.cases") + 2))
while read -r line; do
	title=$(echo "$line" | sed 's/^.*ok [0-9]* //')
	case $line in
	*"# SKIP"*) skip "${title%% #*}" "${title#*SKIP }" ;;
	*) check "$title" passed ;;
	esac
done <"$OUT.cases"
check "all cases have run" all_have_run
grep -B 20 '^ *not ok' "$OUT" | sed 's/^/# /'
check_log
ktap_finished
