import { Authority } from "../receivers/certificates";
import type { Sent, TestApi } from "./api";
import { fillHistory, planAll } from "./history";

/** What the good calls are about. */
export interface Made {
  readonly webhookId: string;
  /** One of its keys. */
  readonly keyId: string;
  readonly deliveryId: string;
  readonly replayId: string;
  readonly deadLetterId: string;
  readonly tokenId: string;
  readonly incidentId: string;
}

const authority = new Authority();
const CREDENTIALS = {
  headers: { "x-api-key": "made-up-key" },
  auth: { type: "basic", username: "tocsin", password: "made-up-password" },
  clientCertificate: { ...authority.issue({ names: ["client.example.com"] }), ca: authority.certificate },
};
const SETTINGS = {
  ratePerSecond: 5,
  ordering: "sensor",
  mode: "every",
  minIntervalSeconds: 0,
  batch: { maxItems: 10, maxWaitMs: 100 },
  format: "cloudevents",
  retrySchedule: [1, 2],
  timeoutSeconds: 5,
  events: ["change", "webhook.disabled"],
};

interface Registered {
  readonly id: string;
  readonly keys: readonly { readonly id: string }[];
}

/** What the good calls need to be there. */
export async function makeThings(api: TestApi): Promise<Made> {
  const webhook = (await api.request("POST", "/v1/webhooks", { json: { url: "https://example.com/" } })).json<Registered>();
  const { id: webhookId } = webhook;
  await api.request("POST", "/v1/sensors", { json: { id: "boiler-7", labels: { site: "north" }, heartbeat: { intervalSeconds: 30 } } });
  await fillHistory(api.store, "boiler-7", { reports: 3, deadLetters: [{ subject: "reports.1.0.boiler-7", text: "{" }], incidents: 1 });
  await planAll(api.store, webhookId);
  const incidents = (await api.request("GET", "/v1/incidents")).json<{ items: { id: string }[] }>();
  const { items } = (await api.request("GET", "/v1/dead-letters")).json<{ items: { id: string }[] }>();
  const replayId = await replayed(api);
  const tokenId = (await api.mint(["admin"])).id;
  return {
    webhookId,
    keyId: webhook.keys[0]?.id ?? "",
    replayId,
    deliveryId: `${webhookId}_0_1`,
    deadLetterId: items[0]?.id ?? "",
    tokenId,
    incidentId: incidents.items[0]?.id ?? "",
  };
}

/** Of another webhook, so that the call which makes one finds none running. */
async function replayed(api: TestApi): Promise<string> {
  const { id } = (await api.request("POST", "/v1/webhooks", { json: { url: "https://example.org/" } })).json<{ id: string }>();
  return (await api.request("POST", `/v1/webhooks/${id}/replay`, { json: { since: "2020-01-01T00:00:00Z" } })).json<{ id: string }>().id;
}

export interface Call extends Sent {
  /** What stands for `{id}` or `{status}`. */
  readonly id?: string;
  /** What stands for `{keyId}`. */
  readonly keyId?: string;
  readonly query?: string;
}

/** A call of every operation that is right, in an order in which they can be made. */
export function goodCalls(made: Made): Record<string, Call> {
  const { webhookId, keyId, replayId, deliveryId, deadLetterId, tokenId, incidentId } = made;
  const page = "limit=2";
  const range = "since=2020-01-01T00:00:00Z&until=2099-01-01T00:00:00.5%2B02:00&order=desc";
  return {
    live: {},
    ready: {},
    metrics: {},
    listSensors: { query: `${page}&status=overheated&status=ok&severity=critical&availability=online&label=site:north&q=BOIL` },
    putSensors: { json: [{ id: "pump-2", labels: { a: "b" } }, { id: "pump-2", name: "Pump" }, { id: "?" }] },
    createSensor: {
      json: { id: "pump-1", name: "Pump", labels: { a: "b" }, metadata: { c: [1] }, heartbeat: { intervalSeconds: 9, graceSeconds: 1 } },
    },
    getSensor: { id: "boiler-7", headers: { "if-none-match": 'W/"1", "x,y"' } },
    replaceSensor: { id: "pump-1", json: { name: "Pump 1" }, headers: { "if-match": '"1"' } },
    patchSensor: { id: "pump-1", json: { labels: { d: "e" } }, headers: { "if-match": "*", prefer: "return=minimal" } },
    deleteSensor: { id: "pump-1", query: "history=delete" },
    postReport: { id: "boiler-7", json: { status: "ok", value: 1 } },
    postReports: {
      json: [
        { sensorId: "boiler-7", status: "ok" },
        { sensorId: "boiler-7", status: "Not OK" },
      ],
    },
    listReports: { id: "boiler-7", query: `${page}&${range}` },
    listChanges: { query: `${page}&${range}&sensorId=boiler-7&sensorId=x&from=ok&direction=raised` },
    watchChanges: {
      query: "kind=status&kind=availability&to=overheated&minSeverity=warning&label=site:north",
      headers: { "last-event-id": "" },
    },
    listSensorChanges: { id: "boiler-7", query: `${page}&${range}` },
    getUptime: { id: "boiler-7", query: "since=2026-01-01T00:00:00Z&until=2026-12-01T00:00:00Z" },
    exportSensors: { query: "format=ndjson&status=ok&label=site:north" },
    exportChanges: { query: "sensorId=boiler-7&kind=status&minSeverity=warning&since=2020-01-01T00:00:00Z" },
    listWebhooks: { query: page },
    createWebhook: { json: { url: "https://example.com/", filter: { minSeverity: "warning" }, ...CREDENTIALS, signatures: ["v1", "v1a"] } },
    getWebhook: { id: webhookId },
    patchWebhook: { id: webhookId, json: { filter: { initial: true, labels: { a: "b" } }, ...CREDENTIALS, ...SETTINGS } },
    rotateSecret: { id: webhookId, json: { overlapSeconds: 60, kind: "v1a" }, headers: { "if-match": "*" } },
    explainChange: { id: webhookId, query: "changeId=chg_0_1" },
    endKey: { id: webhookId, keyId, headers: { "if-match": "*" } },
    getWebhookKeys: { id: webhookId },
    replayWebhook: { id: webhookId, json: { since: "2020-01-01T00:00:00Z", which: "all", ratePerSecond: 1 } },
    listReplays: { query: `${page}&webhookId=${webhookId}` },
    getReplay: { id: replayId },
    cancelReplay: { id: replayId },
    testWebhook: { id: webhookId },
    listDeliveries: {
      query: `${page}&webhookId=${webhookId}&sensorId=boiler-7&state=pending&state=failed&undelivered=false&since=2020-01-01T00:00:00Z&until=2099-01-01T00:00:00Z`,
    },
    getDelivery: { id: deliveryId },
    retryDelivery: { id: deliveryId },
    deleteWebhook: { id: webhookId },
    listDeadLetters: { query: page },
    getDeadLetter: { id: deadLetterId },
    replayDeadLetter: { id: deadLetterId },
    listStatuses: { query: page },
    putStatus: { id: "door.open", json: { severity: "warning", description: "It stands open." } },
    getStatus: { id: "door.open" },
    deleteStatus: { id: "door.open", headers: { "if-match": "*" } },
    listTokens: { query: page },
    createToken: { json: { name: "t", scopes: ["sensors:read"], sensorId: "boiler-7", expiresAt: "2099-01-01T00:00:00Z" } },
    getToken: { id: tokenId },
    patchToken: { id: tokenId, json: { name: "renamed", expiresAt: "2099-01-01T00:00:00Z" } },
    deleteToken: { id: tokenId },
    listAudit: { query: `${page}&actor=admin&operation=patchToken&target=${tokenId}&${range.replace("&order=desc", "")}` },
    listIncidents: { query: page },
    getIncident: { id: incidentId },
  };
}
