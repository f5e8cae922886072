import { expect, test } from "bun:test";
import type { Severity } from "../../src/domain/severity";
import { severitiesOf } from "./catalogue";
import type { CatalogueEdit, Evidence, LogRow } from "./evidence";
import { findViolations } from "./ledger";

const SOON = 3000;
const FAR_OFF = 60_000;

function edit(severity: Severity | null, begunAt: number, answeredAt: number | null = begunAt + 10): CatalogueEdit {
  return { status: "hot", severity, begunAt, answeredAt };
}

const row: LogRow = {
  partition: 0,
  generation: 1,
  sequence: 1,
  sensorId: "a",
  reportId: "m-1",
  status: "hot",
  severity: null,
  at: null,
  receivedAt: FAR_OFF,
  recordedAt: FAR_OFF,
  disposition: "applied",
  changeNumber: 1,
};

const CASES: readonly (readonly [name: string, edits: readonly CatalogueEdit[], may: readonly Severity[]])[] = [
  ["nothing was edited", [], ["warning"]],
  ["another status was", [{ ...edit("critical", 0), status: "door.open" }], ["warning"]],
  ["it was long before", [edit("critical", 0), edit("ok", SOON)], ["ok"]],
  ["what was set was taken back", [edit("critical", 0), edit(null, SOON)], ["warning"]],
  ["it is just being edited", [edit("critical", FAR_OFF)], ["warning", "critical"]],
  ["it will be", [edit("critical", FAR_OFF + SOON)], ["warning"]],
  ["nobody knows whether it was", [edit("critical", 0, null)], ["warning", "critical"]],
  ["it was after an edit of which no answer came", [edit("critical", 0, null), edit("ok", FAR_OFF - SOON)], ["ok"]],
  [
    "an edit of which no answer came may be in later",
    [edit("critical", FAR_OFF - 2 * SOON, null), edit("ok", FAR_OFF - SOON)],
    ["critical", "ok"],
  ],
];

test.each(CASES)("a severity is one that may have held: %s", (_, edits, may) => {
  expect([...severitiesOf(row, edits)]).toEqual([...may]);
});

/** One report, and what its change says of its severity. */
function saying(severity: Severity, edits: readonly CatalogueEdit[]): Evidence {
  const at = new Date(FAR_OFF).toISOString();
  const to = { status: "hot", severity, availability: "online" };
  const from = { status: null, severity: null, availability: "pending" };
  const data = JSON.stringify({ sensorId: "a", revision: 1, kind: "status", cause: "report", from, to, occurredAt: at, detectedAt: at });
  const nothing = {
    acknowledged: [],
    deadLetters: [],
    published: [],
    publishedSince: FAR_OFF + 1,
    webhooks: [],
    deliveries: [],
    arrivals: [],
  };
  return {
    ...nothing,
    operational: [],
    replays: [],
    messages: [{ partition: 0, sequence: 1, id: "a", timeMs: FAR_OFF }],
    partitions: [{ partition: 0, generation: 1, cursor: 1, planned: 1 }],
    log: [row],
    sensors: [{ id: "a", heartbeatMs: null, state: { ...to, revision: 1 } }],
    changes: [{ partition: 0, number: 1, sensorId: "a", revision: 1, recordedAt: FAR_OFF, data }],
    edits,
  };
}

test("what was decided on a catalogue that had been replaced is seen", () => {
  const edits = [edit("critical", 0), edit("ok", SOON)];
  const wrong = (severity: Severity) => findViolations(saying(severity, edits)).map(({ kind }) => kind);
  expect(wrong("ok")).toEqual([]);
  for (const severity of ["critical", "warning"] as const) expect(wrong(severity)).toEqual(["change.wrong", "state.wrong"]);
});
