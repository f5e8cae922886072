import type { Filter, WebhookSettings } from "../domain/webhook";
import { type Api, ApiError } from "./api";

/** Marks our registrations, so that the next run finds what a killed one has left. */
const DESCRIPTION = "tocsin listen";

export interface Registration {
  readonly id: string;
  /** Shown at the creation alone. */
  readonly secret: string;
}

/** What is asked for beside the address. */
export interface Wish extends Partial<Pick<WebhookSettings, "format" | "batch">> {
  readonly filter: Filter;
}

interface Listed {
  readonly items: readonly { readonly id: string; readonly url: string; readonly description: string }[];
  readonly nextCursor: string | null;
}

/** Registers `url` as a webhook; one that a killed run left there is deleted first. Throws {@link ApiError}. */
export async function register(api: Api, url: string, wish: Wish): Promise<Registration> {
  for (const id of await leftOver(api, url)) await unregister(api, id);
  return api.request<Registration>("POST", "/v1/webhooks", { url, ...wish, description: DESCRIPTION });
}

/** Deletes it, unless somebody has done so already. Throws {@link ApiError}. */
export async function unregister(api: Api, id: string): Promise<void> {
  try {
    await api.request("DELETE", `/v1/webhooks/${id}`);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}

async function leftOver(api: Api, url: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Listed = await api.request("GET", `/v1/webhooks?limit=1000${cursor === null ? "" : `&cursor=${cursor}`}`);
    ids.push(...page.items.filter((webhook) => webhook.url === url && webhook.description === DESCRIPTION).map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return ids;
}
