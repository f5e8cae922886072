/** Sensors that report until told to stop: one report in flight each, repeated under its id, with its body, until it is acknowledged. */
import { jetstream } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import mqtt from "mqtt";
import type { Acknowledgement } from "../ledger/evidence";
import { seededRandom } from "../ledger/random";

/** How long the first try of a report may take; each one after it twice as long, so that a machine that is slow gets its answers out. */
const TRY_MS = { first: 500, max: 4000 };
/** A cluster takes its time for the first session. */
const MQTT_TRY_MS = 5000;
/** So many reports of a sensor say the same. */
const MQTT_SAME = 8;
const AGAIN_MS = 40;
const STOP_MS = 60_000;
const STATUSES = ["ok", "hot", "overheated", "door.open"];

/** Where sensors report. */
export interface Roads {
  readonly natsUrls: readonly string[];
  readonly mqttUrls: readonly string[];
  /** A call of the API, wherever it is served just now. */
  readonly api: (path: string, init: RequestInit) => Promise<Response>;
}

export interface FleetOptions {
  readonly seed: number;
  readonly natsSensors: number;
  readonly httpSensors: number;
  /** The share of those that report as bulks of one; none unless given. */
  readonly bulkShare?: number;
  /** Reports over MQTT are sent once, without a promise. */
  readonly mqttSensors?: number;
  /** The share of reports that say something else than the one before. */
  readonly changeShare: number;
  /** How long a sensor waits after an acknowledgement, at most. */
  readonly pauseMs: number;
}

export interface Fleet {
  readonly acknowledged: readonly Acknowledgement[];
  readonly sentByMqtt: number;
  /** Reports that were begun and are not acknowledged. */
  inFlight(): number;
  /** Without pauses, so that nearly every sensor has a report in flight, however fast the machine is; or as before. */
  hurry(on: boolean): void;
  /** Resolves once every report that was begun is acknowledged. */
  stop(): Promise<void>;
}

/** Gives where the report stands, or null when nobody says within `tryMs` that it was taken. */
type Road = (sensorId: string, body: string, tryMs: number) => Promise<{ stream: string; sequence: number } | null>;

export async function startFleet(roads: Roads, options: FleetOptions): Promise<Fleet> {
  const connections = await Promise.all(roads.natsUrls.map((_, index) => dial(roads.natsUrls, index)));
  const natsRoads = connections.map(natsRoad);
  const httpRoad: Road = async (sensorId, body, tryMs) => {
    const response = await roads.api(`/v1/sensors/${sensorId}/reports`, { method: "POST", body, signal: AbortSignal.timeout(4 * tryMs) });
    if (response.status >= 400 && response.status < 500 && response.status !== 429)
      throw new Unacceptable(`${response.status} ${await response.text()}`);
    return response.status === 202 ? ((await response.json()) as { stream: string; sequence: number }) : null;
  };
  const bulkRoad: Road = async (sensorId, body, tryMs) => {
    const item = JSON.stringify({ sensorId, ...(JSON.parse(body) as object) });
    const response = await roads.api("/v1/reports", { method: "POST", body: `[${item}]`, signal: AbortSignal.timeout(4 * tryMs) });
    if (response.status !== 202) return null;
    const [told] = ((await response.json()) as { items: { status: number; stream: string; sequence: number }[] }).items;
    if (told !== undefined && told.status >= 400 && told.status < 500 && told.status !== 429) throw new Unacceptable(JSON.stringify(told));
    return told?.status === 202 ? told : null;
  };
  const running = new RunningFleet(options);
  const bulks = Math.floor(options.httpSensors * (options.bulkShare ?? 0));
  for (let index = 0; index < options.natsSensors; index += 1)
    running.send(`nats-${index}`, "puback", natsRoads[index % natsRoads.length] as Road);
  for (let index = 0; index < options.httpSensors; index += 1)
    running.send(`http-${index}`, "http", index < options.httpSensors - bulks ? httpRoad : bulkRoad);
  const byMqtt = startMqtt(roads.mqttUrls, running, options.mqttSensors ?? 0);
  return {
    acknowledged: running.acknowledged,
    get sentByMqtt() {
      return byMqtt.sent();
    },
    inFlight: () => running.inFlight,
    hurry: (on) => {
      running.hurried = on;
    },
    async stop() {
      await running.stop();
      await byMqtt.stop();
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}

/** One of the servers first, the others when it is away. */
function dial(urls: readonly string[], first: number): Promise<NatsConnection> {
  const servers = [...urls.slice(first), ...urls.slice(0, first)];
  return connect({ servers, noRandomize: true, maxReconnectAttempts: -1, reconnectTimeWait: 50, reconnectJitter: 20 });
}

function natsRoad(connection: NatsConnection): Road {
  const js = jetstream(connection);
  return async (sensorId, body, tryMs) => {
    const { stream, seq, duplicate } = await js.publish(`sensors.${sensorId}.status`, body, { timeout: tryMs });
    return duplicate ? null : { stream, sequence: seq };
  };
}

/** The report will never be taken: not a matter of trying again. */
class Unacceptable extends Error {}

class RunningFleet {
  readonly acknowledged: Acknowledgement[] = [];
  inFlight = 0;
  hurried = false;
  stopping = false;
  readonly #senders: Promise<void>[] = [];
  #failed: unknown = null;

  constructor(readonly options: FleetOptions) {}

  send(sensorId: string, by: Acknowledgement["by"], road: Road): void {
    const sender = this.#report(sensorId, by, road).catch((error: unknown) => {
      this.#failed ??= error;
    });
    this.#senders.push(sender);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`${this.inFlight} reports are not acknowledged after ${STOP_MS} ms`)), STOP_MS);
    await Promise.race([Promise.all(this.#senders), late.promise]).finally(() => clearTimeout(timer));
    if (this.#failed !== null) throw new Error("a sender gave up", { cause: this.#failed });
  }

  async #report(sensorId: string, by: Acknowledgement["by"], road: Road): Promise<void> {
    const speaker = new Speaker(sensorId, this.options);
    while (!this.stopping) {
      const { reportId, body } = speaker.next();
      this.inFlight += 1;
      try {
        const { stream, sequence } = await this.#until((tryMs) => road(sensorId, body, tryMs));
        const partition = Number(stream.split("_").at(-1));
        this.acknowledged.push({ sensorId, reportId, by, at: Date.now(), partition, sequence });
      } finally {
        this.inFlight -= 1;
      }
      if (!this.hurried) await Bun.sleep(speaker.pauseMs());
    }
  }

  async #until<Answer>(act: (tryMs: number) => Promise<Answer | null>): Promise<Answer> {
    for (let tryMs = TRY_MS.first; ; tryMs = Math.min(2 * tryMs, TRY_MS.max)) {
      try {
        const answer = await act(tryMs);
        if (answer !== null) return answer;
      } catch (error) {
        if (error instanceof Unacceptable) throw error;
        // The broker or the service is away; whether the report was taken, nobody knows.
      }
      await Bun.sleep(AGAIN_MS);
    }
  }
}

/** What one sensor says, one report after the other: mostly the same, with and without a clock of its own, now and then of old times. */
class Speaker {
  readonly #random: () => number;
  #status = "ok";
  #said = 0;

  constructor(
    private readonly sensorId: string,
    private readonly options: FleetOptions,
  ) {
    this.#random = seededRandom(options.seed ^ Bun.hash.crc32(sensorId));
  }

  next(): { reportId: string; body: string } {
    this.#said += 1;
    const reportId = `${this.sensorId}-r${this.#said}`;
    if (this.#random() < this.options.changeShare) this.#status = STATUSES[Math.floor(this.#random() * STATUSES.length)] as string;
    const clock = this.#random();
    const age = clock < 0.95 ? 0 : 60_000;
    const at = clock < 0.5 ? undefined : new Date(Date.now() - age).toISOString();
    return { reportId, body: JSON.stringify({ status: this.#status, value: this.#said, id: reportId, at }) };
  }

  pauseMs(): number {
    return this.#random() * this.options.pauseMs;
  }
}

/** QoS 1: its answer is the broker's own, so nothing is promised but that a report takes effect at most once. */
function startMqtt(urls: readonly string[], fleet: RunningFleet, sensors: number): { sent(): number; stop(): Promise<void> } {
  if (sensors === 0) return { sent: () => 0, stop: () => Promise.resolve() };
  const clients = urls.map((url) =>
    mqtt
      .connect(url, { reconnectPeriod: 100, connectTimeout: MQTT_TRY_MS, protocolVersion: 4 })
      // It dials again by itself.
      .on("error", () => {}),
  );
  let sent = 0;
  const timer = setInterval(() => {
    const client = clients[sent % clients.length];
    if (fleet.stopping || client === undefined) return;
    const sensorId = `mqtt-${sent % sensors}`;
    const status = STATUSES[Math.floor(sent / (sensors * MQTT_SAME)) % STATUSES.length];
    const body = JSON.stringify({ status, id: `${sensorId}-r${sent}` });
    if (client.connected) client.publish(`sensors/${sensorId}/status`, body, { qos: 1 });
    sent += 1;
  }, 50);
  return {
    sent: () => sent,
    async stop() {
      clearInterval(timer);
      for (const client of clients) await client.endAsync(true);
    },
  };
}
