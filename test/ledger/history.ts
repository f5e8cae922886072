import { type Books, placeKey } from "./books";
import type { Condition, LogRow } from "./evidence";

/** Of each kind of line: as many from the beginning, and as many from the end. */
const LINES_SHOWN = 80;
/** So many reports in a row that changed nothing are shown one by one. */
const UNCHANGED_SHOWN = 3;

/** All that is known of one sensor, a line each: what was acknowledged, the log, the changes, what was published, planned and received. */
export function historyOf(books: Books, sensorId: string): string {
  const { evidence, changes } = books;
  const chain = changes.get(sensorId) ?? [];
  const ids = new Set(chain.map(({ parsed }) => parsed.changeId));
  const lines = [
    ...logLines(books, sensorId),
    ...chain.map(({ partition, number, revision, parsed }) => {
      const { from, to, cause, occurredAt, detectedAt } = parsed;
      return `change ${placeKey(partition, number)} #${revision} ${show(from)} → ${show(to)} by ${cause}, occurred ${occurredAt}, detected ${detectedAt}`;
    }),
    ...evidence.published
      .filter(({ subject }) => subject.endsWith(`.${sensorId}`))
      .map(({ sequence, msgId }) => `published ${msgId} as ${sequence}`),
    ...evidence.deliveries
      .filter((delivery) => delivery.sensorId === sensorId)
      .map(({ id, number, state }) => `delivery ${id} of change ${number}: ${state}`),
    ...evidence.arrivals
      .filter(({ body }) => [...ids].some((id) => body.includes(`"${id}"`)))
      .map(({ deliveryId, webhookId, at, answered }) => `arrived ${deliveryId} at ${webhookId}, ${time(at)}, answered ${answered}`),
  ];
  const kinds = Object.values(Object.groupBy(lines, (line) => line.slice(0, line.indexOf(" "))));
  return [`${sensorId}:`, ...kinds.flatMap((kind) => shortened(kind ?? [])).map((line) => `  ${line}`)].join("\n");
}

/** The log, each report with whoever was told that it was taken; first those that were told so and are not there. */
function logLines({ rows, acknowledged }: Books, sensorId: string): string[] {
  const log = rows.get(sensorId) ?? [];
  const places = new Set(log.map(({ partition, sequence }) => placeKey(partition, sequence)));
  const told = new Map((acknowledged.get(sensorId) ?? []).map((ack) => [placeKey(ack.partition, ack.sequence), ack]));
  const absent = [...told].filter(([place]) => !places.has(place));
  const lines = absent.map(
    ([place, { reportId, by, at }]) => `acknowledged ${reportId} by ${by} as ${place}, ${time(at)}, which is not in the log`,
  );
  let unchanged = 0;
  for (const row of log) {
    unchanged = row.disposition === "unchanged" && row.changeNumber === null ? unchanged + 1 : 0;
    const ack = told.get(placeKey(row.partition, row.sequence));
    if (unchanged > UNCHANGED_SHOWN) lines.splice(-1, 1);
    const left = unchanged > UNCHANGED_SHOWN ? ` (after ${unchanged - UNCHANGED_SHOWN} more that changed nothing)` : "";
    lines.push(`${logLine(row)}${ack === undefined ? "" : `, acknowledged by ${ack.by}`}${left}`);
  }
  return lines;
}

function logLine({
  generation,
  partition,
  sequence,
  reportId,
  status,
  severity,
  at,
  receivedAt,
  disposition,
  changeNumber,
}: LogRow): string {
  const made = changeNumber === null ? "" : ` → change ${changeNumber}`;
  const said = `${reportId ?? "without id"} ${status} (${severity ?? "-"}) at ${at === null ? "-" : time(at)}`;
  return `log ${generation}/${placeKey(partition, sequence)} ${said}, received ${time(receivedAt)}: ${disposition}${made}`;
}

function shortened(lines: readonly string[]): readonly string[] {
  const left = lines.length - 2 * LINES_SHOWN;
  return left <= 0 ? lines : [...lines.slice(0, LINES_SHOWN), `and ${left} more, then`, ...lines.slice(-LINES_SHOWN)];
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

function show({ status, severity, availability }: Condition): string {
  return `${status ?? "-"}/${severity ?? "-"}/${availability}`;
}
