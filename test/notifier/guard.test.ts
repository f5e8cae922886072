import { expect, test } from "bun:test";
import { AddressRefused, createGuard } from "../../src/notifier/webhook/guard";
import { createSender } from "../../src/notifier/webhook/sender";
import { newMessage } from "./messages";
import { openReceiver } from "../receivers/receiver";
import { LOOPBACK_ALLOWED, STRICT } from "./scene";

const PUBLIC = "93.184.216.34";

function resolving(answers: Readonly<Record<string, readonly string[]>>) {
  return (name: string) => {
    const found = answers[name];
    return found === undefined ? Promise.reject(new Error("ENOTFOUND")) : Promise.resolve(found);
  };
}

test.each([
  ["loopback", "http://127.0.0.1/"],
  ["all of loopback", "http://127.255.1.9/"],
  ["IPv6 loopback", "http://[::1]/"],
  ["the unspecified address", "http://0.0.0.0/"],
  ["the unspecified IPv6 address", "http://[::]/"],
  ["10/8", "http://10.1.2.3/"],
  ["172.16/12", "http://172.31.255.255/"],
  ["192.168/16", "http://192.168.0.1/"],
  ["link-local", "http://169.254.0.1/"],
  ["metadata of clouds", "http://169.254.169.254/latest/meta-data/"],
  ["metadata over IPv6", "http://[fd00:ec2::254]/"],
  ["carrier-grade NAT", "http://100.64.0.1/"],
  ["benchmarking", "http://198.18.0.1/"],
  ["documentation", "http://192.0.2.1/"],
  ["multicast", "http://224.0.0.1/"],
  ["broadcast", "http://255.255.255.255/"],
  ["IPv6 link-local", "http://[fe80::1]/"],
  ["unique local IPv6", "http://[fc00::1]/"],
  ["IPv4-mapped IPv6", "http://[::ffff:127.0.0.1]/"],
  ["IPv4-mapped private IPv6", "http://[::ffff:10.0.0.1]/"],
  ["NAT64", "http://[64:ff9b::7f00:1]/"],
  ["6to4", "http://[2002:7f00:1::]/"],
  ["a decimal IP", "http://2130706433/"],
  ["an octal IP", "http://0177.0.0.1/"],
  ["a hexadecimal IP", "http://0x7f.1/"],
  ["a shortened IP", "http://127.1/"],
  ["full-width digits", "http://１２７.0.0.1/"],
  ["an IP with a trailing dot", "http://127.0.0.1./"],
  ["credentials", "http://user:secret@example.org/"],
  ["a user without a password", "http://user@example.org/"],
  ["a password without a user", "http://:secret@example.org/"],
  ["a host hidden behind credentials", "http://example.org@10.0.0.1/"],
  ["backslashes", "http:\\\\10.0.0.1\\"],
  ["an encoded IP", "http://%31%32%37.0.0.1/"],
  ["an IP with ideographic dots", "http://127。0。0。1/"],
  ["circled digits", "http://①②⑦.0.0.1/"],
  ["soft hyphens", "http://127.0.\u00ad0.1/"],
  ["ws", "ws://example.org/"],
  ["gopher", "gopher://example.org/"],
  ["ftp", "ftp://example.org/"],
  ["file", "file:///etc/passwd"],
  ["javascript", "javascript:alert(1)"],
])("%s is refused", async (_, url) => {
  const guard = createGuard(STRICT, resolving({ "example.org": [PUBLIC] }));
  await expect(guard.addressesOf(new URL(url))).rejects.toBeInstanceOf(AddressRefused);
  expect(await guard.checkUrl(url)).toMatchObject({ pointer: "/url" });
});

test.each([
  ["http://example.org/", true],
  ["https://example.org/", true],
  ["https://example.org:80/", true],
  ["http://example.org:1024/", true],
  ["http://example.org:8080/", true],
  ["https://example.org:8443/", true],
  ["https://example.org:65535/", true],
  ["http://example.org:0/", false],
  ["http://example.org:22/", false],
  ["http://example.org:25/", false],
  ["http://example.org:81/", false],
  ["https://example.org:1023/", false],
  ["http://example.org:2375/", false],
  ["http://example.org:3306/", false],
  ["http://example.org:4222/", false],
  ["http://example.org:5432/", false],
  ["http://example.org:06379/", false],
  ["http://example.org:9200/", false],
  ["http://example.org:10250/", false],
  ["http://example.org:11211/", false],
  ["http://example.org:27017/", false],
])("the port of %s is open to webhooks: %p", async (url, open) => {
  const checked = await createGuard(STRICT, resolving({ "example.org": [PUBLIC] })).checkUrl(url);
  if (open) expect(checked).toBeNull();
  else expect(checked?.message).toMatch(/^port \d+ is refused: /);
});

test("ports that the operator allows are open, on addresses that are allowed", async () => {
  const guard = createGuard({ ...STRICT, allowPorts: [81, 6379] }, resolving({ "example.org": [PUBLIC] }));
  expect(await guard.checkUrl("http://example.org:81/")).toBeNull();
  expect(await guard.checkUrl("http://example.org:6379/")).toBeNull();
  expect((await guard.checkUrl("http://example.org:82/"))?.message).toEndWith("the operator can allow it with WEBHOOK_ALLOW_PORTS");
  expect(await guard.checkUrl("http://10.0.0.1:6379/")).toEqual({
    pointer: "/url",
    message: "address 10.0.0.1 is not public (private network); the operator can allow it with WEBHOOK_ALLOW_CIDRS",
  });
});

test.each([
  ["to loopback", ["127.0.0.1"]],
  ["to a private address", ["10.0.0.5"]],
  ["to a mapped address", ["::ffff:192.168.1.1"]],
  ["to a public and a private one", [PUBLIC, "10.0.0.5"]],
  ["to something that is no address", ["localhost"]],
])("a name that resolves %s is refused, with and without a trailing dot", async (_, addresses) => {
  const guard = createGuard(STRICT, resolving({ "inner.example": addresses, "inner.example.": addresses }));
  await expect(guard.addressesOf(new URL("https://inner.example/"))).rejects.toBeInstanceOf(AddressRefused);
  await expect(guard.addressesOf(new URL("https://inner.example./"))).rejects.toBeInstanceOf(AddressRefused);
});

test("public addresses pass, IPv4 first", async () => {
  const guard = createGuard(STRICT, resolving({ "example.org": ["2606:4700::1111", PUBLIC] }));
  expect(await guard.addressesOf(new URL("https://example.org/hook"))).toEqual([PUBLIC, "2606:4700::1111"]);
  expect(await guard.addressesOf(new URL("https://[2606:4700::1111]/"))).toEqual(["2606:4700::1111"]);
  expect(await guard.checkUrl("https://example.org/hook")).toBeNull();
});

test("networks that the operator allows pass, and only those", async () => {
  const guard = createGuard({ ...STRICT, allowCidrs: ["10.1.0.0/16", "fd00:1::/32"] });
  expect(await guard.addressesOf(new URL("http://10.1.2.3/"))).toEqual(["10.1.2.3"]);
  expect(await guard.addressesOf(new URL("http://[::ffff:10.1.2.3]/"))).toEqual(["10.1.2.3"]);
  expect(await guard.addressesOf(new URL("http://[fd00:1::5]/"))).toEqual(["fd00:1::5"]);
  for (const url of ["http://10.2.0.1/", "http://[fd00:2::5]/", "http://127.0.0.1/"]) {
    await expect(guard.addressesOf(new URL(url))).rejects.toBeInstanceOf(AddressRefused);
  }
});

test("loopback passes where it is allowed, other private addresses do not", async () => {
  const guard = createGuard(LOOPBACK_ALLOWED);
  expect(await guard.addressesOf(new URL("http://127.0.0.1/"))).toEqual(["127.0.0.1"]);
  await expect(guard.addressesOf(new URL("http://169.254.169.254/"))).rejects.toBeInstanceOf(AddressRefused);
});

test("a name that does not resolve yet may be registered", async () => {
  expect(await createGuard(STRICT, resolving({})).checkUrl("https://later.example/")).toBeNull();
});

test("a name that points elsewhere between check and attempt does not lead there", async () => {
  await using receiver = openReceiver();
  const config = { ...STRICT, allowCidrs: ["127.0.0.9/32"] };
  const url = `http://rebinding.example:${receiver.port}/`;
  const message = newMessage(url);
  const answers = [["127.0.0.9"], ["127.0.0.1"]];
  const guard = createGuard(config, () => Promise.resolve(answers.shift() ?? ["127.0.0.1"]));
  expect(await guard.checkUrl(url)).toBeNull();
  // As long as the answer is remembered, the address that was checked is dialled.
  const dialled = await createSender(config, { guard }).send(message);
  expect(dialled?.attempt.error).toBe("the connection was refused");
  // A new answer is checked anew.
  const forgetful = createGuard(config, () => Promise.resolve(answers.shift() ?? ["127.0.0.1"]));
  const refused = await createSender(config, { guard: forgetful }).send(message);
  expect(refused?.attempt.error).toBe("address 127.0.0.1 is not public (loopback)");
  expect(receiver.arrivals).toEqual([]);
});

test("the address that was checked is dialled, under the name's Host header", async () => {
  await using receiver = openReceiver();
  const guard = { addressesOf: () => Promise.resolve(["127.0.0.1"]), knownAddressesOf: () => null, checkUrl: () => Promise.resolve(null) };
  const url = `http://nowhere.invalid:${receiver.port}/`;
  const sent = await createSender(STRICT, { guard }).send(newMessage(url));
  expect(sent?.attempt).toMatchObject({ statusCode: 204, error: null });
  expect(receiver.arrivals[0]?.headers["host"]).toBe(`nowhere.invalid:${receiver.port}`);
});

test("the next address is tried when one refuses the connection", async () => {
  await using receiver = openReceiver();
  // Nobody listens on this address of loopback.
  const guard = {
    addressesOf: () => Promise.resolve(["127.0.0.9", "127.0.0.1"]),
    knownAddressesOf: () => null,
    checkUrl: () => Promise.resolve(null),
  };
  const url = `http://two.invalid:${receiver.port}/`;
  const sent = await createSender(STRICT, { guard }).send(newMessage(url));
  expect(sent?.attempt.statusCode).toBe(204);
  expect(receiver.arrivals).toHaveLength(1);
});
