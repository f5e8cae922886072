import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { Credentials } from "../../domain/credentials";
import type { Webhook as WebhookFacts } from "../../domain/webhook";
import type { WebhookStore } from "../../store/store";
import { CannotOpen, type Vault } from "../../vault";
import { type Calls, leftAsItWas } from "../calls";
import { attemptView } from "../deliveries";
import { OwnParams, pageOf, PageQuery, pageSchema, pageView } from "../fields";
import { IdempotencyKey } from "../gate/idempotency";
import { operation } from "../document/operation";
import type { WebhookPort } from "../ports";
import { doneWithoutBody, PREFER, preferred } from "../prefer";
import { ETAG_HEADER, etagOf, IF_MATCH, IfMatch, IfNoneMatch, NOT_MODIFIED, notModified, onVersion } from "../versions";
import { type CredentialsView, credentialsView, unreadableView } from "./webhookCredentials";
import { editWebhook, newWebhook, patchOf, registered } from "./webhookEdits";
import { newSecretsView, NewWebhook, TestAttempt, Webhook, WebhookCreation, WebhookPatch, webhookView } from "./webhookModel";

const EditHeaders = Type.Object({ ...IF_MATCH, ...PREFER });

export interface WebhooksOptions {
  readonly calls: Calls;
  readonly store: WebhookStore;
  readonly port: WebhookPort;
  readonly vault: Vault;
  /** Wakes whoever plans and sends. */
  readonly changed: () => void;
}

export function webhooks({ calls, store, port, vault, changed }: WebhooksOptions) {
  const means = { store, vault, port };
  const view = (webhook: WebhookFacts) => webhookView(webhook, shownOf(vault, webhook));
  const versioned = (webhook: WebhookFacts, headers: Record<string, string | number>): Webhook => {
    headers["etag"] = etagOf(webhook.version);
    return view(webhook);
  };

  return new Elysia({ name: "webhooks" })
    .get("/v1/webhooks", async ({ query }) => pageView(await store.listWebhooks(pageOf(query)), view), { query: PageQuery, ...LIST })
    .post(
      "/v1/webhooks",
      async ({ body, set }) => {
        const { draft, credentials } = await newWebhook(newId(), body, means);
        const webhook = await store.createWebhook(draft);
        changed();
        set.status = 201;
        set.headers["location"] = `/v1/webhooks/${webhook.id}`;
        return { ...versioned(webhook, set.headers), ...newSecretsView(credentials) };
      },
      { headers: IdempotencyKey, body: WebhookCreation, ...CREATE },
    )
    .get(
      "/v1/webhooks/:id",
      async ({ params: { id }, headers, set }) => {
        const webhook = await registered(store, id);
        return notModified(headers, () => etagOf(webhook.version)) ?? versioned(webhook, set.headers);
      },
      { params: OwnParams, headers: IfNoneMatch, ...GET },
    )
    .patch(
      "/v1/webhooks/:id",
      async ({ params: { id }, body, headers, set, request }) => {
        const edit = { id, ifMatch: headers["if-match"] };
        const { webhook, unchanged } = await editWebhook(store, edit, (before) => patchOf(before, body, means));
        if (!unchanged) changed();
        leftAsItWas(calls, request, unchanged);
        return preferred(headers.prefer, set, versioned(webhook, set.headers));
      },
      { params: OwnParams, headers: EditHeaders, body: WebhookPatch, ...PATCH },
    )
    .delete(
      "/v1/webhooks/:id",
      async ({ params: { id }, headers }) => {
        await onVersion(headers["if-match"], (wanted) => store.deleteWebhook(id, wanted));
        changed();
        return new Response(null, { status: 204 });
      },
      { params: OwnParams, headers: IfMatch, ...DELETE },
    )
    .post("/v1/webhooks/:id/test", async ({ params: { id } }) => attemptView(await port.sendTest(await registered(store, id))), {
      params: OwnParams,
      ...TEST,
    });
}

/** One whose credentials were damaged must not hide the others in a list. */
function shownOf(vault: Vault, { id, credentials }: WebhookFacts): CredentialsView {
  let opened: Credentials;
  try {
    opened = vault.openCredentials(id, credentials);
  } catch (error) {
    if (error instanceof CannotOpen) return unreadableView(error.message);
    throw error;
  }
  return credentialsView(opened, Date.now());
}

/** In the order of their making; without a dot, as a delivery's id is derived from it and signed. */
function newId(): string {
  return `wh_${Bun.randomUUIDv7().replaceAll("-", "")}`;
}

const ONE = { description: "The webhook.", schema: Webhook, headers: ETAG_HEADER };

const LIST = operation({
  id: "listWebhooks",
  tag: "Webhooks",
  summary: "List webhooks by id",
  description: "A page may end before its limit where filters are large.",
  scope: "webhooks:read",
  answers: { 200: { description: "A page.", schema: pageSchema(Webhook) } },
});
const CREATE = operation({
  id: "createWebhook",
  tag: "Webhooks",
  summary: "Register a webhook",
  description: "It gets every matching change that is recorded from now on. Its `secret` is shown only in this answer.",
  scope: "webhooks:write",
  takesBody: true,
  answers: { 201: { ...ONE, schema: NewWebhook, headers: { ...ETAG_HEADER, location: "Its path." } } },
  problems: [409],
});
const GET = operation({
  id: "getWebhook",
  tag: "Webhooks",
  summary: "One webhook",
  scope: "webhooks:read",
  answers: { 200: ONE, ...NOT_MODIFIED },
  problems: [404],
});
const PATCH = operation({
  id: "patchWebhook",
  tag: "Webhooks",
  summary: "Edit, pause, disable or enable a webhook",
  scope: "webhooks:write",
  takesBody: true,
  answers: { 200: ONE, ...doneWithoutBody(ETAG_HEADER) },
  problems: [404, 409, 412],
});
const DELETE = operation({
  id: "deleteWebhook",
  tag: "Webhooks",
  summary: "Delete a webhook",
  description: "Deliveries that are still pending end as failed; all stay readable.",
  scope: "webhooks:write",
  answers: { 204: { description: "It is gone." } },
  problems: [404, 412],
});
const TEST = operation({
  id: "testWebhook",
  tag: "Webhooks",
  summary: "Send a test event, once",
  description: "It is sent exactly as a delivery would be: in the webhook's format, with its headers and certificate.",
  scope: "webhooks:write",
  answers: { 200: { description: "How it went, whatever the endpoint answered.", schema: TestAttempt } },
  problems: [404],
});
