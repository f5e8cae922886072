import { afterEach, describe, expect, test } from "bun:test";
import { createClient, type LiveEvent, TocsinProblem } from "../../src/client/index";

/** What a stream says before it ends; null goes on for ever. */
type Script = (request: Request) => Response;

let server: ReturnType<typeof Bun.serve> | null = null;
afterEach(async () => {
  await server?.stop(true);
  server = null;
});

/** Answers the connections one after the other; the last script again and again. */
function scripted(...scripts: Script[]) {
  const asked: { lastEventId: string | null; query: string }[] = [];
  const running = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      asked.push({ lastEventId: request.headers.get("last-event-id"), query: new URL(request.url).search });
      const script = scripts[Math.min(asked.length, scripts.length) - 1] as Script;
      return script(request);
    },
  });
  server = running;
  return { tocsin: createClient({ url: running.url.href, token: "t" }), asked };
}

const opening = "retry: 500\nid: c0\n\n";
const change = (cursor: string, revision: number) => `id: ${cursor}\nevent: change\ndata: ${JSON.stringify({ revision })}\n\n`;
const ending = (kind: string) => `event: ${kind}\ndata: ${JSON.stringify({ cursor: "c9", detail: "it ends" })}\n\n`;
const says = (text: string) => () => new Response(text, { headers: { "content-type": "text/event-stream" } });
const problem =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    Response.json(
      { type: "urn:x", title: "T", status, detail: "D", errors: [], requestId: "r" },
      { status, headers: { "content-type": "application/problem+json", ...headers } },
    );

/** Takes so many, and leaves. */
async function take(events: AsyncGenerator<LiveEvent>, count: number): Promise<LiveEvent[]> {
  const taken: LiveEvent[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}

const revisions = (events: readonly LiveEvent[]) => events.map((event) => (event.type === "change" ? event.change.revision : event.type));

describe("live", () => {
  test("goes on where it was, over a stop, a slow reader and a connection that is cut", async () => {
    const { tocsin, asked } = scripted(
      says(opening + change("c1", 1) + ending("shutdown")),
      says(change("c2", 2) + ending("slow")),
      says(`${change("c3", 3)}id: c4\nevent: change\ndata: {"revi`),
      says(": \nid: c5\n\n"),
      says(change("c6", 4)),
    );
    expect(revisions(await take(tocsin.live({ query: { label: ["site:north", "room:1"] } }), 4))).toEqual([1, 2, 3, 4]);
    expect(asked.map(({ lastEventId }) => lastEventId)).toEqual([null, "c1", "c2", "c3", "c5"]);
    expect(asked[0]?.query).toBe("?label=site%3Anorth&label=room%3A1");
  });

  test("begins after a cursor, and tells of a gap with where to go on", async () => {
    const { tocsin, asked } = scripted(says(`id: c7\nevent: gap\ndata: {"missed":3,"detail":"too old"}\n\n${change("c8", 8)}`));
    const events = await take(tocsin.live({ after: "c2" }), 2);
    expect(asked[0]?.lastEventId).toBe("c2");
    expect(events[0]).toEqual({ type: "gap", cursor: "c7", missed: 3, detail: "too old" });
    expect(events[1]).toMatchObject({ type: "change", cursor: "c8" });
  });

  test("holds to the cursor of the opening when nothing came before the cut", async () => {
    const { tocsin, asked } = scripted(says(opening), says(change("c1", 1)));
    expect(revisions(await take(tocsin.live(), 1))).toEqual([1]);
    expect(asked[1]?.lastEventId).toBe("c0");
  });

  test("tries again what may be over in a moment, and tells of it", async () => {
    const lost: unknown[] = [];
    const { tocsin } = scripted(
      problem(503, { "retry-after": "0" }),
      problem(429, { "retry-after": "0" }),
      () => new Response("", { status: 502 }),
      says(change("c1", 1)),
    );
    expect(revisions(await take(tocsin.live({ onLost: (error) => lost.push(error) }), 1))).toEqual([1]);
    expect(lost.map((error) => (error as TocsinProblem).status)).toEqual([503, 429, 502]);
  });

  test.each([401, 403, 404, 422])("ends with the problem where trying again cannot help: %d", async (status) => {
    const { tocsin, asked } = scripted(problem(status));
    const error = await take(tocsin.live(), 1).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TocsinProblem);
    expect(error).toMatchObject({ status, message: "D", type: "urn:x", requestId: "r" });
    expect(asked).toHaveLength(1);
  });

  test("ends without an error when it is told to, also while it waits", async () => {
    const stop = new AbortController();
    const { tocsin } = scripted(says(change("c1", 1)), problem(503, { "retry-after": "60" }));
    const seen: LiveEvent[] = [];
    const onLost = () => stop.abort();
    for await (const event of tocsin.live({ signal: stop.signal, onLost })) seen.push(event);
    expect(revisions(seen)).toEqual([1]);
  });

  test("gives its connection back when the reader leaves", async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const { tocsin } = scripted((request) => {
      request.signal.addEventListener("abort", () => resolve());
      const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new TextEncoder().encode(change("c1", 1))) });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    expect(revisions(await take(tocsin.live(), 1))).toEqual([1]);
    await closed;
  });
});
