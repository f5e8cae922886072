import type { WebhookStore } from "../store";
import type { Connection } from "./connection";

export function openWebhooks(_connection: Connection): WebhookStore {
  return {} as WebhookStore;
}
