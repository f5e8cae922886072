import { expect, test } from "bun:test";
import { changeLine, printable } from "../../src/cli/changeLine";
import { paintFor } from "../../src/cli/colour";
import type { ChangeData } from "../../src/domain/change";

const OVERHEATED: ChangeData = {
  changeId: "chg_0_42",
  sensorId: "boiler-7",
  sensor: { name: "Boiler 7", labels: { site: "north" } },
  revision: 3,
  kind: "status",
  from: { status: "ok", severity: "ok", availability: "online" },
  to: { status: "overheated", severity: "critical", availability: "online" },
  cause: "report",
  occurredAt: "2026-11-23T10:00:00.000Z",
  detectedAt: "2026-11-23T10:00:00.120Z",
  previousDurationMs: 86_400_000,
  report: { value: 97.5, message: null, attributes: null },
};

test("a change's line tells when, who, from what to what, why and the value", () => {
  expect(changeLine(OVERHEATED)).toBe(
    "2026-11-23T10:00:00.000Z  boiler-7                  ok → overheated (critical)  report #3  value 97.5",
  );
});

test("a sensor's first change comes from nothing", () => {
  const first = { ...OVERHEATED, revision: 1, from: { status: null, severity: null, availability: "pending" as const } };
  expect(changeLine(first)).toContain("(new) → overheated (critical)  report #1");
});

test("a missed heartbeat shows the availability alone", () => {
  const offline: ChangeData = {
    ...OVERHEATED,
    kind: "availability",
    from: { status: "ok", severity: "ok", availability: "online" },
    to: { status: "ok", severity: "ok", availability: "offline" },
    cause: "timeout",
    report: null,
  };
  expect(changeLine(offline)).toEndWith("online → offline  timeout #3");
});

test("back online with another status shows both", () => {
  const back = { ...OVERHEATED, from: { ...OVERHEATED.from, availability: "offline" as const } };
  expect(changeLine(back)).toContain("ok → overheated (critical), offline → online");
});

test("a severity that moved under the same status is seen", () => {
  const worse = {
    ...OVERHEATED,
    from: { status: "hot", severity: "warning" as const, availability: "online" as const },
    to: { status: "hot", severity: "critical" as const, availability: "online" as const },
  };
  expect(changeLine(worse)).toContain("hot (warning) → hot (critical)");
});

test("a sensor's message cannot steer the terminal", () => {
  const line = changeLine({ ...OVERHEATED, report: { value: null, message: "\u001b[2Jgone\r\u009b1m", attributes: null } });
  expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  expect(printable("a\u001bb")).toBe('"a\\u001bb"');
});

test("colours are there when asked for, and say the same", () => {
  const coloured = changeLine(OVERHEATED, paintFor(true));
  expect(coloured).toContain("\u001b[31moverheated (critical)\u001b[0m");
  expect(Bun.stripANSI(coloured)).toBe(changeLine(OVERHEATED));
});
