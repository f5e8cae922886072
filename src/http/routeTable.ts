import type { TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Scope } from "../domain/token";
import type { BodyRule } from "./body";
import { BODY_BYTES_MAX, NAMES_BODY, type OperationDetail } from "./operation";

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
  /** It takes an Idempotency-Key. */
  readonly answersOnce: boolean;
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
}

/** Elysia knows neither 405 nor which errors come first, so who asks for what is looked up before it does. */
export function createRouteTable(declared: readonly DeclaredRoute[]): RouteTable {
  const byTemplate = Map.groupBy(declared, ({ path }) => path);
  const entries: Entry[] = [...byTemplate].map(([template, routes]) => ({
    segments: template.split("/"),
    resource: resourceOf(template, routes),
  }));
  // A name that is written out goes before a parameter in the same place.
  entries.sort((a, b) => countParams(a.segments) - countParams(b.segments));
  const bySegments = Map.groupBy(entries, ({ segments }) => segments.length);
  return {
    templates: [...byTemplate.keys()],
    match(path, sentTo) {
      const asked = path.split("/");
      const found = bySegments.get(asked.length)?.find(({ segments }) => fits(segments, asked));
      // A URL has its `.` and `..` resolved, also when they were written as %2e: then the path is another one than was sent.
      if (sentTo !== null && found?.resource.template !== sentTo)
        return entries.map(dotted).find(({ resource }) => resource.template === sentTo) ?? null;
      return found === undefined ? null : { resource: found.resource, brokenParams: brokenParams(found.segments, asked) };
    },
  };
}

interface Entry {
  readonly segments: readonly string[];
  readonly resource: Resource;
}

function dotted({ segments, resource }: Entry): Match {
  return { resource, brokenParams: segments.filter(isParam).map((segment) => segment.slice(1)) };
}

function resourceOf(template: string, declared: readonly DeclaredRoute[]): Resource {
  const methods = new Map<string, Route>();
  for (const { method, hooks } of declared) {
    const route = routeOf(method, hooks);
    methods.set(method, route);
    if (method === "GET") methods.set("HEAD", route);
  }
  const open = [...methods.values()].every(({ scope }) => scope === null);
  return { template, methods, open, allow: [...methods.keys()].toSorted().join(", ") };
}

const EDITING = new Set(["POST", "PUT", "PATCH", "DELETE"]);

function routeOf(method: string, hooks: unknown): Route {
  const { detail, body, query, headers } = hooks as { detail: OperationDetail; body?: TSchema; query?: TSchema; headers?: TSchema };
  const key = (headers?.["properties"] as Record<string, TSchema> | undefined)?.["idempotency-key"];
  const answersOnce = key !== undefined && key[NAMES_BODY] !== true;
  const scope = (detail.security[0]?.bearer[0] ?? null) as Scope | null;
  const edits = EDITING.has(method) && scope !== null && scope !== "reports:write";
  const { operationId, tags } = detail;
  return { operationId, tag: tags[0] ?? "", edits, scope, body: bodyRule(method, detail, body), query: query ?? null, answersOnce };
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

function countParams(segments: readonly string[]): number {
  return segments.filter(isParam).length;
}

function isParam(segment: string): boolean {
  return segment.startsWith(":");
}

function fits(segments: readonly string[], asked: readonly string[]): boolean {
  return segments.every((segment, index) => isParam(segment) || segment === asked[index]);
}

const NONE: readonly string[] = [];

function brokenParams(segments: readonly string[], asked: readonly string[]): readonly string[] {
  const broken = segments.filter((segment, index) => isParam(segment) && !isText(asked[index] ?? ""));
  return broken.length === 0 ? NONE : broken.map((segment) => segment.slice(1));
}

/** Elysia gives a parameter that cannot be decoded on as an empty one. */
function isText(segment: string): boolean {
  if (segment === "") return false;
  if (!segment.includes("%")) return true;
  try {
    decodeURIComponent(segment);
    return true;
  } catch {
    return false;
  }
}
