import type { LeasedRole, PartitionStatus, Store } from "../../store/store";
import { fail, type Finding, ok, ranges, warn } from "./findings";

/** Changes that are not yet published or planned: under load there are always some. */
const CHANGES_BEHIND_MAX = 5000;
const DAYS_AHEAD_WARN = 3;
const DAYS_AHEAD_FAIL = 1;
/** This machine's clock and the database's may differ by so much. */
const CLOCKS_APART_MS = 2000;
/** A lease that was over for longer is one that nobody takes over. */
const TAKEN_OVER_MS = 10_000;
const INCIDENTS_SHOWN_MAX = 1000;
const DAY_MS = 24 * 3600 * 1000;
const ROLES: readonly LeasedRole[] = ["ingest", "notify"];

/** What the database says of the work on it: who owns what, what lags behind, how long there is room, and what went wrong. */
export async function examineWork(store: Store, partitions: number, statuses: readonly PartitionStatus[]): Promise<Finding[]> {
  const owned = ROLES.map((role) => examineLeases(role, partitions, statuses));
  return [...owned, ...examineLag(statuses), ...(await examineDays(store)), await examineIncidents(store)];
}

function examineLeases(role: LeasedRole, partitions: number, statuses: readonly PartitionStatus[]): Finding {
  const subject = `${role} leases`;
  const now = Date.now();
  const owned = statuses.filter((status) => status.role === role && status.owner !== null);
  const held = owned.filter(({ leaseUntil }) => leaseUntil > now - CLOCKS_APART_MS);
  const owners = new Map<string, number[]>();
  for (const { owner, partition } of held) owners.set(owner as string, [...(owners.get(owner as string) ?? []), partition]);
  const who = [...owners].map(([owner, theirs]) => `${owner}: ${ranges(theirs)}`).join("; ");
  const without = (some: readonly PartitionStatus[]) =>
    Array.from({ length: partitions }, (_, partition) => partition).filter((each) => !some.some(({ partition }) => partition === each));
  const free = without(held);
  if (free.length === 0) return ok(subject, who);
  const nobody = `nobody works on ${free.length === 1 ? "partition" : "partitions"} ${ranges(free)} of ${partitions}`;
  const text = who === "" ? nobody : `${nobody}; ${who}`;
  // What a dead node held is won by another within seconds.
  const isHopeless = without(owned.filter(({ leaseUntil }) => leaseUntil > now - TAKEN_OVER_MS)).length > 0;
  if (isHopeless) return fail(subject, text, `start a node with the role ${role}; if one runs, look at its log`);
  return warn(subject, text, "a lease just ended: look again in a few seconds");
}

function examineLag(statuses: readonly PartitionStatus[]): Finding[] {
  const ingest = statuses.filter(({ role }) => role === "ingest");
  const notify = statuses.filter(({ role }) => role === "notify");
  const recorded = ingest.reduce((sum, { changeNumber }) => sum + changeNumber, 0);
  const published = ingest.reduce((sum, each) => sum + each.published, 0);
  const planned = notify.reduce((sum, { changeNumber }) => sum + changeNumber, 0);
  return [
    behind("published changes", recorded - published, "look whether the broker takes changes, and at the log of the node that ingests"),
    behind("planned changes", recorded - planned, "look whether a node with the role notify runs, and at its log"),
  ];
}

function behind(subject: string, count: number, advice: string): Finding {
  if (count <= CHANGES_BEHIND_MAX) return ok(subject, count <= 0 ? "all of them" : `all but ${count}`);
  return warn(subject, `${count} changes behind what is recorded`, advice);
}

/** Asking makes the room for today, and tells how far it reaches. */
async function examineDays(store: Store): Promise<Finding[]> {
  const subject = "room for reports";
  const days = await store.prepareDays(0);
  if (days === null) return [];
  const advice = "a running node makes room for the days to come every hour: start one, and look at its log";
  if (days < DAYS_AHEAD_FAIL) return [fail(subject, "until the end of today", advice)];
  const text = `today and ${days} more ${days === 1 ? "day" : "days"}`;
  return [days < DAYS_AHEAD_WARN ? warn(subject, text, advice) : ok(subject, text)];
}

async function examineIncidents(store: Store): Promise<Finding> {
  const subject = "incidents";
  const { items } = await store.listIncidents({ limit: INCIDENTS_SHOWN_MAX, cursor: null });
  const kinds = new Map<string, number>();
  for (const { kind, recordedAt } of items) if (recordedAt > Date.now() - DAY_MS) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  if (kinds.size === 0) return ok(subject, "none in the last day");
  const counts = [...kinds].map(([kind, count]) => `${count} × ${kind}`).join(", ");
  return warn(subject, `in the last day: ${counts}`, "GET /v1/incidents tells what was found, and where");
}
