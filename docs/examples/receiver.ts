/**
 * Receives Tocsin's webhooks, in any of their formats, without any package.
 *
 *   WEBHOOK_SECRET=whsec_… bun receiver.ts        (or Node 22.18 and later)
 *   WEBHOOK_PUBLIC_KEY=whpk_… bun receiver.ts     verifies v1a signatures instead
 */
import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";

const TOLERANCE_SECONDS = 5 * 60;
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const REMEMBERED_MAX = 100_000;

/** Null when the request is genuine, else why it is not. `body` is what arrived, byte by byte: never parse first. */
export function refusal(headers: IncomingHttpHeaders, body: Buffer, keys: Keys, nowMs: number): string | null {
  const [id, timestamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => headers[name]);
  if (typeof id !== "string" || typeof timestamp !== "string" || typeof signatures !== "string") return "it is not signed";
  if (!/^\d{1,12}$/.test(timestamp)) return "its timestamp is no number";
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return "its timestamp is too far from now";
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  // One for each key that is valid; during a rotation any of them may be ours.
  for (const entry of signatures.split(" ")) {
    const [version, text = ""] = entry.split(",");
    const signature = Buffer.from(text, "base64");
    if (version === "v1" && keys.secret !== undefined && isHmac(signature, signed, keys.secret)) return null;
    if (version === "v1a" && keys.publicKey !== undefined && isEd25519(signature, signed, keys.publicKey)) return null;
  }
  return "none of its signatures is right";
}

export interface Keys {
  /** `whsec_…`, for `v1`. */
  readonly secret?: string | undefined;
  /** `whpk_…`, for `v1a`. */
  readonly publicKey?: string | undefined;
}

function isHmac(signature: Buffer, signed: Buffer, secret: string): boolean {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const wanted = createHmac("sha256", key).update(signed).digest();
  return signature.length === wanted.length && timingSafeEqual(signature, wanted);
}

function isEd25519(signature: Buffer, signed: Buffer, publicKey: string): boolean {
  const x = Buffer.from(publicKey.slice("whpk_".length), "base64").toString("base64url");
  return verify(null, signed, createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }), signature);
}

interface Event {
  /** Names the delivery: what comes again comes under the same id. */
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a genuine request tells: one event, or several in the order in which they are to be taken. */
function eventsOf(headers: IncomingHttpHeaders, body: Buffer): Event[] {
  const json = JSON.parse(body.toString("utf8")) as unknown;
  const type = headers["ce-type"];
  // The `ce-` headers are not signed; `webhook-id` is, and is the same as `ce-id`.
  if (typeof type === "string") return [{ id: String(headers["webhook-id"]), type, data: json as Event["data"] }];
  if (headers["content-type"] === "application/cloudevents-batch+json") return json as Event[];
  if (headers["content-type"] === "application/cloudevents+json") return [json as Event];
  const message = json as Omit<Event, "id"> & { readonly items?: Event[] };
  return message.type === "batch" ? (message.items ?? []) : [{ ...message, id: String(headers["webhook-id"]) }];
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new RangeError("the body is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const keys: Keys = { secret: process.env["WEBHOOK_SECRET"], publicKey: process.env["WEBHOOK_PUBLIC_KEY"] };
if (keys.secret === undefined && keys.publicKey === undefined) throw new Error("set WEBHOOK_SECRET or WEBHOOK_PUBLIC_KEY");

/** In earnest: a table of the database, written in the transaction that handles the event. */
const seen = new Set<string>();

function handle({ id, type, data }: Event): void {
  if (seen.has(id)) return;
  seen.add(id);
  if (seen.size > REMEMBERED_MAX) seen.delete(seen.values().next().value as string);
  console.log(`accepted ${id} ${type} ${JSON.stringify(data)}`);
}

const server = createServer((request, response) => {
  const answer = async (): Promise<number> => {
    if (request.method !== "POST") return 405;
    const body = await bodyOf(request);
    const reason = refusal(request.headers, body, keys, Date.now());
    if (reason !== null) {
      console.log(`refused: ${reason}`);
      return 401;
    }
    eventsOf(request.headers, body).forEach(handle);
    return 204;
  };
  answer().then(
    (status) => response.writeHead(status).end(),
    // 500 and not 400: it may well be our fault, and then it should come again.
    () => response.writeHead(500).end(),
  );
});

server.listen(Number(process.env["PORT"] ?? 9000), "127.0.0.1", () => {
  const address = server.address();
  console.log(`listening on http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : ""}/`);
});
