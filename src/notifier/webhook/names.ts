import { Resolver } from "node:dns/promises";

/** How long a name may take. An attempt has more, so that what it tells is that the name was at fault. */
const LOOKUP_WAIT_MS = 5000;
/** Questions to name servers of the operator's: one is repeated after this time, once. */
const QUESTION = { timeout: 1500, tries: 2 } as const;

export type Resolve = (name: string) => Promise<readonly string[]>;

/** The name has no addresses, or nobody said in time. The code is getaddrinfo's, or `ETIMEOUT`. */
export class LookupFailed extends Error {
  override readonly name = "LookupFailed";

  constructor(readonly code: "ENOTFOUND" | "EAI_AGAIN" | "ETIMEOUT") {
    super(`The lookup failed (${code}).`);
  }
}

/** Looks names up with these servers ("10.0.0.2:53"), or as the system does where there are none. */
export function createResolve(servers: readonly string[], waitMs = LOOKUP_WAIT_MS): Resolve {
  const ask = servers.length === 0 ? askSystem : askServers(servers);
  return async (name) => {
    if (/(^|\.)localhost\.?$/.test(name)) return ["127.0.0.1", "::1"];
    try {
      return await withinMs(ask(name), waitMs);
    } catch (error) {
      throw error instanceof LookupFailed ? error : new LookupFailed(codeFor(error));
    }
  };
}

/**
 * The system's servers, search domains and hosts file, asked without threads: getaddrinfo takes one of the few that there are for each
 * question, and a name whose servers are silent would hold up everybody's.
 */
async function askSystem(name: string): Promise<string[]> {
  const answers = await Bun.dns.lookup(name, { backend: "c-ares" });
  return answers.map(({ address }) => address);
}

/** Nothing but these servers: no hosts file and no search domains. */
function askServers(servers: readonly string[]): (name: string) => Promise<string[]> {
  const resolver = new Resolver(QUESTION);
  resolver.setServers(servers);
  return async (name) => {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (addresses.length > 0) return addresses;
    const codes = answers.flatMap((answer) => (answer.status === "rejected" ? [codeFor(answer.reason)] : []));
    throw new LookupFailed(codes.find((code) => code !== "ENOTFOUND") ?? "ENOTFOUND");
  };
}

const NOT_FOUND: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA", "ENONAME", "EBADNAME"]);

function codeFor(error: unknown): LookupFailed["code"] {
  const said = error instanceof Error && "code" in error ? String(error.code).replace(/^DNS_/, "") : "";
  if (NOT_FOUND.has(said)) return "ENOTFOUND";
  return said === "ETIMEOUT" ? "ETIMEOUT" : "EAI_AGAIN";
}

/** Throws {@link LookupFailed} when it takes longer. */
export async function withinMs<Result>(asked: Promise<Result>, ms: number): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new LookupFailed("ETIMEOUT")), ms);
  try {
    return await Promise.race([asked, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
