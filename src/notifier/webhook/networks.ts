import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import type { GuardConfig } from "../../guardConfig";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [address: Address, bits: number];

const LOOPBACK = "loopback";
const TRANSLATED = "translated to IPv4";

/**
 * Networks that no webhook may lead into, each with what it is for: IANA's special-purpose registries for IPv4 and IPv6, the multicast
 * and reserved space beside them, and the one public address behind which a cloud answers its own machines.
 */
const SPECIAL: Readonly<Record<string, string>> = {
  "0.0.0.0/8": "this network",
  "10.0.0.0/8": "private network",
  "100.64.0.0/10": "shared by a carrier's customers",
  "127.0.0.0/8": LOOPBACK,
  "168.63.129.16/32": "Azure's platform",
  "169.254.0.0/16": "link-local",
  "172.16.0.0/12": "private network",
  "192.0.0.0/24": "reserved for protocols",
  "192.0.2.0/24": "documentation",
  "192.31.196.0/24": "AS112",
  "192.52.193.0/24": "multicast tunnels",
  "192.88.99.0/24": "6to4 relays",
  "192.168.0.0/16": "private network",
  "192.175.48.0/24": "AS112",
  "198.18.0.0/15": "benchmarks",
  "198.51.100.0/24": "documentation",
  "203.0.113.0/24": "documentation",
  "224.0.0.0/4": "multicast",
  "240.0.0.0/4": "reserved",
  "::/128": "unspecified",
  "::1/128": LOOPBACK,
  "::/96": "IPv4-compatible",
  "::ffff:0:0:0/96": TRANSLATED,
  "64:ff9b::/96": TRANSLATED,
  "64:ff9b:1::/48": TRANSLATED,
  "100::/64": "discarded",
  "100:0:0:1::/64": "reserved for protocols",
  "2001::/23": "reserved for protocols",
  "2001:db8::/32": "documentation",
  "2002::/16": "6to4",
  "2620:4f:8000::/48": "AS112",
  "3fff::/20": "documentation",
  "5f00::/16": "segment routing",
  "fc00::/7": "private network",
  "fe80::/10": "link-local",
  "fec0::/10": "site-local",
  "ff00::/8": "multicast",
};

const SPECIAL_NETWORKS = Object.entries(SPECIAL).map(([cidr, name]) => ({ network: ipaddr.parseCIDR(cidr), name }));
/** All of IPv6 that is given out; what lies beyond is nobody's. */
const GLOBAL_UNICAST = ipaddr.parseCIDR("2000::/3");
/** Its last four bytes are the IPv4 address that the network's translator (RFC 6052) would dial. */
const TRANSLATOR = ipaddr.parseCIDR("64:ff9b::/96");

/** Either the address in the one form that may be dialled, or why it may not be. */
export type Verdict = { readonly dial: string } | { readonly refused: string };

/** Judges addresses as a resolver or a parsed URL writes them. IPv4 mapped into IPv6 is judged, and dialled, as the IPv4 that it is. */
export function addressRule({ allowCidrs, allowLoopback }: GuardConfig): (text: string) => Verdict {
  const allowed = allowCidrs.map(readNetwork);

  function reasonAgainst(address: Address): string | null {
    const name = specialName(address);
    if (name === null || (allowLoopback && name === LOOPBACK)) return null;
    if (!allowed.some((network) => contains(network, address))) return name;
    return contains(TRANSLATOR, address) ? reasonAgainst(new ipaddr.IPv4(address.toByteArray().slice(-4))) : null;
  }

  return (text) => {
    // A zone names one of this machine's own links, and no URL can hold it.
    if (isIP(text) === 0 || text.includes("%")) return { refused: `"${text}" is no address that can be dialled` };
    const address = readAddress(text);
    const reason = reasonAgainst(address);
    return reason === null ? { dial: address.toString() } : { refused: `address ${address.toString()} is not public (${reason})` };
  };
}

/** The URL parser's reading counts: ipaddr.js takes `::10.0.0.1` for a mapped address, which those who dial it do not. */
function readAddress(text: string): Address {
  return ipaddr.process(isIP(text) === 6 ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text);
}

function specialName(address: Address): string | null {
  const special = SPECIAL_NETWORKS.find(({ network }) => contains(network, address));
  if (special !== undefined) return special.name;
  // What ipaddr.js comes to know before we do is refused as well.
  if (address.range() !== "unicast") return address.range();
  return address.kind() === "ipv6" && !contains(GLOBAL_UNICAST, address) ? "unassigned" : null;
}

function contains([network, bits]: Network, address: Address): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}

/** `::ffff:10.0.0.0/104` means 10.0.0.0/8. */
function readNetwork(cidr: string): Network {
  const [address, bits] = ipaddr.parseCIDR(cidr);
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96) return [address.toIPv4Address(), bits - 96];
  return [address, bits];
}
