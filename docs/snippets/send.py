"""Send one message with Python's standard library.

Needs ESTAFETTE_URL (https://sms.example.com) and ESTAFETTE_KEY (est_live_…).
Usage: python send.py +33612345678 "Your order is on its way"
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid


def send(to, text, idempotency_key):
    """The accepted message. A repeat with the same key and text sends nothing, so retries are safe."""
    request = urllib.request.Request(
        os.environ["ESTAFETTE_URL"] + "/v1/messages",
        data=json.dumps({"to": to, "text": text}).encode(),
        headers={
            "Authorization": "Bearer " + os.environ["ESTAFETTE_KEY"],
            "Content-Type": "application/json",
            "Idempotency-Key": idempotency_key,
        },
    )
    attempt = 0
    while True:
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            attempt += 1
            if error.code not in (409, 503) or "Retry-After" not in error.headers or attempt == 4:
                problem = json.load(error)
                raise SystemExit(f"{problem['code']}: {problem['detail']} {problem['action']}") from None
            time.sleep(float(error.headers["Retry-After"]))


if __name__ == "__main__":
    message = send(sys.argv[1], sys.argv[2], os.environ.get("IDEMPOTENCY_KEY", str(uuid.uuid4())))
    print(message["id"], message["state"])
