import { expect, test } from "bun:test";
import { Counter, Histogram, Registry } from "prom-client";
import { createRequestEvents } from "../../src/telemetry/requestEvents";
import { TalliedCounter, TalliedHistogram } from "../../src/telemetry/tallies";

const BUCKETS = [0.01, 0.1, 1];
const REQUESTS = [
  { method: "GET", route: "/v1/sensors/:id", status: 200, seconds: 0.005 },
  { method: "GET", route: "/v1/sensors/:id", status: 404, seconds: 0.01 },
  { method: "PUT", route: "/v1/sensors/:id", status: 200, seconds: 0.05 },
  { method: "GET", route: "/livez", status: 200, seconds: 7 },
  { method: "GET", route: "/v1/sensors/:id", status: 200, seconds: 0.5 },
];

test("requests that are tallied are shown as if they had been observed one by one", async () => {
  const wish = { name: "seconds", help: "How long.", buckets: BUCKETS, labelNames: ["method", "route", "status"] as const };
  const [tallied, plain] = [new Registry(), new Registry()];
  const events = createRequestEvents({
    httpSeconds: new TalliedHistogram({ ...wish, labelNames: [...wish.labelNames], registers: [tallied] }),
  });
  const histogram = new Histogram({ ...wish, registers: [plain] });
  for (const request of REQUESTS) {
    events.requestAnswered(request);
    const { seconds, ...labels } = request;
    histogram.observe(labels, seconds);
  }
  expect(await tallied.metrics()).toBe(await plain.metrics());
  expect(await valuesOf(tallied)).toEqual(await valuesOf(plain));
});

async function valuesOf(registry: Registry) {
  const metrics = await registry.getMetricsAsJSON();
  return metrics.flatMap(({ values }) => values.map(({ value, labels }) => ({ value, labels })));
}

test("a tallied counter shows what was counted since the beginning, however often it is read", async () => {
  const [tallied, plain] = [new Registry(), new Registry()];
  const wish = { name: "reads_total", help: "Reads.", labelNames: ["outcome"] };
  const hits = new TalliedCounter({ ...wish, registers: [tallied] }).tally({ outcome: "hit" });
  const counter = new Counter({ ...wish, registers: [plain] });
  for (let round = 0; round < 3; round += 1) {
    hits.inc();
    counter.inc({ outcome: "hit" });
    expect(await tallied.metrics()).toBe(await plain.metrics());
  }
});
