import { expect, test } from "bun:test";
import { type Config, readConfig } from "../src/config";
import { ConfigError } from "../src/configReader";

const guardOf = (env: Record<string, string>): Config["guard"] => readConfig(env).config.guard;

test("without a word of the operator's, nothing is allowed beyond loopback while the API listens there", () => {
  expect(guardOf({})).toEqual({ allowCidrs: [], allowLoopback: true, allowPorts: [], dnsServers: [] });
  expect(guardOf({ HTTP_HOST: "0.0.0.0" }).allowLoopback).toBe(false);
  expect(guardOf({ HTTP_HOST: "::" }).allowLoopback).toBe(false);
});

test("networks, ports and name servers are lists; name servers get their port", () => {
  expect(
    guardOf({
      WEBHOOK_ALLOW_CIDRS: "10.0.0.0/8, ::ffff:192.168.0.0/112",
      WEBHOOK_ALLOW_PORTS: "81, 6379",
      WEBHOOK_DNS_SERVERS: "10.0.0.2, 10.0.0.2:5353, fd00::2, [fd00::2], [fd00::2]:5353",
    }),
  ).toMatchObject({
    allowCidrs: ["10.0.0.0/8", "::ffff:192.168.0.0/112"],
    allowPorts: [81, 6379],
    dnsServers: ["10.0.0.2:53", "10.0.0.2:5353", "[fd00::2]:53", "[fd00::2]:53", "[fd00::2]:5353"],
  });
});

test.each([
  ["WEBHOOK_ALLOW_CIDRS", ["10.0.0.0", "10/8", "10.0.0.0/33", "fd00::/129", "fe80::%eth0/10", "10.0.0.0/8,", "0x0a.0.0.0/8", "all"]],
  ["WEBHOOK_ALLOW_PORTS", ["0", "65536", "-1", "81-90", "http", "81,,82", "0x51"]],
  ["WEBHOOK_DNS_SERVERS", ["ns.example.org", "10.0.0.2:0", "10.0.0.2:99999", "[10.0.0.2]:53", "fd00::2]:53", "10.0.0.2:", "10.0.0"]],
])("what %s cannot mean is said with its name", (name, wrong) => {
  for (const text of wrong) {
    expect(() => readConfig({ [name]: text })).toThrow(ConfigError);
    expect(() => readConfig({ [name]: text })).toThrow(`${name}: "`);
  }
});
