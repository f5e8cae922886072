/** Live changes through the proxies of docs/proxy.md, from a whole node. */
import { describe, expect, test } from "bun:test";
import { PROXIES, startProxy } from "../servers/proxies";
import { startTocsin } from "../servers/tocsin";

/** What a stream has brought, as it comes. */
async function* textOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    yield text;
  }
}

describe.each(PROXIES)("behind %s", (name) => {
  test("a change is seen while the stream goes on, by many at once", async () => {
    await using tocsin = await startTocsin();
    await using proxy = await startProxy(name, tocsin.httpUrl);
    const authorization = (await import("../servers/tocsin")).ADMIN_TOKEN;
    const leaving = new AbortController();
    const open = () =>
      fetch(`${proxy.url}/v1/changes/live`, { headers: { authorization: `Bearer ${authorization}` }, signal: leaving.signal });
    const streams = await Promise.all([open(), open(), open()]);
    for (const stream of streams) {
      expect([stream.status, stream.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/event-stream")]);
    }
    // Each is an answer that has begun and goes on: what is reported now comes through it.
    const report = { method: "POST", body: JSON.stringify({ status: "overheated", severity: "critical" }) };
    expect((await tocsin.api("/v1/sensors/boiler-7/reports", report)).status).toBe(202);
    for (const stream of streams) {
      for await (const text of textOf(stream)) if (text.includes("overheated")) break;
    }
    leaving.abort();
  }, 60_000);
});
