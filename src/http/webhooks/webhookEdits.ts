/** How a webhook is made and edited: what was asked for, checked against what it was before. */
import { isDeepStrictEqual } from "node:util";
import type { Credentials } from "../../domain/credentials";
import { Fault, isFault } from "../../domain/fault";
import { CONCURRENCY_DEFAULT, type Filter, FILTER_BYTES_MAX, SETTINGS_DEFAULT, type Webhook } from "../../domain/webhook";
import { newKey } from "../../signingKeys";
import type { WebhookDraft, WebhookStore } from "../../store/store";
import type { Vault } from "../../vault";
import type { WebhookPort } from "../ports";
import { invalid } from "../problems";
import { onVersion } from "../versions";
import { credentialsWith } from "./webhookCredentials";
import type { WebhookCreation, WebhookPatch } from "./webhookModel";
import { settingsOf } from "./webhookSettings";

export type WebhookEdit = Parameters<WebhookStore["updateWebhook"]>[1];

export interface EditMeans {
  readonly store: Pick<WebhookStore, "getWebhook" | "updateWebhook">;
  readonly vault: Vault;
  readonly port: Pick<WebhookPort, "checkUrl">;
}

export interface NewWebhook {
  readonly draft: WebhookDraft & Pick<Webhook, "id">;
  readonly credentials: Credentials;
}

/** Throws a 422 for what cannot be. */
export async function newWebhook(id: string, body: WebhookCreation, { vault, port }: EditMeans): Promise<NewWebhook> {
  const { url, filter = {}, description = "", concurrency = CONCURRENCY_DEFAULT, signatures = ["v1"] } = body;
  const settings = settingsOf(body, SETTINGS_DEFAULT) ?? SETTINGS_DEFAULT;
  demandFilter(filter);
  const now = Date.now();
  const bare: Credentials = { keys: signatures.map((kind) => newKey(kind, now)), headers: {}, auth: null, tls: null };
  const credentials = credentialsWith(bare, body) ?? bare;
  demandTls(url, credentials);
  await demandUrl(port, url);
  return {
    draft: { id, url, filter, description, concurrency, settings, credentials: vault.sealCredentials(id, credentials) },
    credentials,
  };
}

/** What a patch sets; null sets what a new webhook would have. Throws a 422 for what cannot be. */
export async function patchOf(before: Webhook, body: WebhookPatch, { vault, port }: EditMeans): Promise<WebhookEdit> {
  const { url, filter, description, concurrency, state } = body;
  const settings = settingsOf(body, before.settings);
  // One that was taken before there was a limit may be sent back as it is.
  if (filter != null && !isDeepStrictEqual(filter, before.filter)) demandFilter(filter);
  const proves = body.headers !== undefined || body.auth !== undefined || body.clientCertificate !== undefined;
  const known = proves || url !== undefined ? vault.openCredentials(before.id, before.credentials) : undefined;
  const given = known === undefined ? undefined : credentialsWith(known, body);
  // Sealed again they would look like others.
  const credentials = isDeepStrictEqual(given, known) ? undefined : given;
  if (known !== undefined) demandTls(url ?? before.url, credentials ?? known);
  if (url !== undefined) await demandUrl(port, url);
  return {
    ...(url === undefined ? {} : { url }),
    ...(filter === undefined ? {} : { filter: filter ?? {} }),
    ...(description === undefined ? {} : { description: description ?? "" }),
    ...(concurrency === undefined ? {} : { concurrency: concurrency ?? CONCURRENCY_DEFAULT }),
    ...(state === undefined ? {} : { state }),
    ...(settings === undefined ? {} : { settings }),
    ...(credentials === undefined ? {} : { credentials: vault.sealCredentials(before.id, credentials) }),
  };
}

/** An edit that others overtake is made anew so many times. */
const TRIES_MAX = 10;

/**
 * Edits a webhook on the version that `If-Match` wants, or on the one that is there: what an edit keeps of the version before is then
 * never older than that. `unchanged`: it left everything as it was. Throws notFound, preconditionFailed, `conflict` where others overtake it again and again, and whatever `edit` throws.
 */
export async function editWebhook(
  store: EditMeans["store"],
  { id, ifMatch }: { readonly id: string; readonly ifMatch: string | undefined },
  edit: (before: Webhook) => Promise<WebhookEdit>,
): Promise<{ readonly webhook: Webhook; readonly unchanged: boolean }> {
  return onVersion(ifMatch, async (wanted) => {
    for (let tries = 1; ; tries += 1) {
      const before = await registered(store, id);
      if (wanted !== null && wanted !== before.version) {
        throw new Fault("preconditionFailed", `Webhook ${id} is at version ${before.version}, not ${wanted}.`);
      }
      try {
        const webhook = await store.updateWebhook(id, await edit(before), before.version);
        return { webhook, unchanged: webhook.version === before.version };
      } catch (error) {
        if (wanted !== null || !isFault(error, "preconditionFailed")) throw error;
        if (tries === TRIES_MAX) throw new Fault("conflict", `Webhook ${id} is being edited by others; try again.`, { cause: error });
      }
    }
  });
}

export async function registered(store: Pick<WebhookStore, "getWebhook">, id: string): Promise<Webhook> {
  const webhook = await store.getWebhook(id);
  if (webhook === null) throw new Fault("notFound", `There is no webhook ${id}.`);
  return webhook;
}

/** Planning holds every filter in memory, and reads it anew after an edit. */
function demandFilter(filter: Filter): void {
  const bytes = Buffer.byteLength(JSON.stringify(filter));
  if (bytes <= FILTER_BYTES_MAX) return;
  const message = `takes ${bytes} bytes, but may take at most ${FILTER_BYTES_MAX}: select by labels, or make several webhooks`;
  throw invalid("The filter is not valid.", [{ pointer: "/filter", message }]);
}

async function demandUrl(port: Pick<WebhookPort, "checkUrl">, url: string): Promise<void> {
  const error = await port.checkUrl(url);
  if (error !== null) throw invalid("The URL cannot be registered.", [error]);
}

function demandTls(url: string, { tls }: Credentials): void {
  if (tls === null || /^https:/i.test(url.trimStart())) return;
  throw invalid("The certificate would not be used.", [{ pointer: "/clientCertificate", message: "needs an https URL" }]);
}
