/** What must compile, and what must not: `bun check` fails when an expected error is none. It is never run. */
import type { Change, Sensor, Tocsin } from "../../src/client/index";

export async function typed(tocsin: Tocsin): Promise<void> {
  const sensor: Sensor = await tocsin.get("/v1/sensors/{id}", { path: { id: "boiler-7" } });
  const created: Sensor = await tocsin.post("/v1/sensors", { body: { id: "boiler-7", labels: { site: "north" } } });
  await tocsin.patch("/v1/sensors/{id}", { path: { id: "a" }, body: { heartbeat: null }, headers: { "if-match": `"${created.version}"` } });
  const nothing: undefined = await tocsin.delete("/v1/sensors/{id}", { path: { id: "a" } });
  const { items, nextCursor } = await tocsin.get("/v1/sensors");
  const severity: "ok" | "warning" | "critical" | "unknown" | null = sensor.state.severity;
  const cursor: string | null = nextCursor;
  const text: string = await tocsin.get("/metrics");
  await tocsin.post("/v1/webhooks/{id}/rotate-secret", { path: { id: "wh_1" } });
  for await (const one of tocsin.pages("/v1/changes", { query: { order: "desc" } })) {
    const change: Change = one;
    void change.revision;
  }
  for await (const event of tocsin.live()) if (event.type === "change") void event.change.to.status;
  void [nothing, items.length, severity, cursor, text];

  tocsin.live({ query: { sensorId: ["a"], label: ["site:north"], minSeverity: "warning" }, after: "c1" });
  for await (const result of tocsin.reports([{ sensorId: "a", status: "ok" }])) if ("errors" in result) void result.detail;

  // @ts-expect-error there is no such path
  await tocsin.get("/v1/sensor");
  // @ts-expect-error it cannot be deleted
  await tocsin.delete("/v1/sensors");
  // @ts-expect-error the path has a parameter
  await tocsin.get("/v1/sensors/{id}");
  // @ts-expect-error of another name
  await tocsin.get("/v1/sensors/{id}", { path: { sensorId: "a" } });
  // @ts-expect-error a body is needed
  await tocsin.post("/v1/sensors");
  // @ts-expect-error with an id
  await tocsin.post("/v1/sensors", { body: { name: "Boiler 7" } });
  // @ts-expect-error that is a text
  await tocsin.post("/v1/sensors", { body: { id: 7 } });
  // @ts-expect-error it has no such field
  await tocsin.post("/v1/sensors", { body: { id: "a", colour: "red" } });
  // @ts-expect-error it takes no body
  await tocsin.get("/v1/sensors", { body: {} });
  // @ts-expect-error it has no such parameter
  await tocsin.get("/v1/sensors", { query: { colour: "red" } });
  // @ts-expect-error of that type
  await tocsin.get("/v1/sensors", { query: { limit: "many" } });
  // @ts-expect-error one sensor has no pages
  tocsin.pages("/v1/sensors/{id}", { path: { id: "a" } });
  // @ts-expect-error a stream has no such parameter
  tocsin.live({ query: { colour: "red" } });
  // @ts-expect-error a report is somebody's
  tocsin.reports([{ status: "ok" }]);
  // @ts-expect-error the answer has no such field
  void sensor.colour;
  // @ts-expect-error severities are known
  await tocsin.report("boiler-7", { status: "ok", severity: "bad" });
}
