import { expect } from "bun:test";
import type { TestApi } from "./api";

/** Registers and edits webhooks at an address; the API need not be open yet. */
export function webhookCalls(api: () => TestApi, url: string) {
  const create = (json: object) => api().request("POST", "/v1/webhooks", { json: { url, ...json } });
  const patch = (id: string, json: object) => api().request("PATCH", `/v1/webhooks/${id}`, { json });

  async function registered(json: object = {}): Promise<string> {
    const answer = await create(json);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 201, text: answer.text });
    return answer.json<{ id: string }>().id;
  }

  return { create, patch, registered };
}
