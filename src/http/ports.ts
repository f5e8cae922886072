import type { FieldError } from "../domain/fault";
import type { Webhook } from "../domain/webhook";
import type { AttemptRow } from "../store/store";

/** What the API asks of whoever sends webhooks; `service.ts` connects it. */
export interface WebhookPort {
  /** What is wrong with a URL that somebody wants to register, or null. */
  checkUrl(url: string): Promise<FieldError | null>;
  /** Sends one test event, once, and tells how that went; never throws for what the endpoint did. */
  sendTest(webhook: Pick<Webhook, "id" | "url" | "settings" | "credentials">): Promise<AttemptRow>;
}
