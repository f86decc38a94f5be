#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# with_padata.sh COMMAND...: run COMMAND while texts are encrypted in parallel, by two
# instances of pcrypt, which have callbacks for CPUs that come and go (CONFIG_CRYPTO_PCRYPT)

HERE=$(cd "$(dirname "$0")" && pwd)
MODULES=${MODULES:-/lib/modules}

grep -q '^pcrypt ' /proc/modules || insmod "$MODULES/pcrypt.ko"
"$HERE/cpu_load" crypt 'pcrypt(rfc4106(gcm(aes-generic)))' &
first=$!
"$HERE/cpu_load" crypt 'pcrypt(rfc4106(gcm_base(ctr(aes-generic),ghash-generic)))' &
second=$!
sleep 1
if ! kill -0 "$first" || ! kill -0 "$second"; then
	echo "1..0 # SKIP needs CONFIG_CRYPTO_PCRYPT, CONFIG_CRYPTO_USER_API_AEAD"
	exit 4
fi
"$@"
status=$?
for pid in $first $second; do
	kill "$pid"
	wait "$pid" || status=1
done
exit "$status"
