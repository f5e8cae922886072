import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Database from "better-sqlite3";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "../../src/processes";
import { startCommand } from "../cli/command";
import { freePorts } from "../servers/freePorts";
import { testNatsBinary } from "../servers/natsServer";
import { startTocsin, type TocsinProcess } from "../servers/tocsin";

const SECRET = /tcs_[A-Za-z0-9_-]{43}/;

function brokerOf(tocsin: TocsinProcess): number {
  return (JSON.parse(readFileSync(join(tocsin.dataDir, "run.json"), "utf8")) as { natsPid: number }).natsPid;
}

function withToken(token: string): RequestInit {
  return { headers: { authorization: `Bearer ${token}` } };
}

test("the very first start shows an admin token once, and keeps no more than its hash and one copy for its owner", async () => {
  await using tocsin = await startTocsin({ env: { ADMIN_TOKEN: "" } });
  const token = SECRET.exec(tocsin.output())?.[0] ?? "";
  expect((await fetch(`${tocsin.httpUrl}/v1/tokens`, withToken(token))).status).toBe(200);
  const audit = (await (await fetch(`${tocsin.httpUrl}/v1/audit`, withToken(token))).json()) as { items: unknown[] };
  expect(audit.items).toMatchObject([{ actor: { kind: "start" }, operation: "createToken", target: "tok_first", status: 201 }]);
  const copy = join(tocsin.dataDir, "admin-token");
  expect(readFileSync(copy, "utf8").trim()).toBe(token);
  expect(statSync(copy).mode & 0o777).toBe(0o600);
  await tocsin.stop();
  expect(readFileSync(tocsin.dbFile).includes(token)).toBe(false);

  await tocsin.start();
  expect(tocsin.output()).not.toMatch(SECRET);
  // This run has never seen it, and it is none of the guesses of its address.
  const guess = async () => (await fetch(`${tocsin.httpUrl}/v1/tokens`, withToken("a-guess-at-a-token"))).status;
  while ((await guess()) !== 429);
  expect((await fetch(`${tocsin.httpUrl}/v1/tokens`, withToken(token))).status).toBe(200);
});

test("it says where everything listens", async () => {
  await using tocsin = await startTocsin();
  for (const address of [`${tocsin.httpUrl}/v1`, `${tocsin.httpUrl}/swagger`, tocsin.natsUrl, tocsin.mqttUrl]) {
    expect(tocsin.output()).toContain(address);
  }
});

describe("an end", () => {
  test("by SIGTERM is in order, soon, and leaves nothing running; the next start finds everything again", async () => {
    await using tocsin = await startTocsin();
    const created = await tocsin.api("/v1/sensors", {
      method: "POST",
      body: JSON.stringify({ id: "boiler-7", labels: { site: "north" } }),
    });
    expect(created.status).toBe(201);
    expect((await tocsin.api("/v1/sensors/boiler-7/reports", { method: "POST", body: '{"status":"hot"}' })).status).toBe(202);
    await hasStatus(tocsin, "boiler-7", "hot");
    const broker = brokerOf(tocsin);
    // An end that is not soon is forced, with exit code 1.
    expect((await tocsin.stop()).exitCode).toBe(0);
    expect(isRunning(broker)).toBe(false);
    expect(existsSync(join(tocsin.dataDir, "run.json"))).toBe(false);
    await tocsin.start();
    await hasStatus(tocsin, "boiler-7", "hot");
  });

  test("by Ctrl-C is one, too", async () => {
    await using tocsin = await startTocsin();
    const broker = brokerOf(tocsin);
    expect((await tocsin.stop("SIGINT")).exitCode).toBe(0);
    expect(isRunning(broker)).toBe(false);
  });

  test("by kill -9 costs nothing that was acknowledged, and the next start cleans up after it", async () => {
    await using tocsin = await startTocsin();
    expect((await tocsin.api("/v1/sensors/boiler-7/reports", { method: "POST", body: '{"status":"hot"}' })).status).toBe(202);
    await tocsin.kill();
    expect(existsSync(join(tocsin.dataDir, "run.json"))).toBe(true);
    await tocsin.start();
    await hasStatus(tocsin, "boiler-7", "hot");
  });

  test("of the broker alone is mended: it runs again on the same store, and work goes on", async () => {
    await using tocsin = await startTocsin();
    expect((await tocsin.api("/v1/sensors/boiler-7/reports", { method: "POST", body: '{"status":"hot"}' })).status).toBe(202);
    const broker = tocsin.killBroker();
    let status = 503;
    while (status === 503) {
      status = (await tocsin.api("/v1/sensors/boiler-7/reports", { method: "POST", body: '{"status":"cold"}' })).status;
      await Bun.sleep(20);
    }
    expect(status).toBe(202);
    await hasStatus(tocsin, "boiler-7", "cold");
    expect(brokerOf(tocsin)).not.toBe(broker ?? 0);
  });
});

describe("what keeps it from starting is one clear line, exit code 1, and nothing left running", () => {
  let root: string;
  let taken: Server;
  let port: number;
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "tocsin-start-"));
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", () => resolve()));
    port = (taken.address() as { port: number }).port;
  });
  afterAll(async () => {
    rmSync(root, { recursive: true, force: true });
    await new Promise((resolve) => taken.close(resolve));
  });

  async function refusal(env: Record<string, string>): Promise<string> {
    const [http, nats, mqtt] = await freePorts(3);
    const ports = { HTTP_PORT: `${http}`, NATS_PORT: `${nats}`, MQTT_PORT: `${mqtt}` };
    const dataDir = join(root, crypto.randomUUID());
    const base = { ...ports, DATA_DIR: dataDir, NATS_SERVER_BIN: await testNatsBinary(), LOG_LEVEL: "silent" };
    await using command = startCommand(["up"], { ...base, ...env });
    const { exitCode, stderr } = await command.ended();
    expect(exitCode).toBe(1);
    expect(existsSync(join(dataDir, "run.json"))).toBe(false);
    return stderr;
  }

  test.each(["HTTP_PORT", "NATS_PORT", "MQTT_PORT"])("a taken %s", async (variable) => {
    expect(await refusal({ [variable]: `${port}` })).toBe(
      `tocsin: Port ${port} on 127.0.0.1 is in use by another program; stop it or set ${variable} to a free port.\n`,
    );
  });

  test("a data folder that cannot be written", async () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    expect(await refusal({ DATA_DIR: join(file, "data") })).toMatch(/^tocsin: The data folder \S+ cannot be written: .+\n$/);
  });

  test("a data folder that another Tocsin uses", async () => {
    await using tocsin = await startTocsin();
    expect(await refusal({ DATA_DIR: tocsin.dataDir })).toMatch(/^tocsin: The data folder \S+ is in use by process \d+ \(.+\)\.\n$/);
  });

  test("a nats-server that cannot be had", async () => {
    expect(await refusal({ NATS_SERVER_BIN: join(root, "nowhere") })).toMatch(/^tocsin: NATS_SERVER_BIN: \S+ is not an executable file\n$/);
  });

  test("a database that is none", async () => {
    const file = join(root, "broken.db");
    writeFileSync(file, "this is not a database, and long enough to be looked at ".repeat(100));
    expect(await refusal({ DATABASE_URL: `sqlite:${file}` })).toMatch(/^tocsin: .*not a database.*\n$/);
  });

  test("another number of partitions than the database was laid out for", async () => {
    const dataDir = join(root, "laid-out");
    await using command = startCommand(["migrate"], { DATA_DIR: dataDir });
    await command.ended();
    const database = new Database(join(dataDir, "tocsin.db"));
    database.exec("insert into meta (name, value) values ('partition_count', 4)");
    database.close();
    expect(await refusal({ DATA_DIR: dataDir, PARTITIONS: "1" })).toMatch(
      /^tocsin: The database was laid out for 4 partitions, not for 1: .+\n$/,
    );
  });
});

async function hasStatus(tocsin: TocsinProcess, id: string, status: string): Promise<void> {
  for (;;) {
    const response = await tocsin.api(`/v1/sensors/${id}`);
    const { state } = (await response.json()) as { state?: { status: string } };
    if (state?.status === status) return;
    await Bun.sleep(10);
  }
}
