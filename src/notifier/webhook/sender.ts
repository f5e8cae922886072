import type { GuardConfig } from "../../guardConfig";
import { Fault } from "../../domain/fault";
import type { Webhook } from "../../domain/webhook";
import type { AttemptRow } from "../../store/store";
import { CannotOpen, openVault, type Vault } from "../../vault";
import { errorOf, type Reply } from "../outcome";
import { createGuard, type Guard } from "./guard";
import { createConnections } from "./connections";
import { type Endpoint, endpointOf, type Opened, openedFrom, UNOPENED } from "./endpoint";
import { type Message, testMessage } from "./payload";
import { post, type Posted, type PostOptions } from "./request";
import { createTraffic, type Traffic } from "./traffic";

/** Test events at once: with the slots they stay below what Bun's fetch runs at once. */
const TESTS_AT_ONCE_MAX = 8;

export type TestedWebhook = Pick<Webhook, "id" | "url" | "settings" | "credentials">;

export interface Sent {
  readonly attempt: AttemptRow;
  readonly reply: Reply;
}

export type SendOptions = Pick<PostOptions, "abort" | "mayDial">;

/** All that leaves the node for webhooks. */
export interface Sender extends Pick<Guard, "checkUrl">, Disposable {
  /** Where its requests go and what they carry. Of one whose secrets do not open, nothing will be sent. */
  endpointOf(webhook: TestedWebhook): Endpoint;
  /** Null when it was abandoned, by its controller or because it may not be dialled any more. */
  send(message: Message, options?: SendOptions): Promise<Sent | null>;
  /** Sends a test event and gives how it went. Throws `Fault` (unavailable) while too many others run. */
  sendTest(webhook: TestedWebhook): Promise<AttemptRow>;
  /** Who may send now; the notifiers of all partitions share them. */
  readonly traffic: Traffic;
}

export interface SenderOptions {
  readonly guard?: Guard;
  readonly traffic?: Traffic;
  /** Without one, only secrets that were never sealed are opened. */
  readonly vault?: Pick<Vault, "openCredentials">;
  /** Shortens every message's own. */
  readonly timeoutMs?: number;
}

export function createSender(config: GuardConfig, options: SenderOptions = {}): Sender {
  const { guard = createGuard(config), traffic = createTraffic(), vault = openVault({ keys: [] }), timeoutMs = Infinity } = options;
  const connections = createConnections();
  /** Secrets are opened once for as long as whoever sends holds the webhook, not for each attempt. */
  const endpoints = new WeakMap<TestedWebhook, Endpoint>();
  let tests = 0;

  async function send(message: Message, sendOptions: SendOptions = {}): Promise<Sent | null> {
    const at = Date.now();
    const startedAt = performance.now();
    const within = message.timeoutMs > timeoutMs ? { ...message, timeoutMs } : message;
    const posted = message.signers.length === 0 ? UNSIGNED : await post(within, { ...sendOptions, guard, connections });
    if (posted === null) return null;
    const { reply, response } = posted;
    const durationMs = Math.round(performance.now() - startedAt);
    return { reply, attempt: { at, durationMs, statusCode: reply.statusCode, error: errorOf(reply), response } };
  }

  function opened({ id, credentials }: TestedWebhook): Opened {
    try {
      return openedFrom(vault.openCredentials(id, credentials));
    } catch (error) {
      if (!(error instanceof CannotOpen)) throw error;
      return UNOPENED;
    }
  }

  function endpoint(webhook: TestedWebhook): Endpoint {
    const known = endpoints.get(webhook);
    if (known !== undefined) return known;
    const made = endpointOf(webhook, opened(webhook));
    endpoints.set(webhook, made);
    return made;
  }

  async function sendTest(webhook: TestedWebhook): Promise<AttemptRow> {
    if (tests >= TESTS_AT_ONCE_MAX) throw new Fault("unavailable", `${TESTS_AT_ONCE_MAX} test events are under way; try again later.`);
    tests += 1;
    try {
      const sent = await send(testMessage(endpoint(webhook), Date.now()));
      if (sent === null) throw new Error("a test event is never abandoned");
      return sent.attempt;
    } finally {
      tests -= 1;
    }
  }

  return {
    checkUrl: (text) => guard.checkUrl(text),
    endpointOf: endpoint,
    send,
    sendTest,
    traffic,
    [Symbol.dispose]: () => connections[Symbol.dispose](),
  };
}

/** Nobody could tell whom it is from. It is tried again: a node that has the key may come, or the secrets be set anew. */
const UNSIGNED: Posted = {
  reply: { kind: "unanswered", statusCode: null, error: "not sent: the webhook has no key that opens here and signs", timedOut: false },
  response: null,
};
