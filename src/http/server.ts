import { isIP } from "node:net";
import { addressOf } from "../addresses";
import type { HttpConfig } from "../config";
import { Fault } from "../domain/fault";
import type { Events } from "../telemetry/events";
import { type ApiOptions, createApi } from "./api";
import { createBearers } from "./bearers";
import type { Calls } from "./calls";
import { createFailures } from "./failures";
import { createGate, type Gate } from "./gate";
import { problemResponse } from "./problems";
import { createRouteTable } from "./routeTable";

/** Longer than proxies keep an idle connection: whoever closes first must not be us. */
const IDLE_SECONDS = 75;
/** Bun's own 413 has no body and passes by the gate, so its limit is out of reach, and `body.ts` holds ours. */
const BUN_BODY_BYTES_MAX = Number.MAX_SAFE_INTEGER;

export interface HttpOptions extends Omit<ApiOptions, "calls" | "answerFailure" | "tokenRevoked"> {
  readonly config: HttpConfig;
  /** Valid with every scope while it is set. */
  readonly adminToken: string | null;
  readonly events: Pick<Events, "requestFailed" | "requestAnswered">;
}

export interface HttpServer {
  readonly url: string;
  /** Says so on /readyz, takes nothing new, lets what runs end within `graceMs`, and cuts the rest off. */
  stop(graceMs: number): Promise<void>;
}

/** Serves the API. Throws `Fault` (`conflict`) when the port is taken. */
export async function openHttp(options: HttpOptions): Promise<HttpServer> {
  const { config, store, adminToken, health, events } = options;
  const calls: Calls = new WeakMap();
  const answerFailure = createFailures(events);
  const bearers = createBearers({ tokens: store, adminToken });
  const api = createApi({ ...options, calls, answerFailure, tokenRevoked: (id) => bearers.forget(id) });
  const routes = createRouteTable(api.routes);
  const handle = createGate({ routes, bearers, calls, answerFailure, serve: api.fetch, events });
  const server = listen(config, { templates: routes.templates, handle });
  return {
    url: `http://${addressOf(config.host, server.port ?? config.port)}`,
    async stop(graceMs) {
      health.drain();
      await stopWithin(server, graceMs);
      await bearers.stop();
    },
  };
}

type Listening = ReturnType<typeof listen>;

function listen({ host, port }: HttpConfig, { templates, handle }: { templates: readonly string[]; handle: Gate }) {
  try {
    return Bun.serve({
      hostname: host,
      port,
      reusePort: false,
      idleTimeout: IDLE_SECONDS,
      maxRequestBodySize: BUN_BODY_BYTES_MAX,
      development: false,
      // Bun routes by the path as it was sent; the URL that it gives has been put in order.
      routes: Object.fromEntries(templates.map((template) => [template, (request: Request) => handle(request, template)])),
      fetch: (request) => handle(request, null),
      error: () => problemResponse({ status: 500, detail: "Something went wrong here." }, crypto.randomUUID()),
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

async function stopWithin(server: Listening, graceMs: number): Promise<void> {
  const cut = setTimeout(() => void server.stop(true), graceMs);
  try {
    await server.stop();
  } finally {
    clearTimeout(cut);
  }
}
