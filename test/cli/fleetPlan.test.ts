import { expect, test } from "bun:test";
import { FleetPlan } from "../../src/cli/fleetPlan";
import { parseReport } from "../../src/domain/report";
import { isSensorId } from "../../src/domain/sensor";

const AT = Date.parse("2026-11-23T10:00:00.000Z");

/** A fixed sequence (Park–Miller), so that a run is the same every time. */
function fixedRandom(): () => number {
  let state = 42;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function plannedReports(options: { sensors: number; changeShare: number; count: number }) {
  const plan = new FleetPlan({ ...options, run: "run", random: fixedRandom() });
  return Array.from({ length: options.count }, () => plan.next(AT)).map((planned) => {
    const parsed = parseReport(Buffer.from(planned.payload));
    if (!parsed.ok) throw new Error(parsed.reason);
    return { ...planned, report: parsed.report, unknownFields: parsed.unknownFields };
  });
}

test("every planned report is a report, with a time and an id of its own", () => {
  const reports = plannedReports({ sensors: 10, changeShare: 0.5, count: 500 });
  expect(reports.every(({ report, unknownFields }) => report.at === AT && unknownFields === 0)).toBe(true);
  expect(new Set(reports.map(({ id }) => id)).size).toBe(500);
  expect(reports.every(({ id, report }) => report.id === id)).toBe(true);
});

test("the first reports visit every sensor once", () => {
  const ids = plannedReports({ sensors: 50, changeShare: 1, count: 50 }).map(({ sensorId }) => sensorId);
  expect(new Set(ids).size).toBe(50);
  expect(ids.every(isSensorId)).toBe(true);
});

test("the share of reports that change a status is the one asked for", () => {
  const last = new Map<string, string>();
  let changes = 0;
  for (const { sensorId, report } of plannedReports({ sensors: 20, changeShare: 0.2, count: 10_020 })) {
    if (last.has(sensorId) && last.get(sensorId) !== report.status) changes += 1;
    last.set(sensorId, report.status);
  }
  expect(changes / 10_000).toBeCloseTo(0.2, 1);
});

test("without changes every sensor stays ok", () => {
  const reports = plannedReports({ sensors: 5, changeShare: 0, count: 200 });
  expect(new Set(reports.map(({ report }) => report.status))).toEqual(new Set(["ok"]));
});
