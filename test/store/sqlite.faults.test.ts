import { describe, expect, setSystemTime, test } from "bun:test";
import { closeSync, mkdirSync, openSync, readdirSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { Owner } from "./conformance/owner";
import { draftOf, FIRST_PAGE, letterOf, onlineState, reportOf } from "./conformance/samples";
import { bestOf, timeOf } from "../bestOf";
import { openBeside, temporaryFolder } from "./sqlite/harness";
import { watchStatements } from "./sqlite/statements";

/** A locked file is waited for, but not so long that the whole process stands still. */
const LOCKED_MS_MAX = 1000;
const UNAVAILABLE = { kind: "unavailable" };

function open(file: string): Promise<Store> {
  return openStore({ kind: "sqlite", file });
}

/** Opens the file, and gives the store's own connection with it. */
async function openWatched(file: string): Promise<{ store: Store; client: Database.Database }> {
  using seen = watchStatements();
  const store = await open(file);
  const [client] = seen.clients;
  if (client === undefined) throw new Error("the store prepared nothing");
  return { store, client };
}

/** Writes bytes over a file's own. */
function overwrite(file: string, bytes: Uint8Array, position: number): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, position);
  closeSync(descriptor);
}

async function reportsOf(store: Store, sensorId: string): Promise<number[]> {
  const { items } = await store.listReports(sensorId, { range: {}, order: "asc" }, FIRST_PAGE);
  return items.map(({ sequence }) => sequence);
}

describe("a file of SQLite that cannot be used", () => {
  test("because another process writes is said so soon, is read on, and is written again once it is free", async () => {
    using folder = temporaryFolder();
    const store = await open(folder.file);
    await store.createSensor(draftOf("a"));
    const owner = await Owner.of(store);
    {
      using other = openBeside(folder.file);
      other.client.exec("begin immediate");
      for (const write of [
        () => store.createSensor(draftOf("b")),
        () => store.probe(),
        () => owner.commit({ reports: [reportOf(1, "a")] }),
      ]) {
        const refused = async () => expect(write()).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining("locked") });
        expect(await bestOf(LOCKED_MS_MAX, () => timeOf(refused))).toBeLessThan(LOCKED_MS_MAX);
      }
      expect(await store.getSensor("a")).not.toBeNull();
      other.client.exec("rollback");
    }
    await owner.commit({ reports: [reportOf(1, "a")] });
    expect(await reportsOf(store, "a")).toEqual([1]);
    await store.close();
  });

  test("because it is full takes nothing of a batch in, and takes all of it once there is room", async () => {
    using folder = temporaryFolder();
    const { store, client } = await openWatched(folder.file);
    const owner = await Owner.of(store);
    await owner.commit({ reports: [reportOf(1, "a")] });
    const payload = new Uint8Array(64 * 1024);
    const batch = {
      reports: [reportOf(2, "a")],
      states: [{ sensorId: "a", state: onlineState() }],
      deadLetters: Array.from({ length: 20 }, (_, index) => letterOf(3 + index, { payload })),
    };
    client.pragma(`max_page_count = ${Number(client.pragma("page_count", { simple: true })) + 4}`);
    await expect(owner.commit(batch)).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining("full") });
    expect(await reportsOf(store, "a")).toEqual([1]);
    expect((await store.listDeadLetters(FIRST_PAGE)).items).toEqual([]);
    expect(await store.listPartitions()).toMatchObject([{ cursor: 1 }]);
    client.pragma("max_page_count = 1000000");
    await owner.commit(batch);
    expect(await reportsOf(store, "a")).toEqual([1, 2]);
    expect((await store.listDeadLetters(FIRST_PAGE)).items).toHaveLength(20);
    await store.close();
  });

  test("but to be read is read, and says that it is read-only when it is written", async () => {
    using folder = temporaryFolder();
    const before = await open(folder.file);
    await before.createSensor(draftOf("a"));
    await before.close();
    // The version that a writer must know (byte 18 of the file): nobody may write a later one than their own. It binds root, too.
    overwrite(folder.file, Uint8Array.of(3), 18);
    const store = await open(folder.file);
    expect(await store.getSensor("a")).not.toBeNull();
    const readOnly = { ...UNAVAILABLE, message: expect.stringContaining("read-only") };
    await expect(store.createSensor(draftOf("b"))).rejects.toMatchObject(readOnly);
    await expect(store.probe()).rejects.toMatchObject(readOnly);
    await store.close();
  });

  test("because it is something else, is damaged, or lies in no folder, says so when it is opened or read", async () => {
    using folder = temporaryFolder();
    const text = join(folder.path, "text.db");
    writeFileSync(text, "no database at all\n".repeat(500));
    await expect(open(text)).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining("not a database") });
    const itself = join(folder.path, "folder.db");
    mkdirSync(itself);
    await expect(open(itself)).rejects.toMatchObject(UNAVAILABLE);
    await expect(open(join(folder.path, "nowhere", "x.db"))).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining("folder"),
    });
    const before = await open(folder.file);
    await before.createSensor(draftOf("a"));
    await before.close();
    overwrite(folder.file, new Uint8Array(statSync(folder.file).size - 4096).fill(0xff), 4096);
    const using = async () => void (await (await open(folder.file)).getSensor("a"));
    await expect(using()).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining("damaged") });
  });
});

describe("a file of SQLite", () => {
  test("gets its tables from the first of several processes that open it at once, and serves them all", async () => {
    using folder = temporaryFolder();
    for (const round of [1, 2, 3]) {
      const file = join(folder.path, `round${round}.db`);
      const at = Date.now() + 600;
      const opening = Array.from({ length: 4 }, async () => {
        const script = join(import.meta.dir, "sqlite/openAtOnce.ts");
        const child = Bun.spawn([process.execPath, "--no-env-file", script, file, String(at)], { stdout: "pipe", stderr: "inherit" });
        return (await new Response(child.stdout).text()).trim();
      });
      expect(await Promise.all(opening)).toEqual(["open", "open", "open", "open"]);
    }
  }, 60_000);

  test("holds every batch that was said to be in, and none in part, however often its process is killed", async () => {
    using folder = temporaryFolder();
    let last = 0;
    for (let round = 1; round <= 4; round += 1) {
      const script = join(import.meta.dir, "sqlite/commitOn.ts");
      const child = Bun.spawn([process.execPath, "--no-env-file", script, folder.file], { stdout: "pipe", stderr: "inherit" });
      const enough = last + 10 * round;
      const decoder = new TextDecoder();
      let said = "";
      for await (const chunk of child.stdout) {
        said += decoder.decode(chunk, { stream: true });
        last = Number(said.slice(0, said.lastIndexOf("\n")).split("\n").at(-1));
        if (last >= enough) child.kill("SIGKILL");
      }
      await child.exited;
      const store = await open(folder.file);
      const position = (await store.listPartitions())[0];
      expect(position?.cursor).toBeGreaterThanOrEqual(last);
      const numbers = Array.from({ length: position?.cursor ?? 0 }, (_, index) => index + 1);
      const changes = await store.changesAfter(0, 0, 100_000);
      expect(changes.map(({ number }) => number)).toEqual(numbers);
      const { items } = await store.listReports("a", { range: {}, order: "asc" }, { limit: 100_000, cursor: null });
      expect(items.map(({ changeId }) => changeId)).toEqual(numbers.map((number) => `chg_0_${number}`));
      expect(position?.changeNumber).toBe(numbers.length);
      await store.close();
    }
  }, 60_000);

  test("is synced to disk at every commit, and leaves nothing beside itself and its index once it is closed", async () => {
    using folder = temporaryFolder();
    const { store, client } = await openWatched(folder.file);
    expect(client.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(client.pragma("synchronous", { simple: true })).toBe(2);
    await store.createSensor(draftOf("a"));
    await store.close();
    expect(readdirSync(folder.path)).toEqual(["tocsin.db", "tocsin.db.places"]);
  });

  test("goes on in time though the machine's clock was set back", async () => {
    using folder = temporaryFolder();
    const store = await open(folder.file);
    const owner = await Owner.of(store);
    const first = await owner.commit({ reports: [reportOf(1, "a")] });
    try {
      setSystemTime(new Date(first - 3_600_000));
      expect(await owner.commit({ reports: [reportOf(2, "a")] })).toBe(first);
    } finally {
      setSystemTime();
    }
    await store.close();
  });
});
