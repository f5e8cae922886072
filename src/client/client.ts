import { live, type LiveEvent, type LiveOptions } from "./live";
import { TocsinProblem } from "./problem";
import { reports, type ReportResult, type ReportsOptions } from "./reports";
import type { Problem, Receipt, ReportBody, ReportItem } from "./schema";
import { linesIn } from "./text";
import { type ClientOptions, createTransport, type Wanted } from "./transport";
import type { AnswerOf, AnyOptions, ItemOf, LineOf, LinePath, LiveQuery, Method, OptionsOf, PagedPath, PathOf, Rest } from "./types";

type Call<M extends Method> = <P extends PathOf<M>>(path: P, ...rest: Rest<OptionsOf<M, P>>) => Promise<AnswerOf<M, P>>;

/** Every path, parameter, body and answer is typed as the document says it. Whatever is no success throws a `TocsinProblem`. */
export interface Tocsin {
  readonly get: Call<"get">;
  readonly post: Call<"post">;
  readonly put: Call<"put">;
  readonly patch: Call<"patch">;
  readonly delete: Call<"delete">;
  /** All items of a list, page after page, as they are wanted. */
  pages<P extends PagedPath>(path: P, ...rest: Rest<OptionsOf<"get", P>>): AsyncGenerator<ItemOf<P>, void>;
  /** What comes as a line for each item, as it comes. */
  lines<P extends LinePath>(path: P, ...rest: Rest<OptionsOf<"get", P>>): AsyncGenerator<LineOf<P>, void>;
  /** Says a sensor's status. Resolves once the broker holds it. */
  report(sensorId: string, report: ReportBody, options?: AnyOptions): Promise<Receipt>;
  /** Many of them, many in one request; see {@link ReportResult}. */
  reports(items: Iterable<ReportItem> | AsyncIterable<ReportItem>, options?: ReportsOptions): AsyncGenerator<ReportResult, void>;
  /** Changes as they come; see {@link LiveEvent}. */
  live(options?: LiveOptions<LiveQuery>): AsyncGenerator<LiveEvent, void>;
}

export function createClient(options: ClientOptions): Tocsin {
  const transport = createTransport(options);
  // What the types promise is what the document says of the answer.
  const caller = <M extends Method>(method: M) =>
    ((path: string, wanted?: Wanted["options"]) => transport.call({ method: method.toUpperCase(), path, options: wanted })) as Call<M>;

  return {
    get: caller("get"),
    post: caller("post"),
    put: caller("put"),
    patch: caller("patch"),
    delete: caller("delete"),
    async *pages(path, ...[wanted]) {
      let cursor: string | null | undefined;
      do {
        const query = { ...wanted?.query, ...(cursor === undefined ? {} : { cursor }) };
        const page = (await transport.call({ method: "GET", path, options: { ...wanted, query } })) as Page<ItemOf<typeof path>>;
        yield* page.items;
        cursor = page.nextCursor;
      } while (cursor !== null);
    },
    async *lines(path, ...[wanted]) {
      const headers = { accept: "application/x-ndjson", ...(wanted?.headers as object | undefined) };
      const { body } = await transport.send({ method: "GET", path, options: { ...wanted, headers } });
      for await (const text of linesIn(body as ReadableStream<Uint8Array>)) {
        const line = JSON.parse(text) as Partial<Unfinished>;
        // The status was sent long before.
        if (line.error !== undefined) throw new TocsinProblem(line.error);
        yield line as LineOf<typeof path>;
      }
    },
    report: (sensorId, report, given) =>
      transport.call({
        method: "POST",
        path: "/v1/sensors/{id}/reports",
        options: { path: { id: sensorId }, body: report, ...given },
      }) as Promise<Receipt>,
    reports: (items, given = {}) => reports(transport, items, given),
    live: (given = {}) => live(transport, given),
  };
}

/** What a stream of lines that cannot be completed ends with. */
interface Unfinished {
  readonly error: Problem;
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}
