import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect as connectTcp } from "node:net";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { connectAsync, type MqttClient } from "mqtt";
import { firstsOf, openReceiver, type Receiver } from "../recovery/receiver";
import { startTocsin, type TocsinProcess } from "../servers/tocsin";

let tocsin: TocsinProcess;
let receiver: Receiver;
let nats: NatsConnection;
let mqtt: MqttClient;
beforeAll(async () => {
  tocsin = await startTocsin();
  receiver = await openReceiver({ api: tocsin.api.bind(tocsin), filter: { initial: true }, answer: () => ({ status: 204, delayMs: 0 }) });
  nats = await connect({ servers: tocsin.natsUrl });
  mqtt = await connectAsync(tocsin.mqttUrl, { protocolVersion: 4 });
});
afterAll(async () => {
  await mqtt.endAsync();
  await nats.close();
  await receiver[Symbol.asyncDispose]();
  await tocsin[Symbol.asyncDispose]();
});

interface DeadLetter {
  readonly subject: string;
  readonly reason: string;
  readonly payloadBase64: string;
}

/** The data of what this sensor's webhook was sent, once there are so many. */
async function delivered(sensorId: string, count: number) {
  for (;;) {
    const own = firstsOf(receiver.arrivals()).filter(({ body }) => JSON.parse(body).data.sensorId === sensorId);
    if (own.length >= count) return own.map(({ body, signatureValid }) => ({ ...JSON.parse(body), signatureValid }));
    await Bun.sleep(5);
  }
}

async function deadLetterOf(subject: string): Promise<DeadLetter> {
  for (;;) {
    const { items } = (await (await tocsin.api("/v1/dead-letters?limit=1000")).json()) as { items: DeadLetter[] };
    const found = items.find((letter) => letter.subject === subject);
    if (found !== undefined) return found;
    await Bun.sleep(10);
  }
}

function post(id: string, body: unknown): Promise<Response> {
  return tocsin.api(`/v1/sensors/${id}/reports`, { method: "POST", body: JSON.stringify(body) });
}

describe("a report becomes a change and a signed webhook", () => {
  test("from a plain PUB of the bare code, by hand, over the text of NATS's protocol", async () => {
    const { hostname, port } = new URL(tocsin.natsUrl);
    const socket = connectTcp({ host: hostname, port: Number(port) });
    socket.write("CONNECT {}\r\nPUB sensors.road-pub.status 10\r\noverheated\r\nPING\r\n");
    const [event] = await delivered("road-pub", 1);
    socket.destroy();
    expect(event).toMatchObject({
      type: "sensor.status.changed",
      signatureValid: true,
      data: {
        revision: 1,
        from: { status: null, availability: "pending" },
        to: { status: "overheated", severity: "critical", availability: "online" },
      },
    });
  });

  test("from JSON over NATS, with everything that it says", async () => {
    const at = new Date(Date.now() - 1000).toISOString();
    nats.publish(
      "sensors.road-nats.status",
      JSON.stringify({ status: "hot", value: 81.5, message: "rising", at, id: "m-1", attributes: { fan: 2 } }),
    );
    const [event] = await delivered("road-nats", 1);
    expect(event).toMatchObject({
      timestamp: at,
      data: {
        occurredAt: at,
        to: { status: "hot", severity: "warning" },
        report: { value: 81.5, message: "rising", attributes: { fan: 2 } },
      },
    });
  });

  test("from an MQTT client, as bare code and as JSON", async () => {
    await mqtt.publishAsync("sensors/road-mqtt/status", "ok", { qos: 1 });
    await delivered("road-mqtt", 1);
    await mqtt.publishAsync("sensors/road-mqtt/status", JSON.stringify({ status: "low", value: 3 }), { qos: 0 });
    const events = await delivered("road-mqtt", 2);
    expect(events.map(({ data }) => [data.revision, data.to.status])).toEqual([
      [1, "ok"],
      [2, "low"],
    ]);
  });

  test("from HTTP, answered once it is stored", async () => {
    const response = await post("road-http", { status: "fault", id: "m-1" });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ stream: "REPORTS_1_0", sequence: expect.any(Number), duplicate: false });
    expect((await delivered("road-http", 1))[0]).toMatchObject({ data: { to: { status: "fault", severity: "critical" } } });
  });
});

describe("what cannot be a report is a dead letter with its bytes and its reason", () => {
  const large = JSON.stringify({ status: "ok", attributes: { text: "x".repeat(70_000) } });
  const CASES: readonly [name: string, id: string, payload: string | Uint8Array, reason: RegExp][] = [
    ["no JSON", "bad-json", '{"status":', /not JSON/],
    ["neither JSON nor a code", "bad-code", "It is hot!", /neither a JSON report nor a status code/],
    ["nothing at all", "bad-empty", "", /neither a JSON report nor a status code/],
    ["wrong types", "bad-type", '{"status":"ok","value":"hot"}', /^\/value: /],
    ["a time that is none", "bad-time", '{"status":"ok","at":"2026-02-30T00:00:00Z"}', /^\/at: /],
    ["too large", "bad-size", large, /at most 65536 bytes/],
    ["no UTF-8", "bad-bytes", new Uint8Array([0x7b, 0xff, 0xfe]), /not UTF-8/],
    ["an id that is none", "é", "ok", /not a sensor id/],
    ["an id of 129 characters", "a".repeat(129), "ok", /not a sensor id/],
  ];

  test.each(CASES)("over NATS: %s", async (_, id, payload, reason) => {
    nats.publish(`sensors.${id}.status`, payload);
    const letter = await deadLetterOf(`reports.1.0.${id}`);
    expect(letter.reason).toMatch(reason);
    expect(Buffer.from(letter.payloadBase64, "base64")).toEqual(Buffer.from(payload));
    expect((await tocsin.api(`/v1/sensors/${encodeURIComponent(id)}`)).status).toBeGreaterThanOrEqual(404);
  });

  test("over MQTT", async () => {
    await mqtt.publishAsync("sensors/bad-mqtt/status", "No!", { qos: 1 });
    expect(await deadLetterOf("reports.1.0.bad-mqtt")).toMatchObject({ payloadBase64: Buffer.from("No!").toString("base64") });
  });

  test.each(["sensors.boiler.7.status", "sensors.boiler-7", "sensors.boiler-7.status.now", "sensors.a.b.c.d"])(
    "under %s",
    async (subject) => {
      nats.publish(subject, "ok");
      expect(await deadLetterOf(subject)).toMatchObject({ reason: expect.stringContaining("names no sensor"), payloadBase64: "b2s=" });
    },
  );

  test("and disturbs nobody: what is said in between arrives", async () => {
    for (let round = 0; round < 50; round += 1) {
      nats.publish("sensors.steady.status", round % 2 === 0 ? "ok" : "hot");
      nats.publish("sensors.steady.status", "Not a report");
    }
    const events = await delivered("steady", 50);
    expect(events.map(({ data }) => data.revision)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });
});

describe("a report's time", () => {
  test("in the future is judged by when it was received; in 1970, after a newer one, it is late and changes nothing", async () => {
    const id = "clock";
    expect((await post(id, { status: "hot", at: "2999-01-01T00:00:00Z" })).status).toBe(202);
    expect((await post(id, { status: "ok", at: "1970-01-01T00:00:00Z" })).status).toBe(202);
    expect((await post(id, { status: "cold" })).status).toBe(202);
    const events = await delivered(id, 2);
    expect(events.map(({ data }) => data.to.status)).toEqual(["hot", "cold"]);
    expect(Math.abs(Date.parse(events[0].data.occurredAt) - Date.now())).toBeLessThan(60_000);
    const { items } = (await (await tocsin.api(`/v1/sensors/${id}/reports?order=asc`)).json()) as {
      items: { disposition: string; at: string }[];
    };
    expect(items.map(({ disposition }) => disposition)).toEqual(["applied", "late", "applied"]);
    expect(items[0]?.at).toBe("2999-01-01T00:00:00.000Z");
  });
});

test("the same report again, by its id, stands in the log and takes no effect, on whichever road it comes", async () => {
  const report = { status: "hot", id: "once" };
  await post("again", report);
  nats.publish("sensors.again.status", JSON.stringify(report));
  await nats.flush();
  await mqtt.publishAsync("sensors/again/status", JSON.stringify(report), { qos: 1 });
  for (;;) {
    const page = (await (await tocsin.api("/v1/sensors/again/reports?order=asc")).json()) as { items?: { disposition: string }[] };
    // Until the first one is taken in, nobody knows the sensor.
    const items = page.items ?? [];
    if (items.length === 3) {
      expect(items.map(({ disposition }) => disposition)).toEqual(["applied", "duplicate", "duplicate"]);
      break;
    }
    await Bun.sleep(10);
  }
  expect(await delivered("again", 1)).toHaveLength(1);
});
