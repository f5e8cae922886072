import { type Damage, withChosen } from "./damage";
import type { ChangeRow, Evidence } from "./evidence";

/** What can go wrong until a change is recorded. */
export const LOG_DAMAGES: readonly Damage[] = [
  {
    name: "an acknowledged report is lost behind the cursor",
    kind: "report.lost",
    damage: (evidence, pick) =>
      withChosen(evidence.acknowledged, pick, ({ sensorId, reportId }) => ({
        ...evidence,
        log: evidence.log.filter((row) => row.sensorId !== sensorId || row.reportId !== reportId),
      })),
  },
  {
    name: "a report is answered before the broker has it",
    kind: "report.lost",
    damage: (evidence, pick) =>
      withChosen(evidence.acknowledged, pick, (ack) => ({
        ...evidence,
        acknowledged: [...evidence.acknowledged, { ...ack, reportId: "never-stored" }],
      })),
  },
  {
    name: "an acknowledgement points at somebody else's report",
    kind: "report.misplaced",
    damage: (evidence, pick) =>
      withChosen(evidence.acknowledged, pick, (ack) => ({ ...evidence, acknowledged: [{ ...ack, sequence: ack.sequence + 1_000_000 }] })),
  },
  {
    name: "a report that nobody was told of is lost behind the cursor",
    kind: "message.lost",
    damage: (evidence, pick) =>
      withChosen(evidence.log, pick, (lost) => ({ ...evidence, log: evidence.log.filter((row) => row !== lost) })),
  },
  {
    name: "a message is committed twice",
    kind: "message.doubled",
    damage: (evidence, pick) => withChosen(evidence.log, pick, (row) => ({ ...evidence, log: [...evidence.log, row] })),
  },
  {
    name: "a row stands for no message",
    kind: "row.unfounded",
    damage: (evidence, pick) =>
      withChosen(evidence.log, pick, (row) => ({ ...evidence, log: [...evidence.log, { ...row, sequence: 1_000_000, reportId: null }] })),
  },
  {
    name: "a repeated report takes effect again",
    kind: "report.doubled",
    damage: (evidence, pick) =>
      withChosen(
        evidence.log.filter(({ disposition }) => disposition === "duplicate"),
        pick,
        (repeat) => ({
          ...evidence,
          log: evidence.log.map((row) => (row === repeat ? { ...row, disposition: "unchanged" as const } : row)),
        }),
      ),
  },
  {
    name: "a late report counts as a new one",
    kind: "disposition.wrong",
    damage: (evidence, pick) =>
      withChosen(
        evidence.log.filter(({ disposition }) => disposition === "late"),
        pick,
        (late) => ({
          ...evidence,
          log: evidence.log.map((row) => (row === late ? { ...row, disposition: "applied" as const } : row)),
        }),
      ),
  },
  {
    name: "a change is lost",
    kind: "change.missing",
    damage: (evidence, pick) => withChosen(evidence.changes.filter(madeByReport), pick, (lost) => withoutChange(evidence, lost)),
  },
  {
    name: "a change is lost and leaves a gap in its partition",
    kind: "number.gap",
    damage: (evidence, pick) => withChosen(evidence.changes.filter(hasLater), pick, (lost) => withoutChange(evidence, lost)),
  },
  {
    name: "a change is recorded twice",
    kind: "revision.gap",
    damage: (evidence, pick) =>
      withChosen(evidence.changes, pick, (change) => {
        const number = Math.max(...evidence.changes.filter(({ partition }) => partition === change.partition).map((one) => one.number)) + 1;
        return { ...evidence, changes: [...evidence.changes, { ...change, number }] };
      }),
  },
  {
    name: "a revision is left out",
    kind: "revision.gap",
    damage: (evidence, pick) =>
      withChosen(evidence.changes, pick, ({ sensorId, revision }) => ({
        ...evidence,
        changes: evidence.changes.map((one) =>
          one.sensorId === sensorId && one.revision >= revision ? { ...one, revision: one.revision + 1 } : one,
        ),
      })),
  },
  {
    name: "two changes of a sensor are swapped",
    kind: "change.wrong",
    damage: (evidence, pick) =>
      withChosen(neighbours(evidence.changes.filter(madeByReport)), pick, ([one, other]) => ({
        ...evidence,
        changes: evidence.changes.map((change) => {
          if (change === one) return { ...change, revision: other.revision };
          return change === other ? { ...change, revision: one.revision } : change;
        }),
      })),
  },
  {
    name: "a change says a wrong from",
    kind: "change.wrong",
    damage: (evidence, pick) => saying(evidence, pick, { from: { status: "never", severity: "ok", availability: "online" } }),
  },
  {
    name: "a change says a wrong to",
    kind: "change.wrong",
    damage: (evidence, pick) => saying(evidence, pick, { to: { status: "never", severity: "ok", availability: "online" } }),
  },
  {
    name: "a change says a wrong time",
    kind: "change.wrong",
    damage: (evidence, pick) => saying(evidence, pick, { occurredAt: "2020-01-01T00:00:00.000Z" }),
  },
  {
    name: "a sensor that was heard is called offline",
    kind: "offline.false",
    damage: (evidence, pick) =>
      withChosen(
        evidence.changes.filter((change) => !madeByReport(change)),
        pick,
        ({ sensorId }) => ({
          ...evidence,
          sensors: evidence.sensors.map((sensor) => (sensor.id === sensorId ? { ...sensor, heartbeatMs: 1_000_000 } : sensor)),
        }),
      ),
  },
  {
    name: "a silence is not noticed",
    kind: "offline.missing",
    damage: (evidence, pick) =>
      withChosen(
        evidence.changes.filter((change) => !madeByReport(change)),
        pick,
        (lost) => ({
          ...withoutChange(evidence, lost),
          // The report that ended the silence changes nothing then.
          changes: evidence.changes.filter(({ sensorId, revision }) => sensorId !== lost.sensorId || revision < lost.revision),
        }),
      ),
  },
  {
    name: "a state was not written with its change",
    kind: "state.wrong",
    damage: (evidence, pick) =>
      withChosen(evidence.sensors, pick, (behind) => ({
        ...evidence,
        sensors: evidence.sensors.map((sensor) =>
          sensor === behind ? { ...sensor, state: { ...sensor.state, revision: sensor.state.revision + 1 } } : sensor,
        ),
      })),
  },
];

/** As if it had never been recorded: neither published nor planned, and its report's row points nowhere. */
function withoutChange(evidence: Evidence, { partition, number }: ChangeRow): Evidence {
  const isOf = (one: { partition: number; number: number }) => one.partition === partition && one.number === number;
  const gone = new Set(evidence.deliveries.filter(isOf).map(({ id }) => id));
  return {
    ...evidence,
    log: evidence.log.map((row) => (row.partition === partition && row.changeNumber === number ? { ...row, changeNumber: null } : row)),
    changes: evidence.changes.filter((one) => !isOf(one)),
    published: evidence.published.filter(({ msgId }) => msgId !== `${partition}:${number}`),
    deliveries: evidence.deliveries.filter((one) => !isOf(one)),
    arrivals: evidence.arrivals.filter(({ deliveryId }) => !gone.has(deliveryId)),
  };
}

/** Writes something else into a change's data. */
function saying(evidence: Evidence, pick: number, fields: Record<string, unknown>): Evidence | null {
  return withChosen(evidence.changes, pick, (change) => {
    const data = JSON.stringify({ ...(JSON.parse(change.data) as Record<string, unknown>), ...fields });
    return { ...evidence, changes: evidence.changes.map((one) => (one === change ? { ...one, data } : one)) };
  });
}

function madeByReport({ data }: ChangeRow): boolean {
  return (JSON.parse(data) as { cause: string }).cause === "report";
}

function hasLater(change: ChangeRow, _: number, changes: readonly ChangeRow[]): boolean {
  return changes.some(({ partition, number }) => partition === change.partition && number > change.number);
}

/** Pairs of a sensor's changes that follow one another. */
function neighbours(changes: readonly ChangeRow[]): [ChangeRow, ChangeRow][] {
  return changes.flatMap((one) => {
    const next = changes.find(({ sensorId, revision }) => sensorId === one.sensorId && revision === one.revision + 1);
    return next === undefined ? [] : [[one, next] as [ChangeRow, ChangeRow]];
  });
}
