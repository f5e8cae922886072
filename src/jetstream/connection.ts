import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type ConnectionOptions, type NatsConnection, type Status } from "@nats-io/transport-node";
import { Fault } from "../domain/fault";
import { shownUrl } from "../addresses";
import { unavailable } from "./faults";

/** How long one call of the JetStream API may take. */
export const API_TIMEOUT_MS = 3000;
const CHECK_TIMEOUT_MS = 1000;
const DIAL_TIMEOUT_MS = 5000;
const REDIAL_MS = 250;
const REDIAL_JITTER_MS = 100;
/** A socket whose other end is gone without a word is noticed after two of these. */
const PING_EVERY_MS = 2500;

export interface NatsOptions {
  /** `nats://` or `tls://`, with `user:password@` or `token@` where the servers ask for it (the first one's holds for all). */
  readonly urls: readonly string[];
  /** What the servers' connection list shows. */
  readonly name: string;
  /** Called whenever the connection comes or goes, and when a first attempt fails. */
  readonly onStatus?: (connected: boolean, reason: string | null) => void;
  /** How long to wait for a first connection; for ever unless given. */
  readonly waitMs?: number;
}

/** One connection, which dials again by itself until it is closed. What is published and what is consumed take one each. */
export interface NatsLink {
  readonly connection: NatsConnection;
  readonly publisher: JetStreamClient;
  readonly api: JetStreamManager;
  isConnected(): boolean;
  /** Calls `listener` after each reconnect, and gives how to stop that. Whatever the old connection waited for is lost by then. */
  onReconnect(listener: () => void): () => void;
  /** Calls `listener` each time that the connection goes, and gives how to stop that. */
  onLoss(listener: () => void): () => void;
  /**
   * The answer to what `ask` sends over this connection; a `Fault` (unavailable) as soon as the connection is lost, because then none can
   * come. Without a connection nothing is asked at all: the client would keep it, and perhaps lose it later.
   */
  answered<Answer>(ask: () => Promise<Answer>): Promise<Answer>;
  /** Whether JetStream answers within a second. Throws `Fault` (unavailable). */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Throws `Fault` (unavailable) only if `waitMs` ends the wait for a first connection. */
export async function openNats(options: NatsOptions): Promise<NatsLink> {
  const connection = await dial(options);
  const api = await jetstreamManager(connection, { checkAPI: false, timeout: API_TIMEOUT_MS });
  const prober = await jetstreamManager(connection, { checkAPI: false, timeout: CHECK_TIMEOUT_MS });
  return new WatchedLink({ connection, api, prober, onStatus: options.onStatus ?? (() => {}) });
}

/** Tries until there is a connection. The client's own way to wait for the first one can be neither watched nor given up. */
async function dial({ urls, name, onStatus, waitMs = Infinity }: NatsOptions): Promise<NatsConnection> {
  const deadline = performance.now() + waitMs;
  let told = false;
  for (;;) {
    try {
      return await connect({ ...connectionOptions(urls), name });
    } catch (error) {
      const reason = messageOf(error);
      if (performance.now() >= deadline)
        throw new Fault("unavailable", `no NATS server at ${urls.map(shownUrl).join(", ")}: ${reason}`, { cause: error });
      if (!told) onStatus?.(false, reason);
      told = true;
      await Bun.sleep(REDIAL_MS);
    }
  }
}

function connectionOptions(urls: readonly string[]): ConnectionOptions {
  const parsed = urls.map((url) => new URL(url.includes("://") ? url : `nats://${url}`));
  return {
    servers: parsed.map((url) => url.host),
    ...credentialsOf(parsed[0]),
    ...(parsed.some((url) => url.protocol === "tls:") ? { tls: {} } : {}),
    timeout: DIAL_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: REDIAL_MS,
    reconnectJitter: REDIAL_JITTER_MS,
    // A password that is put right on the server must not need a restart of ours.
    ignoreAuthErrorAbort: true,
    pingInterval: PING_EVERY_MS,
    noAsyncTraces: true,
  };
}

function credentialsOf(url: URL | undefined): Pick<ConnectionOptions, "user" | "pass" | "token"> {
  if (url === undefined || url.username === "") return {};
  const name = decodeURIComponent(url.username);
  return url.password === "" ? { token: name } : { user: name, pass: decodeURIComponent(url.password) };
}

interface LinkParts {
  readonly connection: NatsConnection;
  readonly api: JetStreamManager;
  readonly prober: JetStreamManager;
  readonly onStatus: (connected: boolean, reason: string | null) => void;
}

class WatchedLink implements NatsLink {
  readonly connection: NatsConnection;
  readonly publisher: JetStreamClient;
  readonly api: JetStreamManager;
  readonly #reconnected = new Set<() => void>();
  readonly #lost = new Set<() => void>();
  #connected = true;
  #closing = false;
  #lastError: string | null = null;

  constructor(private readonly parts: LinkParts) {
    this.connection = parts.connection;
    this.api = parts.api;
    this.publisher = jetstream(parts.connection, { timeout: API_TIMEOUT_MS });
    this.#tell(true, null);
    void this.#watch();
  }

  isConnected(): boolean {
    return this.#connected && !this.connection.isClosed();
  }

  onReconnect(listener: () => void): () => void {
    this.#reconnected.add(listener);
    return () => this.#reconnected.delete(listener);
  }

  onLoss(listener: () => void): () => void {
    this.#lost.add(listener);
    return () => this.#lost.delete(listener);
  }

  answered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    if (!this.isConnected()) return Promise.reject(new Fault("unavailable", "not connected to NATS"));
    return new Promise((resolve, reject) => {
      const forget = this.onLoss(() => reject(new Fault("unavailable", "the connection to NATS was lost before the answer")));
      void ask().then(resolve, reject).finally(forget);
    });
  }

  async check(): Promise<void> {
    if (!this.isConnected())
      throw new Fault("unavailable", `not connected to NATS${this.#lastError === null ? "" : `: ${this.#lastError}`}`);
    try {
      await this.parts.prober.getAccountInfo();
    } catch (error) {
      throw unavailable("JetStream does not answer", error);
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#reconnected.clear();
    await this.connection.close();
  }

  async #watch(): Promise<void> {
    try {
      for await (const status of this.connection.status()) this.#take(status);
    } catch {
      // Only the end of the connection ends the iterator, and `closed` tells of it.
    }
    const error = await this.connection.closed();
    this.#went(error === undefined ? "closed" : messageOf(error));
  }

  #take(status: Status): void {
    if (status.type === "error") this.#lastError = messageOf(status.error);
    else if (status.type === "disconnect") this.#went(this.#lastError ?? `disconnected from ${status.server}`);
    else if (status.type === "reconnect") this.#came();
  }

  #went(reason: string): void {
    if (!this.#connected) return;
    this.#connected = false;
    for (const listener of this.#lost) guarded(listener);
    if (!this.#closing) this.#tell(false, reason);
  }

  #came(): void {
    this.#connected = true;
    this.#lastError = null;
    this.#tell(true, null);
    for (const listener of this.#reconnected) guarded(listener);
  }

  #tell(connected: boolean, reason: string | null): void {
    guarded(() => this.parts.onStatus(connected, reason));
  }
}

/** A listener's own trouble must not end the watch over the connection. */
function guarded(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
