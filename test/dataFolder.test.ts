import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataFolder } from "../src/dataFolder";
import { isFault } from "../src/domain/fault";
import { commandLine, isRunning } from "../src/processes";
import { startHolder } from "./servers/folderHolder";

let root = mkdtempSync(join(tmpdir(), "tocsin-folder-"));
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  root = mkdtempSync(join(tmpdir(), "tocsin-folder-"));
});

describe("the data folder", () => {
  test("is made for its owner alone, and left without a record of the run", () => {
    const path = join(root, "deep", "data");
    const folder = openDataFolder(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(join(path, "run.json"), "utf8"))).toMatchObject({ pid: process.pid, natsPid: null });
    folder.release();
    expect(readdirSync(path)).toEqual(["lock.db"]);
  });

  test("belongs to one at a time: the second is told who holds it", () => {
    using _folder = openDataFolder(root);
    const fault = faultOf(() => openDataFolder(root));
    expect(fault.kind).toBe("conflict");
    expect(fault.message).toContain(`${root} is in use by process ${process.pid} (`);
    expect(fault.message).not.toContain("\n");
  });

  test("is free again once released", () => {
    openDataFolder(root).release();
    openDataFolder(root).release();
  });

  test("is held against other processes, and free at once when its holder is killed", async () => {
    await using holder = await startHolder(root);
    const fault = faultOf(() => openDataFolder(root));
    expect(fault.kind).toBe("conflict");
    expect(fault.message).toContain(`in use by process ${holder.pid} (`);
    holder.kill("SIGKILL");
    await holder.exited;
    using folder = openDataFolder(root);
    expect(folder.run.pid).toBe(process.pid);
  });

  test("that cannot be written is one clear line", () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    const fault = faultOf(() => openDataFolder(join(file, "data")));
    expect(fault.kind).toBe("unavailable");
    expect(fault.message).toStartWith(`The data folder ${join(file, "data")} cannot be written: `);
    expect(fault.message).not.toContain("\n");
  });

  test("opens although the record of the run before is broken", () => {
    writeFileSync(join(root, "run.json"), "{ half a rec");
    using folder = openDataFolder(root);
    expect(folder.run.natsPid).toBeNull();
  });
});

describe("what a killed run left behind", () => {
  test("its nats-server is ended, known by the configuration that its command line names", async () => {
    const conf = join(root, "nats", "nats-server.conf");
    await using orphan = sleeper(conf);
    leaveRecord({ pid: 1, natsPid: orphan.pid, natsConfig: conf, ports: { nats: 4222 } });
    using folder = openDataFolder(root);
    expect(folder.run.natsPid).toBe(orphan.pid);
    expect(await folder.endOrphan()).toBe(orphan.pid);
    expect(isRunning(orphan.pid)).toBe(false);
    expect(folder.run.natsPid).toBeNull();
  });

  test("another program that was given its process id since is left alone", async () => {
    await using stranger = sleeper("something else");
    leaveRecord({ pid: 1, natsPid: stranger.pid, natsConfig: join(root, "nats", "nats-server.conf"), ports: {} });
    using folder = openDataFolder(root);
    expect(await folder.endOrphan()).toBeNull();
    expect(isRunning(stranger.pid)).toBe(true);
  });

  test("a process id that nobody has any more is no orphan", async () => {
    const gone = sleeper("x");
    await gone[Symbol.asyncDispose]();
    leaveRecord({ pid: 1, natsPid: gone.pid, natsConfig: "x", ports: {} });
    using folder = openDataFolder(root);
    expect(await folder.endOrphan()).toBeNull();
  });
});

function faultOf(call: () => unknown) {
  try {
    call();
  } catch (error) {
    if (isFault(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

function leaveRecord(record: Record<string, unknown>): void {
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, "run.json"), JSON.stringify(record));
}

/** A process whose command line holds this word. */
function sleeper(word: string) {
  const child = Bun.spawn(["sh", "-c", "sleep 60 & wait", word], { stdio: ["ignore", "ignore", "ignore"], detached: true });
  // A process that has only just been made still shows its maker's words.
  while (commandLine(child.pid)?.includes(word) !== true) Bun.sleepSync(1);
  return {
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // Its group is gone already.
      }
      await child.exited;
    },
  };
}
