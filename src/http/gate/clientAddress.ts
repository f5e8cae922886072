/** Whose request it is, told by the connection and, where a proxy that we trust made it, by what that one says. */
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { LRUCache } from "lru-cache";

/** A chain of proxies longer than this is no chain of ours: nobody beyond it is believed. */
export const FORWARDED_HOPS_MAX = 16;
const PARSED_MAX = 10_000;
/** One subscriber of IPv6 has all the addresses behind these bits. */
const IPV6_SUBSCRIBER_BITS = 64;
/** Where nobody can tell any more, because the connection is gone. */
const NOWHERE = "unknown";

export interface Client {
  /** For people: logs, the audit log. */
  readonly address: string;
  /** What one client has in common: the address of IPv4, the /64 of IPv6. */
  readonly network: string;
  /** It spoke TLS to a proxy that we trust. */
  readonly overTls: boolean;
}

export interface ClientReader {
  /** `peer`: the other end of the connection; null when that is gone. Only a trusted one's `X-Forwarded-*` is read; `Forwarded` never is. */
  clientOf(peer: string | null, headers: Headers): Client;
}

interface Parsed {
  readonly client: Client;
  readonly trusted: boolean;
}

/** `trustedProxies`: addresses, and networks in CIDR notation. */
export function createClientReader(trustedProxies: readonly string[]): ClientReader {
  const networks = trustedProxies.map(networkOf);
  const known = new LRUCache<string, Parsed>({ max: PARSED_MAX });
  const stranger: Parsed = { client: { address: NOWHERE, network: NOWHERE, overTls: false }, trusted: false };

  /** Null for what is no address. */
  function parse(text: string): Parsed | null {
    const found = known.get(text);
    if (found !== undefined) return found;
    if (isIP(text) === 0) return null;
    const address = ipaddr.process(text);
    const parsed = { client: clientAt(address), trusted: networks.some((network) => isWithin(address, network)) };
    known.set(text, parsed);
    return parsed;
  }

  /** From the nearest to the farthest, until one is not ours. What cannot be read ends the chain at whoever sent it. */
  function farthest(peer: Parsed, forwardedFor: string): Parsed {
    let farthestKnown = peer;
    for (const hop of forwardedFor.split(",").slice(-FORWARDED_HOPS_MAX).toReversed()) {
      const parsed = parse(withoutPort(hop.trim()));
      if (parsed === null) return farthestKnown;
      farthestKnown = parsed;
      if (!parsed.trusted) return parsed;
    }
    return farthestKnown;
  }

  return {
    clientOf(peer, headers) {
      const nearest = (peer === null ? null : parse(peer)) ?? stranger;
      if (!nearest.trusted) return nearest.client;
      const forwardedFor = headers.get("x-forwarded-for");
      const { client } = forwardedFor === null ? nearest : farthest(nearest, forwardedFor);
      return headers.get("x-forwarded-proto") === "https" ? { ...client, overTls: true } : client;
    },
  };
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

function networkOf(text: string): Network {
  if (!text.includes("/")) {
    const address = ipaddr.process(text);
    return [address, address.kind() === "ipv4" ? 32 : 128];
  }
  const [address, bits] = ipaddr.parseCIDR(text);
  const mapped = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96;
  return mapped ? [address.toIPv4Address(), bits - 96] : [address, bits];
}

function isWithin(address: Address, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

function clientAt(address: Address): Client {
  const text = address.toString();
  // Behind a translator of IPv4 (RFC 6052) all the addresses of IPv4 have the first 96 bits in common.
  const isOneOfMany = address instanceof ipaddr.IPv6 && address.range() !== "rfc6052";
  return { address: text, network: isOneOfMany ? subscriberOf(address) : text, overTls: false };
}

function subscriberOf({ parts }: ipaddr.IPv6): string {
  const groups = IPV6_SUBSCRIBER_BITS / 16;
  const start = parts.map((part, index) => (index < groups ? part : 0));
  return `${new ipaddr.IPv6(start).toString()}/${IPV6_SUBSCRIBER_BITS}`;
}

/** Some proxies tell the port, too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/.exec(hop) ?? [];
  return bracketed ?? plain ?? hop;
}
