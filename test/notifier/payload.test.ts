import { expect, test } from "bun:test";
import { SETTINGS_DEFAULT, type WebhookSettings } from "../../src/domain/webhook";
import { headerText } from "../../src/notifier/webhook/cloudEvents";
import { type Endpoint, endpointOf, type Opened } from "../../src/notifier/webhook/endpoint";
import { batchMessage, changePayload, deliveryMessage, eventPayload, type Item, testMessage } from "../../src/notifier/webhook/payload";

const AT = Date.parse("2026-11-23T10:00:00.000Z");
const NOTHING: Opened = { headers: {}, auth: null, tls: null, signers: () => [] };

function endpoint(settings: Partial<WebhookSettings> = {}, opened: Partial<Opened> = {}): Endpoint {
  const webhook = { id: "wh_1", url: "https://example.org/hook", settings: { ...SETTINGS_DEFAULT, ...settings } };
  return endpointOf(webhook, { ...NOTHING, ...opened });
}

/** `data` is written with blanks that no serializer of ours makes: it must go out as it stands. */
function item(number: number, occurredAt = AT): Item {
  const data = `{ "changeId":"chg_0_${number}",  "value":1.0 }`;
  const change = { partition: 0, number, sensorId: "boiler-7", kind: "status", occurredAt, recordedAt: occurredAt, data } as const;
  return { id: `wh_1_0_${number}`, payload: changePayload(change) };
}

const DATA = '{ "changeId":"chg_0_7",  "value":1.0 }';

test("standard: type, timestamp and the data's own bytes", () => {
  expect(deliveryMessage(item(7), endpoint(), AT)).toMatchObject({
    id: "wh_1_0_7",
    url: "https://example.org/hook",
    contentType: "application/json",
    headers: {},
    timeoutMs: 15_000,
    body: `{"type":"sensor.status.changed","timestamp":"2026-11-23T10:00:00.000Z","data":${DATA}}`,
  });
});

test("cloudevents: all in one JSON document", () => {
  expect(deliveryMessage(item(7), endpoint({ format: "cloudevents" }), AT)).toMatchObject({
    id: "wh_1_0_7",
    contentType: "application/cloudevents+json",
    headers: {},
    body:
      '{"specversion":"1.0","id":"wh_1_0_7","source":"/sensors/boiler-7","type":"sensor.status.changed","subject":"boiler-7",' +
      `"time":"2026-11-23T10:00:00.000Z","datacontenttype":"application/json","data":${DATA}}`,
  });
});

test("cloudevents-binary: attributes as headers, the data as the body", () => {
  expect(deliveryMessage(item(7), endpoint({ format: "cloudevents-binary" }, { headers: { "X-Tenant": "north" } }), AT)).toMatchObject({
    contentType: "application/json",
    body: DATA,
    headers: {
      "ce-specversion": "1.0",
      "ce-id": "wh_1_0_7",
      "ce-source": "/sensors/boiler-7",
      "ce-type": "sensor.status.changed",
      "ce-subject": "boiler-7",
      "ce-time": "2026-11-23T10:00:00.000Z",
      "x-tenant": "north",
    },
  });
});

test("a CloudEvents header is printable ASCII: the rest, blanks, quotes and percent signs are encoded", () => {
  expect(headerText('a b"c%d€😀\n\ud800/~!')).toBe("a%20b%22c%25d%E2%82%AC%F0%9F%98%80%0A%EF%BF%BD/~!");
});

test("a batch lists its deliveries in order, each under its own id, and dates from the latest", () => {
  const { body, contentType } = batchMessage([item(7), item(8, AT + 1000), item(9)], endpoint(), AT);
  const parts = [7, 8, 9].map((number) => {
    const timestamp = new Date(number === 8 ? AT + 1000 : AT).toISOString();
    const data = DATA.replace("chg_0_7", `chg_0_${number}`);
    return `{"id":"wh_1_0_${number}","type":"sensor.status.changed","timestamp":"${timestamp}","data":${data}}`;
  });
  expect(body).toBe(`{"type":"batch","timestamp":"2026-11-23T10:00:01.000Z","items":[${parts.join(",")}]}`);
  expect(contentType).toBe("application/json");
});

test("a batch of CloudEvents is a JSON array of them", () => {
  const target = endpoint({ format: "cloudevents" });
  const { body, contentType } = batchMessage([item(7), item(8)], target, AT);
  expect(contentType).toBe("application/cloudevents-batch+json");
  expect(body).toBe(`[${deliveryMessage(item(7), target, AT).body},${deliveryMessage(item(8), target, AT).body}]`);
});

test("a batch's id is the same for the same deliveries, another for others, and holds no dot", () => {
  const idOf = (...numbers: number[]) =>
    batchMessage(
      numbers.map((number) => item(number)),
      endpoint(),
      AT,
    ).id;
  expect(idOf(7, 8)).toBe(idOf(7, 8));
  expect(new Set([idOf(7), idOf(8), idOf(7, 8), idOf(8, 7), idOf(7, 8, 9)]).size).toBe(5);
  expect(idOf(7, 8)).toMatch(/^wh_1_batch_[0-9a-f]{32}$/);
});

test("an operational event is a message like any other, about a webhook", () => {
  const event = { number: 3, kind: "webhook.disabled", webhookId: "wh_9", recordedAt: AT, data: '{"webhookId":"wh_9"}' } as const;
  const told: Item = { id: "wh_1_evt_3", payload: eventPayload(event) };
  expect(deliveryMessage(told, endpoint(), AT).body).toBe(
    '{"type":"webhook.disabled","timestamp":"2026-11-23T10:00:00.000Z","data":{"webhookId":"wh_9"}}',
  );
  expect(JSON.parse(deliveryMessage(told, endpoint({ format: "cloudevents" }), AT).body)).toMatchObject({
    source: "/webhooks/wh_9",
    subject: "wh_9",
    type: "webhook.disabled",
  });
});

test("a test event comes in the shape that the webhook's deliveries have", () => {
  const batch = { maxItems: 10, maxWaitMs: 100 };
  expect(JSON.parse(testMessage(endpoint({ batch }), AT).body)).toMatchObject({ type: "batch", items: [{ type: "webhook.test" }] });
  expect(JSON.parse(testMessage(endpoint({ format: "cloudevents" }), AT).body)).toMatchObject({ specversion: "1.0", type: "webhook.test" });
  expect(testMessage(endpoint({ format: "cloudevents-binary" }), AT)).toMatchObject({
    body: '{"webhookId":"wh_1"}',
    headers: { "ce-type": "webhook.test" },
  });
});
