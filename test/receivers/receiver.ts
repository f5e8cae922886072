import { Webhook } from "standardwebhooks";

/** One request as it arrived. */
export interface Arrival {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly at: number;
  /** `webhook-id`. */
  readonly id: string;
  readonly sensorId: string;
  readonly revision: number;
  readonly answered: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The answer waits for it. */
  readonly after?: Promise<unknown>;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** In the order in which they came. */
  readonly arrivals: Arrival[];
  /** The most requests that were open at once. */
  readonly openMost: number;
  /** How it answers from now on. */
  answer: (arrival: Omit<Arrival, "answered">) => Answer;
}

const TAKEN: Answer = { status: 204 };

/** An endpoint on loopback that keeps what arrives and answers as it is told; 204 unless told otherwise. */
export function openReceiver(answer: Receiver["answer"] = () => TAKEN): Receiver {
  const arrivals: Arrival[] = [];
  const open = { now: 0, most: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      open.most = Math.max(open.most, (open.now += 1));
      try {
        const body = await request.text();
        const arrival = readArrival(Object.fromEntries(request.headers), body);
        const { status, headers, after } = receiver.answer(arrival);
        arrivals.push({ ...arrival, answered: status });
        await after;
        return new Response(null, { status, headers });
      } finally {
        open.now -= 1;
      }
    },
  });
  const port = server.port as number;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hook?token=hidden`,
    port,
    arrivals,
    answer,
    get openMost() {
      return open.most;
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
  return receiver;
}

function readArrival(headers: Record<string, string>, body: string): Omit<Arrival, "answered"> {
  const { data = {} } = JSON.parse(body) as { data?: { sensorId?: string; revision?: number } };
  return { headers, body, at: Date.now(), id: headers["webhook-id"] ?? "", sensorId: data.sensorId ?? "", revision: data.revision ?? 0 };
}

/** Whether a Standard Webhooks library accepts it with this secret. */
export function isSigned({ body, headers }: Pick<Arrival, "body" | "headers">, secret: string): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

/** The revisions of each sensor in the order in which they first arrived. */
export function firstRevisions(arrivals: readonly Arrival[]): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  const seen = new Set<string>();
  for (const { id, sensorId, revision } of arrivals) {
    if (seen.has(id)) continue;
    seen.add(id);
    (found[sensorId] ??= []).push(revision);
  }
  return found;
}
