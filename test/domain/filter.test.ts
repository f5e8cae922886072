import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Change, numberChange } from "../../src/domain/change";
import { refusingClause } from "../../src/domain/filter";
import { AVAILABILITIES, reaches, SEVERITIES } from "../../src/domain/severity";
import type { Condition } from "../../src/domain/state";
import { DIRECTIONS, type Filter, type LabelSelectors } from "../../src/domain/webhook";
import { BEGINS, SENSOR } from "./timeline";

const OK: Condition = { status: "ok", severity: "ok", availability: "online" };
const HOT: Condition = { status: "hot", severity: "warning", availability: "online" };
const BURNT: Condition = { status: "overheated", severity: "critical", availability: "online" };
const DOOR: Condition = { status: "door.open", severity: "unknown", availability: "online" };
const PENDING: Condition = { status: null, severity: null, availability: "pending" };

function offline(condition: Condition): Condition {
  return { ...condition, availability: "offline" };
}

function changeOf(from: Condition, to: Condition): Change {
  const kind = from.status === to.status && from.severity === to.severity ? "availability" : "status";
  const times = { occurredAt: BEGINS, detectedAt: BEGINS, previousDurationMs: null };
  return numberChange({ sensorId: SENSOR.id, revision: 1, kind, from, to, cause: "report", ...times, report: null }, SENSOR, 0, 1);
}

/** What is asked, from where to where, and the clause that leaves it out (null: it is sent). */
const TABLE: [string, Filter, Condition, Condition, keyof Filter | null][] = [
  ["no filter, any change", {}, OK, BURNT, null],
  ["no filter, back to ok", {}, BURNT, OK, null],
  ["no filter, gone offline", {}, OK, offline(OK), null],
  ["no filter, first report ok", {}, PENDING, OK, "initial"],
  ["no filter, first report not ok", {}, PENDING, HOT, null],
  ["no filter, first report unknown", {}, PENDING, DOOR, null],
  ["initial, first report ok", { initial: true }, PENDING, OK, null],
  ["initial false, first report ok", { initial: false }, PENDING, OK, "initial"],
  ["kinds status, status moved", { kinds: ["status"] }, OK, HOT, null],
  ["kinds status, severity alone moved", { kinds: ["status"] }, OK, { ...OK, severity: "warning" }, null],
  ["kinds status, gone offline", { kinds: ["status"] }, OK, offline(OK), "kinds"],
  ["kinds availability, status moved", { kinds: ["availability"] }, OK, HOT, "kinds"],
  ["kinds availability, gone offline", { kinds: ["availability"] }, OK, offline(OK), null],
  ["kinds availability, back with another status", { kinds: ["availability"] }, offline(OK), HOT, null],
  ["kinds status, back with another status", { kinds: ["status"] }, offline(OK), HOT, null],
  ["both kinds, gone offline", { kinds: ["status", "availability"] }, OK, offline(OK), null],
  ["to, reached", { to: ["hot", "overheated"] }, OK, BURNT, null],
  ["to, left", { to: ["overheated"] }, BURNT, OK, "to"],
  ["to, gone offline in it", { to: ["overheated"] }, BURNT, offline(BURNT), null],
  ["from, left", { from: ["hot", "overheated"] }, HOT, OK, null],
  ["from, reached", { from: ["overheated"] }, OK, BURNT, "from"],
  ["from, gone offline in it", { from: ["hot"] }, HOT, offline(HOT), null],
  ["from, the first change has none", { from: ["ok", "null"] }, PENDING, HOT, "from"],
  ["from and to, both held", { from: ["hot"], to: ["overheated"] }, HOT, BURNT, null],
  ["from and to, only from", { from: ["hot"], to: ["ok"] }, HOT, BURNT, "to"],
  ["raised, by one", { direction: "raised" }, OK, HOT, null],
  ["raised, by two", { direction: "raised" }, OK, BURNT, null],
  ["raised, it fell", { direction: "raised" }, BURNT, HOT, "direction"],
  ["raised, it stayed", { direction: "raised" }, HOT, { ...HOT, status: "degraded" }, "direction"],
  ["raised, gone offline", { direction: "raised" }, HOT, offline(HOT), "direction"],
  ["raised, gone offline while unknown", { direction: "raised" }, DOOR, offline(DOOR), null],
  ["raised, first report not ok", { direction: "raised" }, PENDING, HOT, null],
  ["raised, first report ok", { direction: "raised", initial: true }, PENDING, OK, "direction"],
  ["raised, to unknown", { direction: "raised" }, BURNT, DOOR, null],
  ["raised, from unknown", { direction: "raised" }, DOOR, OK, null],
  ["lowered, by one", { direction: "lowered" }, BURNT, HOT, null],
  ["lowered, it rose", { direction: "lowered" }, OK, HOT, "direction"],
  ["lowered, first report not ok", { direction: "lowered" }, PENDING, HOT, "direction"],
  ["lowered, to unknown", { direction: "lowered" }, OK, DOOR, null],
  ["minSeverity, reached", { minSeverity: "warning" }, OK, HOT, null],
  ["minSeverity, exceeded", { minSeverity: "warning" }, OK, BURNT, null],
  ["minSeverity, left: its end is heard too", { minSeverity: "critical" }, BURNT, OK, null],
  ["minSeverity, below on both sides", { minSeverity: "critical" }, OK, HOT, "minSeverity"],
  ["minSeverity, to unknown", { minSeverity: "critical" }, OK, DOOR, null],
  ["minSeverity, from unknown", { minSeverity: "critical" }, DOOR, OK, null],
  ["minSeverity, gone offline while ok", { minSeverity: "warning" }, OK, offline(OK), "minSeverity"],
  ["minSeverity, first report below", { minSeverity: "critical" }, PENDING, HOT, "minSeverity"],
  ["sensorIds, among them", { sensorIds: ["x", SENSOR.id] }, OK, HOT, null],
  ["sensorIds, not among them", { sensorIds: ["Boiler-7"] }, OK, HOT, "sensorIds"],
  ["labels, held", { labels: { site: "north" } }, OK, HOT, null],
  ["labels, another value", { labels: { site: "south" } }, OK, HOT, "labels"],
  ["labels, one of two missing", { labels: { site: "north", floor: "2" } }, OK, HOT, "labels"],
  ["labels, a name that every object has", { labels: { constructor: "x" } }, OK, HOT, "labels"],
  ["labels, absent by a name that every object has", { labels: { constructor: null } }, OK, HOT, null],
  ["labels, one of several", { labels: { site: ["south", "north"] } }, OK, HOT, null],
  ["labels, none of several", { labels: { site: ["south", "west"] } }, OK, HOT, "labels"],
  ["labels, one of several, but it is missing", { labels: { floor: ["1", "2"] } }, OK, HOT, "labels"],
  ["labels, absent as asked", { labels: { retired: null, site: "north" } }, OK, HOT, null],
  ["labels, there though asked to be absent", { labels: { site: null } }, OK, HOT, "labels"],
  [
    "every clause held",
    {
      sensorIds: [SENSOR.id],
      labels: { site: ["north"] },
      kinds: ["status"],
      from: ["ok"],
      to: ["hot"],
      minSeverity: "warning",
      direction: "raised",
    },
    OK,
    HOT,
    null,
  ],
];

describe("a filter", () => {
  test.each(TABLE)("%s", (_name, filter, from, to, clause) => {
    expect(refusingClause(filter, changeOf(from, to))).toBe(clause);
  });

  const condition = fc.record({
    status: fc.constantFrom("ok", "hot", "door.open"),
    severity: fc.constantFrom(...SEVERITIES),
    availability: fc.constantFrom(...AVAILABILITIES),
  });
  const filters: fc.Arbitrary<Filter> = fc.record(
    {
      sensorIds: fc.subarray(["boiler-7", "boiler-8"]),
      labels: fc.constantFrom<LabelSelectors>({}, { site: "north" }, { site: ["south"] }, { site: null }, { retired: null }),
      kinds: fc.subarray(["status", "availability"] as const),
      from: fc.subarray(["ok", "hot"]),
      to: fc.subarray(["ok", "hot"]),
      minSeverity: fc.constantFrom("ok", "warning", "critical"),
      direction: fc.constantFrom(...DIRECTIONS),
      initial: fc.boolean(),
    },
    { requiredKeys: [] },
  );

  test("names a clause that it holds, and without that clause lets more through, never less", () => {
    fc.assert(
      fc.property(filters, condition, condition, (filter, from, to) => {
        const change = changeOf(from, to);
        const clause = refusingClause(filter, change);
        if (clause !== null && clause !== "initial") expect(filter[clause]).toBeDefined();
        for (const key of Object.keys(filter) as (keyof Filter)[]) {
          if (key === "initial") continue;
          const { [key]: _left, ...wider } = filter;
          if (clause === null) expect(refusingClause(wider, change)).toBeNull();
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("severity", () => {
  test("is ordered ok, warning, critical; unknown reaches everything, none reaches nothing", () => {
    const reached = SEVERITIES.map(
      (severity) => (["ok", "warning", "critical"] as const).filter((floor) => reaches(severity, floor)).length,
    );
    expect(reached).toEqual([1, 2, 3, 3]);
    expect(reaches(null, "ok")).toBe(false);
  });
});
