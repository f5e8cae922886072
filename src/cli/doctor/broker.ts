import { isFault } from "../../domain/fault";
import type { NatsLink } from "../../jetstream/connection";
import { SAFE_VERSION } from "../../jetstream/embedded/conf";
import { atLeast, parseVersion, versionText } from "../../jetstream/embedded/version";
import { inspectStreams, type StreamFound } from "../../jetstream/inspect";
import { reportsStream } from "../../jetstream/subjects";
import { probeMapping } from "../../jetstream/topology";
import type { PartitionStatus } from "../../store/store";
import { fail, type Finding, ok, unseen, warn } from "./findings";

/** Reports that wait in the streams: under load there are always some. */
const REPORTS_BEHIND_MAX = 10_000;
/** Of its bytes; the owner trims it before. */
const FILLED_WARN = 0.75;
const STREAMS_NAMED_MAX = 4;

export interface BrokerExpectations {
  readonly partitions: number;
  readonly replicas: number | null;
  /** Null where the database was not looked at. */
  readonly statuses: readonly PartitionStatus[] | null;
}

export async function examineBroker(link: NatsLink, { partitions, replicas, statuses }: BrokerExpectations): Promise<Finding[]> {
  const greeting = examineVersion(link);
  try {
    const streams = await inspectStreams(link, partitions, replicas);
    return [greeting, examineStreams(streams), examineLag(streams, partitions, statuses), await examineMapping(link, partitions, streams)];
  } catch (error) {
    if (!isFault(error)) throw error;
    return [greeting, fail("streams", error.message, "JetStream must be enabled for this account, and its servers must have a leader")];
  }
}

function examineVersion({ connection }: NatsLink): Finding {
  const { version: text = "", cluster, server_name: name } = connection.info ?? {};
  const version = parseVersion(text);
  const where = `${cluster === undefined ? "server" : `cluster ${cluster}, server`} ${name}, version ${text}`;
  if (version !== null && atLeast(version, SAFE_VERSION)) return ok("broker", where);
  const floor = versionText(SAFE_VERSION);
  return warn("broker", where, `below ${floor} a server that is killed may lose a whole stream: move on to ${floor} or later`);
}

function examineStreams(streams: readonly StreamFound[]): Finding {
  const missing = streams.filter(({ state }) => state === null);
  if (missing.length > 0) {
    return fail("streams", `missing: ${named(missing)}`, "start a node, which makes what is missing; if one runs, look at its log");
  }
  const wrong = streams.filter(({ differences }) => differences !== null);
  if (wrong.length > 0) {
    const first = wrong[0] as StreamFound;
    return fail(
      "streams",
      `not as wanted: ${named(wrong)}; of ${first.name} ${first.differences}`,
      "start a node again, which changes what can be changed",
    );
  }
  const full = streams.filter(({ state, discardsOld }) => !discardsOld && state !== null && state.bytes > state.bytesMax * FILLED_WARN);
  if (full.length > 0) {
    return warn("streams", `nearly full: ${named(full)}; a full one refuses reports`, "look whether a node with the role ingest keeps up");
  }
  return ok("streams", `all ${streams.length} as wanted`);
}

function examineLag(streams: readonly StreamFound[], partitions: number, statuses: BrokerExpectations["statuses"]): Finding {
  const subject = "reports to take in";
  if (statuses === null) return unseen(subject, "how far the database is was not looked at");
  let waiting = 0;
  const ahead: StreamFound[] = [];
  for (const { role, partition, cursor } of statuses) {
    const stream = streams.find(({ name }) => name === reportsStream({ partitions, partition }));
    if (role !== "ingest" || stream?.state == null) continue;
    waiting += Math.max(0, stream.state.lastSequence - cursor);
    if (stream.state.lastSequence < cursor) ahead.push(stream);
  }
  if (ahead.length > 0) {
    const text = `the database is ahead of ${named(ahead)}: the broker has lost its tail, or was made anew`;
    return warn(subject, text, "a running node begins a new generation there by itself, and records an incident");
  }
  if (waiting <= REPORTS_BEHIND_MAX) return ok(subject, waiting === 0 ? "none wait" : `${waiting} wait in the streams`);
  return warn(subject, `${waiting} wait in the streams`, "start more nodes with the role ingest, or look at their logs");
}

/** Where the stream is missing that a probe would land in, a probe proves nothing. */
async function examineMapping(link: NatsLink, partitions: number, streams: readonly StreamFound[]): Promise<Finding> {
  if (streams.some(({ state }) => state === null)) return unseen("mapping", "not probed while streams are missing");
  try {
    await probeMapping(link, partitions);
    return ok("mapping", `sensors.<id>.status leads to ${partitions === 1 ? "one partition" : `${partitions} partitions`}`);
  } catch (error) {
    if (!isFault(error)) throw error;
    const [text = "", ...advice] = error.message.split("\n");
    return fail("mapping", text, advice.length === 0 ? "look at the broker's log" : advice.join("\n"));
  }
}

function named(streams: readonly StreamFound[]): string {
  const names = streams.slice(0, STREAMS_NAMED_MAX).map(({ name }) => name);
  const more = streams.length - names.length;
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
