import { Fault } from "../domain/fault";
import type { Webhook } from "../domain/webhook";
import type { WebhookDraft, WebhookStore } from "./store";

export type WebhookEdit = Parameters<WebhookStore["updateWebhook"]>[1];

export function newWebhook(draft: WebhookDraft & Pick<Webhook, "id" | "secrets">): Webhook {
  const { id, url, filter, description, concurrency, secrets } = draft;
  const now = Date.now();
  return {
    id,
    url,
    filter,
    state: "active",
    stateReason: null,
    description,
    concurrency,
    secrets,
    version: 1,
    createdAt: now,
    updatedAt: now,
    lastSuccessAt: null,
    failingSince: null,
  };
}

/** What an edit makes of a webhook; how its deliveries went is none of it. */
export function editOf(before: Webhook, edit: WebhookEdit) {
  const state = edit.state ?? before.state;
  // A reason belongs to the state that it was given for.
  const reason = state === before.state ? before.stateReason : null;
  return {
    url: edit.url ?? before.url,
    filter: edit.filter ?? before.filter,
    state,
    stateReason: edit.stateReason === undefined ? reason : edit.stateReason,
    description: edit.description ?? before.description,
    concurrency: edit.concurrency ?? before.concurrency,
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
