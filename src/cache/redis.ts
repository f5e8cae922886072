import { Redis } from "ioredis";

const CONNECT_MS = 1000;
/** Whoever waits for Redis waits no longer: what it holds can be had elsewhere. */
const COMMAND_MS = 100;
const RETRY_MS_MAX = 1000;

export interface RedisLink {
  readonly client: Redis;
  readonly isUp: () => boolean;
  /** Rejects, with the reason, when it does not answer. */
  beat(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisOptions {
  /** Called when it begins to answer, and when it ceases to. */
  readonly onStatus?: (up: boolean, reason: string | null) => void;
}

/** Connects in the background and again whenever it must; a command fails at once while Redis is away, and after 100 ms when it is slow. */
export function openRedis(url: string, { onStatus }: RedisOptions = {}): RedisLink {
  let up: boolean | null = null;
  let reason: string | null = null;
  const tell = (now: boolean) => {
    if (now !== up) onStatus?.(now, now ? null : reason);
    up = now;
  };
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    commandTimeout: COMMAND_MS,
    enableAutoPipelining: true,
    autoResubscribe: true,
    retryStrategy: (tries) => Math.min(50 * 2 ** tries, RETRY_MS_MAX),
  });
  client.on("error", (error: Error) => {
    reason = error.message;
    tell(false);
  });
  client.on("ready", () => tell(true));
  client.on("close", () => tell(false));
  return {
    client,
    isUp: () => client.status === "ready",
    async beat() {
      if (client.status !== "ready") throw new Error(reason ?? "no connection yet");
      await client.ping();
    },
    async close() {
      client.disconnect();
    },
  };
}
