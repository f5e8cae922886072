import { addressOf } from "../addresses";
import type { HttpConfig } from "../config";
import type { Events } from "../telemetry/events";
import { type ApiOptions, createApi, createProbes } from "./api";
import { createBearers } from "./bearers";
import type { Calls } from "./calls";
import { createFailures } from "./failures";
import { createGate } from "./gate";
import { type Listening, listen } from "./listen";
import { createRouteTable } from "./routeTable";

export interface HttpOptions extends Omit<ApiOptions, "calls" | "answerFailure" | "tokenRevoked"> {
  readonly config: HttpConfig;
  /** A node without the role `http` answers whoever watches it, and nobody else. */
  readonly probesAlone?: boolean;
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
  const apiOptions = { ...options, calls, answerFailure, tokenRevoked: (id: string) => bearers.forget(id) };
  const api = options.probesAlone === true ? createProbes(apiOptions) : createApi(apiOptions);
  const routes = createRouteTable(api.routes);
  const handle = createGate({ routes, bearers, calls, answerFailure, serve: api.fetch, events });
  const server = listen(config, {
    // Bun routes by the path as it was sent; the URL that it gives has been put in order.
    routes: Object.fromEntries(routes.templates.map((template) => [template, (request: Request) => handle(request, template)])),
    fetch: (request) => handle(request, null),
  });
  return {
    url: `http://${addressOf(config.host, server.port ?? config.port)}`,
    async stop(graceMs) {
      health.drain();
      // The server waits for every stream that is open.
      await options.live.stop();
      await stopWithin(server, graceMs);
      await bearers.stop();
    },
  };
}

async function stopWithin(server: Listening, graceMs: number): Promise<void> {
  const cut = setTimeout(() => void server.stop(true), graceMs);
  try {
    await server.stop();
  } finally {
    clearTimeout(cut);
  }
}
