import { Elysia } from "elysia";
import { Fault } from "../domain/fault";
import { CONCURRENCY_DEFAULT, SETTINGS_DEFAULT, type Webhook as WebhookFacts } from "../domain/webhook";
import { newKey } from "../signingKeys";
import type { WebhookStore } from "../store/store";
import type { Vault } from "../vault";
import { attemptView } from "./deliveries";
import { OwnParams, pageOf, PageQuery, pageSchema, pageView } from "./fields";
import { operation } from "./operation";
import type { WebhookPort } from "./ports";
import { invalid } from "./problems";
import { ETAG_HEADER, etagOf, IfMatch, onVersion } from "./versions";
import { editOf, NewWebhook, TestAttempt, Webhook, WebhookCreation, WebhookPatch, webhookView } from "./webhookModel";

export interface WebhooksOptions {
  readonly store: WebhookStore;
  readonly port: WebhookPort;
  readonly vault: Pick<Vault, "sealCredentials">;
  /** Wakes whoever plans and sends. */
  readonly changed: () => void;
}

export function webhooks({ store, port, vault, changed }: WebhooksOptions) {
  return new Elysia({ name: "webhooks" })
    .get("/v1/webhooks", async ({ query }) => pageView(await store.listWebhooks(pageOf(query)), webhookView), { query: PageQuery, ...LIST })
    .post(
      "/v1/webhooks",
      async ({ body, set }) => {
        await demandUrl(port, body.url);
        const { url, filter = {}, description = "", concurrency = CONCURRENCY_DEFAULT } = body;
        const id = newId();
        const key = newKey("v1", Date.now());
        const webhook = await store.createWebhook({
          id,
          url,
          filter,
          description,
          concurrency,
          settings: SETTINGS_DEFAULT,
          credentials: vault.sealCredentials(id, { keys: [key], headers: {}, auth: null, tls: null }),
        });
        changed();
        set.status = 201;
        set.headers["location"] = `/v1/webhooks/${webhook.id}`;
        return { ...versioned(webhook, set.headers), secret: key.secret };
      },
      { body: WebhookCreation, ...CREATE },
    )
    .get("/v1/webhooks/:id", async ({ params: { id }, set }) => versioned(await registered(store, id), set.headers), {
      params: OwnParams,
      ...GET,
    })
    .patch(
      "/v1/webhooks/:id",
      async ({ params: { id }, body, headers, set }) => {
        if (body.url !== undefined) await demandUrl(port, body.url);
        const webhook = await onVersion(headers["if-match"], (wanted) => store.updateWebhook(id, editOf(body), wanted));
        changed();
        return versioned(webhook, set.headers);
      },
      { params: OwnParams, headers: IfMatch, body: WebhookPatch, ...PATCH },
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

function versioned(webhook: WebhookFacts, headers: Record<string, string | number>): Webhook {
  headers["etag"] = etagOf(webhook.version);
  return webhookView(webhook);
}

async function registered(store: WebhookStore, id: string): Promise<WebhookFacts> {
  const webhook = await store.getWebhook(id);
  if (webhook === null) throw new Fault("notFound", `There is no webhook ${id}.`);
  return webhook;
}

async function demandUrl(port: WebhookPort, url: string): Promise<void> {
  const error = await port.checkUrl(url);
  if (error !== null) throw invalid("The URL cannot be registered.", [error]);
}

/** In the order of their making; without a dot, as a delivery's id is derived from it and signed. */
function newId(): string {
  return `wh_${Bun.randomUUIDv7().replaceAll("-", "")}`;
}

const ONE = { description: "The webhook.", schema: Webhook, headers: ETAG_HEADER };

const LIST = operation({
  id: "listWebhooks",
  tag: "Webhooks",
  summary: "List webhooks",
  scope: "webhooks:read",
  answers: { 200: { description: "A page.", schema: pageSchema(Webhook) } },
});
const CREATE = operation({
  id: "createWebhook",
  tag: "Webhooks",
  summary: "Register a webhook",
  description: "It is owed every matching change that is recorded from now on.",
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
  answers: { 200: ONE },
  problems: [404],
});
const PATCH = operation({
  id: "patchWebhook",
  tag: "Webhooks",
  summary: "Edit, pause, disable or enable a webhook",
  scope: "webhooks:write",
  takesBody: true,
  answers: { 200: ONE },
  problems: [404, 412],
});
const DELETE = operation({
  id: "deleteWebhook",
  tag: "Webhooks",
  summary: "Delete a webhook",
  description: "What it is owed ends; its deliveries stay readable.",
  scope: "webhooks:write",
  answers: { 204: { description: "It is gone." } },
  problems: [404, 412],
});
const TEST = operation({
  id: "testWebhook",
  tag: "Webhooks",
  summary: "Send a test event, once",
  scope: "webhooks:write",
  answers: { 200: { description: "How it went, whatever the endpoint answered.", schema: TestAttempt } },
  problems: [404],
});
