import type { Books } from "./books";
import type { Condition } from "./evidence";

const LINES_MAX = 200;

/** All that is known of one sensor, a line each: what was acknowledged, the log, the changes, what was published, planned and received. */
export function historyOf({ evidence, rows, changes, acknowledged }: Books, sensorId: string): string {
  const chain = changes.get(sensorId) ?? [];
  const ids = new Set(chain.map(({ parsed }) => parsed.changeId));
  const lines = [
    ...(acknowledged.get(sensorId) ?? []).map((ack) => `acknowledged ${ack.reportId} by ${ack.by} as ${ack.sequence}, ${time(ack.at)}`),
    ...(rows.get(sensorId) ?? []).map(({ generation, sequence, reportId, status, severity, at, receivedAt, disposition, changeNumber }) => {
      const made = changeNumber === null ? "" : ` → change ${changeNumber}`;
      const said = `${reportId ?? "without id"} ${status} (${severity ?? "-"}) at ${at === null ? "-" : time(at)}`;
      return `log ${generation}/${sequence} ${said}, received ${time(receivedAt)}: ${disposition}${made}`;
    }),
    ...chain.map(({ number, revision, parsed }) => {
      const { from, to, cause, occurredAt, detectedAt } = parsed;
      return `change ${number} #${revision} ${show(from)} → ${show(to)} by ${cause}, occurred ${occurredAt}, detected ${detectedAt}`;
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
  const shown = lines.slice(0, LINES_MAX).map((line) => `  ${line}`);
  return [`${sensorId}:`, ...shown, ...(lines.length > LINES_MAX ? [`  and ${lines.length - LINES_MAX} more`] : [])].join("\n");
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

function show({ status, severity, availability }: Condition): string {
  return `${status ?? "-"}/${severity ?? "-"}/${availability}`;
}
