# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A test is a table of rows, one guest each; their KTAP is added up.

# The warning that the takedown gives when it has to wait too long
# shellcheck disable=SC2034 # for who sources this
busy='kept busy|did not become idle'

# The rows that have run
ran=()

# ktap NAME FILE: the results in FILE are NAME's; sets seen, bad and plan
ktap() {
	local line why
	while read -r line; do
		case $line in
		"ok "*"# SKIP"*)
			why=${line#*# SKIP}
			skip "$1: $(title "${line%%# SKIP*}")" "${why# }"
			;;
		"ok "*) ok "$1: $(title "$line")" ;;
		"not ok "*) not_ok "$1: $(title "${line#not }")"; bad=1 ;;
		*) continue ;;
		esac
		seen=$((seen + 1))
	done < <(grep -E '^(not )?ok [0-9]+' "$2" || :)
	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$2" | tail -n 1)
}

# row NAME KERNEL CPUS TIMEOUT "COMMAND" [guest options]
#
# The command prints KTAP.  A guest that prints no or not all of its plan, or
# that ends in any way but "exit 0", is one failure more.
row() {
	local name=$1 kernel=$2 cpus=$3 limit=$4 command=$5 file=$BUILD/log/test$SUFFIX-$1.log
	mkdir -p "$BUILD/log"
	local rc=0 reason='' plan seen=0 bad=0 from=$SECONDS
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
	ktap "$name" "$file.ktap"
	# Status 1 is what a test with a "not ok" line ends with, and that is counted.
	if [ "$rc" -gt 1 ] || { [ "$rc" = 1 ] && [ "$bad" = 0 ]; }; then
		reason=$(tail -n 1 "$file.verdict")
	elif [ -z "$plan" ] || [ "$plan" = 0 ]; then
		reason="no plan in $file.out"
	elif [ "$plan" != "$seen" ]; then
		reason="$seen of $plan results in $file.out"
	fi
	if [ -n "$reason" ]; then
		not_ok "$name: the guest ($reason)"
		last_seen "$file"
	fi
	grep -E '^# ' "$file.ktap" || :
	echo "# $name: took $((SECONDS - from)) s"
}

# last_seen FILE: what is left of a guest whose files another machine has: the end of its
# console, where each CPU was, what its local APIC and the I/O APIC had pending
last_seen() {
	tail -n 15 "$1" | tr -d '\r' | sed 's/^/# console: /' || :
	[ ! -s "$1.qemu" ] ||
		grep -E '^CPU#|[ER]?IP=|^(ISR|IRR)|LVTT|^ *pin|^ *(IRR|Remote IRR)' "$1.qemu" | sed 's/^/# emulator: /' || :
}

title() { sed -E 's/^ok [0-9]+ *(- )?//;s/ *$//' <<<"$1"; }

# nvme QUEUES: an NVMe device
nvme() { disk "nvme,serial=1,max_ioqpairs=$1"; }

# disk DRIVER,OPTIONS: one that is all zeros
disk_count=0
disk() {
	disk_count=$((disk_count + 1))
	printf '%s ' -blockdev "driver=null-co,node-name=w$disk_count,size=16777216,read-zeroes=on" \
		-device "$1,drive=w$disk_count"
}

# One of each kind: a queue for each CPU, for two, for all
disks() {
	disk virtio-blk-pci,num-queues=4
	disk virtio-blk-pci,num-queues=2
	echo "-device ahci,id=ahci"
	disk ide-hd,bus=ahci.0
}

# has_tap: QEMU can make network devices (CAP_NET_ADMIN), which is what cards with
# many queues need
has_tap() {
	local caps
	caps=$(sed -n 's/^CapEff:\t*//p' /proc/self/status)
	(((0x$caps >> 12) & 1)) && { : <>/dev/net/tun; } 2>/dev/null
}

# nets N: so many cards with 64 vectors each
nets() {
	local i
	for ((i = 0; i < $1; i++)); do
		printf '%s ' -netdev "tap,queues=31,script=no,downscript=no,id=net$i" \
			-device "virtio-net-pci,netdev=net$i,mq=on,vectors=64"
	done
}

# selftests NAME KERNEL CPUS [guest options]: what users do and what goes wrong, a row
# for each test, NAME-TEST.  With short=1 a few of them.
selftests() {
	local name=${1:+$1-} kernel=$2 cpus=$3 all=("${@:4}")

	self basic	200	test_basic.sh
	self users	200	test_users.sh	--smt
	self busy	300	test_busy.sh	--expect "$busy"
	[ -z "${short:-}" ] || return 0
	self faults	400	test_faults.sh
	self target	400	test_target.sh

	self irq	300	test_irq.sh	--smt --qemu "$(nvme 1)"
	self sched	300	test_sched.sh	--smt
	# Where ksoftirqd runs what interrupts leave behind
	if [ "$kernel" = rt ] || [[ " ${all[*]} " = *" threadirqs "* ]]; then
		skip "${name}core-sched" "Linux 6.12 forces ksoftirqd idle (\"NOHZ tick-stop error\"), also without any offline"
	else
		self core-sched	300	test_core_sched.sh --smt
	fi
	self register	300	test_register.sh
	self held	300	"test_held.sh 8"
	self params	100	test_params.sh
	self refuse	100	test_refuse.sh
	self race	400	test_race.sh
	self counters	300	test_counters.sh
	self junk	400	test_junk.sh
	self nomem	400	test_nomem.sh	--expect "Call Trace:"
	self waits	300	test_waits.sh	--expect "$busy"
	self kunit	200	test_kunit.sh
}
self() { row "$name$1" "$kernel" "$cpus" "$2" "$3" "${all[@]}" "${@:4}"; }

# fuzz_rows MINUTES: a result for each sequence of random operations
fuzz_rows() {
	local file=$BUILD/log/fuzz.ktap seen=0 bad=0 plan=''
	MINUTES=$1 "$ROOT/scripts/fuzz" >"$file" || :
	ktap fuzz "$file"
	if [ "$seen" = 0 ] || [ "$seen" != "$plan" ]; then not_ok "fuzz: $seen of ${plan:-no} results"; fi
	grep '^# ' "$file" || :
}
