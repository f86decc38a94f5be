#!/bin/bash
# SPDX-License-Identifier: GPL-2.0+
#
# What a run of cpuhptorture has done, in a line
#
# Usage: kvm-recheck-cpuhp.sh RESULT-DIRECTORY

if ! [ -d "$1" ] || ! [ -r "$1" ]; then
	echo "Unreadable results directory: $1"
	exit 1
fi
said=$(grep -o 'sections: .* states: [0-9]*' "$1/console.log" 2>/dev/null | tail -n 1)
echo "$(basename "$1") ------- ${said:-no statistics}"
