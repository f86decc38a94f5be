#!/bin/bash
# SPDX-License-Identifier: GPL-2.0+
#
# What kvm.sh needs to know about cpuhptorture

# per_version_boot_params BOOT-PARAMETERS CONFIG-FILE SECONDS: the parameters of the
# kernel.  CPUs go off and on as soon as it has booted.
per_version_boot_params() {
	echo "cpuhptorture.onoff_interval=2" \
		"cpuhptorture.onoff_holdoff=30" \
		"cpuhptorture.stat_interval=15" \
		"cpuhptorture.shutdown_secs=$3" \
		"cpuhptorture.verbose=1" \
		"$1"
}
