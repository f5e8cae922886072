import { expect, test } from "bun:test";
import Database from "better-sqlite3";
import { openReceiver } from "../recovery/receiver";
import { startTocsin, type TocsinProcess } from "../servers/tocsin";

interface Readiness {
  readonly status: string;
  readonly dependencies: readonly { readonly name: string; readonly up: boolean; readonly reason: string | null }[];
}

async function readiness(tocsin: TocsinProcess): Promise<{ status: number; body: Readiness }> {
  const response = await fetch(`${tocsin.httpUrl}/readyz`);
  return { status: response.status, body: (await response.json()) as Readiness };
}

/** Resolves once /readyz answers with this status. */
async function untilReadyzSays(tocsin: TocsinProcess, status: number): Promise<Readiness> {
  for (;;) {
    const answer = await readiness(tocsin);
    if (answer.status === status) return answer.body;
    await Bun.sleep(20);
  }
}

function down({ dependencies }: Readiness): string[] {
  return dependencies.filter(({ up }) => !up).map(({ name }) => name);
}

function report(tocsin: TocsinProcess, id: string, status: string): Promise<Response> {
  return tocsin.api("/v1/sensors/boiler-7/reports", { method: "POST", body: JSON.stringify({ status, id }) });
}

async function statusesDelivered(receiver: { arrivals(): { body: string }[] }, count: number): Promise<string[]> {
  for (;;) {
    const statuses = receiver.arrivals().map(({ body }) => JSON.parse(body).data.to.status as string);
    if (statuses.length >= count) return statuses;
    await Bun.sleep(10);
  }
}

test("a database that somebody else has locked: /readyz names it, writes are told to come back, and what was acknowledged is delivered afterwards", async () => {
  await using tocsin = await startTocsin({ env: { LOG_LEVEL: "silent" } });
  await using receiver = await openReceiver({ api: tocsin.api.bind(tocsin), filter: {}, answer: () => ({ status: 204, delayMs: 0 }) });
  expect((await report(tocsin, "m-1", "hot")).status).toBe(202);
  await statusesDelivered(receiver, 1);

  const locker = new Database(tocsin.dbFile, { timeout: 5000 });
  locker.exec("begin immediate");
  try {
    const said = await untilReadyzSays(tocsin, 503);
    expect(down(said)).toEqual(["store"]);
    expect(said.dependencies.find(({ name }) => name === "store")?.reason).toContain("locked");
    const created = await tocsin.api("/v1/sensors", { method: "POST", body: '{"id":"pump-2"}' });
    expect(created.status).toBe(503);
    expect(Number(created.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(created.headers.get("content-type")).toContain("application/problem+json");
    // Reports are the broker's to keep: it takes them.
    expect((await report(tocsin, "m-2", "cold")).status).toBe(202);
  } finally {
    locker.exec("rollback");
    locker.close();
  }
  await untilReadyzSays(tocsin, 200);
  expect(await statusesDelivered(receiver, 2)).toEqual(["hot", "cold"]);
});

test("a broker that does not answer: /readyz names it, reports are told to come back, reads go on, and it recovers by itself", async () => {
  await using tocsin = await startTocsin({ env: { LOG_LEVEL: "silent" } });
  await using receiver = await openReceiver({ api: tocsin.api.bind(tocsin), filter: {}, answer: () => ({ status: 204, delayMs: 0 }) });
  expect((await report(tocsin, "m-1", "hot")).status).toBe(202);
  await statusesDelivered(receiver, 1);

  tocsin.signalBroker("SIGSTOP");
  try {
    expect(down(await untilReadyzSays(tocsin, 503))).toEqual(["nats"]);
    let refused = await report(tocsin, "m-2", "cold");
    // One that hangs for ten seconds is replaced by another, which is to hang, too.
    for (; refused.status === 202; refused = await report(tocsin, "m-2", "cold")) tocsin.signalBroker("SIGSTOP");
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await tocsin.api("/v1/sensors/boiler-7")).status).toBe(200);
    expect((await tocsin.api("/v1/sensors", { method: "POST", body: '{"id":"pump-2"}' })).status).toBe(201);
  } finally {
    tocsin.signalBroker("SIGCONT");
  }
  await untilReadyzSays(tocsin, 200);
  // Whether the refused one was stored, nobody knows: its sender says it again under its id.
  while ((await report(tocsin, "m-2", "cold")).status !== 202) await Bun.sleep(50);
  expect(await statusesDelivered(receiver, 2)).toEqual(["hot", "cold"]);
});
