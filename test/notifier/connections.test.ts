import { expect, test } from "bun:test";
import type { ClientTls } from "../../src/notifier/webhook/endpoint";
import { createGuard } from "../../src/notifier/webhook/guard";
import { createSender, type Sender } from "../../src/notifier/webhook/sender";
import { Authority } from "../receivers/certificates";
import { openKeeping } from "../receivers/keeping";
import { until } from "../until";
import { newMessage } from "./messages";
import { LOOPBACK_ALLOWED, STRICT } from "./scene";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/** As many as are kept for one origin. */
const IDLE_MAX = 32;

const authority = new Authority();
const server = authority.issue({ names: ["one.test", "two.test"] });
const tls = { cert: server.certificate, key: server.key, ca: authority.certificate, requestCert: true, rejectUnauthorized: false };

function clientNamed(name: string): ClientTls {
  return { ...authority.issue({ names: [name] }), ca: authority.certificate };
}

/** Every name leads to the address that it is given at that moment. */
function openSender(addressOf: (name: string) => string = () => "127.0.0.1"): Sender {
  return createSender(LOOPBACK_ALLOWED, { guard: createGuard(LOOPBACK_ALLOWED, (name) => Promise.resolve([addressOf(name)])) });
}

async function delivered(sender: Sender, url: string, client: ClientTls | null = null): Promise<void> {
  expect((await sender.send(newMessage(url, { tls: client })))?.attempt).toMatchObject({ error: null });
}

test("attempts to one origin share a connection", async () => {
  await using receiver = await openKeeping();
  using sender = openSender();
  for (let count = 0; count < 10; count += 1) await delivered(sender, `http://one.test:${receiver.port}/`);
  expect(receiver.requests).toHaveLength(10);
  expect(receiver.connections()).toBe(1);
});

test("a connection serves only the server name that it was opened for, though address and port are the same", async () => {
  await using receiver = await openKeeping({ tls, answer: () => OK });
  using sender = openSender();
  const client = clientNamed("client");
  const urls = ["one.test", "two.test"].map((name) => `https://${name}:${receiver.port}/`);
  for (let count = 0; count < 5; count += 1) for (const url of urls) await delivered(sender, url, client);
  expect(receiver.connections()).toBe(2);
  await Promise.all(Array.from({ length: 100 }, (_, index) => delivered(sender, urls[index % 2] as string, client)));
  expect(receiver.requests).toHaveLength(110);
  for (const { serverName, host } of receiver.requests) expect(host).toBe(`${serverName}:${receiver.port}`);
});

test("a connection serves only the client certificate that it was made with", async () => {
  await using receiver = await openKeeping({ tls, answer: () => OK });
  using sender = openSender();
  const url = `https://one.test:${receiver.port}/`;
  const clients = { a: clientNamed("a"), b: clientNamed("b") };
  const told = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? "a" : "b"));
  const sends = (name: "a" | "b") => sender.send(newMessage(url, { id: name, tls: clients[name] }));
  for (const name of told.slice(0, 10)) await sends(name);
  expect(receiver.connections()).toBe(2);
  await Promise.all(told.map(sends));
  expect(receiver.requests).toHaveLength(70);
  for (const { client, id } of receiver.requests) expect(client).toBe(id);
  // Whoever brings none trusts only the well-known authorities, and gets nowhere on the others' connections.
  expect((await sender.send(newMessage(url)))?.attempt.error).toStartWith("the certificate is not valid");
  expect(receiver.requests).toHaveLength(70);
});

test("a connection to an address is not used once the name leads to another, or to one that is refused", async () => {
  await using receiver = await openKeeping();
  const strict = { ...STRICT, allowCidrs: ["127.0.0.1/32", "127.0.0.2/32"] };
  let address = "127.0.0.1";
  const addressesOf = (url: URL) => createGuard(strict, () => Promise.resolve([address])).addressesOf(url);
  using sender = createSender(strict, { guard: { addressesOf, knownAddressesOf: () => null, checkUrl: () => Promise.resolve(null) } });
  const url = `http://one.test:${receiver.port}/`;
  await delivered(sender, url);
  await delivered(sender, url);
  expect(receiver.connections()).toBe(1);
  address = "127.0.0.2";
  await delivered(sender, url);
  expect(receiver.connections()).toBe(2);
  address = "127.0.0.3";
  expect((await sender.send(newMessage(url)))?.attempt.error).toStartWith("address 127.0.0.3 is not public");
  expect(receiver.requests).toHaveLength(3);
});

test.each(["end", "destroy", "resetAndDestroy"] as const)(
  "a kept connection that the endpoint closes (%s) while we post costs no attempt: it is sent once more, under the same id",
  async (closing) => {
    await using receiver = await openKeeping({ answer: ({ nth }) => (nth === 1 ? OK : (socket) => socket[closing]()), afterMs: 20 });
    using sender = openSender();
    const url = `http://one.test:${receiver.port}/`;
    // Several stale ones: the second try must not take another of them.
    await Promise.all([delivered(sender, url), delivered(sender, url), delivered(sender, url)]);
    const before = receiver.requests.length;
    expect((await sender.send(newMessage(url, { id: "wh_1_0_8" })))?.attempt).toMatchObject({ statusCode: 200, error: null });
    expect(receiver.requests.slice(before).map(({ id, nth }) => [id, nth])).toEqual([
      ["wh_1_0_8", 2],
      ["wh_1_0_8", 1],
    ]);
  },
);

test("over TLS, too", async () => {
  await using receiver = await openKeeping({ tls, answer: ({ nth }) => (nth === 1 ? OK : (socket) => socket.destroy()) });
  using sender = openSender();
  const client = clientNamed("client");
  for (let count = 0; count < 3; count += 1) await delivered(sender, `https://one.test:${receiver.port}/`, client);
  expect(receiver.requests.map(({ nth }) => nth)).toEqual([1, 2, 1, 1]);
});

test("an endpoint that closes without an answer gets one request for an attempt, unless it answered just before", async () => {
  await using receiver = await openKeeping({ answer: () => (socket) => socket.destroy() });
  using sender = openSender();
  for (let count = 1; count <= 3; count += 1) {
    const sent = await sender.send(newMessage(`http://one.test:${receiver.port}/`));
    expect(sent?.attempt.error).toBe("the connection was closed before the answer was complete");
    expect(receiver.requests).toHaveLength(count);
  }
});

test.each([
  ["in one piece with the answer", 0],
  ["a moment later", 10],
])("what an endpoint sends beyond its answer, %s, is nobody's answer", async (_, laterMs) => {
  const answer = "HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno";
  await using receiver = await openKeeping({
    answer: () => (socket) => {
      socket.write(laterMs === 0 ? answer + OK : answer);
      if (laterMs > 0) setTimeout(() => socket.write(OK), laterMs);
    },
  });
  using sender = openSender();
  for (let count = 0; count < 4; count += 1) {
    const sent = await sender.send(newMessage(`http://one.test:${receiver.port}/`));
    expect(sent?.attempt).toMatchObject({ statusCode: 500, response: "no" });
    await until(() => receiver.open() === 0, "the connection is kept");
  }
});

test("connections that nobody uses are few, and none is left when the sender is done", async () => {
  await using receiver = await openKeeping({ afterMs: 20 });
  using sender = openSender();
  const url = `http://one.test:${receiver.port}/`;
  await Promise.all(Array.from({ length: 100 }, () => delivered(sender, url)));
  expect(receiver.connections()).toBe(100);
  await until(() => receiver.open() <= IDLE_MAX, "too many stay open");
  expect(receiver.open()).toBeGreaterThan(0);
  sender[Symbol.dispose]();
  await until(() => receiver.open() === 0, "some stay open");
});
