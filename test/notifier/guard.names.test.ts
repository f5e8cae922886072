import { expect, test } from "bun:test";
import { readConfig } from "../../src/config";
import { createGuard } from "../../src/notifier/webhook/guard";
import { createResolve } from "../../src/notifier/webhook/names";
import { createSender } from "../../src/notifier/webhook/sender";
import { type DnsAnswer, type DnsStub, openDnsStub } from "../servers/dnsStub";
import { openCountingListener } from "./countingListener";
import { newMessage } from "./messages";

/** Stands for a public address: the operator allows it, and nothing else on loopback. */
/** Said when a URL is registered, not of each attempt. */
const WAY_OUT = "; the operator can allow it with WEBHOOK_ALLOW_CIDRS";
const OUTER = "127.0.0.9";
const INNER = "127.0.0.1";
const PUBLIC = "93.184.216.34";
/** Far longer than a look-up may take. An attempt that waited for its own end would say that there was no answer. */
const SOON_MS = 30_000;

/** As an operator says it; loopback is refused, because the API listens everywhere. */
function guardConfig(stub: DnsStub) {
  return readConfig({ HTTP_HOST: "0.0.0.0", WEBHOOK_ALLOW_CIDRS: `${OUTER}/32`, WEBHOOK_DNS_SERVERS: stub.address }).config.guard;
}

/** A sender that remembers no name yet. */
function attempt(stub: DnsStub, url: string) {
  return createSender(guardConfig(stub)).send(newMessage(url));
}

async function openPair() {
  const inner = await openCountingListener({ hostname: INNER });
  return { inner, outer: await openCountingListener({ hostname: OUTER, port: inner.port }) };
}

/** One answer for each attempt; the last one stays. A question of the other family is answered without records. */
function inTurn(answers: readonly DnsAnswer[]): () => DnsAnswer {
  let asked = 0;
  // Both families are asked for at once, so each answer serves two questions.
  return () => answers[Math.min(Math.floor(asked++ / 2), answers.length - 1)] as DnsAnswer;
}

test("a name that points inwards after it was checked, and back again, never gets a connection inside", async () => {
  const answers = [OUTER, INNER, OUTER, "10.0.0.1", "::1", OUTER].map((address) => ({ addresses: [address] }));
  await using stub = await openDnsStub(inTurn(answers));
  const { inner, outer } = await openPair();
  await using _inner = inner;
  await using _outer = outer;
  const outcomes = [];
  for (const _ of answers) {
    const sent = await attempt(stub, `http://rebinding.example:${inner.port}/`);
    outcomes.push(sent?.attempt.error ?? sent?.attempt.statusCode);
  }
  expect(outcomes).toEqual([
    204,
    "address 127.0.0.1 is not public (loopback)",
    204,
    "address 10.0.0.1 is not public (private network)",
    "address ::1 is not public (loopback)",
    204,
  ]);
  expect(inner.connections).toHaveLength(0);
  expect(outer.connections).toHaveLength(3);
  expect(outer.connections.map((bytes) => bytes.includes(`rebinding.example:${inner.port}`))).toEqual([true, true, true]);
  // Asked once an attempt, for each family: what was checked is what was dialled.
  for (const family of ["A", "AAAA"]) expect(stub.asked.filter(({ type }) => type === family)).toHaveLength(answers.length);
});

test("a name that changes with every question is judged by the answer that is dialled", async () => {
  let asked = 0;
  await using stub = await openDnsStub(({ type }) => ({ addresses: type === "AAAA" ? [] : [(asked += 1) % 2 === 1 ? OUTER : INNER] }));
  const { inner, outer } = await openPair();
  await using _inner = inner;
  await using _outer = outer;
  const sender = createSender(guardConfig(stub));
  const url = `http://flipping.example:${inner.port}/`;
  expect(await sender.checkUrl(url)).toBeNull();
  for (let time = 0; time < 10; time += 1) await sender.send(newMessage(url));
  for (let time = 0; time < 10; time += 1) await attempt(stub, url);
  expect(inner.connections).toHaveLength(0);
  expect(outer.connections.length).toBeGreaterThanOrEqual(5);
});

test.each<[string, DnsAnswer, string]>([
  ["mixes public with private", { addresses: [OUTER, PUBLIC, INNER] }, "address 127.0.0.1 is not public (loopback)"],
  ["is public over IPv4 and private over IPv6", { addresses: [OUTER, "fd00::1"] }, "address fd00::1 is not public (private network)"],
  ["maps loopback into IPv6", { addresses: ["::ffff:7f00:1"] }, "address 127.0.0.1 is not public (loopback)"],
  ["translates loopback", { addresses: ["64:ff9b::7f00:1"] }, "address 64:ff9b::7f00:1 is not public (translated to IPv4)"],
  [
    "leads there by a chain of aliases",
    { aliases: ["a.example", "b.example", "localhost"], addresses: [INNER] },
    "address 127.0.0.1 is not public (loopback)",
  ],
  ["is the metadata service", { addresses: ["169.254.169.254"] }, "address 169.254.169.254 is not public (link-local)"],
  ["hides one private address among 200", { addresses: [...many(199), INNER] }, "address 127.0.0.1 is not public (loopback)"],
])("a name that %s is refused, when it is registered and when it is dialled", async (_, answer, error) => {
  await using stub = await openDnsStub(() => answer);
  const { inner, outer } = await openPair();
  await using _inner = inner;
  await using _outer = outer;
  const url = `http://wrong.example:${inner.port}/`;
  expect(await createGuard(guardConfig(stub)).checkUrl(url)).toEqual({ pointer: "/url", message: `${error}${WAY_OUT}` });
  const sent = await attempt(stub, url);
  expect(sent?.attempt).toMatchObject({ statusCode: null, error });
  expect([inner.connections.length, outer.connections.length]).toEqual([0, 0]);
});

test("a chain of aliases to an allowed address is followed, under the first name", async () => {
  await using stub = await openDnsStub(() => ({ aliases: ["edge.example", "pop7.example"], addresses: [OUTER] }));
  await using outer = await openCountingListener({ hostname: OUTER });
  const sent = await attempt(stub, `http://hooks.example:${outer.port}/`);
  expect(sent?.attempt.statusCode).toBe(204);
  expect(outer.connections[0]?.toString()).toContain(`hooks.example:${outer.port}`);
});

test("an alias that leads nowhere does not resolve", async () => {
  await using stub = await openDnsStub(() => ({ aliases: ["nowhere.example"], addresses: [] }));
  expect((await attempt(stub, "http://dangling.example/"))?.attempt.error).toBe("the name does not resolve");
});

test("of a name with 200 addresses all are judged and eight dialled", async () => {
  await using stub = await openDnsStub(() => ({ addresses: [...many(200), "2606:4700::1111"] }));
  const addresses = await createGuard(guardConfig(stub)).addressesOf(new URL("http://many.example/"));
  expect(addresses).toEqual(many(200).slice(0, 8));
  // The answer is longer than a datagram: the rest was asked for over TCP.
  expect(stub.asked.length).toBeGreaterThan(2);
});

const FAILURES: readonly [string, DnsAnswer, string][] = [
  ["does not exist", { code: "NXDOMAIN" }, "the name does not resolve"],
  ["has no addresses", { addresses: [] }, "the name does not resolve"],
  ["cannot be served", { code: "SERVFAIL" }, "the name could not be looked up"],
  ["is refused", { code: "REFUSED" }, "the name could not be looked up"],
  ["is answered with noise", { bytes: () => Buffer.from("these bytes are no answer") }, "the name could not be looked up"],
  ["is answered with half a header", { bytes: (query) => query.subarray(0, 7) }, "the name could not be looked up"],
  ["is answered with a loop of pointers", { bytes: loopOfPointers }, "the name could not be looked up"],
  ["is not answered", "silence", "the name could not be looked up in time"],
  ["is answered under another number", { bytes: otherNumber }, "the name could not be looked up in time"],
];

test.concurrent.each(FAILURES)(
  "an attempt on a name that %s ends in time and says so",
  async (_, answer, error) => {
    await using stub = await openDnsStub(() => answer);
    const startedAt = performance.now();
    const sent = await attempt(stub, "http://broken.example/");
    expect(sent?.attempt).toMatchObject({ statusCode: null, error });
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
    // It may be registered: a name may come to exist. Only what is known to lead inwards is refused.
    expect(await createGuard(guardConfig(stub), createResolve([stub.address], 50)).checkUrl("http://broken.example/")).toBeNull();
  },
  2 * SOON_MS,
);

test("one family's failure does not keep the other from being dialled", async () => {
  await using stub = await openDnsStub(({ type }) => (type === "A" ? { addresses: [PUBLIC] } : { code: "SERVFAIL" }));
  expect(await createGuard(guardConfig(stub)).addressesOf(new URL("https://half.example/"))).toEqual([PUBLIC]);
});

test.concurrent(
  "names whose servers are silent hold up nobody else's name",
  async () => {
    await using stub = await openDnsStub(({ name }) => (name.startsWith("hung") ? "silence" : { addresses: [PUBLIC] }));
    const guard = createGuard(guardConfig(stub));
    const hung = Array.from({ length: 100 }, (_, index) => guard.addressesOf(new URL(`http://hung${index}.example/`)));
    let ended = 0;
    const endings = hung.map((asked) => asked.catch(() => (ended += 1)));
    expect(await guard.addressesOf(new URL("http://fine.example/"))).toEqual([PUBLIC]);
    expect(ended).toBe(0);
    await Promise.all(endings);
    expect(ended).toBe(100);
  },
  60_000,
);

test("localhost is loopback without being asked for", async () => {
  await using stub = await openDnsStub(() => ({ addresses: [PUBLIC] }));
  for (const name of ["localhost", "localhost.", "LOCALHOST", "api.localhost", "ⓛocalhost"]) {
    expect(await createGuard(guardConfig(stub)).checkUrl(`http://${name}/`)).toEqual({
      pointer: "/url",
      message: `address 127.0.0.1 is not public (loopback)${WAY_OUT}`,
    });
  }
  expect(stub.asked).toEqual([]);
});

test("an international name is asked for in its ASCII form", async () => {
  await using stub = await openDnsStub(() => ({ addresses: [PUBLIC] }));
  expect(await createGuard(guardConfig(stub)).addressesOf(new URL("https://bücher.example/"))).toEqual([PUBLIC]);
  expect(new Set(stub.asked.map(({ name }) => name))).toEqual(new Set(["xn--bcher-kva.example"]));
});

function many(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `93.184.216.${index}`);
}

function loopOfPointers(query: Buffer): Buffer {
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x81_80, 2);
  head.writeUInt16BE(1, 6);
  // The name at byte 12 is said to stand at byte 12.
  return Buffer.concat([head, Buffer.from([0xc0, 12, 0, 1, 0, 1])]);
}

function otherNumber(query: Buffer): Buffer {
  const reply = Buffer.from(query);
  reply.writeUInt16BE((query.readUInt16BE(0) + 1) % 65_536, 0);
  reply.writeUInt16BE(0x81_83, 2);
  return reply;
}
