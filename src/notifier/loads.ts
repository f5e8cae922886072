import type { Endpoints } from "./endpoints";
import type { WebhookQueue } from "./queue";
import type { Traffic } from "./webhook/traffic";

/** Webhooks that are read at once: what is read of others would be old before their turn came. */
const LOADS_MAX = 32;

/** Reads the webhooks of those queues that could be sent to next. */
export class Loads {
  #running = 0;

  constructor(private readonly options: { readonly endpoints: Pick<Endpoints, "get">; readonly traffic: Pick<Traffic, "hasRoom"> }) {}

  /** Each that is being read is about to start an attempt. */
  mayStart(webhookId: string): boolean {
    return this.#running < LOADS_MAX && this.options.traffic.hasRoom(webhookId, this.#running);
  }

  async load(queue: WebhookQueue): Promise<void> {
    queue.loading = true;
    this.#running += 1;
    try {
      await this.options.endpoints.get(queue.webhookId);
    } finally {
      this.#running -= 1;
      queue.loading = false;
    }
  }
}
