// Send one message with Node.js 20 or later, without packages.
// Needs ESTAFETTE_URL (https://sms.example.com) and ESTAFETTE_KEY (est_live_…).
// Usage: node send.mjs +33612345678 "Your order is on its way"
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** The accepted message. A repeat with the same key and text sends nothing, so retries are safe. */
export async function send(to, text, idempotencyKey) {
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(`${process.env.ESTAFETTE_URL}/v1/messages`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${process.env.ESTAFETTE_KEY}`,
        "Content-Type": "application/json",
        "Idempotency-Key": idempotencyKey,
      },
      body: JSON.stringify({ to, text }),
      signal: AbortSignal.timeout(15_000),
    });
    const body = await answer.json();
    if (answer.ok) return body;
    const isPassing = answer.status === 503 || body.code === "idempotency_key_in_use";
    if (!isPassing || attempt === 3) throw new Error(`${body.code}: ${body.detail} ${body.action}`);
    await sleep(1000 * Number(answer.headers.get("Retry-After") ?? 2));
  }
}

const [to, text] = process.argv.slice(2);
try {
  const message = await send(to, text, process.env.IDEMPOTENCY_KEY ?? randomUUID());
  console.log(message.id, message.state);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
