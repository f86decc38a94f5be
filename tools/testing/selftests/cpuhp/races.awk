# SPDX-License-Identifier: GPL-2.0
#
# A kernel log without the reports of KCSAN on data races that are not between
# functions of the takedown or of the cross-calls. Linux has others.
/BUG: KCSAN:/ && !/takedown|cpuhp|smp_queue|csd_|smp_call|generic_exec_single|irq_work|hrtimers_cpu|timers_migrate/ {
	others = 1
}
!others { print }
others && /={60}/ { others = 0 }
