# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What all scripts share: where things are, and how they speak to the user.

set -Eeuo pipefail
# For TESTS=, MUTANTS= and TORTURE=: also @(this|that) and !(this)
shopt -s extglob

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD=$(realpath -m "${BUILD:-$ROOT/build}")
TREE=$BUILD/linux
: "${START:=$(date +%s)}"
export START LC_ALL=C

# ARCH: whose kernels are built, and booted in guests.  SUFFIX tells what belongs to
# which in build/, TOOLS is the prefix of the compiler and its companions.
HOST_ARCH=$(uname -m)
[ "$HOST_ARCH" != aarch64 ] || HOST_ARCH=arm64
: "${ARCH:=x86_64}"
SUFFIX='' TOOLS='' EMULATOR=qemu-system-x86_64
case $ARCH in
x86_64) [ "$HOST_ARCH" = x86_64 ] || TOOLS=x86_64-linux-gnu- ;;
arm64)
	SUFFIX=-arm64 EMULATOR=qemu-system-aarch64
	[ "$HOST_ARCH" = arm64 ] || TOOLS=aarch64-linux-gnu-
	;;
*) die "ARCH=$ARCH: x86_64 (or nothing), or arm64" ;;
esac
export ARCH

# x86_only WHAT: this script or row has nothing to show elsewhere.
x86_only() { [ "$ARCH" = x86_64 ] || die "$1 is for x86_64 only: leave ARCH= away"; }

# The caller's git settings must not change patches or hashes, and a make that
# calls us must not pass its variables on to the kernel's make.
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$ROOT/scripts/gitconfig
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES KBUILD_OUTPUT KCFLAGS \
	CROSS_COMPILE LLVM GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE CDPATH
export CCACHE_DIR=${CCACHE_DIR:-${HOME:-$BUILD}/.cache/ccache}
# What was compiled in one clone is the same in the next.
export CCACHE_BASEDIR=$BUILD

log() { printf '[%4ds] %s\n' $(($(date +%s) - START)) "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
trap 'die "line $LINENO failed: $BASH_COMMAND"' ERR

case $ROOT$BUILD in
*[[:space:]:]*) die "the kernel cannot be built in a path with a blank or a colon: move it, or set BUILD=" ;;
esac

TMP=
tmpdir() {
	mkdir -p "$BUILD"
	TMP=$(mktemp -d "$BUILD/tmp.XXXXXX")
	trap 'rm -rf "$TMP"' EXIT
	trap 'exit 130' INT TERM HUP
}

# Two makes at once would pull the tree from under each other.
lock() {
	mkdir -p "$BUILD"
	exec 9>"$BUILD/.lock-$1"
	flock -n 9 && return
	log "waiting for another make that works on $1 in $BUILD"
	flock -w 900 9 || die "another make still works on $1 in $BUILD: wait for it to end"
}

# scripts/setup may have put one there.
QEMU_DIR=$BUILD/qemu$SUFFIX
if [ -x "$QEMU_DIR/bin/$EMULATOR" ]; then PATH=$QEMU_DIR/bin:$PATH; fi

# Before QEMU 8.1 a CPU that is a thread of its own can translate code while another
# one patches it, and keep what it was.  A kernel that switches tracepoints then dies of
# a breakpoint that is not there any more: without the series in seconds.  Newer ones do
# it while the kernel boots, once in about 500 times.
qemu_keeps_patches() {
	"$EMULATOR" --version 2>/dev/null |
		awk 'NR == 1 { match($0, /version [0-9]+[.][0-9]+/); split(substr($0, RSTART + 8, RLENGTH - 8), v, ".")
			exit !(v[1] > 8 || (v[1] == 8 && v[2] >= 1)) }'
}

tgit() { git -C "$TREE" "$@"; }

# worktree DIR [COMMIT]: another checkout of the tree, to work in
worktree() {
	tgit worktree prune
	if ! git -C "$1" rev-parse -q --verify HEAD >/dev/null 2>&1; then
		rm -rf "$1"
		tgit worktree add -q --detach --no-checkout "$1" "${2:-HEAD}"
	fi
	rm -f "$(git -C "$1" rev-parse --absolute-git-dir)/index.lock"
	git -C "$1" reset -q --hard "$(tgit rev-parse "${2:-HEAD}")"
}

# linux_version DIR: 6.12.117
linux_version() { makefile_version <"$1/Makefile"; } 2>/dev/null
makefile_version() {
	awk '/^(VERSION|PATCHLEVEL|SUBLEVEL) *=/ { v[$1] = $3 }
		"SUBLEVEL" in v { print v["VERSION"] "." v["PATCHLEVEL"] "." v["SUBLEVEL"]; exit }'
}

# need_6_12 NAME DIR
need_6_12() {
	case $(linux_version "$2" || :) in
	6.12.*) ;;
	'') die "$1 is no Linux source tree (no version in $2/Makefile)" ;;
	*) die "$1 is Linux $(linux_version "$2"); the series is for 6.12.y" ;;
	esac
}

# kmake SOURCE OUT ARGS...: the kernel's make, for ARCH or KARCH.  User, host and
# time are fixed so that ccache hits and the same source gives the same kernel.
kmake() {
	local src=$1 out=$2
	shift 2
	make -C "$src" O="$out" ARCH="${KARCH:-$ARCH}" CROSS_COMPILE="$TOOLS" CC="ccache ${TOOLS}gcc" HOSTCC="ccache gcc" \
		LOCALVERSION= KBUILD_BUILD_TIMESTAMP="2024-11-17" \
		KBUILD_BUILD_USER=cpuhp KBUILD_BUILD_HOST=cpuhp KBUILD_BUILD_VERSION=1 \
		-j"$(nproc)" "$@" 9>&-
}

# kernel_dir NAME: where it is built.  kernel_image DIR: what is booted from there.
kernel_dir() { echo "$BUILD/o-$1$SUFFIX"; }
kernel_image() {
	case $ARCH in
	x86_64) echo "$1/arch/x86/boot/bzImage" ;;
	arm64) echo "$1/arch/arm64/boot/Image" ;;
	esac
}
# make_kernel SOURCE OUT [TARGET...]: the image, and what else is named
make_kernel() {
	kmake "$1" "$2" "$(basename "$(kernel_image "$2")")" "${@:3}"
}

# is_32bit DIR: is the kernel there one of 32 bits?
is_32bit() { grep -q '^CONFIG_X86_32=y' "$1/.config" 2>/dev/null; }

# configure SOURCE OUT FRAGMENT...: allnoconfig plus the fragments, which build/linux
# has even if SOURCE is something older, or which are given with their full path.  Kconfig
# drops in silence what it cannot have, so look at what became of each line.
configure() {
	local src=$1 out=$2 f all
	shift 2
	mkdir -p "$out"
	all=$out/.config.fragments
	for f; do
		case $f in
		/*) cat "$f"; continue ;;
		esac
		[ -f "$TREE/$f" ] || die "$f is not in $TREE: the series must add it"
		cat "$TREE/$f"
	done >"$all.new"
	if ! cmp -s "$all.new" "$all" || [ ! -f "$out/.config" ]; then
		rm -f "$all"
		kmake "$src" "$out" KCONFIG_ALLCONFIG="$all.new" allnoconfig || return
	fi
	awk '
		/^CONFIG_[A-Za-z0-9_]*=/ { sym = $0; sub(/=.*/, "", sym); val = $0; sub(/^[^=]*=/, "", val) }
		/^# CONFIG_.* is not set$/ { sym = $2; val = "n" }
		sym == "" { next }
		FNR == NR { if (val == "n") delete is[sym]; else is[sym] = val }
		FNR != NR { want[sym] = val }
		{ sym = "" }
		END {
			for (sym in want) {
				got = sym in is ? is[sym] : "n"
				if (got != want[sym]) { print "error: " sym ": wanted " want[sym] ", got " got; bad = 1 }
			}
			exit bad
		}' "$out/.config" "$all.new" || return
	mv "$all.new" "$all"
}

# logged NAME COMMAND...: run it with its output in build/log/NAME.log, and show
# that it is alive.  The command stays in the foreground to get Ctrl-C.
logged() {
	local name=$1 file=$BUILD/log/$1.log beat rc=0
	shift
	mkdir -p "$BUILD/log"
	: >"$file"
	(
		trap - EXIT INT TERM HUP ERR
		while sleep 20 >/dev/null 2>&1; do
			log "$name: $(grep -cE '^  (CC|LD|AS|AR|HOSTCC|CHECK) ' "$file" || :) objects"
		done
	) 9>&- &
	beat=$!
	# A subshell: die in there must end the command, not the heartbeat's owner.
	(trap - EXIT; "$@") >"$file" 2>&1 </dev/null || rc=$?
	kill "$beat" 2>/dev/null || :
	wait "$beat" 2>/dev/null || :
	[ "$rc" = 0 ] || grep -E '(error|warning|fatal|undefined)|\*\*\*|No rule' "$file" | tail -n 12 >&2 || :
	return "$rc"
}

# KTAP, counted
PASSED=0 FAILED=0 SKIPPED=0
ok() { PASSED=$((PASSED + 1)); echo "ok $((PASSED + FAILED + SKIPPED)) - $*"; }
not_ok() { FAILED=$((FAILED + 1)); echo "not ok $((PASSED + FAILED + SKIPPED)) - $*"; }
skip() { SKIPPED=$((SKIPPED + 1)); echo "ok $((PASSED + FAILED + SKIPPED)) - $1 # SKIP $2"; }
summary() {
	echo "1..$((PASSED + FAILED + SKIPPED))"
	[ "$SKIPPED" = 0 ] || echo "# $SKIPPED skipped"
	echo "$PASSED passed, $FAILED failed"
	if [ "$FAILED" != 0 ] || [ "$PASSED" = 0 ]; then exit 1; fi
}
