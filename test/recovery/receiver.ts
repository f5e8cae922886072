import { Webhook } from "standardwebhooks";
import type { Filter, WebhookSettings } from "../../src/domain/webhook";
import type { Arrival } from "../ledger/evidence";

/** What a receiver does with a request: answer at once, or late. */
export interface Answer {
  readonly status: number;
  readonly delayMs: number;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly webhookId: string;
  /** In the order in which they came, the signatures checked. */
  arrivals(): Arrival[];
  /** How many there are. */
  count(): number;
  /** From now on everything is taken at once. */
  heal(): void;
}

export interface ReceiverOptions {
  readonly filter: Filter;
  readonly settings?: Partial<WebhookSettings>;
  readonly answer: () => Answer;
  /** A call of the API that the webhook is registered with. */
  readonly api: (path: string, init: RequestInit) => Promise<Response>;
}

interface Request {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly at: number;
  readonly answered: number;
  /** Checked when it comes, because a signature is good for some minutes only; null until the secret is known. */
  signatureValid: boolean | null;
}

const TAKEN: Answer = { status: 204, delayMs: 0 };

/** A webhook at a real endpoint of its own. */
export async function openReceiver({ filter, settings, answer, api }: ReceiverOptions): Promise<Receiver> {
  const requests: Request[] = [];
  let secret: string | null = null;
  let healed = false;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const body = await request.text();
      const { status, delayMs } = healed ? TAKEN : answer();
      const headers = Object.fromEntries(request.headers);
      requests.push({
        headers,
        body,
        at: Date.now(),
        answered: status,
        signatureValid: secret === null ? null : isSigned(secret, body, headers),
      });
      if (delayMs > 0) await Bun.sleep(delayMs);
      return new Response(null, { status });
    },
  });
  const url = `http://127.0.0.1:${server.port}/`;
  const response = await api("/v1/webhooks", { method: "POST", body: JSON.stringify({ url, filter, ...settings }) });
  if (response.status !== 201) throw new Error(`the webhook was not registered: ${response.status} ${await response.text()}`);
  const { id: webhookId, secret: given } = (await response.json()) as { id: string; secret: string };
  secret = given;
  for (const request of requests) request.signatureValid ??= isSigned(given, request.body, request.headers);
  return {
    url,
    webhookId,
    arrivals: () =>
      requests.map(({ headers, body, at, answered, signatureValid }) => {
        return { webhookId, deliveryId: headers["webhook-id"] ?? "", body, signatureValid: signatureValid === true, at, answered };
      }),
    count: () => requests.length,
    heal: () => {
      healed = true;
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function isSigned(secret: string, body: string, headers: Record<string, string>): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

/** Without what came again under the same id, as it may when the sender lost its lease or its end was not waited for. */
export function firstsOf(arrivals: readonly Arrival[]): Arrival[] {
  const seen = new Set<string>();
  return arrivals.filter(({ deliveryId }) => {
    const isFirst = !seen.has(deliveryId);
    seen.add(deliveryId);
    return isFirst;
  });
}
