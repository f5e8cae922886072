import { describe, expect, test } from "bun:test";
import { version } from "../../package.json";
import { SETTINGS_DEFAULT } from "../../src/domain/webhook";
import { endpointOf } from "../../src/notifier/webhook/endpoint";
import { createGuard } from "../../src/notifier/webhook/guard";
import { testMessage } from "../../src/notifier/webhook/payload";
import { createSender } from "../../src/notifier/webhook/sender";
import { hmacSigner } from "../../src/notifier/webhook/signature";
import type { Behaviour } from "../receivers/behaviours";
import { Authority, type Identity } from "../receivers/certificates";
import { openHostile } from "../receivers/hostile";
import { openKeeping } from "../receivers/keeping";
import { isSigned, openReceiver } from "../receivers/receiver";
import { openDnsStub } from "../servers/dnsStub";
import { newMessage } from "./messages";
import { LOOPBACK_ALLOWED, newSecret, plainCredentials } from "./scene";
import { until } from "../until";

const TIMEOUT_MS = 300;
const SOON_MS = 2000;

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

test("a webhook's own headers and its authentication go along, and never replace what belongs to the request", async () => {
  await using receiver = openReceiver();
  using sender = createSender(LOOPBACK_ALLOWED);
  const headers = {
    "X-Tenant": "north",
    Host: "elsewhere.test",
    "Webhook-Id": "forged",
    "Content-Type": "text/plain",
    Connection: "close",
  };
  const webhook = { id: "wh_1", url: receiver.url, settings: SETTINGS_DEFAULT };
  for (const [auth, authorization] of [
    [{ type: "bearer", token: "t0ken" }, "Bearer t0ken"],
    [{ type: "basic", username: "täst", password: "a:b" }, `Basic ${Buffer.from("täst:a:b").toString("base64")}`],
    [null, undefined],
  ] as const) {
    const endpoint = endpointOf(webhook, { headers, auth, tls: null, signers: () => [hmacSigner(newSecret())] });
    await sender.send(testMessage(endpoint, Date.now()));
    const arrived = receiver.arrivals.at(-1)?.headers;
    expect(arrived).toMatchObject({ "x-tenant": "north", host: `127.0.0.1:${receiver.port}`, "content-type": "application/json" });
    expect(arrived?.["webhook-id"]).toStartWith("msg_test_");
    expect(arrived?.["authorization"]).toBe(authorization as string);
  }
});

test("what an endpoint repeats of our credentials is not kept", async () => {
  const echo: Behaviour = (socket) => socket.end("HTTP/1.1 401 No\r\n\r\nBasic dXNlcjpwYXNzd29yZA== of user:password, key-for-them, ok");
  await using hostile = await openHostile(echo);
  using sender = createSender(LOOPBACK_ALLOWED);
  const opened = {
    headers: { "x-key": "key-for-them" },
    auth: { type: "basic", username: "user", password: "password" },
    tls: null,
  } as const;
  const endpoint = endpointOf(
    { id: "wh_1", url: hostile.url, settings: SETTINGS_DEFAULT },
    { ...opened, signers: () => [hmacSigner(newSecret())] },
  );
  const sent = await sender.send(testMessage(endpoint, Date.now()));
  expect(hostile.requests[0]).toContain("Basic dXNlcjpwYXNzd29yZA==");
  expect(sent?.attempt.response).toBe("[hidden] of user:[hidden], [hidden], ok");
});

test("what failed is told in words, without the URL and what is secret in it", async () => {
  await using stub = await openDnsStub(() => ({ code: "NXDOMAIN" }));
  const sender = createSender({ ...LOOPBACK_ALLOWED, dnsServers: [stub.address] });
  await using receiver = openReceiver();
  const port = receiver.port;
  await receiver[Symbol.asyncDispose]();
  const errors = [];
  for (const url of [`http://127.0.0.1:${port}/?key=secret`, "http://no-such-name.invalid/?key=secret", "https://10.0.0.1/?key=secret"]) {
    errors.push((await sender.send(newMessage(url)))?.attempt.error);
  }
  expect(errors).toEqual(["the connection was refused", "the name does not resolve", "address 10.0.0.1 is not public (private network)"]);
});

describe("TLS", () => {
  const authority = new Authority();
  const [DAY_MS, now] = [24 * 3600 * 1000, Date.now()];
  const client = { ...authority.issue({ names: ["client"] }), ca: authority.certificate };
  const serves = ({ certificate, key }: Identity) => openKeeping({ tls: { cert: certificate, key } });

  const CERTIFICATES: Readonly<Record<string, [Identity, string | null]>> = {
    "for the name": [authority.issue({ names: ["hook.test"] }), null],
    "for another name": [authority.issue({ names: ["other.test", "127.0.0.1"] }), "ERR_TLS_CERT_ALTNAME_INVALID"],
    "that has expired": [authority.issue({ names: ["hook.test"], from: now - 2 * DAY_MS, until: now - DAY_MS }), "CERT_HAS_EXPIRED"],
    "that is not valid yet": [authority.issue({ names: ["hook.test"], from: now + DAY_MS, until: now + 2 * DAY_MS }), "CERT_NOT_YET_VALID"],
    "of another authority": [new Authority().issue({ names: ["hook.test"] }), "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    "signed by itself": [new Authority().identity, "DEPTH_ZERO_SELF_SIGNED_CERT"],
  };

  test.each(Object.keys(CERTIFICATES))("a certificate %s", async (kind) => {
    const [identity, code] = CERTIFICATES[kind] as [Identity, string | null];
    await using receiver = await serves(identity);
    const guard = createGuard(LOOPBACK_ALLOWED, () => Promise.resolve(["127.0.0.1"]));
    using sender = createSender(LOOPBACK_ALLOWED, { guard });
    const sent = await sender.send(newMessage(`https://hook.test:${receiver.port}/`, { tls: client }));
    expect(sent?.attempt.error ?? null).toBe(code === null ? null : `the certificate is not valid (${code})`);
    expect(receiver.requests).toHaveLength(code === null ? 1 : 0);
    sender[Symbol.dispose]();
    await until(() => receiver.open() === 0, "the connection is still open");
  });

  test("where there is none is told as such", async () => {
    await using receiver = openReceiver();
    const sent = await createSender(LOOPBACK_ALLOWED).send(newMessage(`https://127.0.0.1:${receiver.port}/`));
    expect(sent?.attempt).toMatchObject({ statusCode: null, error: "the TLS handshake failed" });
  });

  test("an endpoint that never shakes hands, and one that wants another certificate, fail like any other", async () => {
    await using hanging = await openHostile("hang");
    using sender = createSender(LOOPBACK_ALLOWED);
    const url = `https://127.0.0.1:${hanging.port}/`;
    const late = await sender.send(newMessage(url, { timeoutMs: TIMEOUT_MS }));
    expect(late?.reply).toMatchObject({ kind: "unanswered", timedOut: true, error: "no complete answer within 0.3 s" });
    await until(() => hanging.open() === 0, "the connection is still open");
    const { certificate: cert, key } = authority.issue({ names: ["127.0.0.1"] });
    const tls = { cert, key, ca: new Authority().certificate, requestCert: true, rejectUnauthorized: true };
    await using choosy = await openKeeping({ tls });
    const refused = await sender.send(newMessage(`https://127.0.0.1:${choosy.port}/`, { tls: client, timeoutMs: SOON_MS }));
    expect(refused?.attempt).toMatchObject({ statusCode: null, error: expect.any(String) });
    expect(choosy.requests).toBeEmpty();
  });

  test("a client certificate that is none fails the attempt, and is not repeated", async () => {
    await using receiver = await serves(authority.issue({ names: ["127.0.0.1"] }));
    using sender = createSender(LOOPBACK_ALLOWED);
    const tls = { certificate: "s3cret, not PEM", key: "s3cret, not PEM", ca: null };
    const sent = await sender.send(newMessage(`https://127.0.0.1:${receiver.port}/`, { tls }));
    expect(sent?.attempt).toMatchObject({ statusCode: null, error: "no connection could be opened" });
  });
});

test("an attempt that is aborted, or may not be dialled any more, has no outcome", async () => {
  await using hanging = await openHostile("hang");
  const sender = createSender(LOOPBACK_ALLOWED);
  const abort = new AbortController();
  const sending = sender.send(newMessage(hanging.url), { abort });
  await until(() => hanging.requests.length === 1, "the request did not arrive");
  abort.abort();
  expect(await sending).toBeNull();
  expect(await sender.send(newMessage(hanging.url), { abort })).toBeNull();
  expect(await sender.send(newMessage(hanging.url), { mayDial: () => false })).toBeNull();
  expect(hanging.requests).toHaveLength(1);
  await until(() => hanging.open() === 0, "the connection is still open");
});
