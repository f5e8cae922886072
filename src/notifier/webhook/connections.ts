import { isIP } from "node:net";
import { LRUCache } from "lru-cache";
import type { ClientTls } from "./endpoint";

/**
 * Kept open between two attempts. Short, because each is a socket of the endpoint's too, and shorter than most servers keep theirs; Bun
 * may take up to two steps of 4 s longer.
 */
const IDLE_SECONDS = 4;
const IDLE_SECONDS_MOST = IDLE_SECONDS + 8;
/** Idle connections of one set; Bun's own limit is 64 over all plain ones, and 64 over all TLS ones of a name. */
const IDLE_MAX = 32;
const SETS_MAX = 1000;

/** The connections to one origin, with one client certificate. */
export interface ConnectionSet {
  readonly fetch: Bun.FetchSession["fetch"];
  /** An answer came: its connection may be kept for the next request. */
  answered(): void;
  /** Whether a request may be given a connection that was kept, and that the endpoint may be closing just then. */
  mayHaveKept(): boolean;
}

export interface Connections extends Disposable {
  to(url: URL, tls: ClientTls | null): ConnectionSet;
}

/**
 * Bun never shares a connection between two sessions, and within one only under the same address and port. So with a session for each
 * origin and client certificate, a connection serves the name and the certificate that it was made for, and an address that the guard
 * has just allowed. docs/decisions/0005-sending-webhooks.md says what that saves.
 */
export function createConnections(): Connections {
  const sets = new LRUCache<string, ConnectionSet & { close(): void }>({ max: SETS_MAX, dispose: (set) => set.close() });

  return {
    to(url, tls) {
      const key = tls === null ? url.origin : JSON.stringify([url.origin, tls.certificate, tls.key, tls.ca]);
      const known = sets.get(key);
      if (known !== undefined) return known;
      const made = createSet(url, tls);
      sets.set(key, made);
      return made;
    },

    [Symbol.dispose]: () => sets.clear(),
  };
}

function createSet(url: URL, tls: ClientTls | null): ConnectionSet & { close(): void } {
  const session = new Bun.FetchSession({
    proxy: false,
    keepAlive: { idleTimeout: IDLE_SECONDS, maxIdleSockets: IDLE_MAX },
    ...(url.protocol === "https:" ? { tls: tlsOptions(url, tls) } : {}),
  });
  let answeredAt = -Infinity;
  return {
    fetch: session.fetch,
    answered: () => (answeredAt = performance.now()),
    mayHaveKept: () => performance.now() - answeredAt < IDLE_SECONDS_MOST * 1000,
    close: () => session.close(),
  };
}

/** The server is asked for by name and must prove that name, though it is dialled by address. */
function tlsOptions({ hostname }: URL, tls: ClientTls | null): Bun.TLSOptions {
  const name = hostname.replace(/\.$/, "");
  return {
    ...(isIP(name.replace(/^\[|\]$/g, "")) === 0 ? { serverName: name } : {}),
    ...(tls === null ? {} : { cert: tls.certificate, key: tls.key, ...(tls.ca === null ? {} : { ca: tls.ca }) }),
  };
}
