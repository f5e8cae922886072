import { expect, test } from "bun:test";
import { Webhook } from "standardwebhooks";
import { eventLine, filterOf } from "../../src/cli/listen";
import { eventsOf } from "../../src/cli/receivedEvents";
import { PLAIN } from "../../src/cli/colour";
import { ADMIN_TOKEN, startTocsin } from "../servers/tocsin";
import { startCommand } from "./command";

const SECRET = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;
const OTHER_SECRET = `whsec_${Buffer.from("fedcba9876543210fedcba9876543210").toString("base64")}`;
const AT = "2026-11-23T10:00:00.000Z";
const BODY = JSON.stringify({
  type: "sensor.status.changed",
  timestamp: AT,
  data: {
    changeId: "chg_0_1",
    sensorId: "boiler-7",
    sensor: { name: "Boiler 7", labels: {} },
    revision: 2,
    kind: "status",
    from: { status: "ok", severity: "ok", availability: "online" },
    to: { status: "hot", severity: "warning", availability: "online" },
    cause: "report",
    occurredAt: AT,
    detectedAt: AT,
    previousDurationMs: 1000,
    report: { value: 71, message: null, attributes: null },
  },
});

function post(url: string, { secret = SECRET, body = BODY, id = "wh_1_0_1", at = new Date() } = {}): Promise<Response> {
  const signature = new Webhook(secret).sign(id, at, BODY);
  const headers = { "webhook-id": id, "webhook-timestamp": String(Math.floor(at.getTime() / 1000)), "webhook-signature": signature };
  return fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
}

async function listening(...words: string[]) {
  const command = startCommand(["listen", "--port", "0", "--secret", SECRET, ...words]);
  const [, url = ""] = await command.printed(/listening on (\S+?);/);
  return { command, url };
}

test("what is signed with the secret is answered with 204 and printed", async () => {
  const { command, url } = await listening();
  await using _ = command;
  expect((await post(url)).status).toBe(204);
  await command.printed(/verified {2}2026-11-23T10:00:00\.000Z {2}boiler-7 +ok → hot \(warning\) {2}report #2 {2}value 71 {2}wh_1_0_1\n/);
});

test("a wrong secret, a changed body, an old time and no signature are refused with 401", async () => {
  const { command, url } = await listening("--json");
  await using _ = command;
  const answers = await Promise.all([
    post(url, { secret: OTHER_SECRET }),
    post(url, { body: BODY.replace("hot", "ok") }),
    post(url, { at: new Date(Date.now() - 6 * 60_000) }),
    fetch(url, { method: "POST", body: BODY }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
  expect((await fetch(url)).status).toBe(405);
  command.signal("SIGINT");
  const { exitCode, stdout, stderr } = await command.ended();
  expect(exitCode).toBe(0);
  expect(stdout).toBe("");
  expect(stderr.match(/^refused {2}/gm)?.length).toBe(4);
});

test("a repeat under the same id is printed as one", async () => {
  const { command, url } = await listening();
  await using _ = command;
  await post(url);
  await post(url);
  await command.printed(/wh_1_0_1\nverified .* wh_1_0_1 {2}\(again\)\n/);
});

test("--json prints the bodies as they were signed", async () => {
  const { command, url } = await listening("--json");
  await using _ = command;
  await post(url);
  command.signal("SIGTERM");
  expect((await command.ended()).stdout).toBe(`${BODY}\n`);
});

test("a port that is taken is said in one line", async () => {
  const { command, url } = await listening();
  await using _ = command;
  const second = await startCommand(["listen", "--secret", SECRET, "--port", new URL(url).port]).ended();
  expect(second.exitCode).toBe(1);
  expect(second.stderr).toMatch(/^tocsin: Port \d+ on 127\.0\.0\.1 is in use .*--port\.\n$/);
});

test("what is registered is sent as the flags ask, and printed change by change", async () => {
  await using tocsin = await startTocsin();
  const env = { TOCSIN_URL: tocsin.httpUrl, TOCSIN_TOKEN: ADMIN_TOKEN };
  await using command = startCommand(["listen", "--port", "0", "--format", "cloudevents", "--batch", "2"], env);
  await command.printed(/registered as (\S+);/);
  for (const status of ["overheated", "ok"]) {
    await tocsin.api("/v1/sensors/boiler-7/reports", { method: "POST", body: JSON.stringify({ status }) });
  }
  await command.printed(/verified .*boiler-7 .*overheated.*\nverified .*boiler-7 .*ok .*\n/);
  command.signal("SIGINT");
  expect((await command.ended()).exitCode).toBe(0);
});

test("when the API is gone at the end, it says which webhook stays there, and how to remove it", async () => {
  await using tocsin = await startTocsin();
  await using command = startCommand(["listen", "--port", "0"], { TOCSIN_URL: tocsin.httpUrl, TOCSIN_TOKEN: ADMIN_TOKEN });
  const [, id = ""] = await command.printed(/registered as (\S+);/);
  await tocsin.stop();
  command.signal("SIGINT");
  const { exitCode, stderr } = await command.ended();
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`could not remove webhook ${id}: no answer from ${tocsin.httpUrl}`);
  expect(stderr).toContain(`DELETE ${tocsin.httpUrl}/v1/webhooks/${id}`);
  expect(stderr).not.toContain("Is the computer");
});

test("the flags make the filter, and none of them makes an empty one", () => {
  expect(filterOf({})).toEqual({});
  expect(filterOf({ from: ["hot"], direction: "lowered" })).toEqual({ from: ["hot"], direction: "lowered" });
  expect(
    filterOf({ sensor: ["a"], label: [["site", "north"]], kind: ["status"], to: ["hot"], minSeverity: "warning", initial: true }),
  ).toEqual({
    sensorIds: ["a"],
    labels: { site: "north" },
    kinds: ["status"],
    to: ["hot"],
    minSeverity: "warning",
    initial: true,
  });
});

test("what is no change has a line of its own", () => {
  const event = { id: "msg_1", time: AT, data: { webhookId: "wh_1" }, repeated: false };
  expect(eventLine({ ...event, type: "webhook.test" }, PLAIN)).toBe(`verified  ${AT}  webhook.test  msg_1`);
  expect(eventLine({ ...event, type: "webhook.failing" }, PLAIN)).toBe(`verified  ${AT}  webhook.failing  {"webhookId":"wh_1"}  msg_1`);
});

test("every format is understood, and of a batch each change by itself", () => {
  const { type, timestamp, data } = JSON.parse(BODY) as { type: string; timestamp: string; data: unknown };
  const event = { id: "wh_1_0_1", type, time: timestamp, data };
  const cloud = { specversion: "1.0", source: "/sensors/boiler-7", subject: "boiler-7", ...event };
  const read = (headers: Record<string, string>, body: unknown) => eventsOf(new Headers(headers), JSON.stringify(body));
  expect(read({ "webhook-id": "wh_1_0_1", "content-type": "application/json" }, { type, timestamp, data })).toEqual([event]);
  const items = ["wh_1_0_1", "wh_1_0_2"].map((id) => ({ id, type, timestamp, data }));
  expect(read({ "webhook-id": "wh_1_batch_1" }, { type: "batch", timestamp, items })).toEqual([event, { ...event, id: "wh_1_0_2" }]);
  expect(read({ "content-type": "application/cloudevents+json" }, cloud)).toMatchObject([event]);
  expect(read({ "content-type": "application/cloudevents-batch+json" }, [cloud, cloud])).toMatchObject([event, event]);
  expect(read({ "webhook-id": event.id, "ce-type": type, "ce-time": timestamp, "content-type": "application/json" }, data)).toEqual([
    event,
  ]);
});
