#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Check the model of the CPU takedown: that it is about the code in this tree,
# that it keeps its promises, and that it would not if something was done wrong.
#
# Usage: run.sh [TREE]
#
# TREE is the kernel tree, by default the one that this script is in.  Takes a
# minute on one CPU, and 300 MB.  The result is KTAP, and the exit status is 0 if
# nothing failed.

set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 1
tree=${1:-$here/../../..}
model=$here/takedown.pml
CC=${CC:-gcc}

die()
{
	echo "run.sh: $*" >&2
	exit 1
}

command -v spin >/dev/null || die "spin is not installed: apt-get install spin"
command -v "$CC" >/dev/null || die "$CC is not installed: apt-get install gcc"
[ -f "$tree/kernel/cpu.c" ] || die "$tree is not a kernel tree"
tree=$(cd "$tree" && pwd) || exit 1

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

nr=0
failed=0

# report ok|not ok, title, what follows the "#"
report()
{
	nr=$((nr + 1))
	[ "$1" = ok ] || failed=$((failed + 1))
	echo "$1 $nr $2${3:+ # $3}"
}

mutants=$(grep -o 'def MUT_[A-Z_]*' "$model" | cut -d' ' -f2 | sort -u)
litmus=$(ls "$here"/litmus/*.litmus)

# ---- The code ----

# Does file $1 have a body, not just a declaration, of $2?
defines()
{
	awk -v name="$2" '
	BEGIN {
		if (sub(/^enum /, "", name))
			start = "^enum " name " "
		else
			start = "^([A-Za-z_][A-Za-z0-9_ \t*]*[ \t*])?" name "\\("
	}
	$0 ~ start { looking = 1 }
	looking && match($0, /[{;]/) {
		if (substr($0, RSTART, 1) == "{")
			found = 1
		looking = 0
	}
	END { exit !found }
	' "$1"
}

check_names()
{
	bad=

	sed -n 's|.*/\* C: \([^ ]*\):\(.*\) \*/.*|\1 \2|p' "$model" | sort -u > "$tmp/names"
	while read -r file name; do
		if [ ! -f "$tree/$file" ]; then
			echo "# there is no $file"
			bad=1
		elif ! defines "$tree/$file" "${name%()}"; then
			echo "# there is no $name in $file"
			bad=1
		fi
	done < "$tmp/names"
	if [ "$(grep -c '/\* C: ' "$model")" -ne "$(grep -c '/\* C: [^ ]*:.* \*/' "$model")" ]; then
		echo "# a comment that is not C: file:name()"
		bad=1
	fi
	report "${bad:+not }ok" "names of functions" "names=$(wc -l < "$tmp/names")"
}

state_names()
{
	sed -n '/^'"$1"' {/,/^}/s/.*\(CPUHP_TAKEDOWN_[A-Z]*\).*/\1/p' "$2"
}

check_states()
{
	state_names "enum cpuhp_takedown_state" "$tree/kernel/cpuhp/internal.h" > "$tmp/c"
	state_names "mtype:takedown =" "$model" > "$tmp/pml"
	if [ -s "$tmp/c" ] && cmp -s "$tmp/c" "$tmp/pml"; then
		report ok "names of states" "names=$(wc -l < "$tmp/pml")"
	else
		diff "$tmp/c" "$tmp/pml" | sed 's/^/# /'
		report "not ok" "names of states"
	fi
}

# ---- The model ----

# search kind [mutant]: leave the output in $tmp/out
#
# safety	assertions, and states in which nobody can go on
# rounds	the control CPU takes the CPU down or gives up, again and again
# served	a call that got in is executed
search()
{
	case $1 in
	safety)	set -- "$1" "${2:-}" "" -DSAFETY "" ;;
	rounds)	set -- "$1" "${2:-}" "" -DNP "-l -f" ;;
	served)	set -- "$1" "${2:-}" -DLTL "" "-a -f" ;;
	esac

	(
		cd "$tmp" || exit 1
		# A mutant is found before it has run long enough to be optimized.
		opt=-O2
		[ -z "$2" ] || opt=-O0
		# shellcheck disable=SC2086
		spin ${2:+-D$2} $3 -a "$model" &&
		"$CC" -w $opt -DMEMLIM=2048 $4 pan.c -o pan &&
		./pan $5 -m500000 -w22
	) > "$tmp/out" 2>&1
}

measures()
{
	sed -n -e 's/^ *\([0-9.e+]*\) states, stored.*/states=\1/p' \
	       -e 's/.*depth reached \([0-9]*\),.*/depth=\1/p' \
	       -e 's/.*elapsed time \([0-9.]*\) seconds.*/seconds=\1/p' "$tmp/out" |
		sort -r | paste -sd' ' -
}

# Statements that the search never came to
unreached()
{
	grep -e ', state [0-9]*, "' "$tmp/out" | grep -qv -e '"-end-"'
}

# To pass it takes a complete search, and in the first one that all was reached.
check_model()
{
	search "$1"
	if ! grep -q 'errors: 0$' "$tmp/out" ||
	   grep -q -e 'max search depth too small' -e 'Search not completed' "$tmp/out" ||
	   { [ "$1" = safety ] && unreached; }; then
		sed 's/^/# /' "$tmp/out"
		report "not ok" "model: $1"
		return
	fi
	report ok "model: $1" "$(measures)"
}

check_mutant()
{
	case $1 in
	MUT_NO_INHERIT | MUT_SERVE_NO_IRQ_WORK | MUT_SERVE_NO_QUIESCENT_STATE)
		kind=rounds ;;
	MUT_POLL_END_NO_POLL)
		kind=served ;;
	*)
		kind=safety ;;
	esac

	search "$kind" "$1"
	how=$(sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p' "$tmp/out" | tr -s ' ')
	case $how in
	"assertion violated - "*)
		how="" ;;
	"assertion violated"* | "invalid end state" | "non-progress cycle" | "acceptance cycle")
		report ok "mutant fails: $1" "$kind: $how"
		return ;;
	esac
	sed 's/^/# /' "$tmp/out"
	report "not ok" "mutant fails: $1" "$kind"
}

# ---- Memory barriers ----

check_litmus()
{
	title="litmus: $(basename "$1" .litmus)"

	if ! command -v herd7 >/dev/null; then
		report ok "$title" "SKIP herd7 is not installed"
		return
	fi
	want=$(sed -n 's/^ \* Result: //p' "$1")
	(cd "$tree/tools/memory-model" && herd7 -conf linux-kernel.cfg "$1") > "$tmp/out" 2>&1
	if [ -n "$want" ] && grep -q "^Observation .* $want " "$tmp/out"; then
		report ok "$title" "$want"
	else
		sed 's/^/# /' "$tmp/out"
		report "not ok" "$title" "not $want"
	fi
}

echo "KTAP version 1"
# shellcheck disable=SC2086
set -- $mutants $litmus
echo "1..$((5 + $#))"

check_names
check_states
for kind in safety rounds served; do
	check_model "$kind"
done
for mutant in $mutants; do
	check_mutant "$mutant"
done
for test in $litmus; do
	check_litmus "$test"
done

echo "# passed $((nr - failed)), failed $failed"
[ "$failed" -eq 0 ]
