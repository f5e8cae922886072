import { Redis } from "ioredis";

const CONNECT_MS = 1000;
/** Whoever waits for Redis waits no longer: what it holds can be had elsewhere. */
const COMMAND_MS = 100;
const RETRY_MS_MAX = 1000;

export interface RedisLink {
  readonly client: Redis;
  readonly isUp: () => boolean;
  /** Another after every start of the server, and on every other server; null until it is known. */
  readonly serverId: () => string | null;
  /** Rejects, with the reason, when it does not answer. */
  beat(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisOptions {
  /** Called when it begins to answer, and when it ceases to. */
  readonly onStatus?: (up: boolean, reason: string | null) => void;
  readonly commandMs?: number;
}

/** Connects in the background and again whenever it must; a command fails at once while Redis is away, and after 100 ms when it is slow. */
export function openRedis(url: string, { onStatus, commandMs = COMMAND_MS }: RedisOptions = {}): RedisLink {
  let up: boolean | null = null;
  let reason: string | null = null;
  let serverId: string | null = null;
  const tell = (now: boolean) => {
    if (now !== up) onStatus?.(now, now ? null : reason);
    up = now;
  };
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    commandTimeout: commandMs,
    enableAutoPipelining: true,
    autoResubscribe: true,
    retryStrategy: (tries) => Math.min(50 * 2 ** tries, RETRY_MS_MAX),
  });
  let connections = 0;
  const ask = async (connection: number) => {
    const told = await askForServerId(client);
    if (connection !== connections) return;
    serverId = told;
    tell(true);
  };
  client.on("error", (error: Error) => {
    reason = error.message;
    tell(false);
  });
  client.on("ready", () => void ask((connections += 1)));
  client.on("close", () => {
    connections += 1;
    serverId = null;
    tell(false);
  });
  return {
    client,
    isUp: () => serverId !== null && client.status === "ready",
    serverId: () => serverId,
    async beat() {
      if (client.status !== "ready") throw new Error(reason ?? "no connection yet");
      await client.ping();
    },
    async close() {
      client.disconnect();
    },
  };
}

const ASK_AGAIN_MS = 100;
/** Of a server that does not say who it is, one start cannot be told from another. */
const UNNAMED = "unnamed";

/** Null when the connection is gone. */
async function askForServerId(client: Redis): Promise<string | null> {
  while (client.status === "ready") {
    try {
      return /^run_id:(\w+)/m.exec(await client.info("server"))?.[1] ?? UNNAMED;
    } catch (error) {
      if (/NOPERM|unknown command/i.test(String(error))) return UNNAMED;
      await Bun.sleep(ASK_AGAIN_MS);
    }
  }
  return null;
}
