import { expect, test } from "bun:test";
import fc from "fast-check";
import { changeData, changeId, type Change } from "../../src/domain/change";
import { refusingClause } from "../../src/domain/filter";
import { AVAILABILITIES, SEVERITIES } from "../../src/domain/severity";
import { DIRECTIONS, type Filter, SETTINGS_DEFAULT, termsOf, WEBHOOK_STATES, type WebhookVersion } from "../../src/domain/webhook";
import { createMatcher, type IndexedWebhooks, indexWebhooks } from "../../src/notifier/matching";
import { turnsDuring } from "../turns";
import type { LoggedChange } from "../../src/store/store";
import { matches } from "../ledger/matching";

const RUNS = { numRuns: 1500 };
const PARTITION = 3;
const NUMBERS_MAX = 8;

const sensorIds = ["a", "b", "c"];
const statuses = ["ok", "hot", "door.open"];
const keys = ["site", "line", "constructor"];
const values = ["north", "south", ""];

/** Duplicates, too. */
const some = (from: readonly string[]) => fc.array(fc.constantFrom(...from), { minLength: 1, maxLength: 4 });

const everyClause = fc.record(
  {
    sensorIds: some(sensorIds),
    labels: fc.dictionary(fc.constantFrom(...keys), fc.oneof(fc.constantFrom(...values), some(values), fc.constant(null)), {
      noNullPrototype: true,
    }),
    kinds: fc.array(fc.constantFrom("status" as const, "availability" as const), { maxLength: 3 }),
    from: some(statuses),
    to: some(statuses),
    minSeverity: fc.constantFrom("ok", "warning", "critical"),
    direction: fc.constantFrom(...DIRECTIONS),
    initial: fc.boolean(),
  },
  { noNullPrototype: true },
);

/** With few clauses, so that some are held. */
const filters: fc.Arbitrary<Filter> = fc
  .tuple(
    everyClause,
    fc.subarray(["sensorIds", "labels", "kinds", "from", "to", "minSeverity", "direction", "initial"] as const, { maxLength: 3 }),
  )
  .map(([clauses, chosen]) => Object.fromEntries(chosen.map((clause) => [clause, clauses[clause]])));

const condition = fc.record({
  status: fc.constantFrom(...statuses, null),
  severity: fc.constantFrom(...SEVERITIES, null),
  availability: fc.constantFrom(...AVAILABILITIES),
});

const changes: fc.Arbitrary<Change> = fc
  .record({
    number: fc.integer({ min: 1, max: NUMBERS_MAX }),
    sensorId: fc.constantFrom(...sensorIds),
    labels: fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values), { noNullPrototype: true }),
    from: condition,
    to: condition,
  })
  .map(({ number, sensorId, labels, from, to }) => {
    const times = { occurredAt: 0, detectedAt: 0, previousDurationMs: null };
    const kind = from.status === to.status && from.severity === to.severity ? "availability" : "status";
    const what = { sensorId, sensor: { name: "", labels }, revision: number, kind, from, to } as const;
    return { ...what, ...times, id: changeId(PARTITION, number), partition: PARTITION, number, cause: "report", report: null };
  });

/** Every webhook's versions, as edits leave them: each begins at or after the one before. */
const webhooks: fc.Arbitrary<WebhookVersion[]> = fc
  .array(
    fc.array(
      fc.record({
        filter: filters,
        state: fc.constantFrom(...WEBHOOK_STATES),
        deleted: fc.boolean(),
        terms: fc.record({
          changes: fc.nat(9).map((one) => one > 0),
          begins: fc.constantFrom("lane" as const, "free" as const, "batch" as const),
          minIntervalMs: fc.constantFrom(0, 5000),
        }),
        later: fc.integer({ min: 0, max: 4 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    { maxLength: 12 },
  )
  .map((lives) =>
    lives.flatMap((edits, index) => {
      let after = 0;
      return edits.map(({ filter, state, deleted, terms, later }, edit): WebhookVersion => {
        after += later;
        const gone = deleted && edit === edits.length - 1;
        // The other partitions' numbers do not matter, and a partition without changes is not named.
        const place: Record<string, number> = after === 0 ? { 4: 7 } : { [PARTITION]: after, 4: 1 };
        return { webhookId: `wh_${index}`, version: edit + 1, filter, state, deleted: gone, terms, after: place };
      });
    }),
  );

function logged(change: Change): LoggedChange {
  const { partition, number, kind, occurredAt } = change;
  return { partition, number, kind, occurredAt, data: JSON.stringify(changeData(change)) } as LoggedChange;
}

/** One look at every version: of each webhook the last one that began before the change decides. */
function owedBySight(versions: readonly WebhookVersion[], change: Change) {
  const { number, sensorId, revision } = change;
  return [...new Set(versions.map(({ webhookId }) => webhookId))].flatMap((webhookId) => {
    const begun = versions.filter((one) => one.webhookId === webhookId && (one.after[PARTITION] ?? 0) < number);
    const holding = begun.toSorted((a, b) => a.version - b.version).at(-1);
    if (holding === undefined || holding.deleted || !holding.terms.changes || refusingClause(holding.filter, change) !== null) return [];
    const skipped = holding.state === "disabled";
    const fate = { state: skipped ? "skipped" : "pending", reason: skipped ? "disabled" : null };
    const { begins, minIntervalMs } = holding.terms;
    return [{ webhookId, number, sensorId, revision, ...fate, begins, minIntervalMs }];
  });
}

test("the index finds exactly what a look at every webhook's filter finds, in the same order", async () => {
  let found = 0;
  let missed = 0;
  await fc.assert(
    fc.asyncProperty(webhooks, fc.array(changes, { minLength: 1, maxLength: 5 }), async (versions, drawn) => {
      const matcher = createMatcher(await indexWebhooks({ version: 1, versions }), PARTITION);
      for (const change of drawn) {
        const owed = owedBySight(versions, change);
        expect(matcher.match(logged(change)) as unknown[]).toEqual(owed);
        found += owed.length;
        missed += matcher.newest.size - owed.length;
      }
    }),
    RUNS,
  );
  // Neither by finding nothing nor by finding everything.
  expect(found).toBeGreaterThan(RUNS.numRuns / 2);
  expect(missed).toBeGreaterThan(RUNS.numRuns / 2);
});

test("filters that name very much are indexed with others' turns between", async () => {
  const values = (webhook: number) => Array.from({ length: 1000 }, (_, index) => `${webhook}-${index}`);
  const versions = Array.from({ length: 50 }, (_, webhook): WebhookVersion => {
    const labels = Object.fromEntries(Array.from({ length: 10 }, (__, key) => [`k${key}`, values(webhook)]));
    const terms = termsOf(SETTINGS_DEFAULT);
    return { webhookId: `wh_${webhook}`, version: 1, filter: { labels }, state: "active", deleted: false, terms, after: {} };
  });
  const indexed: IndexedWebhooks[] = [];
  // Each of them is looked at three times.
  expect(await turnsDuring(async () => indexed.push(await indexWebhooks({ version: 1, versions })))).toBeGreaterThanOrEqual(150);
  const [change] = fc.sample(changes, 1) as [Change];
  const owed = (value: string) => {
    const labels = Object.fromEntries(Array.from({ length: 10 }, (_, key) => [`k${key}`, value]));
    const [from, to] = [
      { status: "ok", severity: "ok", availability: "online" },
      { status: "hot", severity: "warning", availability: "online" },
    ] as const;
    const matcher = createMatcher(indexed[0] as IndexedWebhooks, PARTITION);
    return matcher.match(logged({ ...change, sensor: { name: "", labels }, from, to })).map(({ webhookId }) => webhookId);
  };
  expect([owed("7-5"), owed("49-999"), owed("50-1")]).toEqual([["wh_7"], ["wh_49"], []]);
});

test("filters that say the same in other words match alike, those that differ in one word each for itself", async () => {
  const said: Filter[] = [
    { to: ["hot", "ok"], labels: { site: "north" } },
    { labels: { site: ["north"] }, to: ["ok", "hot", "ok"], initial: false },
    { to: ["ok"], labels: { site: "north" } },
    { to: ["hot"], labels: { site: "north", line: "1" } },
    { to: ["hot"], labels: { site: "north", line: "2" } },
    { to: ["hot"], labels: { site: "north", line: null } },
    { to: ["hot"], labels: { site: "north", lines: "1" } },
  ];
  const versions = said.map((filter, index): WebhookVersion => {
    return { webhookId: `wh_${index}`, version: 1, filter, state: "active", deleted: false, terms: termsOf(SETTINGS_DEFAULT), after: {} };
  });
  const matcher = createMatcher(await indexWebhooks({ version: 1, versions }), PARTITION);
  const ok = { status: "ok", severity: "ok", availability: "online" } as const;
  const hot = { status: "hot", severity: "warning", availability: "online" } as const;
  const [change] = fc.sample(changes, 1) as [Change];
  const sensor = { name: "", labels: { site: "north", line: "2" } };
  const toHot = matcher.match(logged({ ...change, sensor, from: ok, to: hot }));
  const toOk = matcher.match(logged({ ...change, sensor, from: hot, to: ok }));
  expect(toHot.map(({ webhookId }) => webhookId)).toEqual(["wh_0", "wh_1", "wh_4"]);
  expect(toOk.map(({ webhookId }) => webhookId)).toEqual(["wh_0", "wh_1", "wh_2"]);
});

test("whatever the product's own filter says of a change, the ledger's reading of the contract says, too", () => {
  fc.assert(
    fc.property(filters, changes, (filter, change) => {
      expect(matches(filter, changeData(change))).toBe(refusingClause(filter, change) === null);
    }),
    RUNS,
  );
});
