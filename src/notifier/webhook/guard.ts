import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { LRUCache } from "lru-cache";
import type { GuardConfig } from "../../config";
import type { FieldError } from "../../domain/fault";

/** A name's addresses are asked for once in this time, so that a busy webhook does not ask for every attempt. */
const RESOLVED_FOR_MS = 5000;
const NAMES_MAX = 1000;
/** How long a registration waits for a name; one that does not resolve yet may be registered. */
const CHECK_WAIT_MS = 3000;

/** The URL leads where no webhook may go; the message says why and may be shown. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

export type Resolve = (name: string) => Promise<readonly string[]>;

export interface Guard {
  /**
   * The addresses that a request to this URL may dial, IPv4 first. All of a name's addresses must be allowed: whoever mixes public with
   * private ones has no good reason. Throws {@link AddressRefused}, or the resolver's error for a name that does not resolve.
   */
  addressesOf(url: URL): Promise<readonly string[]>;
  /** What is wrong with a URL that somebody wants to register, or null. */
  checkUrl(text: string): Promise<FieldError | null>;
}

/**
 * Keeps requests to strangers' URLs away from our own network. What counts is the address that is dialled, so callers must dial what
 * they get and not resolve again.
 */
export function createGuard(config: GuardConfig, resolve: Resolve = resolveByName): Guard {
  const allows = addressRule(config);
  const names = new LRUCache<string, Promise<readonly string[]>>({ max: NAMES_MAX, ttl: RESOLVED_FOR_MS });

  function resolved(name: string): Promise<readonly string[]> {
    const known = names.get(name);
    if (known !== undefined) return known;
    const asked = resolve(name);
    names.set(name, asked);
    asked.catch(() => {
      if (names.peek(name) === asked) names.delete(name);
    });
    return asked;
  }

  async function addressesOf(url: URL): Promise<readonly string[]> {
    const wrong = shapeProblem(url);
    if (wrong !== null) throw new AddressRefused(wrong);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const addresses = isIP(host) === 0 ? await resolved(host) : [host];
    for (const address of addresses) if (!allows(address)) throw new AddressRefused(`address ${address} is not public`);
    return addresses.toSorted((a, b) => isIP(a) - isIP(b));
  }

  async function checkUrl(text: string): Promise<FieldError | null> {
    if (!URL.canParse(text)) return { pointer: "/url", message: "is not a URL" };
    try {
      await withinMs(addressesOf(new URL(text)), CHECK_WAIT_MS);
      return null;
    } catch (error) {
      return error instanceof AddressRefused ? { pointer: "/url", message: error.message } : null;
    }
  }

  return { addressesOf, checkUrl };
}

function shapeProblem(url: URL): string | null {
  if (url.protocol !== "http:" && url.protocol !== "https:") return "must begin with http:// or https://";
  if (url.username !== "" || url.password !== "") return "must not hold credentials";
  return null;
}

/** Public means unicast by the IANA special-purpose registries, whatever notation or IPv4-in-IPv6 form it comes in. */
function addressRule({ allowCidrs, allowLoopback }: GuardConfig): (address: string) => boolean {
  const allowed = allowCidrs.map((cidr) => ipaddr.parseCIDR(cidr));
  return (text) => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.process(text);
    const range = address.range();
    if (range === "unicast" || (allowLoopback && range === "loopback")) return true;
    return allowed.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  };
}

async function resolveByName(name: string): Promise<readonly string[]> {
  const answers = await lookup(name, { all: true });
  return answers.map(({ address }) => address);
}

async function withinMs<Result>(asked: Promise<Result>, ms: number): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer in ${ms} ms`)), ms);
  try {
    return await Promise.race([asked, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
