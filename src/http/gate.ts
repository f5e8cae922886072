/** What every request passes on its way in and out. The order in which it is refused is part of the API. */
import { allows } from "../domain/token";
import type { Events } from "../telemetry/events";
import { addHeaders, requestIdOf } from "./answerHeaders";
import type { AuditTrail } from "./auditTrail";
import type { Bearers, Caller } from "./bearers";
import { readBody } from "./body";
import type { Calls } from "./calls";
import type { Client, ClientReader } from "./clientAddress";
import type { Cors } from "./cors";
import type { Deadlines } from "./deadlines";
import type { AnswerFailure } from "./failures";
import type { Idempotency } from "./idempotency";
import type { InFlight } from "./inFlight";
import { invalid, Refusal } from "./problems";
import { readQuery } from "./queries";
import { callerKey, demandRoom, nearer, type Rates, type Standing } from "./rates";
import type { Match, Route, RouteTable } from "./routeTable";
import type { Tries } from "./tries";

export type Serve = (request: Request) => Response | Promise<Response>;

export interface GateOptions {
  readonly routes: RouteTable;
  readonly bearers: Bearers;
  readonly tries: Tries;
  readonly calls: Calls;
  readonly clients: ClientReader;
  readonly rates: Rates;
  readonly inFlight: InFlight;
  /** Until a body must have come. */
  readonly bodies: Deadlines;
  /** Null where no page of another origin may ask. */
  readonly cors: Cors | null;
  readonly idempotency: Idempotency;
  readonly audit: AuditTrail;
  readonly answerFailure: AnswerFailure;
  /** The handlers behind the gate. */
  readonly serve: Serve;
  readonly events: Pick<Events, "requestAnswered" | "requestLimited">;
}

const UNMATCHED = "unmatched";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** Whoever watches the service must see it, too, when too many ask. */
const NEVER_LIMITED = new Set(["/livez", "/readyz", "/metrics"]);
/** Of a path and its query together, as they were sent. */
export const URL_CHARS_MAX = 8192;

/** `sentTo`: the template that the path fits as it was sent, null for none. `peer`: the other end of the connection. Never rejects. */
export type Gate = (request: Request, sentTo: string | null, peer: string | null) => Promise<Response>;

/** Refusals come in this order: 503 and 429 (too much at once), 401, 429 (too often), 404, 405, 414, 415, 413, 408, 400, 403, 422. */
export function createGate(options: GateOptions): Gate {
  const { routes, clients, rates, cors, inFlight, answerFailure, events } = options;
  const edge = { cors, policy: rates.policy };
  return async (request, sentTo, peer) => {
    const startedAt = performance.now();
    const requestId = requestIdOf(request.headers);
    const target = targetOf(request.url);
    const match = routes.match(target.path, sentTo);
    const limited = match === null || !NEVER_LIMITED.has(match.resource.template);
    const client = clients.clientOf(peer, request.headers);
    const origin = cors === null ? null : request.headers.get("origin");
    const arrival: Arrival = { request, requestId, client, origin, target, match, limited, known: false, standing: null, body: null };
    let response: Response;
    let entered = false;
    try {
      if (limited) inFlight.enter();
      entered = limited;
      response = await letIn(arrival, options);
    } catch (error) {
      if (error instanceof Refusal && error.more.limit !== undefined) events.requestLimited(error.more.limit);
      response = answerFailure(error, requestId);
    }
    if (arrival.body !== null) inFlight.leaveBody(arrival.body.caller, arrival.body.bytes);
    if (entered) inFlight.leave();
    addHeaders(response, arrival, edge);
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
  readonly origin: string | null;
  readonly target: Target;
  readonly match: Match | null;
  /** Takes a place and counts. */
  readonly limited: boolean;
  known: boolean;
  /** With the limit that it is nearest to; null as long as nothing was counted. */
  standing: Standing | null;
  /** What its body may take, and whose it is; null as long as there is none. */
  body: { readonly caller: string; readonly bytes: number } | null;
}

async function letIn(arrival: Arrival, options: GateOptions): Promise<Response> {
  const { request, target, match } = arrival;
  if (arrival.limited) {
    const ofAddress = options.rates.ofAddress(arrival.client.network);
    // Waited for only where it must be: most requests are let in without.
    if (ofAddress !== null) count(arrival, ofAddress instanceof Promise ? await ofAddress : ofAddress);
  }
  const preflight = options.cors?.preflight(request, match);
  if (preflight != null) return preflight;
  const found = match?.resource.open ? null : options.tries.callerOf(request.headers, arrival.client.network);
  const caller = found instanceof Promise ? await found : found;
  if (caller !== null) {
    arrival.known = true;
    const ofCaller = options.rates.ofCaller(caller);
    if (ofCaller !== null) count(arrival, ofCaller instanceof Promise ? await ofCaller : ofCaller);
  }
  if (match === null) throw new Refusal(404, "There is nothing at this path.");
  const route = match.resource.methods.get(request.method);
  if (route === undefined) throw notAllowed(match, request.method);
  if (target.path.length + target.search.length > URL_CHARS_MAX) {
    throw new Refusal(414, `A path and its query may have ${URL_CHARS_MAX} characters together.`);
  }
  const body = route.body === null ? null : await bodyOf(arrival, { route, caller }, options);
  demandScope(caller, route);
  demandParams(match);
  const { query, errors } = route.scope === null ? { query: {}, errors: [] } : readQuery(target.search, route.query);
  if (errors.length > 0) throw invalid("The query is not valid.", errors);
  return handedOn(arrival, { route, template: match.resource.template, caller, body, query }, options);
}

function count(arrival: Arrival, standing: Standing): void {
  arrival.standing = nearer(arrival.standing, standing);
  demandRoom(standing);
}

async function bodyOf(
  arrival: Arrival,
  { route: { body }, caller }: Pick<Asked, "caller" | "route">,
  { inFlight, bodies }: GateOptions,
): Promise<unknown> {
  return body === null
    ? null
    : readBody(arrival.request, body, {
        deadlines: bodies,
        enter: (bytes) => {
          const owner = caller === null ? "" : callerKey(caller);
          inFlight.enterBody(owner, bytes);
          arrival.body = { caller: owner, bytes };
        },
      });
}

interface Asked {
  readonly route: Route;
  readonly template: string;
  readonly caller: Caller | null;
  readonly body: unknown;
  readonly query: Readonly<Record<string, unknown>>;
}

function handedOn(arrival: Arrival, { route, template, caller, body, query }: Asked, options: GateOptions) {
  const { request, requestId, client, target } = arrival;
  const { bearers, calls, rates, idempotency, audit, inFlight } = options;
  const passed = passable(request, target);
  const { address } = client;
  calls.set(passed, {
    requestId,
    method: request.method,
    address,
    caller,
    stillLetIn: () => isLetIn(bearers, request.headers),
    charge: (cost) => rates.charge(caller, cost),
    body,
    query,
  });
  // What reads its body as it comes answers when that has come, at the pace that is asked of it.
  const inTime = (answer: Response | Promise<Response>) => (route.body?.streamed === true ? answer : inFlight.answered(answer));
  if (caller === null) return inTime(options.serve(passed));
  const edit = { caller, route, template, path: target.path, requestId, address, query, body };
  const serve = () => (route.edits ? audit.around(edit, () => options.serve(passed)) : options.serve(passed));
  if (!route.answersOnce) return inTime(serve());
  const { headers, method } = request;
  return inTime(idempotency.once({ caller, headers, method, path: target.path, body }, serve));
}

function isLetIn(bearers: Bearers, headers: Headers): boolean | Promise<boolean> {
  const unlessRefused = (error: unknown) => !(error instanceof Refusal);
  try {
    const caller = bearers.callerOf(headers);
    return caller instanceof Promise ? caller.then(() => true, unlessRefused) : true;
  } catch (error) {
    return unlessRefused(error);
  }
}

function notAllowed({ resource: { allow } }: Match, method: string): Refusal {
  return new Refusal(405, `${method} cannot be done here: what can is ${allow}.`, { headers: { allow } });
}

function demandScope(caller: Caller | null, { scope }: Route): void {
  if (caller === null || scope === null || allows(caller.scopes, scope)) return;
  throw new Refusal(403, `The token lacks the scope ${scope}.`);
}

function demandParams({ brokenParams }: Match): void {
  if (brokenParams.length === 0) return;
  const errors = brokenParams.map((name) => ({ pointer: `/${name}`, message: "is empty, or a dot segment, or not percent-encoded UTF-8" }));
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
