# SPDX-License-Identifier: GPL-2.0
#
# The front door of the series.  Each target is one script; the order of the
# steps is here, how each step works is there.

CPUS ?= 4
START := $(shell date +%s)
export ARCH BUILD KSRC KDIR CPUS MEM FORCE TESTS MUTANTS TORTURE EACH SIZES ROUNDS SECS MODES MINUTES SEED COUNT KEPT PEERS START

# One step after the other: the steps share build/, and each uses all CPUs.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

help:		## list the targets
	@printf 'usage: make TARGET [VARIABLE=value ...]\n\n'
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18
	@printf '\nvariables: BUILD=dir (default build/), KSRC=6.12.y tree or tarball\n'

setup:		## install the Debian packages that are missing
	@scripts/setup
tree: setup	## prepared kernel tree in build/linux, one commit per patch (FORCE=1: drop changes)
	@scripts/tree
refresh: setup	## write the commits of build/linux back into patches/ and the added files
	@scripts/refresh
series: tree	## the series in build/series, ready for git am and git send-email
	@scripts/series
apply: setup	## apply the series to your own 6.12.y tree: make apply KDIR=dir
	@scripts/apply "$(KDIR)"
check: tree	## is the series clean: checkpatch, sparse, shellcheck, every patch builds
	@scripts/check
check-audit: tree	## has each state, callback, mask, kthread, ... a row in the audit? (part of check)
	@scripts/check-audit
coccicheck: tree	## who looks at the online CPUs, in the whole tree, and is each of them judged? (10 minutes)
	@scripts/setup coccinelle
	@scripts/coccicheck
docs: tree	## the kernel's documentation by Sphinx: no warning about ours, the pages in build/o-docs
	@scripts/setup docs
	@scripts/docs
check-versions: setup	## does the series apply to the oldest and newest linux-source-6.12
	@scripts/check-versions
kernel: tree	## build the kernels: build/o-vm (run, shell), build/o-debug and build/o-wide (test)
	@scripts/kernel vm debug wide
kernel-vm: tree	## build the kernel of run and shell only
	@scripts/kernel vm
run: args kernel-vm	## boot a guest (CPUS=4) and show what the series does
	@scripts/guest --kernel vm --cpus "$(CPUS)" --mem "$(MEM)" --show --init /cpuhp/demo
shell: args kernel-vm	## boot a guest (CPUS=4, MEM=MiB) and give you a shell in it
	@scripts/guest --kernel vm --cpus "$(CPUS)" --mem "$(MEM)" --interactive
test: kernel	## run the tests in guests (TESTS=pattern: only those rows)
	@scripts/test
torture: tree	## torture tests in many kernels, hours (TORTURE=pattern, SECS=60, MODES="idle stop_machine")
	@scripts/torture
soak: kernel	## everything at once on 8 CPUs (MINUTES=30)
	@scripts/soak
fuzz: tree	## random operations on CPUs (MINUTES=10, SEED=, COUNT=60; to replay one MINUTES=0, KEPT=)
	@scripts/kernel wide
	@scripts/fuzz
peers: tree	## the tests of others, in both modes: kselftest, stress-ng, perf, trace-cmd, rtla, KVM (PEERS=pattern)
	@scripts/setup peers
	@scripts/kernel peers vm
	@scripts/peers
kunit: tree	## the KUnit tests by the kernel's kunit.py, on x86 with 4 CPUs
	@scripts/kunit
bench: tree	## measure both ways, SIZES="2 4 8 16 32 64" CPUs: build/bench/report.html (SIZES=4 takes 5 minutes)
	@scripts/setup bench
	@scripts/bench
stock: kernel-vm	## cpuhp-lat on Debian's own kernel, in a guest, and on ours
	@scripts/setup stock
	@scripts/stock
each: tree	## boot the base and each patch on top, and take CPUs off and on there (EACH=pattern; 2 hours)
	@scripts/each
kvm: tree	## cpuhptorture by rcutorture's kvm.sh, two more kernels (SECS=120)
	@scripts/setup kvm
	@scripts/kvm
mutants: tree	## break the series in one place at a time: does a test notice? (MUTANTS=pattern; BY=fuzz: do random operations?)
	@scripts/mutants
model: tree	## check the model of the protocol, exhaustively, and that broken ones fail
	@$(or $(BUILD),build)/linux/tools/verification/cpuhp/run.sh
idle-cost: tree	## count the instructions of the idle loop and of a cross-call, before and after
	@scripts/idle-cost
clean:		## remove what the kernel builds made, keep the tree
	@scripts/clean
distclean:	## remove build/ (FORCE=1: also commits that no patch has yet)
	@scripts/clean all

# A wrong argument is to be known before the kernel is built, not after.
args: setup
	@scripts/guest --args-only --cpus "$(CPUS)" --mem "$(MEM)"

.PHONY: help setup tree refresh series apply check check-audit coccicheck docs check-versions kernel \
	kernel-vm run shell test torture soak fuzz peers kunit bench stock each kvm mutants model idle-cost clean distclean args
