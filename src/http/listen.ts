import { isIP } from "node:net";
import type { HttpConfig } from "../config";
import { Fault } from "../domain/fault";
import { problemResponse } from "./problems";

/** Longer than proxies keep an idle connection: whoever closes first must not be us. */
export const IDLE_SECONDS = 75;
/** Bun's own 413 has no body and passes by the gate, so its limit is out of reach, and `body.ts` holds ours. */
const BUN_BODY_BYTES_MAX = Number.MAX_SAFE_INTEGER;

/** `peer`: the address at the other end of the connection; null once that is gone. */
export type Handle = (request: Request, peer: string | null) => Response | Promise<Response>;

export interface Handlers {
  /** By the template of their path. */
  readonly routes?: Readonly<Record<string, Handle>>;
  /** Whatever no route fits. */
  readonly fetch: Handle;
}

export type Listening = ReturnType<typeof listen>;

function withPeer(handle: Handle) {
  return (request: Request, server: Bun.Server<unknown>) => handle(request, server.requestIP(request)?.address ?? null);
}

/** Throws `Fault` that says what to do when the port cannot be had. */
export function listen({ host, port }: HttpConfig, { routes = {}, fetch }: Handlers) {
  try {
    return Bun.serve({
      hostname: host,
      port,
      reusePort: false,
      idleTimeout: IDLE_SECONDS,
      maxRequestBodySize: BUN_BODY_BYTES_MAX,
      development: false,
      routes: Object.fromEntries(Object.entries(routes).map(([template, handle]) => [template, withPeer(handle)])),
      fetch: withPeer(fetch),
      error: () => problemResponse({ status: 500, detail: "An internal error." }, crypto.randomUUID()),
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === "EADDRINUSE") {
      throw new Fault("conflict", `Port ${port} on ${host} is in use by another program; stop it or set HTTP_PORT to a free port.`, {
        cause: error,
      });
    }
    // Of a name that leads nowhere Bun gives whatever code came last.
    const foreign = code === "EADDRNOTAVAIL" || (isIP(host) === 0 && code !== "EACCES");
    const reason = foreign
      ? `HTTP_HOST ${host} is neither an address of this machine nor a name for one.`
      : `Port ${port} on ${host} cannot be listened on (${code}); set HTTP_PORT or HTTP_HOST to what this machine has.`;
    throw new Fault("unavailable", reason, { cause: error });
  }
}
