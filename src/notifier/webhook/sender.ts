import type { GuardConfig } from "../../guardConfig";
import { Fault } from "../../domain/fault";
import type { Webhook } from "../../domain/webhook";
import type { AttemptRow } from "../../store/store";
import { errorOf, type Reply } from "../outcome";
import { createGuard, type Guard } from "./guard";
import { createConnections } from "./connections";
import { endpointOf, openPlain } from "./endpoint";
import { type Message, testMessage } from "./payload";
import { post, type PostOptions } from "./request";
import { createSlots, type Slots } from "./slots";

/** Test events at once: with the slots they stay below what Bun's fetch runs at once. */
const TESTS_AT_ONCE_MAX = 8;

export type TestedWebhook = Pick<Webhook, "id" | "url" | "settings" | "credentials">;

export interface Sent {
  readonly attempt: AttemptRow;
  readonly reply: Reply;
}

export type SendOptions = Pick<PostOptions, "signal" | "mayDial">;

/** All that leaves the node for webhooks. */
export interface Sender extends Pick<Guard, "checkUrl">, Disposable {
  /** Null when it was abandoned, by the signal or because it may not be dialled any more. */
  send(message: Message, options?: SendOptions): Promise<Sent | null>;
  /** Sends a test event and gives how it went. Throws `Fault` (unavailable) while too many others run. */
  sendTest(webhook: TestedWebhook): Promise<AttemptRow>;
  /** Who may send now; the notifiers of all partitions share them. */
  readonly slots: Slots;
}

export interface SenderOptions {
  readonly guard?: Guard;
  readonly slots?: Slots;
  /** Shortens every message's own. */
  readonly timeoutMs?: number;
}

export function createSender(config: GuardConfig, options: SenderOptions = {}): Sender {
  const { guard = createGuard(config), slots = createSlots(), timeoutMs = Infinity } = options;
  const connections = createConnections();
  let tests = 0;

  async function send(message: Message, sendOptions: SendOptions = {}): Promise<Sent | null> {
    const at = Date.now();
    const startedAt = performance.now();
    const within = message.timeoutMs > timeoutMs ? { ...message, timeoutMs } : message;
    const posted = await post(within, { ...sendOptions, guard, connections });
    if (posted === null) return null;
    const { reply, response } = posted;
    const durationMs = Math.round(performance.now() - startedAt);
    return { reply, attempt: { at, durationMs, statusCode: reply.statusCode, error: errorOf(reply), response } };
  }

  async function sendTest(webhook: TestedWebhook): Promise<AttemptRow> {
    if (tests >= TESTS_AT_ONCE_MAX) throw new Fault("unavailable", `${TESTS_AT_ONCE_MAX} test events are under way; try again later.`);
    tests += 1;
    try {
      const sent = await send(testMessage(endpointOf(webhook, openPlain(webhook.credentials)), Date.now()));
      if (sent === null) throw new Error("a test event is never abandoned");
      return sent.attempt;
    } finally {
      tests -= 1;
    }
  }

  return { checkUrl: (text) => guard.checkUrl(text), send, sendTest, slots, [Symbol.dispose]: () => connections[Symbol.dispose]() };
}
