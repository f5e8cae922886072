/** The streams as data, and the proof that what sensors publish lands in them. */
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream";
import { Fault } from "../domain/fault";
import { PROBE_ID, partitionOf } from "../domain/sensor";
import type { NatsLink } from "./connection";
import { mappedSubject, PAYLOAD_BYTES_MAX } from "./embedded/conf";
import { isStreamMissing, isTakenByNobody, unavailable } from "./faults";
import {
  changesStream,
  changeSubject,
  type PartitionPlace,
  reportsStream,
  reportSubject,
  sensorSubject,
  STRAY_SUBJECTS,
  STRAYS,
} from "./subjects";

const SECOND_NS = 1_000_000_000;
const DAY_NS = 24 * 3600 * SECOND_NS;
/** JetStream's window is shared by all sensors of a stream, so it is as short as it may be: repeats are found by (sensor, id). */
const REPORTS_DUPLICATE_WINDOW_NS = SECOND_NS / 10;
/** A repeated change is found by the message that it must follow; the window only saves the look. */
const CHANGES_DUPLICATE_WINDOW_NS = 10 * SECOND_NS;
/** All partitions of a service together. At the limit reports are refused to whoever sends them; changes push out the oldest. */
export const REPORTS_BYTES_MAX = 8 * 1024 ** 3;
export const CHANGES_BYTES_MAX = 2 * 1024 ** 3;
export const STRAYS_BYTES_MAX = 256 * 1024 ** 2;
const STRAYS_AGE_NS = 3 * DAY_NS;
/** A broker that drops fields it does not know must not drop these. */
const DEMANDED = ["retention", "storage", "discard", "max_age", "max_bytes", "max_msg_size", "duplicate_window", "num_replicas"] as const;
/** What survives the death of one server. With two copies neither could go on alone. */
const REPLICAS_IN_CLUSTER = 3;

/** In a cluster a server hears a little later of a stream that another node has just made. */
const HEARD_OF_MS = 3000;
const PROBE_AGAIN_MS = 100;

type Wanted = Pick<StreamConfig, (typeof DEMANDED)[number]> & { readonly name: string; readonly subjects: string[] };

/** Every stream that a service with P partitions needs, each kept on so many servers. */
export function wantedStreams(partitions: number, replicas: number): Wanted[] {
  const kept = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    max_msg_size: PAYLOAD_BYTES_MAX,
    num_replicas: replicas,
  };
  const places = Array.from({ length: partitions }, (_, partition): PartitionPlace => ({ partitions, partition }));
  return [
    ...places.map((place) => ({
      ...kept,
      name: reportsStream(place),
      subjects: [reportSubject(place, "*")],
      discard: DiscardPolicy.New,
      max_age: 0,
      max_bytes: Math.floor(REPORTS_BYTES_MAX / partitions),
      duplicate_window: REPORTS_DUPLICATE_WINDOW_NS,
    })),
    ...places.map((place) => ({
      ...kept,
      name: changesStream(place),
      subjects: [changeSubject(place, "*")],
      discard: DiscardPolicy.Old,
      max_age: DAY_NS,
      max_bytes: Math.floor(CHANGES_BYTES_MAX / partitions),
      duplicate_window: CHANGES_DUPLICATE_WINDOW_NS,
    })),
    {
      ...kept,
      name: STRAYS,
      subjects: [STRAY_SUBJECTS],
      discard: DiscardPolicy.Old,
      max_age: STRAYS_AGE_NS,
      max_bytes: STRAYS_BYTES_MAX,
      duplicate_window: REPORTS_DUPLICATE_WINDOW_NS,
    },
  ];
}

/**
 * Makes the streams that are missing, and brings those that are there to what is wanted. `replicas` null leaves their number to what the
 * broker is. Throws `Fault` (unavailable) when the broker does not answer, (conflict) when it holds a stream that cannot be made to fit.
 */
export async function ensureTopology(link: NatsLink, partitions: number, replicas: number | null = null): Promise<void> {
  for (const wanted of wantedStreams(partitions, replicas ?? replicasFor(link))) {
    const differences = differencesOf(await ensureStream(link, wanted), wanted);
    if (differences !== null) throw new Fault("conflict", `The stream ${wanted.name} does not fit: ${differences}.`);
  }
}

/** What of a stream is not as wanted, in words; null when all is. */
export function differencesOf(config: StreamConfig, wanted: Wanted): string | null {
  const wrong = DEMANDED.filter((field) => config[field] !== wanted[field]);
  return wrong.length === 0 ? null : wrong.map((field) => `${field} is ${config[field]}, not ${wanted[field]}`).join("; ");
}

/** A server that belongs to a cluster names it when it greets; a single one has nowhere to put a second copy, and refuses to. */
export function replicasFor({ connection }: NatsLink): number {
  return connection.info?.cluster === undefined ? 1 : REPLICAS_IN_CLUSTER;
}

async function ensureStream(link: NatsLink, wanted: Wanted): Promise<StreamConfig> {
  const { streams } = link.api;
  try {
    const { config } = await link.answered(() => streams.info(wanted.name));
    if (DEMANDED.every((field) => config[field] === wanted[field])) return config;
    return (await link.answered(() => streams.update(wanted.name, { ...config, ...wanted }))).config;
  } catch (error) {
    if (!isStreamMissing(error)) throw unavailable(`the stream ${wanted.name} could not be read or changed`, error);
  }
  try {
    return (await link.answered(() => streams.add(wanted))).config;
  } catch (error) {
    throw unavailable(`the stream ${wanted.name} could not be made`, error);
  }
}

/**
 * Publishes as a sensor would, under a reserved id, and sees where it lands. Throws `Fault` (conflict) that prints what to add to the
 * broker's configuration when the account does not map `sensors.<id>.status` to this P.
 */
export async function probeMapping(link: NatsLink, partitions: number): Promise<void> {
  const place = { partitions, partition: partitionOf(PROBE_ID, partitions) };
  const expected = reportsStream(place);
  const deadline = performance.now() + HEARD_OF_MS;
  for (;;) {
    const stream = await probed(link, sensorSubject(PROBE_ID), expected);
    if (stream === expected) return;
    if (stream !== null)
      throw new Fault("conflict", unmapped(partitions, `A probe for ${expected} went astray: it was stored in ${stream}.`));
    // Either it was mapped to where no stream is, or the stream cannot take anything just now: it is asked itself.
    if ((await probed(link, reportSubject(place, PROBE_ID), expected)) === null)
      throw new Fault("unavailable", `${expected} does not take a probe`);
    if (performance.now() > deadline)
      throw new Fault("conflict", unmapped(partitions, `A probe for ${expected} went astray: no stream took it.`));
    await Bun.sleep(PROBE_AGAIN_MS);
  }
}

/** The stream that a probe was stored in; null when nobody takes it. Throws `Fault` (unavailable). */
async function probed(link: NatsLink, subject: string, expected: string): Promise<string | null> {
  try {
    const { stream, seq } = await link.answered(() => link.publisher.publish(subject));
    // It is nobody's report: it shall not become a dead letter.
    if (stream !== expected) await link.api.streams.deleteMessage(stream, seq).catch(() => {});
    return stream;
  } catch (error) {
    if (isTakenByNobody(error)) return null;
    throw unavailable(`a probe published to ${subject} was not taken`, error);
  }
}

function unmapped(partitions: number, finding: string): string {
  return [
    `The broker does not map what sensors publish to the ${partitions} partitions of this service. ${finding}`,
    "Add to the account (or, without accounts, to the server's configuration) and reload it:",
    "  mappings {",
    `    "${sensorSubject("*")}": "${mappedSubject(partitions)}"`,
    "  }",
  ].join("\n");
}
