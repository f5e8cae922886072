import { expect, test } from "bun:test";
import fc from "fast-check";
import { AddressRefused, createGuard, type Guard } from "../../src/notifier/webhook/guard";
import { STRICT } from "./scene";
import { hostsOf, isSpecial, SPECIAL_NETWORKS, spellingsOf } from "./specialNetworks";

const HIGHEST = { 4: (1n << 32n) - 1n, 6: (1n << 128n) - 1n } as const;
const guard = createGuard(STRICT, () => Promise.reject(new Error("no name is asked for")));

/** Whether a request would be dialled, with the address in the URL. Anything but a refusal of ours is a mistake. */
async function passes(host: string, judge: Pick<Guard, "addressesOf"> = guard): Promise<boolean> {
  try {
    return (await judge.addressesOf(new URL(`http://${host}/`))).length > 0;
  } catch (error) {
    if (error instanceof AddressRefused) return false;
    throw error;
  }
}

/** The same, with the address as a resolver's answer, by itself and behind a public one. */
async function resolvedPasses(address: string, config = STRICT): Promise<boolean> {
  const alone = await passes(
    "name.example",
    createGuard(config, () => Promise.resolve([address])),
  );
  const behind = await passes(
    "name.example",
    createGuard(config, () => Promise.resolve(["93.184.216.34", address])),
  );
  expect(behind).toBe(alone);
  return alone;
}

test.each(SPECIAL_NETWORKS.map((network) => [network.cidr, network] as const))(
  "%s is refused from its first address to its last, in every notation",
  async (_, { family, first, last }) => {
    const found: string[] = [];
    for (const value of [first, first + (last - first) / 2n, last > first ? last - 1n : last, last]) {
      for (const host of hostsOf(family, value)) if (await passes(host)) found.push(host);
      for (const address of spellingsOf(family, value)) if (await resolvedPasses(address)) found.push(address);
    }
    expect(found).toEqual([]);
  },
);

test.each(SPECIAL_NETWORKS.map((network) => [network.cidr, network] as const))(
  "the neighbours of %s are judged for themselves",
  async (_, { family, first, last }) => {
    for (const value of [first - 1n, last + 1n]) {
      if (value < 0n || value > HIGHEST[family]) continue;
      const [plain] = hostsOf(family, value) as [string];
      expect([plain, await passes(plain)]).toEqual([plain, !isSpecial(family, value)]);
    }
  },
);

test.each([
  "1.0.0.0",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.0",
  "168.63.129.15",
  "168.63.129.17",
  "169.253.255.255",
  "169.255.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "191.255.255.255",
  "192.0.1.0",
  "192.0.3.0",
  "192.31.195.255",
  "192.31.197.0",
  "192.52.192.255",
  "192.52.194.0",
  "192.88.98.255",
  "192.88.100.0",
  "192.167.255.255",
  "192.169.0.0",
  "192.175.47.255",
  "192.175.49.0",
  "198.17.255.255",
  "198.20.0.0",
  "198.51.99.255",
  "198.51.101.0",
  "203.0.112.255",
  "203.0.114.0",
  "223.255.255.255",
  "[2000::]",
  "[2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
  "[2001:200::]",
  "[2001:db7:ffff::]",
  "[2001:db9::]",
  "[2001:ffff:ffff::]",
  "[2003::]",
  "[2620:4f:7fff:ffff::]",
  "[2620:4f:8001::]",
  "[3ffe:ffff::]",
  "[3fff:1000::]",
  "[3fff:ffff::]",
])("%s, beside such a network, is public", async (host) => {
  expect(await passes(host)).toBe(true);
});

test("no address of a special network passes, however it is written", async () => {
  const inside = fc
    .constantFrom(...SPECIAL_NETWORKS)
    .chain(({ family, first, last }) => fc.bigInt({ min: first, max: last }).map((value) => ({ family, value })))
    .filter(({ family, value }) => isSpecial(family, value));
  const property = fc.asyncProperty(inside, async ({ family, value }) => {
    for (const host of hostsOf(family, value)) expect([host, await passes(host)]).toEqual([host, false]);
    for (const address of spellingsOf(family, value)) expect([address, await resolvedPasses(address)]).toEqual([address, false]);
  });
  await fc.assert(property, { numRuns: 500 });
});

test("every other address passes, and is dialled in its one plain form", async () => {
  const anywhere = fc.oneof(
    fc.bigInt({ min: 0n, max: HIGHEST[4] }).map((value) => ({ family: 4 as const, value })),
    fc.bigInt({ min: 1n << 125n, max: (1n << 126n) - 1n }).map((value) => ({ family: 6 as const, value })),
  );
  const property = fc.asyncProperty(
    anywhere.filter(({ family, value }) => !isSpecial(family, value)),
    async ({ family, value }) => {
      const forms = new Set<string>();
      for (const address of spellingsOf(family, value)) {
        const [dialled = ""] = await createGuard(STRICT, () => Promise.resolve([address])).addressesOf(new URL("http://name.example/"));
        forms.add(dialled);
      }
      expect(forms.size).toBe(1);
      const [form] = forms as Iterable<string> as [string];
      const host = new URL("http://placeholder/");
      host.hostname = family === 6 ? `[${form}]` : form;
      expect(host.hostname).not.toBe("placeholder");
    },
  );
  await fc.assert(property, { numRuns: 500 });
});

test("no address passes because a URL and the guard read it differently", async () => {
  const number = fc.oneof(
    fc.nat(300).map(String),
    fc.nat(300).map((byte) => `0x${byte.toString(16)}`),
    fc.nat(300).map((byte) => `0${byte.toString(8)}`),
  );
  const host = fc.oneof(
    fc.array(number, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(".")),
    fc.ipV4Extended(),
    fc.ipV6().map((text) => `[${text}]`),
  );
  const property = fc.asyncProperty(host, async (text) => {
    if (!URL.canParse(`http://${text}/`)) return;
    const { hostname } = new URL(`http://${text}/`);
    const [dialled] = await guard.addressesOf(new URL(`http://${text}/`)).catch(() => []);
    if (dialled === undefined || hostname.startsWith("[")) return;
    expect(dialled).toBe(hostname);
    expect(
      isSpecial(
        4,
        dialled.split(".").reduce((value, byte) => value * 256n + BigInt(byte), 0n),
      ),
    ).toBe(false);
  });
  await fc.assert(property, { numRuns: 1000 });
});

test.each(["fe80::1%eth0", "2606:4700::1111%1", "2606:4700::1111%", "127.1", "0x7f000001", "2130706433", "", "localhost", "1.1.1.1 "])(
  "a resolver's %p is no address that can be dialled",
  async (address) => {
    expect(await resolvedPasses(address, { ...STRICT, allowCidrs: ["0.0.0.0/0", "::/0"] })).toBe(false);
  },
);

test.each([
  ["10.0.0.0/8", ["10.1.2.3", "::ffff:10.1.2.3"], ["192.168.0.1", "64:ff9b::10.1.2.3", "2002:a01:203::1", "::10.1.2.3"]],
  ["::ffff:10.0.0.0/104", ["10.1.2.3", "::ffff:a01:203"], ["172.16.0.1", "fd00::1"]],
  ["fd00::/8", ["fd12::1"], ["fc00::1", "10.0.0.1"]],
  // What the translator would dial counts as well.
  ["64:ff9b::/96", ["64:ff9b::8.8.8.8"], ["64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "10.0.0.1"]],
  ["64:ff9b::/96,10.0.0.0/8", ["64:ff9b::10.0.0.1"], ["64:ff9b::192.168.0.1"]],
  ["127.0.0.0/8", ["127.0.0.1"], ["::1", "0.0.0.0"]],
  ["::/0", ["fd00::1", "::1", "64:ff9b::8.8.8.8"], ["10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"]],
  ["0.0.0.0/0", ["10.0.0.1", "::ffff:127.0.0.1"], ["::1", "fd00::1"]],
])("where the operator allows %s, just that passes", async (cidrs, allowed, refused) => {
  const config = { ...STRICT, allowCidrs: cidrs.split(",") };
  for (const address of allowed) expect([address, await resolvedPasses(address, config)]).toEqual([address, true]);
  for (const address of refused) expect([address, await resolvedPasses(address, config)]).toEqual([address, false]);
});

test("where loopback is allowed, neither the unspecified address nor a translated one is", async () => {
  const config = { ...STRICT, allowLoopback: true };
  for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]) expect(await resolvedPasses(address, config)).toBe(true);
  for (const address of ["0.0.0.0", "::", "::127.0.0.1", "64:ff9b::7f00:1", "10.0.0.1"]) {
    expect(await resolvedPasses(address, config)).toBe(false);
  }
});
