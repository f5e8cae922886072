import { expect, test } from "bun:test";
import { explain } from "../../src/domain/explain";
import { SETTINGS_DEFAULT, termsOf, type WebhookVersion } from "../../src/domain/webhook";

function version(number: number, after: Record<string, number>, edit: Partial<WebhookVersion> = {}): WebhookVersion {
  return {
    webhookId: "wh_1",
    version: number,
    filter: {},
    state: "active",
    deleted: false,
    terms: termsOf(SETTINGS_DEFAULT),
    after,
    ...edit,
  };
}

const HOT = {
  sensorId: "boiler-7",
  sensor: { name: "boiler-7", labels: { site: "north" } },
  from: { status: "ok", severity: "ok", availability: "online" },
  to: { status: "hot", severity: "warning", availability: "online" },
} as const;

const VERSIONS = [
  version(1, { 0: 10, 1: 3 }, { filter: { minSeverity: "critical" } }),
  version(2, { 0: 20, 1: 3 }, { filter: { labels: { site: "south" } } }),
  version(3, { 0: 30, 1: 9 }),
  version(4, { 0: 40, 1: 9 }, { terms: termsOf({ ...SETTINGS_DEFAULT, events: ["webhook.failing"] }) }),
  version(5, { 0: 50, 1: 12 }, { deleted: true }),
];

test.each([
  [0, 10, "notThere", null],
  [0, 11, "filter.minSeverity", 1],
  [0, 20, "filter.minSeverity", 1],
  [0, 21, "filter.labels", 2],
  [0, 31, "matched", 3],
  [0, 41, "events", 4],
  [0, 51, "notThere", null],
  // Two edits between two of its changes: the later one holds.
  [1, 4, "filter.labels", 2],
  [1, 10, "events", 4],
  // A partition that was not there at the webhook's making.
  [2, 1, "notThere", null],
] as const)("a change of partition %d with number %d is %s, by version %p", (partition, number, because, of) => {
  expect(explain(VERSIONS, { ...HOT, partition, number })).toEqual({ because, version: of });
});
