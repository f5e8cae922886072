/** Live changes through the proxies of docs/proxy.md, from a whole node. */
import { describe, expect, test } from "bun:test";
import { EventStream } from "../live/eventStream";
import { PROXIES, startProxy } from "../servers/proxies";
import { ADMIN_TOKEN, startTocsin, type TocsinProcess } from "../servers/tocsin";
import { until } from "../until";

/** Where the proxies are not in the cache yet. */
const TEST_MS = 240_000;

async function report(tocsin: TocsinProcess, status: string): Promise<void> {
  const answer = await tocsin.api("/v1/sensors/boiler-7/reports", { method: "POST", body: JSON.stringify({ status }) });
  expect(answer.status).toBe(202);
}

async function watchers(tocsin: TocsinProcess): Promise<number> {
  const text = await (await fetch(`${tocsin.httpUrl}/metrics`)).text();
  return Number(/^tocsin_watchers (\d+)$/m.exec(text)?.[1]);
}

describe.each(PROXIES)("behind %s", (name) => {
  test(
    "each change is seen by many while their streams go on, who leaves is let go of, and who comes back goes on",
    async () => {
      await using tocsin = await startTocsin();
      await using proxy = await startProxy(name, tocsin.httpUrl);
      const open = (lastEventId?: string) => EventStream.open(`${proxy.url}/v1/changes/live`, { token: ADMIN_TOKEN, lastEventId });
      const streams = await Promise.all([open(), open(), open()]);
      const seen = (stream: EventStream) => stream.changes().map(({ to }) => to.status);
      for (const status of ["hot", "cold"]) {
        const before = streams[0]?.changes().length ?? 0;
        await report(tocsin, status);
        for (const stream of streams) await stream.holds(before + 1);
      }
      expect(streams.map(seen)).toEqual(streams.map(() => ["hot", "cold"]));
      const [first, ...others] = streams as [EventStream, ...EventStream[]];
      await first.close();
      await until(async () => (await watchers(tocsin)) === others.length, "the node goes on telling who has left");
      await report(tocsin, "dry");
      await using back = await open(first.lastEventId);
      await back.holds(1);
      expect(seen(back)).toEqual(["dry"]);
      const stopping = tocsin.stop();
      for (const stream of [...others, back]) {
        await stream.end();
        expect(stream.last()?.event).toBe("shutdown");
      }
      await stopping;
    },
    TEST_MS,
  );
});
