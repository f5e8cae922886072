import { type Change, changeData, changeId } from "../../src/domain/change";
import type { Condition } from "../../src/domain/state";
import { type Filter, SETTINGS_DEFAULT, termsOf, type WebhookVersion } from "../../src/domain/webhook";
import type { LoggedChange } from "../../src/store/store";

const SITES = 200;
const LINES = 20;
const TENANTS = 2000;
const STATUSES = ["warn", "hot", "degraded", "slow", "low", "high", "full", "open", "cold", "maintenance"];
const BEGINS = Date.parse("2026-11-23T10:00:00.000Z");

/** Draws whole numbers from 0 up to below `count`. */
type Draw = (count: number) => number;

/** One mix of webhooks each. None of `broad` lets any of the changes through, all of `everybody` let each through. */
export const MIXES = {
  mixed: (draw: Draw, sensors: number) => mixedFilter(draw, sensors),
  sensorIds: (draw: Draw, sensors: number) => ({ sensorIds: drawn(draw, 1 + draw(10), (one) => sensorId(one % sensors), sensors) }),
  labels: (draw: Draw) => labelFilter(draw),
  broad: (draw: Draw) => broadFilter(draw),
  everybody: () => ({}),
} satisfies Record<string, (draw: Draw, sensors: number) => Filter>;
export type Mix = keyof typeof MIXES;

export function webhooksOf(mix: Mix, webhooks: number, sensors: number): WebhookVersion[] {
  const draw = drawFrom(7);
  return Array.from({ length: webhooks }, (_, index) => ({
    webhookId: `wh_${index}`,
    version: 1,
    filter: MIXES[mix](draw, sensors),
    state: "active",
    deleted: false,
    terms: termsOf(SETTINGS_DEFAULT),
    after: {},
  }));
}

/** Between `ok` and one of ten statuses of severity `warning`, of sensors with four labels each. */
export function changesOf(count: number, sensors: number): LoggedChange[] {
  const draw = drawFrom(11);
  return Array.from({ length: count }, (_, index) => {
    const ok: Condition = { status: "ok", severity: "ok", availability: "online" };
    const other: Condition = { status: STATUSES[draw(STATUSES.length)] as string, severity: "warning", availability: "online" };
    const [from, to] = draw(2) === 0 ? [ok, other] : [other, ok];
    const labels = { site: `site-${draw(SITES)}`, line: `line-${draw(LINES)}`, tenant: `tenant-${draw(TENANTS)}`, model: `m${draw(10)}` };
    const number = index + 1;
    const id = sensorId(draw(sensors));
    const change: Change = {
      id: changeId(0, number),
      partition: 0,
      number,
      sensorId: id,
      sensor: { name: `Sensor ${id}`, labels },
      revision: 7,
      kind: "status",
      from,
      to,
      cause: "report",
      occurredAt: BEGINS + number,
      detectedAt: BEGINS + number,
      previousDurationMs: 60_000,
      report: { value: 97.5, message: "above the limit", attributes: null },
    };
    const { partition, kind, occurredAt } = change;
    return { partition, number, sensorId: id, kind, occurredAt, recordedAt: occurredAt, data: JSON.stringify(changeData(change)) };
  });
}

/** Of ten: three by sensors, four by labels, one by statuses, two broad; and one webhook in a thousand wants everything. */
function mixedFilter(draw: Draw, sensors: number): Filter {
  if (draw(1000) === 0) return {};
  const kind = draw(10);
  if (kind < 3) return { ...MIXES.sensorIds(draw, sensors), ...(draw(2) === 0 ? { minSeverity: "warning" } : {}) };
  if (kind < 7) return labelFilter(draw);
  if (kind < 8) return { from: drawn(draw, 2, (one) => `state-${one}`, 500), to: drawn(draw, 2, (one) => STATUSES[one] as string, 10) };
  return broadFilter(draw);
}

function labelFilter(draw: Draw): Filter {
  const site = `site-${draw(SITES)}`;
  const direction = draw(2) === 0 ? "raised" : "lowered";
  switch (draw(4)) {
    case 0:
      return { labels: { tenant: `tenant-${draw(TENANTS)}` } };
    case 1:
      return { labels: { tenant: drawn(draw, 3, (one) => `tenant-${one}`, TENANTS), retired: null }, direction };
    case 2:
      return { labels: { site, line: drawn(draw, 2, (one) => `line-${one}`, LINES) }, minSeverity: "warning" };
    default:
      return { labels: { site, line: `line-${draw(LINES)}` }, to: drawn(draw, 2, (one) => STATUSES[one] as string, 10) };
  }
}

/** For grave things alone, or for sensors that were put aside: nothing to look up. */
function broadFilter(draw: Draw): Filter {
  const rest: Filter = {
    ...(draw(2) === 0 ? { kinds: ["status"] } : {}),
    ...(draw(2) === 0 ? { direction: draw(2) === 0 ? "raised" : "lowered" } : {}),
    ...(draw(2) === 0 ? { labels: { [`flag-${draw(1000)}`]: null } } : {}),
    initial: draw(2) === 0,
  };
  return draw(4) === 0 ? { ...rest, kinds: ["availability"] } : { ...rest, minSeverity: "critical" };
}

function sensorId(index: number): string {
  return `sensor-${index}`;
}

function drawn(draw: Draw, count: number, name: (one: number) => string, from: number): string[] {
  return Array.from({ length: count }, () => name(draw(from)));
}

/** mulberry32: the same seed draws the same. */
function drawFrom(seed: number): Draw {
  let state = seed;
  return (count) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  };
}
