#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# bench.sh ROUNDS COUNT LOADS: CPUs go off and on COUNT times in each round, by each way
# in turn, beside each of LOADS (idle, busy), with expedited and with normal grace
# periods.  Each line of the output is
#
#   run LOAD GRACE-PERIOD ROUND JSON
#
# with what cpuhp-lat has to say.  scripts/bench makes tables of it.

# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

ROUNDS=${1:-3}
COUNT=${2:-3}
LOADS=${3:-idle busy}
NORMAL=/sys/kernel/rcu_normal
LAT=$HERE/cpuhp-lat

[ -x "$LAT" ] || { echo "# $LAT is missing"; exit 1; }

load_begin() {
	[ "$1" = busy ] || return 0
	for _ in 0 $(secondary_cpus); do
		spin_on "$(cat "$CPU_SYS/present")"
	done
}

# Interrupts are steered away, as who cares about latency does.
echo 1 >/proc/irq/default_smp_affinity
steer_irqs

# Some will do: it is about what each of them costs.
cpus=$(secondary_cpus | head -n 3 | tr '\n' ',')
status=0
for load in $LOADS; do
	load_begin "$load"
	for gp in expedited normal; do
		[ "$gp" = expedited ] && echo 0 >"$NORMAL" || echo 1 >"$NORMAL"
		round=1
		while [ "$round" -le "$ROUNDS" ]; do
			for mode in $(modes); do
				set_mode "$mode"
				json=$("$LAT" run -c "${cpus%,}" -n "$COUNT" --json) || status=1
				echo "run $load $gp $round $(echo "$json" | tr -s '\n ' ' ')"
			done
			round=$((round + 1))
		done
	done
	kill_spinners
done
echo 0 >"$NORMAL"
set_mode idle
exit $status
