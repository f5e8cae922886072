import { isDeepStrictEqual } from "node:util";
import { Fault } from "../domain/fault";
import { type Terms, termsOf, type Webhook } from "../domain/webhook";
import type { RowSize } from "./largePages";
import type { WebhookDraft, WebhookStore } from "./store";

export type WebhookEdit = Parameters<WebhookStore["updateWebhook"]>[1];

export function newWebhook(draft: WebhookDraft & Pick<Webhook, "id">): Webhook {
  const { id, url, filter, description, concurrency, settings, credentials } = draft;
  const now = Date.now();
  return {
    id,
    url,
    filter,
    state: "active",
    stateReason: null,
    description,
    concurrency,
    settings,
    credentials,
    version: 1,
    createdAt: now,
    updatedAt: now,
    lastSuccessAt: null,
    failingSince: null,
    heldUntil: null,
  };
}

/** In a list: its filter may name very much, as far as a request to make it can hold it. */
export const WEBHOOK_SIZE: RowSize<Webhook> = {
  bytesOf: ({ filter, credentials, description, url }) =>
    Buffer.byteLength(JSON.stringify([filter, description])) + credentials.length + url.length,
  bytesMax: 1024 * 1024,
};

/** Whether planning must know of an edit. */
export function isOfPlanning(before: Webhook, after: Webhook): boolean {
  return (
    JSON.stringify([before.filter, before.state, termsOf(before.settings)]) !==
    JSON.stringify([after.filter, after.state, termsOf(after.settings)])
  );
}

/** Whether an edit makes another endpoint of it, or opens it again: what the one before asked for holds no longer. */
export function beginsAnew(before: Webhook, after: Pick<Webhook, "url" | "state">): boolean {
  return after.url !== before.url || (after.state === "active" && before.state !== "active");
}

/** How deliveries wait for each other from now on; null when an edit leaves that as it was. */
export function newOrder(before: Webhook, after: Webhook): Terms["begins"] | null {
  const { begins } = termsOf(after.settings);
  return begins === termsOf(before.settings).begins ? null : begins;
}

/** Whether a webhook is already what an edit would make of it: then nothing is edited. */
export function changesNothing(before: Webhook, edit: WebhookEdit): boolean {
  const { version: _, updatedAt: __, ...after } = editOf(before, edit);
  return isDeepStrictEqual({ ...before, ...after }, before);
}

/** What an edit makes of a webhook; how its deliveries went is none of it, but for an endpoint that begins anew. */
export function editOf(before: Webhook, edit: WebhookEdit) {
  const state = edit.state ?? before.state;
  // A reason belongs to the state that it was given for.
  const reason = state === before.state ? before.stateReason : null;
  const url = edit.url ?? before.url;
  return {
    url,
    filter: edit.filter ?? before.filter,
    state,
    stateReason: edit.stateReason === undefined ? reason : edit.stateReason,
    description: edit.description ?? before.description,
    concurrency: edit.concurrency ?? before.concurrency,
    settings: edit.settings ?? before.settings,
    credentials: edit.credentials ?? before.credentials,
    ...(beginsAnew(before, { url, state }) ? { failingSince: null, heldUntil: null } : {}),
    version: before.version + 1,
    updatedAt: Date.now(),
  };
}

/** The webhook that is to be edited. Throws notFound, preconditionFailed. */
export function demandVersion(id: string, found: Webhook | null, expectedVersion: number | null): Webhook {
  if (found === null) throw new Fault("notFound", `There is no webhook ${id}.`);
  if (expectedVersion === null || expectedVersion === found.version) return found;
  throw new Fault("preconditionFailed", `Webhook ${id} is at version ${found.version}, not ${expectedVersion}.`);
}
