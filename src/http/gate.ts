/** What every request passes on its way in and out. The order in which it is refused is part of the API. */
import { allows } from "../domain/token";
import type { Events } from "../telemetry/events";
import type { AuditTrail } from "./auditTrail";
import type { Bearers, Caller } from "./bearers";
import { readBody } from "./body";
import type { Calls } from "./calls";
import type { Client, ClientReader } from "./clientAddress";
import type { AnswerFailure } from "./failures";
import type { Idempotency } from "./idempotency";
import { invalid, Refusal } from "./problems";
import { readQuery } from "./queries";
import type { Match, Route, RouteTable } from "./routeTable";

export type Serve = (request: Request) => Response | Promise<Response>;

export interface GateOptions {
  readonly routes: RouteTable;
  readonly bearers: Bearers;
  readonly calls: Calls;
  readonly clients: ClientReader;
  readonly idempotency: Idempotency;
  readonly audit: AuditTrail;
  readonly answerFailure: AnswerFailure;
  /** The handlers behind the gate. */
  readonly serve: Serve;
  readonly events: Pick<Events, "requestAnswered">;
}

const UNMATCHED = "unmatched";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** `sentTo`: the template that the path fits as it was sent, null for none. `peer`: the other end of the connection. Never rejects. */
export type Gate = (request: Request, sentTo: string | null, peer: string | null) => Promise<Response>;

/** Refusals come in this order: 401, 404, 405, 415, 413, 400, 403, 422. */
export function createGate(options: GateOptions): Gate {
  const { routes, clients, answerFailure, events } = options;
  return async (request, sentTo, peer) => {
    const startedAt = performance.now();
    const requestId = requestIdOf(request.headers);
    const target = targetOf(request.url);
    const match = routes.match(target.path, sentTo);
    const client = clients.clientOf(peer, request.headers);
    let response: Response;
    try {
      response = await letIn({ request, requestId, client, target, match }, options);
    } catch (error) {
      response = answerFailure(error, requestId);
    }
    addHeaders(response.headers, requestId);
    events.requestAnswered({
      method: METHODS.has(request.method) ? request.method : "other",
      route: match?.resource.template ?? UNMATCHED,
      status: response.status,
      seconds: (performance.now() - startedAt) / 1000,
    });
    return response;
  };
}

interface Arrival {
  readonly request: Request;
  readonly requestId: string;
  readonly client: Client;
  readonly target: Target;
  readonly match: Match | null;
}

async function letIn({ request, requestId, client, target, match }: Arrival, options: GateOptions): Promise<Response> {
  const { bearers, calls, idempotency, audit } = options;
  const asking = match?.resource.open ? null : bearers.callerOf(request.headers);
  const caller = asking instanceof Promise ? await asking : asking;
  if (match === null) throw new Refusal(404, "There is nothing at this path.");
  const route = match.resource.methods.get(request.method);
  if (route === undefined) throw notAllowed(match, request.method);
  const body = route.body === null ? null : await readBody(request, route.body);
  demandScope(caller, route);
  demandParams(match);
  const { query, errors } = route.scope === null ? { query: {}, errors: [] } : readQuery(target.search, route.query);
  if (errors.length > 0) throw invalid("The query is not valid.", errors);
  const passed = passable(request, target);
  const address = client.address;
  const stillLetIn = () => isLetIn(bearers, request.headers);
  calls.set(passed, { requestId, method: request.method, address, caller, stillLetIn, body, query });
  if (caller === null) return options.serve(passed);
  const edit = { caller, route, template: match.resource.template, path: target.path, requestId, address, query, body };
  const serve = () => (route.edits ? audit.around(edit, () => options.serve(passed)) : options.serve(passed));
  if (!route.answersOnce) return serve();
  const { headers, method } = request;
  return idempotency.once({ caller, headers, method, path: target.path, body }, serve);
}

async function isLetIn(bearers: Bearers, headers: Headers): Promise<boolean> {
  try {
    await bearers.callerOf(headers);
    return true;
  } catch (error) {
    return !(error instanceof Refusal);
  }
}

function notAllowed({ resource: { allow } }: Match, method: string): Refusal {
  return new Refusal(405, `${method} is none of ${allow}, which can be done here.`, { headers: { allow } });
}

function demandScope(caller: Caller | null, { scope }: Route): void {
  if (caller === null || scope === null || allows(caller.scopes, scope)) return;
  throw new Refusal(403, `The token lacks the scope ${scope}.`);
}

function demandParams({ brokenParams }: Match): void {
  if (brokenParams.length === 0) return;
  const errors = brokenParams.map((name) => ({ pointer: `/${name}`, message: "is empty, a dot segment, or not percent-encoded UTF-8" }));
  throw invalid("The path is not valid.", errors);
}

interface Target {
  /** Empty where the request names no host. */
  readonly origin: string;
  readonly path: string;
  /** With its question mark; empty without one. */
  readonly search: string;
}

/** Elysia looks for the path from here on: a shorter origin would hide the beginning of it. */
const ORIGIN_CHARS_MIN = 11;

/** Without a host (HTTP/1.0, or an empty header) Bun gives the path as it was sent; then it is put in order here, as Bun does otherwise. */
function targetOf(sent: string): Target {
  const hostless = sent.startsWith("/");
  const url = hostless ? new URL(`http://localhost${sent}`).href : sent;
  const pathAt = url.indexOf("/", url.indexOf("://") + 3);
  const searchAt = url.indexOf("?", pathAt);
  const end = searchAt === -1 ? url.length : searchAt;
  return { origin: hostless ? "" : url.slice(0, pathAt), path: url.slice(pathAt, end), search: url.slice(end) };
}

/** The request as Elysia can route it. Its body was read. */
function passable(request: Request, { origin, path, search }: Target): Request {
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (method === request.method && origin.length >= ORIGIN_CHARS_MIN) return request;
  return new Request(`http://localhost${path}${search}`, { method, headers: request.headers });
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** The caller's own id for it, if it is fit to be logged. */
function requestIdOf(headers: Headers): string {
  const given = headers.get("x-request-id");
  return given !== null && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

/** For answers that are not pages; a page brings its own policy. */
const CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'";

function addHeaders(headers: Headers, requestId: string): void {
  headers.set("x-request-id", requestId);
  headers.set("x-content-type-options", "nosniff");
  headers.set("referrer-policy", "no-referrer");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", CONTENT_POLICY);
}
