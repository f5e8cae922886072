import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { until } from "../until";
import { freePorts } from "./freePorts";

/** A real redis-server of its own on loopback, without persistence. */
export interface TestRedis extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** A connection for the test itself. */
  readonly client: Redis;
  /** SIGSTOP and SIGCONT: it hangs, and goes on. */
  freeze(): void;
  thaw(): void;
  /** kill -9. */
  kill(): Promise<void>;
  /** The same port again, empty. */
  start(): Promise<void>;
}

/** Debian's package `redis-tools` starts no service, and holds the server under the name of a checker: it is what it is called as. */
export function redisServerPath(): string | null {
  return Bun.which("redis-server") ?? Bun.which("redis-check-rdb");
}

export async function startRedis(flags: readonly string[] = []): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-redis-"));
  const [port] = await freePorts(1);
  const program = serverProgram(folder);
  const words = [program, "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder, ...flags];
  const spawn = () => Bun.spawn(words, { stdio: ["ignore", "ignore", "ignore"] });
  let child = spawn();
  const client = new Redis({ host: "127.0.0.1", port, lazyConnect: false, maxRetriesPerRequest: null, retryStrategy: () => 20 });
  client.on("error", () => {});
  const ready = () => until(async () => (await client.ping().catch(() => "")) === "PONG");
  await ready();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    client,
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
    async start() {
      child = spawn();
      await ready();
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
      child.kill("SIGKILL");
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function serverProgram(folder: string): string {
  const path = redisServerPath();
  if (path === null) throw new Error("there is no redis-server: npm test installs it, by hand it is apt-get install redis-tools");
  if (path.endsWith("redis-server")) return path;
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  const link = join(bin, "redis-server");
  if (!existsSync(link)) symlinkSync(path, link);
  return link;
}
