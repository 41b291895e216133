#!/bin/sh
# Verify a webhook with openssl: exit status 0 when the signature is right. The body comes on standard input.
# Usage: verify.sh whsec_… WEBHOOK-ID WEBHOOK-TIMESTAMP WEBHOOK-SIGNATURE < body
set -eu
secret=${1#whsec_} id=$2 timestamp=$3 signatures=$4

age=$(($(date +%s) - timestamp))
[ "$age" -ge -300 ] && [ "$age" -le 300 ] || { echo "the timestamp is too old or too new" >&2; exit 1; }

key=$(printf %s "$secret" | base64 -d | od -An -v -tx1 | tr -d ' \n')
expected=$({ printf '%s.%s.' "$id" "$timestamp"; cat; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)

for signature in $signatures; do
  [ "$signature" = "v1,$expected" ] && exit 0
done
echo "the signature is wrong" >&2
exit 1
