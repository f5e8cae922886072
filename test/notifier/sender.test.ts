import { expect, test } from "bun:test";
import { version } from "../../package.json";
import { SETTINGS_DEFAULT } from "../../src/domain/webhook";
import { createSender } from "../../src/notifier/webhook/sender";
import { type HOSTILE, openHostile } from "../receivers/hostile";
import { isSigned, openReceiver } from "../receivers/receiver";
import { newMessage } from "./messages";
import { LOOPBACK_ALLOWED, newSecret, plainCredentials } from "./scene";
import { until } from "../until";

const TIMEOUT_MS = 300;
const SOON_MS = 2000;
const SENT_BYTES_MAX = 16 * 1024 * 1024;
const RSS_GROWTH_BYTES_MAX = 40 * 1024 * 1024;

test("a request carries the three headers, our name and the body as it is; every secret verifies it", async () => {
  await using receiver = openReceiver();
  const secrets = [newSecret(), newSecret()];
  const message = newMessage(receiver.url, { secrets });
  const sent = await createSender(LOOPBACK_ALLOWED).send(message);
  expect(sent?.attempt).toMatchObject({ statusCode: 204, error: null });
  const [arrival] = receiver.arrivals;
  if (arrival === undefined) throw new Error("nothing arrived");
  expect(arrival.body).toBe(message.body);
  expect(arrival.headers).toMatchObject({
    "webhook-id": "wh_1_0_7",
    "content-type": "application/json",
    "user-agent": `Tocsin/${version}`,
    "accept-encoding": "identity",
    "content-length": `${message.body.length}`,
  });
  for (const secret of secrets) expect(isSigned(arrival, secret)).toBe(true);
  expect(isSigned(arrival, newSecret())).toBe(false);
  expect(isSigned({ ...arrival, body: `${arrival.body} ` }, secrets[0] as string)).toBe(false);
});

test("a test event is signed, has an id of its own each time, and is answered with how it went", async () => {
  let status = 204;
  await using receiver = openReceiver(() => ({ status }));
  const sender = createSender(LOOPBACK_ALLOWED);
  const secret = newSecret();
  const webhook = { id: "wh_1", url: receiver.url, settings: SETTINGS_DEFAULT, credentials: plainCredentials([secret]) };
  expect(await sender.sendTest(webhook)).toMatchObject({ statusCode: 204, error: null });
  status = 500;
  expect(await sender.sendTest(webhook)).toMatchObject({ statusCode: 500, error: "answered 500" });
  const [first, second] = receiver.arrivals;
  expect(JSON.parse(first?.body ?? "")).toMatchObject({ type: "webhook.test", data: { webhookId: "wh_1" } });
  expect(first?.id).not.toBe(second?.id);
  for (const arrival of receiver.arrivals) expect(isSigned(arrival, secret)).toBe(true);
});

test("test events are limited in number, and refused beyond it as unavailable", async () => {
  await using hanging = await openHostile("hang");
  const sender = createSender(LOOPBACK_ALLOWED, { timeoutMs: TIMEOUT_MS });
  const webhook = { id: "wh_1", url: hanging.url, settings: SETTINGS_DEFAULT, credentials: plainCredentials([newSecret()]) };
  const sent = await Promise.allSettled(Array.from({ length: 10 }, () => sender.sendTest(webhook)));
  const refused = sent.filter((one) => one.status === "rejected");
  expect(refused).toHaveLength(2);
  expect(refused[0]?.reason).toMatchObject({ kind: "unavailable" });
});

const EXPECTED: Readonly<Record<keyof typeof HOSTILE, { statusCode: number | null; error: string | null }>> = {
  hang: { statusCode: null, error: "no complete answer within 0.3 s" },
  trickle: { statusCode: 200, error: "no complete answer within 0.3 s" },
  trickleHead: { statusCode: null, error: "no complete answer within 0.3 s" },
  flood: { statusCode: 200, error: null },
  gzipBomb: { statusCode: 200, error: null },
  resetMidBody: { statusCode: 200, error: "the connection was closed before the answer was complete" },
  closeAtOnce: { statusCode: null, error: "the connection was closed before the answer was complete" },
  garbage: { statusCode: null, error: "the answer is not HTTP" },
  redirectLoop: { statusCode: 307, error: "answered 307: redirects are not followed" },
};

test.each(Object.keys(EXPECTED) as (keyof typeof HOSTILE)[])(
  "an endpoint that behaves like %p costs bounded time and memory, one request and no open connection",
  async (behaviour) => {
    await using hostile = await openHostile(behaviour);
    const sender = createSender(LOOPBACK_ALLOWED, { timeoutMs: TIMEOUT_MS });
    const [startedAt, rss] = [performance.now(), process.memoryUsage.rss()];
    const sent = await sender.send(newMessage(hostile.url));
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
    expect(sent?.attempt).toMatchObject(EXPECTED[behaviour]);
    await until(() => hostile.open() === 0, "the connection is still open", SOON_MS);
    expect(hostile.requests).toHaveLength(1);
    expect(hostile.sent()).toBeLessThan(SENT_BYTES_MAX);
    expect(process.memoryUsage.rss() - rss).toBeLessThan(RSS_GROWTH_BYTES_MAX);
  },
);

test("what failed is told in words, without the URL and what is secret in it", async () => {
  const sender = createSender(LOOPBACK_ALLOWED, { timeoutMs: SOON_MS });
  await using receiver = openReceiver();
  const port = receiver.port;
  await receiver[Symbol.asyncDispose]();
  const errors = [];
  for (const url of [`http://127.0.0.1:${port}/?key=secret`, "http://no-such-name.invalid/?key=secret", "https://10.0.0.1/?key=secret"]) {
    errors.push((await sender.send(newMessage(url)))?.attempt.error);
  }
  expect(errors).toEqual(["the connection was refused", "the name does not resolve", "address 10.0.0.1 is not public"]);
});

test("TLS that does not hold is told as such", async () => {
  await using receiver = openReceiver();
  const sent = await createSender(LOOPBACK_ALLOWED).send(newMessage(`https://127.0.0.1:${receiver.port}/`));
  expect(sent?.attempt).toMatchObject({ statusCode: null, error: "the TLS handshake failed" });
});

test("an attempt that is aborted, or may not be dialled any more, has no outcome", async () => {
  await using hanging = await openHostile("hang");
  const sender = createSender(LOOPBACK_ALLOWED);
  const abort = new AbortController();
  const sending = sender.send(newMessage(hanging.url), { signal: abort.signal });
  await until(() => hanging.requests.length === 1, "the request did not arrive");
  abort.abort();
  expect(await sending).toBeNull();
  expect(await sender.send(newMessage(hanging.url), { signal: abort.signal })).toBeNull();
  expect(await sender.send(newMessage(hanging.url), { mayDial: () => false })).toBeNull();
  expect(hanging.requests).toHaveLength(1);
  await until(() => hanging.open() === 0, "the connection is still open");
});
