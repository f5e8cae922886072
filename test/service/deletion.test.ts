import { expect, test } from "bun:test";
import Database from "better-sqlite3";
import { openReceiver } from "../recovery/receiver";
import { startTocsin, type TocsinProcess } from "../servers/tocsin";
import { until } from "../until";

const SENSOR = "/v1/sensors/boiler-7";
const TEST_MS = 120_000;

async function items(tocsin: TocsinProcess, path: string): Promise<Record<string, unknown>[]> {
  const response = await tocsin.api(path, {});
  return response.ok ? ((await response.json()) as { items: Record<string, unknown>[] }).items : [];
}

function report(tocsin: TocsinProcess, status: string): Promise<Response> {
  return tocsin.api(`${SENSOR}/reports`, { method: "POST", body: JSON.stringify({ status }) });
}

/** What the database still holds of the sensor. */
function left({ dbFile }: TocsinProcess): Record<string, number> {
  const database = new Database(dbFile, { readonly: true });
  try {
    const count = (table: string) => database.prepare(`select count(*) from ${table} where sensor_id = 'boiler-7'`).pluck().get() as number;
    return Object.fromEntries(["reports", "changes", "deliveries"].map((table) => [table, count(table)]));
  } finally {
    database.close();
  }
}

test(
  "a sensor that is deleted with its history: nothing of it is shown at once, whom it is owed still gets it, and then it is gone",
  async () => {
    await using tocsin = await startTocsin({ env: { LOG_LEVEL: "silent" } });
    await using receiver = await openReceiver({ api: tocsin.api.bind(tocsin), filter: {}, answer: () => ({ status: 204, delayMs: 0 }) });
    const webhook = `/v1/webhooks/${receiver.webhookId}`;
    const setState = (state: string) => tocsin.api(webhook, { method: "PATCH", body: JSON.stringify({ state }) });
    await setState("paused");
    for (const status of ["hot", "cold"]) expect((await report(tocsin, status)).status).toBe(202);
    await until(async () => (await items(tocsin, "/v1/deliveries?state=pending")).length === 2);

    expect((await tocsin.api(`${SENSOR}?history=delete`, { method: "DELETE" })).status).toBe(204);
    for (const path of ["", "/changes", "/reports"]) expect((await tocsin.api(`${SENSOR}${path}`, {})).status).toBe(404);
    expect(await items(tocsin, "/v1/changes")).toEqual([]);
    // It comes again, and what it says from now on is its own.
    expect((await report(tocsin, "warm")).status).toBe(202);
    await until(async () => (await items(tocsin, `${SENSOR}/changes`)).length === 1);
    expect(await items(tocsin, `${SENSOR}/changes`)).toMatchObject([{ revision: 3, from: { status: null }, to: { status: "warm" } }]);
    await until(() => left(tocsin)["reports"] === 1);
    expect(left(tocsin)).toMatchObject({ changes: 3 });

    await setState("active");
    await until(() => receiver.count() === 3);
    const told = receiver.arrivals().map(({ body }) => (JSON.parse(body) as { data: { to: { status: string } } }).data.to.status);
    expect(told).toEqual(["hot", "cold", "warm"]);
    await until(() => left(tocsin)["changes"] === 1 && left(tocsin)["deliveries"] === 1, "the history is not gone", TEST_MS / 2);
    expect(await items(tocsin, `${SENSOR}/reports`)).toMatchObject([{ status: "warm" }]);
    expect((await report(tocsin, "hot")).status).toBe(202);
    await until(() => receiver.count() === 4);
  },
  TEST_MS,
);
