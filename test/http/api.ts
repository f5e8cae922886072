import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDirectReads } from "../../src/cache/direct";
import { MemoryCache } from "../../src/cache/memory";
import { watchStore } from "../../src/cache/watchStore";
import { createMemoryBuckets } from "../../src/cache/memoryBuckets";
import type { FieldError } from "../../src/domain/fault";
import type { Scope } from "../../src/domain/token";
import type { JwtConfig } from "../../src/edgeConfig";
import type { EdgeOptions } from "../../src/http/gate/edge";
import type { WebhookPort } from "../../src/http/ports";
import { openHttp } from "../../src/http/server";
import { Live, type LiveLimits } from "../../src/live/live";
import type { PublishAck, ReportPublisher } from "../../src/jetstream/ports";
import { openStore } from "../../src/store/open";
import type { AttemptRow, Store } from "../../src/store/store";
import { createEvents } from "../../src/telemetry/events";
import { createHealth } from "../../src/telemetry/health";
import { openLog } from "../../src/telemetry/log";
import { openMetrics } from "../../src/telemetry/metrics";
import { openTokenMint } from "../../src/tokenMint";
import { openVault } from "../../src/vault";
import { SealingKey } from "../../src/vault/sealingKey";

export const ADMIN_TOKEN = "test-admin-token-0123456789";
export const PARTITIONS = 1;

/** A publisher that keeps what it is given, and can be told to fail. */
export interface KeptReports extends ReportPublisher {
  readonly published: { sensorId: string; text: string }[];
  failure: Error | null;
  /** What every publishing waits for. */
  gate: Promise<void>;
}

/** The API on a free port of loopback, with a real store in a temporary folder. */
export interface TestApi extends AsyncDisposable {
  readonly url: string;
  readonly store: Store;
  readonly dbFile: string;
  readonly reports: KeptReports;
  readonly webhooks: WebhookPort & { refusal: FieldError | null; readonly tested: string[] };
  /** What was logged as a fault of ours. */
  readonly faults: unknown[];
  webhooksChanged(): number;
  stop(graceMs: number): Promise<void>;
  /** With the admin token, unless `token` is another one or null. */
  request(method: string, path: string, sent?: Sent): Promise<Answer>;
  mint(scopes: readonly Scope[], expiresAt?: number): Promise<{ id: string; token: string }>;
}

export interface Sent {
  readonly json?: unknown;
  /** As it is. */
  readonly body?: string | Uint8Array | ReadableStream<Uint8Array>;
  readonly type?: string | null;
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, parsed; whoever asks knows its shape. */
  json<Body = Record<string, unknown>>(): Body;
}

export interface TestApiOptions {
  readonly registration?: "open" | "closed";
  readonly adminToken?: string | null;
  readonly host?: string;
  readonly port?: number;
  readonly probesAlone?: boolean;
  readonly checks?: Readonly<Record<string, () => Promise<void>>>;
  readonly store?: (real: Store) => Store;
  /** A store of somebody else's, which stays open; then there is no `dbFile`. */
  readonly opened?: Store;
  readonly jwt?: JwtConfig;
  /** Without any, there are no rates, and a test may be wrong as often as it likes. */
  readonly edge?: Partial<EdgeOptions>;
  readonly live?: Partial<LiveLimits>;
  readonly backlog?: () => number;
}

const NO_EDGE: Omit<EdgeOptions, "buckets"> = {
  trustedProxies: [],
  corsOrigins: [],
  perToken: null,
  perAddress: null,
  limits: { wrongTokens: { name: "wrong-tokens", perSecond: 1e6, burst: 1e6 } },
};

export async function openTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-http-"));
  const dbFile = join(folder, "tocsin.db");
  const real = options.opened ?? (await openStore({ kind: "sqlite", file: dbFile }));
  const stored = options.store?.(real) ?? real;
  await stored.fixPartitionCount(PARTITIONS, PARTITIONS);
  const faults: unknown[] = [];
  const metrics = openMetrics();
  const events = { ...createEvents(openLog("silent"), metrics), requestFailed: (_id: string, error: unknown) => void faults.push(error) };
  // A store of somebody else's has more than one node that writes.
  const cache = options.opened === undefined ? new MemoryCache({ store: stored, events }) : createDirectReads(stored);
  const store = watchStore(stored, cache);
  const reports = keepReports();
  const webhooks = keepTests();
  let changed = 0;
  const health = createHealth({ checks: options.checks ?? { nats: async () => {}, store: () => store.probe() }, events });
  const adminToken = options.adminToken === undefined ? ADMIN_TOKEN : options.adminToken;
  const discard = async () => {
    await cache.stop();
    if (options.opened === undefined) await real.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const http = await openHttp({
    probesAlone: options.probesAlone ?? false,
    config: { host: options.host ?? "127.0.0.1", port: options.port ?? 0 },
    edge: { ...NO_EDGE, buckets: createMemoryBuckets(), ...options.edge },
    store,
    readSensor: cache.read,
    reports,
    partitions: PARTITIONS,
    ...(options.backlog === undefined ? {} : { backlog: options.backlog }),
    registration: options.registration ?? "open",
    webhooks,
    live: new Live({ store, hints: { follow: () => () => {} }, events, limits: options.live }),
    mint: await openTokenMint(store),
    vault: openVault({ keys: [new SealingKey(randomBytes(32))] }),
    webhooksChanged: () => {
      changed += 1;
    },
    adminToken,
    jwt: options.jwt ?? null,
    health,
    events,
    metrics,
  }).catch(async (error: unknown) => {
    await discard();
    throw error;
  });
  const request = requester(http.url);
  return {
    url: http.url,
    store,
    dbFile,
    reports,
    webhooks,
    faults,
    webhooksChanged: () => changed,
    stop: (graceMs) => http.stop(graceMs),
    request,
    async mint(scopes, expiresAt) {
      const expiry = expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() };
      const answer = await request("POST", "/v1/tokens", { json: { name: "test", scopes, ...expiry } });
      return answer.json<{ id: string; token: string }>();
    },
    async [Symbol.asyncDispose]() {
      await http.stop(0);
      await discard();
    },
  };
}

function requester(url: string): TestApi["request"] {
  return async (method, path, { json, body, type, token = ADMIN_TOKEN, headers = {} } = {}) => {
    const sent = new Headers(headers);
    if (token !== null) sent.set("authorization", `Bearer ${token}`);
    const given = json === undefined ? body : JSON.stringify(json);
    const contentType = type === undefined ? (given === undefined ? null : "application/json") : type;
    if (contentType !== null) sent.set("content-type", contentType);
    const response = await fetch(`${url}${path}`, { method, headers: sent, body: given ?? null, redirect: "manual" });
    // A connection of its own each time would be slow; an unread body would hold it.
    const text = await textOf(response);
    return { status: response.status, headers: response.headers, text, json: <Body>() => JSON.parse(text) as Body };
  };
}

/** Of a stream without an end, what comes first. */
async function textOf(response: Response): Promise<string> {
  if (response.headers.get("content-type") !== "text/event-stream" || response.body === null) return response.text();
  const reader = response.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

function keepReports(): KeptReports {
  const kept: KeptReports = {
    published: [],
    failure: null,
    gate: Promise.resolve(),
    async publish(sensorId, payload): Promise<PublishAck> {
      await kept.gate;
      if (kept.failure !== null) throw kept.failure;
      kept.published.push({ sensorId, text: new TextDecoder().decode(payload) });
      return { stream: "REPORTS_1_0", sequence: kept.published.length, duplicate: false };
    },
  };
  return kept;
}

function keepTests(): TestApi["webhooks"] {
  const tested: string[] = [];
  const port: TestApi["webhooks"] = {
    tested,
    refusal: null,
    checkUrl: async () => port.refusal,
    async sendTest({ id }): Promise<AttemptRow> {
      tested.push(id);
      return { at: Date.now(), durationMs: 3, statusCode: 204, error: null, response: null };
    },
  };
  return port;
}
