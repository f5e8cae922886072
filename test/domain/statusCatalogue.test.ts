import { expect, test } from "bun:test";
import { decide } from "../../src/domain/decide";
import { STATUS_CATALOGUE } from "../../src/domain/severity";
import { pendingState } from "../../src/domain/state";
import { catalogueOf, type StatusCatalogue } from "../../src/domain/statusCatalogue";
import { BEGINS, reportOf, SENSOR } from "./timeline";

const EDITED = catalogueOf([
  ["door.open", "critical"],
  ["overheated", "warning"],
]);

function decided(status: string, severity: "ok" | null, catalogue: StatusCatalogue) {
  return decide(SENSOR, pendingState(1), { report: reportOf(status, { severity }), receivedAt: BEGINS }, { duplicate: false, catalogue });
}

test("what operators set goes before what is built in, and a report's own severity before both", () => {
  expect(decided("door.open", null, STATUS_CATALOGUE).state.severity).toBe("unknown");
  expect(decided("door.open", null, EDITED).state.severity).toBe("critical");
  expect(decided("overheated", null, EDITED).state.severity).toBe("warning");
  expect(decided("overheated", "ok", EDITED).state.severity).toBe("ok");
  expect(decided("hot", null, EDITED).state.severity).toBe("warning");
});

test("a report of the same status, but of another severity since the catalogue was edited, is a change of status", () => {
  const { state } = decided("door.open", null, STATUS_CATALOGUE);
  const placed = { report: reportOf("door.open"), receivedAt: BEGINS + 1 };
  expect(decide(SENSOR, state, placed, { duplicate: false, catalogue: STATUS_CATALOGUE })).toMatchObject({
    disposition: "unchanged",
    change: null,
  });
  const { change, disposition } = decide(SENSOR, state, placed, { duplicate: false, catalogue: EDITED });
  expect(disposition).toBe("applied");
  expect(change).toMatchObject({ kind: "status", from: { severity: "unknown" }, to: { status: "door.open", severity: "critical" } });
});
