import { describe, expect, test } from "bun:test";
import { createClientReader, FORWARDED_HOPS_MAX } from "../../src/http/gate/clientAddress";

const clients = createClientReader(["10.0.0.0/8", "192.0.2.1", "2001:db8:f::/48"]);

function addressOf(peer: string | null, forwardedFor?: string): string {
  return clients.clientOf(peer, new Headers(forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor })).address;
}

describe("the client's address", () => {
  test.each([
    ["a stranger's own, whatever it says", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["a trusted proxy's own, when that says nothing", "10.0.0.1", undefined, "10.0.0.1"],
    ["what a trusted proxy says", "10.0.0.1", "198.51.100.1", "198.51.100.1"],
    [
      "the rightmost that is not trusted: the rest may be made up",
      "10.0.0.1",
      "1.1.1.1, 198.51.100.1, 192.0.2.1, 10.9.9.9",
      "198.51.100.1",
    ],
    ["the farthest, when all of them are trusted", "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"],
    ["mapped into IPv6, in IPv4", "::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"],
    ["in one spelling", "2001:DB8:F:0::1", "2001:0db8:0001:0:0:0:0:0001", "2001:db8:1::1"],
    ["without the port that some proxies tell", "10.0.0.1", "198.51.100.1:4711", "198.51.100.1"],
    ["without brackets", "10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"],
    ["that of the proxy which passed nonsense on", "10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"],
  ])("is %s", (_what, peer, forwardedFor, address) => {
    expect(addressOf(peer, forwardedFor)).toBe(address);
  });

  test.each([
    "",
    " , ,",
    "unknown",
    "_hidden",
    "127.1",
    "0x7f000001",
    "1.2.3",
    "1.2.3.4.5",
    "[::1",
    "::1%eth0]",
    "x".repeat(40),
    "1.2.3.4;",
    "é",
  ])("stays the proxy's beside nonsense: %p", (nonsense) => {
    expect(addressOf("10.0.0.1", `198.51.100.1, ${nonsense}`)).toBe("10.0.0.1");
  });

  test("is not looked for beyond a chain of any sensible length", () => {
    const chain = ["198.51.100.1", ...Array<string>(FORWARDED_HOPS_MAX).fill("10.0.0.2")];
    expect(addressOf("10.0.0.1", chain.join(", "))).toBe("10.0.0.2");
    expect(addressOf("10.0.0.1", chain.slice(0, -1).join(", "))).toBe("198.51.100.1");
  });

  test("of a connection that is gone is nobody's", () => {
    expect(addressOf(null, "198.51.100.1")).toBe("unknown");
  });
});

test("a client is its address in IPv4, and its /64 in IPv6", () => {
  const networkOf = (peer: string) => clients.clientOf(peer, new Headers()).network;
  expect(networkOf("198.51.100.1")).toBe("198.51.100.1");
  expect(networkOf("::ffff:198.51.100.1")).toBe("198.51.100.1");
  expect(networkOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
  expect(networkOf("2001:db8:1:2::")).toBe("2001:db8:1:2::/64");
  expect(networkOf("2001:db8:1:3::")).not.toBe("2001:db8:1:2::/64");
  expect(networkOf("64:ff9b::192.0.2.1")).not.toBe(networkOf("64:ff9b::192.0.2.2"));
});

test("who says that the client spoke TLS must be trusted, too", () => {
  const overTls = (peer: string, scheme: string) => clients.clientOf(peer, new Headers({ "x-forwarded-proto": scheme })).overTls;
  expect([overTls("10.0.0.1", "https"), overTls("10.0.0.1", "http"), overTls("203.0.113.9", "https")]).toEqual([true, false, false]);
});
