import { expect, test } from "bun:test";
import { BULK_ITEMS_MAX } from "../../src/http/bulk/bulk";
import { REPORT_ITEM_BYTES_MAX } from "../../src/http/bulk/reportIntake";
import { bulkResult, LINES } from "../http/bulkBodies";
import { ADMIN_TOKEN, startTocsin, type TocsinProcess } from "../servers/tocsin";
import { until } from "../until";

async function send(tocsin: TocsinProcess, lines: readonly string[]) {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": LINES };
  const response = await fetch(`${tocsin.httpUrl}/v1/reports`, { method: "POST", headers, body: lines.join("\n") });
  const result = bulkResult({ text: await response.text(), headers: response.headers });
  return { status: response.status, ...result };
}

const linesOf = (count: number, sensors: number, kind = "sensor") =>
  Array.from({ length: count }, (_, index) => `{"sensorId":"${kind}-${index % sensors}","status":"ok","value":${index},"id":"m-${index}"}`);

async function recorded(tocsin: TocsinProcess, id: string): Promise<{ value: number; sequence: number }[]> {
  const answer = await tocsin.api(`/v1/sensors/${id}/reports?limit=1000&order=asc`);
  return answer.ok ? ((await answer.json()) as { items: { value: number; sequence: number }[] }).items : [];
}

test("every report of a bulk that was accepted is recorded, once, at the place that was told", async () => {
  await using tocsin = await startTocsin();
  const sensors = 100;
  // A broker whose disk is busy acknowledges too late, and all is said again, of others.
  let kind = "";
  let sent: Awaited<ReturnType<typeof send>>;
  do {
    kind += "sensor";
    sent = await send(tocsin, linesOf(BULK_ITEMS_MAX, sensors, kind));
  } while (sent.items.some((item) => item.status === 503));
  const { status, accepted, refused, items } = sent;
  expect([status, accepted, refused]).toEqual([202, BULK_ITEMS_MAX, 0]);
  expect(new Set(items.map(({ sequence }) => sequence)).size).toBe(BULK_ITEMS_MAX);
  const each = BULK_ITEMS_MAX / sensors;
  for (const sensor of [0, 57, sensors - 1]) {
    await until(async () => (await recorded(tocsin, `${kind}-${sensor}`)).length === each, "not all were recorded");
    const told = items.filter((_, index) => index % sensors === sensor).map(({ index, sequence }) => ({ value: index, sequence }));
    const found = (await recorded(tocsin, `${kind}-${sensor}`)).map(({ value, sequence }) => ({ value, sequence }));
    expect(found as unknown[]).toEqual(told);
  }
});

test("while the broker hangs, reports of a bulk get 503 each, and the request comes to its end; nothing of it is lost that was accepted", async () => {
  await using tocsin = await startTocsin({ env: { LOG_LEVEL: "silent" } });
  expect((await send(tocsin, linesOf(10, 1))).accepted).toBe(10);
  tocsin.signalBroker("SIGSTOP");
  const { status, accepted, items } = await send(tocsin, linesOf(20_000, 10));
  expect([status, accepted]).toEqual([202, 0]);
  expect(new Set(items.map((item) => item.status))).toEqual(new Set([503]));
  expect(items.at(-1)?.detail).toContain("Not tried");
  // A broker that takes nothing is ended and started again.
  tocsin.signalBroker("SIGCONT");
  await until(
    async () => (await send(tocsin, ['{"sensorId":"after","status":"ok"}'])).accepted === 1,
    "the broker did not come back",
    60_000,
  );
});

test("without a broker reports of a bulk get 503 each at once, and are taken again afterwards", async () => {
  await using tocsin = await startTocsin({ env: { LOG_LEVEL: "silent" } });
  const sent = async () => {
    const { accepted, items } = await send(tocsin, linesOf(5000, 10));
    const statuses = new Set(items.map((item) => item.status));
    expect([...statuses].filter((status) => status !== 202 && status !== 503)).toEqual([]);
    return { accepted, refused: statuses.has(503) };
  };
  // It comes back by itself, perhaps before the request is there.
  await until(async () => {
    tocsin.killBroker();
    return (await sent()).refused;
  }, "nothing is refused");
  await until(async () => (await sent()).accepted === 5000, "the broker did not come back");
});

test("where only registered sensors may report, a bulk is told of each, and of what else it cannot take", async () => {
  await using tocsin = await startTocsin({ env: { REGISTRATION: "closed" } });
  const registered = await tocsin.api("/v1/sensors", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id: "known" }),
  });
  expect(registered.status).toBe(201);
  const lines = [
    '{"sensorId":"known","status":"ok","id":"m-1"}',
    '{"sensorId":"stranger","status":"ok"}',
    `{"sensorId":"known","status":"ok","message":"${"x".repeat(REPORT_ITEM_BYTES_MAX)}"}`,
    "not JSON",
    '{"status":"ok","sensorId":"known","id":"m-2"}',
  ];
  const { accepted, refused, items } = await send(tocsin, lines);
  expect([accepted, refused]).toEqual([2, 3]);
  expect(items.map(({ index, status }) => [index, status])).toEqual([202, 404, 413, 400, 202].map((status, index) => [index, status]));
  await until(async () => (await recorded(tocsin, "known")).length === 2, "not all were recorded");
});
