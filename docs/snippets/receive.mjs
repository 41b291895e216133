// Receive and verify webhooks with Node.js 20 or later, without packages. Needs WEBHOOK_SECRET (whsec_…).
// Usage: node receive.mjs 8000
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

/** Whether `body`, a Buffer of the raw octets, was signed with `secret` within the last five minutes. */
export function isGenuine(secret, headers, body) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const digest = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const expected = Buffer.from(`v1,${digest}`);
  // While a secret is being replaced there are several signatures; one that fits is enough.
  return (headers["webhook-signature"] ?? "").split(" ").some((signature) => {
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces);
  if (isGenuine(process.env.WEBHOOK_SECRET, request.headers, body)) {
    const event = JSON.parse(body);
    // Remember event.id: the same event may come twice. Work later; answer now.
    console.log(event.id, event.type);
    response.writeHead(204);
  } else {
    response.writeHead(401);
  }
  response.end();
}).listen(Number(process.argv[2]), "127.0.0.1");
