#!/bin/sh
# Send one message with curl. Needs ESTAFETTE_URL (https://sms.example.com) and ESTAFETTE_KEY (est_live_…).
# Usage: send.sh +33612345678 "Your order is on its way"
set -eu

# A repeat with the same key and body is answered as the first time and sends nothing, so retries are safe.
curl --silent --show-error --fail-with-body --retry 3 \
  --header "Authorization: Bearer $ESTAFETTE_KEY" \
  --header "Content-Type: application/json" \
  --header "Idempotency-Key: ${IDEMPOTENCY_KEY:-$(cat /proc/sys/kernel/random/uuid)}" \
  --data "{\"to\": \"$1\", \"text\": \"$2\"}" \
  "$ESTAFETTE_URL/v1/messages"
echo
