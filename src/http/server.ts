import { addressOf } from "../addresses";
import type { HttpConfig } from "../config";
import type { JwtConfig } from "../edgeConfig";
import type { Events } from "../telemetry/events";
import { type ApiOptions, createApi, createProbes } from "./api";
import { createAuditTrail } from "./who/auditTrail";
import { createBearers } from "./who/bearers";
import { createEdge, type EdgeOptions } from "./gate/edge";
import type { Calls } from "./calls";
import { createFailures } from "./failures";
import { createFrontDoor } from "./gate/frontDoor";
import { createGate } from "./gate/gate";
import { createIdempotency } from "./gate/idempotency";
import { createJwtVerifier, type JwtVerifier } from "./who/jwt";
import { type Listening, listen } from "./listen";
import { createRouteTable } from "./gate/routeTable";

export interface HttpOptions extends Omit<ApiOptions, "calls" | "answerFailure" | "tokenChanged"> {
  readonly config: HttpConfig;
  /** A node without the role `http` answers whoever watches it, and nobody else. */
  readonly probesAlone?: boolean;
  /** Valid with every scope while it is set. */
  readonly adminToken: string | null;
  /** Null, or left out, where JSON Web Tokens are not taken. */
  readonly jwt?: JwtConfig | null;
  readonly edge: EdgeOptions;
  readonly events: Pick<Events, "requestFailed" | "requestAnswered" | "requestLimited" | "failed">;
}

export interface HttpServer {
  readonly url: string;
  /** Says so on /readyz, takes nothing new, lets what runs end within `graceMs`, and cuts the rest off. */
  stop(graceMs: number): Promise<void>;
}

/** Serves the API. Throws `Fault` (`conflict`) when the port is taken. */
export async function openHttp(options: HttpOptions): Promise<HttpServer> {
  const { config, store, vault, mint, adminToken, health, events } = options;
  const calls: Calls = new WeakMap();
  const answerFailure = createFailures(events);
  const bearers = createBearers({ tokens: store, mint, adminToken, jwt: jwtVerifierBy(options) });
  const apiOptions = { ...options, calls, answerFailure, tokenChanged: (id: string) => bearers.tokenChanged(id) };
  const servesApi = options.probesAlone !== true;
  const api = servesApi ? createApi(apiOptions) : createProbes(apiOptions);
  const routes = createRouteTable(api.routes);
  const notKept = (error: unknown) => events.failed("idempotency.keep", error);
  const idempotency = createIdempotency({ store, vault, notKept });
  const audit = createAuditTrail(store, (error) => events.failed("audit.complete", error));
  const edge = createEdge(options.edge, bearers);
  const frontDoor = createFrontDoor(servesApi);
  const handle = createGate({ ...edge, frontDoor, routes, bearers, calls, idempotency, audit, answerFailure, events });
  const server = listen(config, {
    // Bun routes by the path as it was sent; the URL that it gives has been put in order.
    routes: Object.fromEntries(
      routes.templates.map((template) => [template, (request: Request, peer: string | null) => handle(request, template, peer)]),
    ),
    fetch: (request, peer) => handle(request, null, peer),
  });
  return {
    url: `http://${addressOf(config.host, server.port ?? config.port)}`,
    async stop(graceMs) {
      health.drain();
      // The server waits for every stream that is open.
      await options.live.stop();
      await stopWithin(server, graceMs);
      edge.stop();
      await bearers.stop();
    },
  };
}

function jwtVerifierBy({ jwt = null, events }: HttpOptions): JwtVerifier | null {
  return jwt === null ? null : createJwtVerifier(jwt, { failed: (error) => events.failed("jwks.fetch", error) });
}

async function stopWithin(server: Listening, graceMs: number): Promise<void> {
  const cut = setTimeout(() => void server.stop(true), graceMs);
  try {
    await server.stop();
  } finally {
    clearTimeout(cut);
  }
}
