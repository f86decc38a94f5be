# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The series as the repository holds it: patches/series names the patches in
# order; an "Added-file:" trailer in a patch claims a file of the repository
# that belongs to the same commit.  DIR below is the repository, or a directory
# of the same form.

# What is ours alone and never goes into a kernel tree.
OWN='^(Makefile|README\.md|pictures/|scripts/([^/]*$|tcg/)|patches/|\.ci/|LICENSES/|COPYING|MAINTAINERS|\.gitignore$)'

series_patches() {
	local file=$1/patches/series
	if [ -f "$file" ]; then sed '/^#/d;/^$/d' "$file"; fi
}

# Only the header counts: a patch to a text that explains the trailer has it too.
patch_added() { sed -n '/^---$/q;/^diff --git /q;s/^Added-file: *//p' "$1"; }
patch_files() { sed -n 's|^diff --git a/\(.*\) b/.*|\1|p' "$1"; }

series_added() {
	local p
	for p in $(series_patches "$1"); do patch_added "$1/patches/$p"; done
}

# The files of DIR that look as if they belong to the kernel tree.
series_found() {
	if [ -e "$1/.git" ]; then
		git -C "$1" ls-files -co --exclude-standard | while read -r f; do
			if [ -e "$1/$f" ]; then echo "$f"; fi
		done
	else
		find "$1" -path "$1/build" -prune -o -type f -printf '%P\n'
	fi | sed -E "\\@$OWN@d" | sort
}

# The mutants of DIR, as make mutants takes them
MUTANTS_DIR=tools/testing/selftests/cpuhp/mutants
series_mutants() { find "$1/$MUTANTS_DIR" -name '*.patch' | sort; }

# mutant_apply TREE FILE [OPTIONS of patch]
mutant_apply() { patch -d "$1" -p1 -s -F0 "${@:3}" <"$2"; }

# Every patch listed, every claim met exactly once.
series_verify() {
	local dir=$1 p f
	local -A by=()
	for p in $(series_patches "$dir"); do
		[ -f "$dir/patches/$p" ] || die "patches/$p is in patches/series but does not exist: restore it or drop the line"
		[ -z "${by[$p]:-}" ] || die "patches/$p is twice in patches/series: drop one line"
		by[$p]=1
		if grep -qE '^(new file|copy from|rename from|GIT binary)' "$dir/patches/$p"; then
			die "patches/$p creates a file: put the file into the repository and name it in the patch's header as Added-file:"
		fi
		for f in $(patch_added "$dir/patches/$p"); do
			[[ ! $f =~ $OWN ]] || die "patches/$p claims $f, which is the repository's own path: choose another"
			[ -z "${by[$f]:-}" ] || die "$f is claimed by two patches, ${by[$f]} and $p: one patch must add it whole"
			{ [ -f "$dir/$f" ] && [ ! -L "$dir/$f" ]; } || die "patches/$p claims $f, which does not exist: restore it or drop the Added-file: line"
			by[$f]=$p
		done
	done
	for p in "$dir"/patches/*.patch; do
		[ ! -e "$p" ] || [ -n "${by[${p##*/}]:-}" ] || die "patches/${p##*/} is not in patches/series: list it or delete it"
	done
	for f in $(series_found "$dir"); do
		[ -n "${by[$f]:-}" ] || die "$f is claimed by no patch: name it in a patch's header (Added-file: $f), or delete it"
	done
}

# One hash over all that decides what the commits are.
series_hash() {
	local f
	(
		cd "$1" || exit
		{
			if [ -f patches/series ]; then echo patches/series; fi
			series_patches . | sed 's|^|patches/|'
			series_added .
		} | while read -r f; do
			printf '%s %s ' "$f" "$([ -x "$f" ] && echo 755 || echo 644)"
			sha256sum <"$f"
		done | sha256sum | cut -d' ' -f1
	)
}

# series_commits DIR: put the series on top of the tag base, one commit per patch,
# without any work tree; set TIP.  git apply knows no fuzz.
series_commits() {
	local dir=$1 p f sha mode
	local -x GIT_INDEX_FILE=$TMP/index
	local -x GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE
	local -x GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_COMMITTER_DATE

	TIP=$(tgit rev-parse base^0)
	tgit read-tree "$TIP"
	for p in $(series_patches "$dir"); do
		git mailinfo -b "$TMP/msg" "$TMP/diff" <"$dir/patches/$p" >"$TMP/info" 2>/dev/null || :
		GIT_AUTHOR_NAME=$(sed -n 's/^Author: //p' "$TMP/info")
		GIT_AUTHOR_EMAIL=$(sed -n 's/^Email: //p' "$TMP/info")
		GIT_AUTHOR_DATE=$(sed -n 's/^Date: //p' "$TMP/info")
		{ [ -n "$GIT_AUTHOR_NAME" ] && [ -n "$GIT_AUTHOR_EMAIL" ] && [ -n "$GIT_AUTHOR_DATE" ] &&
			grep -q '^Subject: .' "$TMP/info"; } ||
			die "patches/$p has no From:, Date: or Subject: make it with git format-patch"
		GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME
		GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
		GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE

		if grep -q '^diff --git ' "$TMP/diff"; then
			tgit apply --cached --whitespace=nowarn "$TMP/diff" 2>"$TMP/err" ||
				die "patches/$p does not apply to Linux $(base_version): $(sed -n 's/^error: //p' "$TMP/err" | sed -n 1p)"
		fi
		for f in $(patch_added "$dir/patches/$p"); do
			! tgit cat-file -e "base:$f" 2>/dev/null ||
				die "patches/$p adds $f, which Linux $(base_version) has: make it a patch"
			mode=100644
			if [ -x "$dir/$f" ]; then mode=100755; fi
			sha=$(tgit hash-object -w --no-filters "$(realpath "$dir")/$f")
			tgit update-index --add --cacheinfo "$mode,$sha,$f"
		done
		{
			sed -n 's/^Subject: //p' "$TMP/info"
			echo
			sed '/^Added-file:/d' "$TMP/msg"
		} | git stripspace >"$TMP/message"
		TIP=$(tgit commit-tree -p "$TIP" -F "$TMP/message" "$(tgit write-tree)")
	done
}

base_version() {
	makefile_version < <(tgit cat-file blob base:Makefile 2>/dev/null)
}

# The tree's own changes, one line of reason each; nothing where there are none.
# Debian's .gitignore hides every new file, so look for those without it.
tree_dirty() {
	tgit status --porcelain --untracked-files=no | sed 's/^...\(.*\)/uncommitted change: \1/'
	tgit ls-files --others -x '*~' -x '*.orig' -x '*.rej' -x '.*.sw?' -x '*.pyc' \
		-x '/tags' -x '/TAGS' -x '/cscope*' -x '/GPATH' -x '/G*TAGS' -x '/compile_commands.json' -x '/.cache/' |
		sed 's/^/new file that is in no commit (git add -f): /'
}

# build/linux.stamp: what the tools last put into build/linux.
stamp() { sed -n "s/^$1 //p" "$TREE.stamp" 2>/dev/null || :; }
stamp_write() { # TIP SERIES-HASH SOURCE
	printf 'tip %s\nseries %s\nbase %s\nsource %s\n' "$1" "$2" "$(tgit rev-parse base)" "$3" >"$TREE.stamp.new"
	mv "$TREE.stamp.new" "$TREE.stamp"
}
