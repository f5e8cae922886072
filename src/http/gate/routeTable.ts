import type { TSchema } from "@sinclair/typebox";
import type { ComposedHandler } from "elysia";
import { Value } from "@sinclair/typebox/value";
import type { Scope } from "../../domain/token";
import type { BodyRule } from "./body";
import { type Handler, handlerOf } from "./handlers";
import { BODY_BYTES_MAX, NAMES_BODY, type OperationDetail } from "../document/operation";
import { PathTemplate } from "./pathTemplate";

/** What the gate must know of an operation, read from its declaration. */
export interface Route {
  readonly operationId: string;
  readonly tag: string;
  /** It changes what an operator is in charge of, so who does it is written down. */
  readonly edits: boolean;
  /** Null for whoever asks. */
  readonly scope: Scope | null;
  /** Null when it takes no body; one that is sent all the same is not read. */
  readonly body: BodyRule | null;
  readonly query: TSchema | null;
  /** It answers a list, by pages, which may be large. */
  readonly isList: boolean;
  /** It takes an Idempotency-Key. */
  readonly answersOnce: boolean;
  readonly handle: Handler;
}

/** A path that is served, with what can be done there. */
export interface Resource {
  readonly template: string;
  readonly methods: ReadonlyMap<string, Route>;
  /** All of it is for whoever asks. */
  readonly open: boolean;
  /** For `Allow`. */
  readonly allow: string;
}

export interface Match {
  readonly resource: Resource;
  /** The names of parameters that are empty or not percent-encoded text. */
  readonly brokenParams: readonly string[];
  /** Decoded; none where one is broken. */
  readonly params: Readonly<Record<string, string>>;
}

export interface RouteTable {
  /**
   * The resource of a path, without its query, or null. An empty segment can be a (wrong) parameter. `sentTo` is the template that the
   * path fitted as it was sent, null for none.
   */
  match(path: string, sentTo: string | null): Match | null;
  readonly templates: readonly string[];
}

/** What Elysia tells of a route. */
export interface DeclaredRoute {
  readonly method: string;
  readonly path: string;
  readonly hooks: unknown;
  compile(): ComposedHandler;
}

/** Elysia knows neither 405 nor which errors come first, so who asks for what is looked up before it does. */
export function createRouteTable(declared: readonly DeclaredRoute[]): RouteTable {
  const byTemplate = Map.groupBy(declared, ({ path }) => path);
  const entries: Entry[] = [...byTemplate].map(([template, routes]) => entryOf(template, routes));
  // A name that is written out goes before a parameter in the same place.
  entries.sort((a, b) => a.template.params.length - b.template.params.length);
  const bySegments = Map.groupBy(entries, ({ template }) => template.segments);
  const bySent = new Map(entries.map((entry, place) => [entry.resource.template, { entry, before: rivals(entries, place) }]));

  return {
    templates: [...byTemplate.keys()],
    match(path, sentTo) {
      const asked = path.split("/");
      if (sentTo === null) {
        const found = bySegments.get(asked.length)?.find(({ template }) => template.fits(asked));
        return found === undefined ? null : matchOf(found, asked);
      }
      const sent = bySent.get(sentTo);
      if (sent === undefined) return null;
      // A URL has its `.` and `..` resolved, also when they were written as %2e: then the path is another one than was sent.
      const { entry, before } = sent;
      const isOther = !entry.template.fits(asked) || before.some(({ template }) => template.fits(asked));
      return isOther ? entry.dotted : matchOf(entry, asked);
    },
  };
}

interface Entry {
  readonly template: PathTemplate;
  readonly resource: Resource;
  /** All of its parameters are broken. */
  readonly dotted: Match;
}

function entryOf(path: string, routes: readonly DeclaredRoute[]): Entry {
  const template = new PathTemplate(path);
  const resource = resourceOf(path, routes);
  return { template, resource, dotted: { resource, brokenParams: template.params, params: {} } };
}

/** Those that go before one wherever a path fits both. */
function rivals(entries: readonly Entry[], place: number): Entry[] {
  const one = entries[place] as Entry;
  return entries.slice(0, place).filter(({ template }) => template.overlaps(one.template));
}

function matchOf({ template, resource }: Entry, asked: readonly string[]): Match {
  const brokenParams = template.brokenParams(asked);
  return { resource, brokenParams, params: brokenParams.length === 0 ? template.paramsOf(asked) : {} };
}

function resourceOf(template: string, declared: readonly DeclaredRoute[]): Resource {
  const methods = new Map<string, Route>();
  for (const one of declared) {
    const route = routeOf(one);
    methods.set(one.method, route);
    if (one.method === "GET") methods.set("HEAD", route);
  }
  const open = [...methods.values()].every(({ scope }) => scope === null);
  return { template, methods, open, allow: [...methods.keys()].toSorted().join(", ") };
}

const EDITING = new Set(["POST", "PUT", "PATCH", "DELETE"]);

function routeOf(declared: DeclaredRoute): Route {
  const { method, path, hooks } = declared;
  const { detail, body, query, headers } = hooks as { detail: OperationDetail; body?: TSchema; query?: TSchema; headers?: TSchema };
  const key = (headers?.["properties"] as Record<string, TSchema> | undefined)?.["idempotency-key"];
  const answersOnce = key !== undefined && key[NAMES_BODY] !== true;
  const scope = (detail.security[0]?.bearer[0] ?? null) as Scope | null;
  const edits = EDITING.has(method) && scope !== null && scope !== "reports:write";
  const { operationId, tags } = detail;
  return {
    operationId,
    tag: tags[0] ?? "",
    edits,
    scope,
    body: bodyRule(method, detail, body),
    query: query ?? null,
    isList: method === "GET" && Object.hasOwn((query?.["properties"] ?? {}) as object, "limit"),
    answersOnce,
    handle: handlerOf(declared.compile(), path),
  };
}

function bodyRule(method: string, detail: OperationDetail, body: TSchema | undefined): BodyRule | null {
  const bytesMax = detail["x-body-bytes-max"] ?? BODY_BYTES_MAX;
  const { requestBody: streamed } = detail;
  if (streamed !== undefined) return { types: Object.keys(streamed.content), bytesMax, streamed: true, optional: false };
  return body === undefined ? null : { types: bodyTypes(method), bytesMax, streamed: false, optional: isBodyOptional(method, body) };
}

/** An edit or a replacement with nothing in it is a slip; a command with nothing to say is none. */
export function isBodyOptional(method: string, body: TSchema): boolean {
  return method === "POST" && Value.Check(body, {});
}

/** The content types that a body may have. */
export function bodyTypes(method: string): string[] {
  return method === "PATCH" ? ["application/merge-patch+json", "application/json"] : ["application/json"];
}
