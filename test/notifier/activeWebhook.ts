import { SETTINGS_DEFAULT, type Webhook } from "../../src/domain/webhook";

/** A webhook as a node has it at hand; it is in no store. */
export function activeWebhook(edit: Pick<Webhook, "concurrency"> & Partial<Webhook>): Webhook {
  return {
    id: "wh_1",
    url: "https://receiver.example/",
    filter: {},
    state: "active",
    stateReason: null,
    description: "",
    settings: SETTINGS_DEFAULT,
    credentials: "",
    version: 1,
    createdAt: 0,
    updatedAt: 0,
    lastSuccessAt: null,
    failingSince: null,
    heldUntil: null,
    ...edit,
  };
}
