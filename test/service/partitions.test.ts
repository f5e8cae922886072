import { expect, test } from "bun:test";
import { connect } from "@nats-io/transport-node";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { partitionOf } from "../../src/domain/sensor";
import { startCommand } from "../cli/command";
import { freePorts } from "../servers/freePorts";
import { startNatsServer } from "../servers/natsServer";
import { type PlainNats, startPlainNats } from "../servers/plainNats";
import { ADMIN_TOKEN, startTocsin } from "../servers/tocsin";

test("a message on another partition than its sensor's is a dead letter, whether the sensor is known or not", async () => {
  await using nats = await startNatsServer({ partitions: 4 });
  await using tocsin = await startTocsin({ env: { NATS_URL: nats.url, PARTITIONS: "4", LOG_LEVEL: "silent" } });
  const connection = await connect({ servers: nats.url });
  const [known, stranger] = ["boiler-7", "pump-2"];
  const right = partitionOf(known, 4);
  const accepted = await tocsin.api(`/v1/sensors/${known}/reports`, { method: "POST", body: '{"status":"ok"}' });
  expect(await accepted.json()).toMatchObject({ stream: `REPORTS_4_${right}` });
  while ((await tocsin.api(`/v1/sensors/${known}`)).status !== 200) await Bun.sleep(10);

  const wrong = [known, stranger].flatMap((id) => {
    return [0, 1, 2, 3].filter((partition) => partition !== partitionOf(id, 4)).map((partition) => `reports.4.${partition}.${id}`);
  });
  for (const subject of wrong) connection.publish(subject, "hot");
  connection.publish(`sensors.${known}.status`, "cold");
  await connection.drain();

  const letters = await itemsOf<{ subject: string; reason: string; payloadBase64: string }>(
    tocsin.api.bind(tocsin),
    "/v1/dead-letters",
    wrong.length,
  );
  expect(letters.map(({ subject }) => subject).sort()).toEqual(wrong.sort());
  for (const { reason, payloadBase64 } of letters)
    expect([reason, payloadBase64]).toEqual([expect.stringContaining("does not belong to partition"), "aG90"]);
  const reports = await itemsOf<{ status: string }>(tocsin.api.bind(tocsin), `/v1/sensors/${known}/reports?order=asc`, 2);
  expect(reports.map(({ status }) => status)).toEqual(["ok", "cold"]);
  expect((await tocsin.api(`/v1/sensors/${stranger}`)).status).toBe(404);
});

test.each([
  ["maps nothing", null],
  ["maps to another number of partitions", 'mappings { "sensors.*.status": "reports.2.{{partition(2,1)}}.{{wildcard(1)}}" }'],
])("a broker that %s keeps a node from starting, and the lines that its error prints make it start", async (_, before) => {
  await using nats = await startPlainNats();
  if (before !== null) await nats.configure(before);
  const dataDir = mkdtempSync(join(tmpdir(), "tocsin-probe-"));
  try {
    const refused = await serve(nats, dataDir).ended();
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("does not map what sensors publish to the 4 partitions");
    const lines = /^ *mappings \{\n[^}]*\{[\s\S]*?^ *\}$/m.exec(refused.stderr)?.[0] ?? "";

    await nats.configure(lines);
    await using started = serve(nats, dataDir);
    await started.printed(/service\.started/);
    started.signal("SIGTERM");
    expect((await started.ended()).exitCode).toBe(0);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

const [httpPort] = await freePorts(1);

function serve(nats: PlainNats, dataDir: string) {
  return startCommand(["serve"], { NATS_URL: nats.url, PARTITIONS: "4", HTTP_PORT: `${httpPort}`, DATA_DIR: dataDir, ADMIN_TOKEN });
}

/** What a list holds, once it holds so many. */
async function itemsOf<Item>(api: (path: string) => Promise<Response>, path: string, count: number): Promise<Item[]> {
  for (;;) {
    const { items } = (await (await api(path)).json()) as { items: Item[] };
    if (items.length >= count) return items;
    await Bun.sleep(10);
  }
}
