import { LRUCache } from "lru-cache";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { addressOf } from "../addresses";
import { Fault } from "../domain/fault";
import { eventsOf, type ReceivedEvent } from "./receivedEvents";

/** A batch may be large. */
const BODY_BYTES_MAX = 128 * 1024 * 1024;
/** So many deliveries are remembered to tell a repeat from a new one. */
const REMEMBERED_MAX = 100_000;

export interface ReceivedRequest {
  /** The body, as it was signed. */
  readonly body: string;
  readonly events: readonly (ReceivedEvent & {
    /** It came before, under the same id. */
    readonly repeated: boolean;
  })[];
}

export interface ReceiverOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** `whsec_…`; requests wait until it is known. */
  readonly secret: Promise<string>;
  readonly onRequest: (request: ReceivedRequest) => void;
  readonly onRefusal: (reason: string) => void;
}

export interface Receiver {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * A receiver of Standard Webhooks: 204 for what is signed with the secret, 401 for what is not. Throws `Fault` (conflict) when the port
 * is taken.
 */
export function openReceiver(options: ReceiverOptions): Receiver {
  const seen = new LRUCache<string, true>({ max: REMEMBERED_MAX });
  const server = listen(options, async (request) => {
    if (request.method !== "POST") return new Response(null, { status: 405, headers: { allow: "POST" } });
    const body = await request.text();
    const reason = refusal(await options.secret, body, request.headers);
    if (reason !== null) {
      options.onRefusal(reason);
      return new Response(`${reason}\n`, { status: 401 });
    }
    const events = eventsOf(request.headers, body).map((event) => {
      const repeated = seen.has(event.id);
      seen.set(event.id, true);
      return { ...event, repeated };
    });
    options.onRequest({ body, events });
    return new Response(null, { status: 204 });
  });
  return { url: `http://${addressOf(options.host, server.port ?? options.port)}/`, stop: () => server.stop(true) };
}

function listen({ host, port }: ReceiverOptions, fetch: (request: Request) => Promise<Response>) {
  try {
    return Bun.serve({ hostname: host, port, maxRequestBodySize: BODY_BYTES_MAX, fetch });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Fault("conflict", `Port ${port} on ${host} is in use by another program; choose one with --port.`);
  }
}

/** Null when the signature is right and not older than five minutes. */
function refusal(secret: string, body: string, headers: Headers): string | null {
  try {
    new Webhook(secret).verify(body, Object.fromEntries(headers));
    return null;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.message;
    return "the body is not JSON";
  }
}
