/** What every request passes on its way in and out. The order in which it is refused is part of the API. */
import { allows } from "../../domain/token";
import type { Events } from "../../telemetry/events";
import { addHeaders, requestIdOf } from "./answerHeaders";
import { Arrival } from "./arrival";
import type { AuditTrail } from "../who/auditTrail";
import type { Bearers, Caller } from "../who/bearers";
import { type BodyRule, readBody } from "./body";
import type { Calls } from "../calls";
import type { ClientReader } from "./clientAddress";
import type { Cors } from "./cors";
import type { Deadlines } from "./deadlines";
import type { AnswerFailure } from "../failures";
import type { FrontDoor } from "./frontDoor";
import type { Idempotency } from "./idempotency";
import type { InFlight } from "./inFlight";
import { invalid, Refusal } from "../problems";
import { readQuery } from "./queries";
import { callerKey, demandRoom, nearer, type Rates, type Standing } from "./rates";
import type { Match, Route, RouteTable } from "./routeTable";
import { targetOf } from "./target";
import type { Tries } from "../who/tries";
import type { Unread } from "./unread";

export interface GateOptions {
  readonly routes: RouteTable;
  readonly bearers: Bearers;
  readonly tries: Tries;
  readonly frontDoor: FrontDoor;
  readonly calls: Calls;
  readonly clients: ClientReader;
  readonly rates: Rates;
  readonly inFlight: InFlight;
  /** Until a body must have come. */
  readonly bodies: Deadlines;
  readonly unread: Unread;
  /** Null where no page of another origin may ask. */
  readonly cors: Cors | null;
  readonly idempotency: Idempotency;
  readonly audit: AuditTrail;
  readonly answerFailure: AnswerFailure;
  readonly events: Pick<Events, "requestAnswered" | "requestLimited">;
}

const UNMATCHED = "unmatched";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** Of a path and its query together, as they were sent. */
export const URL_CHARS_MAX = 8192;

/** `sentTo`: the template that the path fits as it was sent, null for none. `peer`: the other end of the connection. Never throws nor rejects. */
export type Gate = (request: Request, sentTo: string | null, peer: string | null) => Response | Promise<Response>;

/**
 * Refusals come in this order: 503 and 429 (too much at once), 401, 429 (too often), 404, 405, 414, 415, 413, 408, 400, 403, 422.
 * Each step goes on to the next one, at once where nothing has to be waited for: most requests pass all of them without a promise.
 */
export function createGate(options: GateOptions): Gate {
  const { routes, clients, rates, cors, inFlight, answerFailure, events } = options;
  const edge = { cors, policy: rates.policy };

  function answered(arrival: Arrival, response: Response): Response {
    if (arrival.bodyRoom !== null) inFlight.leaveBody(arrival.bodyRoom.caller, arrival.bodyRoom.bytes);
    if (arrival.entered) inFlight.leave();
    addHeaders(response, arrival, edge);
    const { request, match, startedAt } = arrival;
    events.requestAnswered({
      method: METHODS.has(request.method) ? request.method : "other",
      route: match?.resource.template ?? UNMATCHED,
      status: response.status,
      seconds: (performance.now() - startedAt) / 1000,
    });
    return response;
  }

  function failed(arrival: Arrival, error: unknown): Response {
    if (error instanceof Refusal && error.more.limit !== undefined) events.requestLimited(error.more.limit);
    return answered(arrival, answerFailure(error, arrival.requestId));
  }

  return (request, sentTo, peer) => {
    const startedAt = performance.now();
    const target = targetOf(request.url);
    const arrival = new Arrival(request, options, {
      startedAt,
      requestId: requestIdOf(request.headers),
      target,
      match: routes.match(target.path, sentTo),
      client: clients.clientOf(peer, request.headers),
      origin: cors === null ? null : request.headers.get("origin"),
    });
    try {
      if (arrival.limited) inFlight.enter();
      arrival.entered = arrival.limited;
      const answer = letIn(arrival, options);
      if (!(answer instanceof Promise)) return answered(arrival, answer);
      return answer.then(
        (response) => answered(arrival, response),
        (error: unknown) => failed(arrival, error),
      );
    } catch (error) {
      return failed(arrival, error);
    }
  };
}

type Answer = Response | Promise<Response>;

function letIn(arrival: Arrival, options: GateOptions): Answer {
  const standing = arrival.limited ? options.rates.ofAddress(arrival.client.network) : null;
  if (!(standing instanceof Promise)) return identify(counted(arrival, standing), options);
  return standing.then((later) => identify(counted(arrival, later), options));
}

function identify(arrival: Arrival, options: GateOptions): Answer {
  const { request, match, client } = arrival;
  const shown = options.frontDoor(arrival);
  if (shown !== null) return shown;
  const preflight = options.cors?.preflight(request, match);
  if (preflight != null) return preflight;
  const caller = match?.resource.open ? null : options.tries.callerOf(request.headers, client.network);
  if (!(caller instanceof Promise)) return charge(arrival, caller, options);
  return caller.then((later) => charge(arrival, later, options));
}

function charge(arrival: Arrival, caller: Caller | null, options: GateOptions): Answer {
  arrival.caller = caller;
  const standing = caller === null ? null : options.rates.ofCaller(caller);
  if (!(standing instanceof Promise)) return ask(counted(arrival, standing), options);
  return standing.then((later) => ask(counted(arrival, later), options));
}

/** Throws a 429 at the end. */
function counted(arrival: Arrival, standing: Standing | null): Arrival {
  if (standing === null) return arrival;
  arrival.standing = nearer(arrival.standing, standing);
  demandRoom(standing);
  return arrival;
}

function ask(arrival: Arrival, options: GateOptions): Answer {
  const { request, match, target } = arrival;
  if (match === null) throw new Refusal(404, "There is no such path; /swagger lists all of them.");
  const route = match.resource.methods.get(request.method);
  if (route === undefined) throw notAllowed(match, request.method);
  if (target.path.length + target.search.length > URL_CHARS_MAX) {
    throw new Refusal(414, `A path and its query may have at most ${URL_CHARS_MAX} characters together.`);
  }
  const asked = { match, route };
  if (route.body === null) return handOn(arrival, asked, options);
  return bodyOf(arrival, route.body, options).then((body) => {
    arrival.body = body;
    return handOn(arrival, asked, options);
  });
}

function bodyOf(arrival: Arrival, rule: BodyRule, { inFlight, bodies }: GateOptions): Promise<unknown> {
  return readBody(arrival.request, rule, {
    deadlines: bodies,
    enter: (bytes) => {
      const caller = arrival.caller === null ? "" : callerKey(arrival.caller);
      inFlight.enterBody(caller, bytes);
      arrival.bodyRoom = { caller, bytes };
    },
  });
}

interface Asked {
  readonly match: Match;
  readonly route: Route;
}

function handOn(arrival: Arrival, { match, route }: Asked, options: GateOptions): Answer {
  const { request, target, caller } = arrival;
  demandOneHost(request.headers);
  demandScope(caller, route);
  demandParams(match);
  arrival.query = route.scope === null ? {} : queryIn(target.search, route);
  options.calls.set(request, arrival);
  const answer = serveOnce(arrival, { match, route }, options);
  // What reads its body as it comes answers when that has come, at the pace that is asked of it.
  if (route.body?.streamed === true) return answer;
  const begun = options.inFlight.answered(answer);
  return route.isList ? handOut(arrival, begun, options) : begun;
}

async function handOut(arrival: Arrival, answer: Answer, { unread }: GateOptions): Promise<Response> {
  return unread.handOut(arrival, await answer);
}

function serveOnce(arrival: Arrival, { match, route }: Asked, options: GateOptions): Answer {
  const { request, target, caller, requestId, address, query, body } = arrival;
  const handle = () => route.handle(request, match.params);
  if (caller === null || !(route.edits || route.answersOnce)) return handle();
  const edit = {
    caller,
    route,
    template: match.resource.template,
    path: target.path,
    requestId,
    address,
    query,
    body,
    isNone: () => arrival.unchanged,
  };
  const serve = () => (route.edits ? options.audit.around(edit, handle) : handle());
  if (!route.answersOnce) return serve();
  const { headers, method } = request;
  return options.idempotency.once({ caller, headers, method, path: target.path, body }, serve);
}

function queryIn(search: string, route: Route): Readonly<Record<string, unknown>> {
  const { query, errors } = readQuery(search, route.query);
  if (errors.length > 0) throw invalid("The query is not valid.", errors);
  return query;
}

function notAllowed({ resource: { allow } }: Match, method: string): Refusal {
  return new Refusal(405, `${method} is not allowed here; allowed are ${allow}.`, { headers: { allow } });
}

/** RFC 9112, section 3.2. Bun makes one of several, with a comma and a blank, which stands in no host. */
function demandOneHost(headers: Headers): void {
  if (headers.get("host")?.includes(" ") === true) throw new Refusal(400, "Send one Host, and one only.");
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
