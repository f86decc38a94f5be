# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A test is a table of rows, one guest each; their KTAP is added up.

# The warning that the takedown gives when it has to wait too long
# shellcheck disable=SC2034 # for who sources this
busy='kept busy|did not become idle'

# The rows that have run
ran=()

# row NAME KERNEL CPUS TIMEOUT "COMMAND" [guest options]
#
# The command prints KTAP.  A guest that prints no or not all of its plan, or
# that ends in any way but "exit 0", is one failure more.
row() {
	local name=$1 kernel=$2 cpus=$3 limit=$4 command=$5 file=$BUILD/log/test$SUFFIX-$1.log
	mkdir -p "$BUILD/log"
	local rc=0 reason='' why line plan seen=0 bad=0 from=$SECONDS
	shift 5
	# shellcheck disable=SC2254
	case $name in
	${TESTS:-*}) ;;
	*) return 0 ;;
	esac
	ran+=("$name")
	: >"$file.out"
	echo "# $name: $kernel, $cpus CPUs, at most $limit s"
	"$ROOT/scripts/guest" --kernel "$kernel" --cpus "$cpus" --timeout "$limit" --log "$file" "$@" \
		--init "$command" 2>"$file.verdict" || rc=$?
	tr -d '\r' <"$file.out" >"$file.ktap" 2>/dev/null || :
	while read -r line; do
		case $line in
		"ok "*"# SKIP"*)
			why=${line#*# SKIP}
			skip "$name: $(title "${line%%# SKIP*}")" "${why# }"
			;;
		"ok "*) ok "$name: $(title "$line")" ;;
		"not ok "*) not_ok "$name: $(title "${line#not }")"; bad=1 ;;
		*) continue ;;
		esac
		seen=$((seen + 1))
	done < <(grep -E '^(not )?ok [0-9]+' "$file.ktap" || :)
	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$file.ktap" | tail -n 1)
	# Status 1 is what a test with a "not ok" line ends with, and that is counted.
	if [ "$rc" -gt 1 ] || { [ "$rc" = 1 ] && [ "$bad" = 0 ]; }; then
		reason=$(tail -n 1 "$file.verdict")
	elif [ -z "$plan" ] || [ "$plan" = 0 ]; then
		reason="no plan in $file.out"
	elif [ "$plan" != "$seen" ]; then
		reason="$seen of $plan results in $file.out"
	fi
	[ -z "$reason" ] || not_ok "$name: the guest ($reason)"
	grep -E '^# ' "$file.ktap" || :
	echo "# $name: took $((SECONDS - from)) s"
}
title() { sed -E 's/^ok [0-9]+ *(- )?//;s/ *$//' <<<"$1"; }
