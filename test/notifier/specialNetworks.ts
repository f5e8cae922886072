/** IANA's special-purpose registries again, by numbers alone: what the guard is measured against shares no code with it. */

export interface SpecialNetwork {
  readonly cidr: string;
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

const V4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  ["255.255.255.255", 32],
] as const;

/** The first 32, 64 or so bits of each, in full groups. */
const V6 = [
  ["0:0:0:0:0:0:0:0", 128],
  ["0:0:0:0:0:0:0:1", 128],
  ["0:0:0:0:0:0:0:0", 96],
  ["0:0:0:0:ffff:0:0:0", 96],
  ["64:ff9b:0:0:0:0:0:0", 96],
  ["64:ff9b:1:0:0:0:0:0", 48],
  ["100:0:0:0:0:0:0:0", 64],
  ["100:0:0:1:0:0:0:0", 64],
  ["2001:0:0:0:0:0:0:0", 23],
  ["2001:0:0:0:0:0:0:0", 32],
  ["2001:1:0:0:0:0:0:1", 128],
  ["2001:1:0:0:0:0:0:2", 128],
  ["2001:1:0:0:0:0:0:3", 128],
  ["2001:2:0:0:0:0:0:0", 48],
  ["2001:3:0:0:0:0:0:0", 32],
  ["2001:4:112:0:0:0:0:0", 48],
  ["2001:10:0:0:0:0:0:0", 28],
  ["2001:20:0:0:0:0:0:0", 28],
  ["2001:30:0:0:0:0:0:0", 28],
  ["2001:db8:0:0:0:0:0:0", 32],
  ["2002:0:0:0:0:0:0:0", 16],
  ["2620:4f:8000:0:0:0:0:0", 48],
  ["3fff:0:0:0:0:0:0:0", 20],
  ["5f00:0:0:0:0:0:0:0", 16],
  ["fc00:0:0:0:0:0:0:0", 7],
  ["fe80:0:0:0:0:0:0:0", 10],
  ["fec0:0:0:0:0:0:0:0", 10],
  ["ff00:0:0:0:0:0:0:0", 8],
  // Nobody was given these: the global unicast space is 2000::/3 alone.
  ["0:0:0:0:0:0:0:0", 3],
  ["4000:0:0:0:0:0:0:0", 2],
  ["8000:0:0:0:0:0:0:0", 1],
] as const;

const BITS = { 4: 32, 6: 128 } as const;

export const SPECIAL_NETWORKS: readonly SpecialNetwork[] = [
  ...V4.map(([address, bits]) => network(4, address, bits)),
  ...V6.map(([address, bits]) => network(6, address, bits)),
];

/** An IPv4 address mapped into IPv6 is what it is over IPv4. */
export function isSpecial(family: 4 | 6, value: bigint): boolean {
  if (family === 6 && value >> 32n === 0xffffn) return isSpecial(4, value & 0xffffffffn);
  return SPECIAL_NETWORKS.some((special) => special.family === family && special.first <= value && value <= special.last);
}

function network(family: 4 | 6, address: string, bits: number): SpecialNetwork {
  const [groupBits, radix] = family === 4 ? [8n, ""] : [16n, "0x"];
  const first = address.split(/[.:]/).reduce((value, group) => (value << groupBits) + BigInt(`${radix}${group}`), 0n);
  return { cidr: `${address}/${bits}`, family, first, last: first + (1n << BigInt(BITS[family] - bits)) - 1n };
}

/** Every way that we know to write an address into a URL's host. */
export function hostsOf(family: 4 | 6, value: bigint): string[] {
  return family === 4 ? v4Hosts(value) : v6Spellings(value).map((text) => `[${text}]`);
}

/** Those of them that a resolver may give. */
export function spellingsOf(family: 4 | 6, value: bigint): string[] {
  if (family === 6) return v6Spellings(value);
  return [dotted(value), ...v6Spellings((0xffffn << 32n) + value)];
}

function v4Hosts(value: bigint): string[] {
  const [a, b, c, d] = bytes(value) as [bigint, bigint, bigint, bigint];
  const plain = dotted(value);
  return [
    plain,
    `${plain}.`,
    `${value}`,
    `0x${hex(value)}`,
    `0X${hex(value).toUpperCase()}`,
    `0${value.toString(8)}`,
    [a, b, c, d].map((byte) => `0x${hex(byte)}`).join("."),
    [a, b, c, d].map((byte) => `0${byte.toString(8)}`).join("."),
    [a, b, c, d].map((byte) => `0000${byte.toString(8)}`).join("."),
    `${a}.${(b << 16n) + (c << 8n) + d}`,
    `${a}.${b}.${(c << 8n) + d}`,
    `0x${hex(a)}.0${b.toString(8)}.${(c << 8n) + d}`,
    plain.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
    plain.replaceAll(".", "。"),
    plain.replaceAll(/\d/g, (digit) => `%3${digit}`),
    `[${v6Spellings((0xffffn << 32n) + value)[0]}]`,
    `[::ffff:${plain}]`,
    `[0:0:0:0:0:FFFF:${plain}]`,
    // Their networks are refused whatever stands inside.
    `[::${plain}]`,
    `[64:ff9b::${plain}]`,
    `[2002:${hex(value >> 16n)}:${hex(value & 0xffffn)}::1]`,
  ];
}

function v6Spellings(value: bigint): string[] {
  const groups = Array.from({ length: 8 }, (_, index) => (value >> BigInt(16 * (7 - index))) & 0xffffn);
  const plain = groups.map(hex).join(":");
  const padded = groups.map((group) => hex(group).padStart(4, "0")).join(":");
  const tail = dotted(value & 0xffffffffn);
  const short = plain.replace(/(^|:)0(:0)+(:|$)/, "::");
  return [plain, padded, padded.toUpperCase(), short, `${groups.slice(0, 6).map(hex).join(":")}:${tail}`];
}

function bytes(value: bigint): bigint[] {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n);
}

function dotted(value: bigint): string {
  return bytes(value).join(".");
}

function hex(value: bigint): string {
  return value.toString(16);
}
