import { isIP } from "node:net";
import { LRUCache } from "lru-cache";
import type { FieldError } from "../../domain/fault";
import type { GuardConfig } from "../../guardConfig";
import { createResolve, type Resolve, withinMs } from "./names";
import { addressRule } from "./networks";
import { portProblem } from "./ports";

/** A name's addresses are asked for once in this time, so that a busy webhook does not ask for every attempt. */
const RESOLVED_FOR_MS = 5000;
const NAMES_MAX = 1000;
/** How long a registration waits for a name; one that does not resolve yet may be registered. */
const CHECK_WAIT_MS = 3000;
/** All of a name's addresses are judged; of those, so many are dialled. */
const DIALLED_MAX = 8;

/** The URL leads where no webhook may go; the message says why and may be shown. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";

  /** `allowedBy`: the setting by which the operator could allow it. */
  constructor(
    message: string,
    readonly allowedBy: "WEBHOOK_ALLOW_CIDRS" | "WEBHOOK_ALLOW_PORTS" | null = null,
  ) {
    super(message);
  }
}

export interface Guard {
  /**
   * The addresses that a request to this URL may dial, IPv4 first and few. All of a name's addresses must be allowed: whoever mixes public with
   * private ones has no good reason. Throws {@link AddressRefused}, or the resolver's error for a name that does not resolve.
   */
  addressesOf(url: URL): Promise<readonly string[]>;
  /** The same, if they were judged a moment ago. */
  knownAddressesOf(url: URL): readonly string[] | null;
  /** What is wrong with a URL that somebody wants to register, or null. */
  checkUrl(text: string): Promise<FieldError | null>;
}

/**
 * Keeps requests to strangers' URLs away from our own network. What counts is the address that is dialled, so callers must dial what
 * they get and not resolve again.
 */
export function createGuard(config: GuardConfig, resolve: Resolve = createResolve(config.dnsServers)): Guard {
  const judge = addressRule(config);
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

  const judged = new LRUCache<string, readonly string[]>({ max: NAMES_MAX, ttl: RESOLVED_FOR_MS });

  async function addressesOf(url: URL): Promise<readonly string[]> {
    demandShape(url, config);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const addresses = isIP(host) === 0 ? await resolved(host) : [host];
    const dialled = new Set<string>();
    for (const address of addresses) {
      const verdict = judge(address);
      if ("refused" in verdict) throw new AddressRefused(verdict.refused, "WEBHOOK_ALLOW_CIDRS");
      dialled.add(verdict.dial);
    }
    const addressesInOrder = [...dialled].toSorted((a, b) => isIP(a) - isIP(b)).slice(0, DIALLED_MAX);
    judged.set(url.origin, addressesInOrder);
    return addressesInOrder;
  }

  async function checkUrl(text: string): Promise<FieldError | null> {
    if (!URL.canParse(text)) return { pointer: "/url", message: "is not a URL" };
    try {
      await withinMs(addressesOf(new URL(text)), CHECK_WAIT_MS);
      return null;
    } catch (error) {
      return error instanceof AddressRefused ? { pointer: "/url", message: withWayOut(error) } : null;
    }
  }

  /** Where its credentials are in the URL itself, it is judged each time, and refused. */
  function knownAddressesOf(url: URL): readonly string[] | null {
    return url.username === "" && url.password === "" ? (judged.get(url.origin) ?? null) : null;
  }

  return { addressesOf, knownAddressesOf, checkUrl };
}

function withWayOut({ message, allowedBy }: AddressRefused): string {
  return allowedBy === null ? message : `${message}; the operator can allow it with ${allowedBy}`;
}

function demandShape(url: URL, { allowPorts }: GuardConfig): void {
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new AddressRefused("must begin with http:// or https://");
  if (url.username !== "" || url.password !== "") throw new AddressRefused("must not hold credentials: give them as auth");
  const port = portProblem(url, allowPorts);
  if (port !== null) throw new AddressRefused(port, "WEBHOOK_ALLOW_PORTS");
}
