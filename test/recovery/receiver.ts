import { Webhook } from "standardwebhooks";
import type { Filter } from "../../src/domain/webhook";
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
  readonly answer: () => Answer;
  /** A call of the API that the webhook is registered with. */
  readonly api: (path: string, init: RequestInit) => Promise<Response>;
}

const TAKEN: Answer = { status: 204, delayMs: 0 };

/** A webhook at a real endpoint of its own. */
export async function openReceiver({ filter, answer, api }: ReceiverOptions): Promise<Receiver> {
  const requests: { headers: Record<string, string>; body: string; at: number; answered: number }[] = [];
  let healed = false;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const body = await request.text();
      const { status, delayMs } = healed ? TAKEN : answer();
      requests.push({ headers: Object.fromEntries(request.headers), body, at: Date.now(), answered: status });
      if (delayMs > 0) await Bun.sleep(delayMs);
      return new Response(null, { status });
    },
  });
  const url = `http://127.0.0.1:${server.port}/`;
  const response = await api("/v1/webhooks", { method: "POST", body: JSON.stringify({ url, filter }) });
  if (response.status !== 201) throw new Error(`the webhook was not registered: ${response.status} ${await response.text()}`);
  const { id: webhookId, secret } = (await response.json()) as { id: string; secret: string };
  return {
    url,
    webhookId,
    arrivals: () =>
      requests.map(({ headers, body, at, answered }) => {
        return { webhookId, deliveryId: headers["webhook-id"] ?? "", body, signatureValid: isSigned(secret, body, headers), at, answered };
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
