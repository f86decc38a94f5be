#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Junk in every file under cpuN/hotplug, in "online" and in the parameters of the
# takedown gives an error, and nothing else: no value changes, no CPU notices.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
cpuhp_start 300 "$@"

[ "$(count_secondary)" -gt 0 ] || skip_all "needs at least 2 CPUs"
[ -d "$TRACING/events/cpuhp" ] || skip_all "needs CONFIG_FTRACE"

ONLINE=$(state online)
JUNK=$(mktemp -d)

cleanup() {
	steps_end
	rm -rf "$JUNK"
}

# repeat COUNT TEXT
repeat() {
	awk -v n="$1" -v text="$2" 'BEGIN { while (n--) printf "%s", text }'
}

# What is junk to all the files.  Some take numbers, in one base or another, some
# look at the first letter of yes, no, on, off, true or false only, and all of
# them see the end of the text in a NUL.
make_junk() {
	cd "$JUNK" || exit 1
	printf '' >empty
	printf '\n' >newline
	printf ' ' >blank
	printf -- '-' >minus
	printf -- '-2' >minus-2
	printf -- '-2147483649' >less-than-int
	printf -- '-9223372036854775809' >less-than-long
	printf '2147483648x' >number-and-text
	printf '99999999999' >more-than-int
	printf '99999999999999999999999' >more-than-long
	printf '3 3' >two-numbers
	printf '3.5' >fraction
	printf 'abc' >text
	printf '\303\244\342\202\254' >utf-8
	printf '%%s%%n' >format
	printf '../../cpu0/online' >path
	printf '\000' >nul
	printf '\0001' >nul-and-number
	printf 'x\0001' >text-nul-number
	printf '\001\002\033[2J\177' >control
	printf '\377\376\200' >binary
	repeat 4095 9 >page
	repeat 4097 9 >more-than-a-page
	repeat 100000 9 >many-pages
	repeat 5000 ' ' >blanks
	dd if=/dev/urandom of=random bs=1024 count=4 2>/dev/null
	# Must not begin like something that makes sense
	{ printf '?'; cat random; } >random.new
	mv random.new random
	cd "$HERE" || exit 1
}

# put ERROR FILE JUNK
put() {
	TRIED=$((TRIED + 1))
	out=$("$TOOL" put "$2" <"$JUNK/$3")
	# A write of nothing writes nothing.
	[ "$3" != empty ] || [ "${out% *}" != OK ] || return 0
	case " $1 " in
	*" ${out% *} "*) return 0 ;;
	esac
	OTHERWISE=$((OTHERWISE + 1))
	diag "$3 to $2: expected one of $1, found ${out% *}"
	return 1
}

# All that the junk could have changed
everything() {
	for file in "$CPU_SYS"/online "$CPU_SYS"/cpu[0-9]*/online "$CPU_SYS"/cpu[0-9]*/hotplug/* \
		"$CPU_SYS"/hotplug/* "$PARAMS"/*; do
		[ ! -r "$file" ] || grep -H '' "$file"
	done
}

# all_junk ERRORS FILE...
all_junk() {
	errors=$1
	shift
	found=
	before=$(everything)
	steps_clear
	for file; do
		found=1
		for junk in "$JUNK"/*; do
			put "$errors" "$file" "${junk##*/}" || return 1
		done
		if [ "$(everything)" != "$before" ]; then
			diag "$file: something has changed"
			return 1
		fi
	done
	[ -n "$found" ] && same "callbacks that ran" "" "$(steps)"
}

# Numbers that are not junk, but out of range
out_of_range() {
	before=$(everything)
	for cpu in $(secondary_cpus); do
		for value in -2 $((ONLINE + 1)) 4294967295 4294967296 4294967297; do
			for file in target fail; do
				out=$(try_write "$CPU_SYS/cpu$cpu/hotplug/$file" "$value")
				TRIED=$((TRIED + 1))
				case ${out% *} in
				EINVAL | ERANGE) ;;
				*)
					OTHERWISE=$((OTHERWISE + 1))
					diag "$file: $value gives $out"
					return 1
					;;
				esac
			done
		done
	done
	same "all values" "$before" "$(everything)"
}

all_off_junk() {
	all_off || return 1
	all_junk "EINVAL ERANGE" "$CPU_SYS"/cpu[1-9]*/online "$CPU_SYS"/cpu[1-9]*/hotplug/target \
		"$CPU_SYS"/cpu[1-9]*/hotplug/fail && all_on
}

ktap_set_plan 10
set_mode idle
make_junk
steps_start
diag "$(find "$JUNK" -type f | wc -l) kinds of junk"
check "online" all_junk "EINVAL" "$CPU_SYS"/cpu[1-9]*/online
check "hotplug/target" all_junk "EINVAL ERANGE" "$CPU_SYS"/cpu[0-9]*/hotplug/target
check "hotplug/fail" all_junk "EINVAL ERANGE" "$CPU_SYS"/cpu[0-9]*/hotplug/fail
check "what is to be read only" all_junk "EACCES EIO" \
	"$CPU_SYS"/cpu[0-9]*/hotplug/state "$CPU_SYS/hotplug/states"
check "numbers that are out of range" out_of_range
check "the files of CPUs that are off" all_off_junk
if [ -d "$PARAMS" ]; then
	check "the parameters" all_junk "EINVAL ERANGE" "$PARAMS"/*
else
	skip "the parameters" "this kernel has none"
fi
check "the CPUs go off and on" each_off_and_on 1
check_operations
check_log
ktap_finished
