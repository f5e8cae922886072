/** From the paths of the document to what a call takes and gives. */
import type { paths } from "./schema";

export type Method = "get" | "post" | "put" | "patch" | "delete";
type Path = keyof paths;
type Operation<M extends Method, P extends Path> = Exclude<paths[P][M], undefined>;

/** The paths that know a method. */
export type PathOf<M extends Method> = { [P in Path]: [Operation<M, P>] extends [never] ? never : P }[Path];

type Part<Op, Name extends string> = Op extends { parameters: infer All }
  ? Name extends keyof All
    ? Exclude<All[Name], undefined>
    : never
  : never;
/** Left out where there is nothing to say, or nothing that must be said. */
type Given<Name extends string, Value> = [Value] extends [never]
  ? { readonly [N in Name]?: undefined }
  : Record<never, never> extends Value
    ? { readonly [N in Name]?: Value }
    : { readonly [N in Name]: Value };

type Content<Holder> = Holder extends { content: infer Types } ? Types : never;
/** Lines are for `reports` and `lines`; what is sent and given in one piece is JSON, or else text. */
type InOnePiece<Types> = "application/json" extends keyof Types ? Types["application/json"] : [Types] extends [never] ? undefined : string;
type BodyOf<Op> = Op extends { requestBody: infer Body }
  ? { readonly body: InOnePiece<Content<Body>> }
  : Op extends { requestBody?: infer Body }
    ? [Content<Exclude<Body, undefined>>] extends [never]
      ? { readonly body?: undefined }
      : { readonly body?: InOnePiece<Content<Exclude<Body, undefined>>> }
    : { readonly body?: undefined };

export interface AnyOptions {
  readonly signal?: AbortSignal | undefined;
}

export type OptionsOf<M extends Method, P extends Path> = Given<"path", Part<Operation<M, P>, "path">> &
  Given<"query", Part<Operation<M, P>, "query">> &
  Given<"headers", Part<Operation<M, P>, "header">> &
  BodyOf<Operation<M, P>> &
  AnyOptions;

/** The options, which may be left out where none of them must be given. */
export type Rest<Options> = Record<never, never> extends Options ? [options?: Options] : [options: Options];

type Successes<Op> = Op extends { responses: infer All } ? All[keyof All & (200 | 201 | 202 | 204)] : never;

/** What a success gives: its JSON, its text, or nothing. */
export type AnswerOf<M extends Method, P extends Path> = InOnePiece<Content<Successes<Operation<M, P>>>>;

/** Which changes a live stream is asked for. */
export type LiveQuery = Omit<Part<Operation<"get", "/v1/changes/live">, "query">, "cursor">;

/** The lists that come in pages. */
export type PagedPath = { [P in PathOf<"get">]: AnswerOf<"get", P> extends { nextCursor: string | null } ? P : never }[PathOf<"get">];
export type ItemOf<P extends PagedPath> = AnswerOf<"get", P> extends { items: (infer Item)[] } ? Item : never;

type LinesOf<P extends PathOf<"get">> =
  Content<Successes<Operation<"get", P>>> extends { "application/x-ndjson": infer Line } ? Line : never;
/** What comes as a line for each item. */
export type LinePath = { [P in PathOf<"get">]: [LinesOf<P>] extends [never] ? never : P }[PathOf<"get">];
export type LineOf<P extends LinePath> = LinesOf<P>;
