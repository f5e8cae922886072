import { type Damage, withChosen } from "./damage";
import type { ChangeRow, Evidence, StreamedMessage } from "./evidence";

const DARK_MS = 2500;

/** What can go wrong when several nodes share the partitions, freeze, lose their leases, and when the broker goes away for a while. */
export const NODE_DAMAGES: readonly Damage[] = [
  {
    name: "a report is committed in somebody else's partition",
    kind: "partition.mixed",
    damage: (evidence, pick) =>
      withChosen(evidence.log.filter(hasOther), pick, (astray) => ({
        ...evidence,
        log: evidence.log.map((row) => (row === astray ? { ...row, partition: row.partition + 1 } : row)),
      })),
  },
  {
    name: "a change is recorded in somebody else's partition",
    kind: "partition.mixed",
    damage: (evidence, pick) =>
      withChosen(evidence.changes, pick, (astray) => ({
        ...evidence,
        changes: evidence.changes.map((change) =>
          change === astray ? { ...change, partition: change.partition + 1, number: 1_000 } : change,
        ),
      })),
  },
  {
    name: "an owner that lost its lease commits its batch once more",
    kind: "message.doubled",
    damage: (evidence, pick) =>
      withChosen(evidence.log, pick, ({ partition, sequence }) => ({
        ...evidence,
        log: [...evidence.log, ...evidence.log.filter((row) => row.partition === partition && row.sequence >= sequence)],
      })),
  },
  {
    name: "an owner that lost its lease publishes its changes once more",
    kind: "publication.doubled",
    damage: (evidence, pick) =>
      withChosen(evidence.published, pick, (late) => {
        const ends = evidence.published.filter(({ partition }) => partition === late.partition).map(({ sequence }) => sequence);
        return { ...evidence, published: [...evidence.published, { ...late, sequence: Math.max(...ends) + 1 }] };
      }),
  },
  {
    name: "the time in which the broker was off counts as a silence",
    kind: "offline.false",
    damage: (evidence, pick) =>
      withChosen(evidence.changes.filter(isTimeout), pick, ({ partition, data }) => {
        const noticedAt = detectedAt(data);
        const isDark = ({ timeMs }: StreamedMessage) => timeMs >= noticedAt - DARK_MS && timeMs < noticedAt;
        return { ...evidence, messages: evidence.messages.filter((message) => message.partition !== partition || !isDark(message)) };
      }),
  },
  {
    name: "a report that the owner before had committed is not seen by the one that judges the silence",
    kind: "offline.false",
    damage: (evidence, pick) => withChosen(evidence.changes.filter(isTimeout), pick, (change) => heardBefore(evidence, change)),
  },
];

/** The last message before the tick that noticed it is a report of the sensor itself. */
function heardBefore(evidence: Evidence, { partition, sensorId, data }: ChangeRow): Evidence {
  const noticedAt = detectedAt(data);
  const { from } = JSON.parse(data) as { from: { status: string; severity: LogSeverity } };
  const before = evidence.messages.filter((one) => one.partition === partition && one.timeMs < noticedAt);
  const last = before.reduce((latest, one) => (one.sequence > latest.sequence ? one : latest));
  const { sequence, timeMs: receivedAt } = last;
  const heard = { reportId: null, at: null, disposition: "unchanged", changeNumber: null, ...from } as const;
  return {
    ...evidence,
    messages: evidence.messages.map((one) => (one === last ? { ...one, id: sensorId } : one)),
    log: [
      ...evidence.log.filter((row) => row.partition !== partition || row.sequence !== sequence),
      { partition, generation: 1, sequence, sensorId, receivedAt, recordedAt: receivedAt, ...heard },
    ],
  };
}

type LogSeverity = Evidence["log"][number]["severity"];

function isTimeout({ data }: ChangeRow): boolean {
  return (JSON.parse(data) as { cause: string }).cause === "timeout";
}

function detectedAt(data: string): number {
  return Date.parse((JSON.parse(data) as { detectedAt: string }).detectedAt);
}

function hasOther<Row extends { sensorId: string }>(row: Row, _: number, rows: readonly Row[]): boolean {
  return rows.some((other) => other !== row && other.sensorId === row.sensorId);
}
