import { expect, test } from "bun:test";
import { hostId } from "../../src/cli/hostId";
import { Latencies } from "../../src/cli/latencies";
import { readMachine } from "../../src/cli/machine";
import { levelOf } from "../../src/cli/thresholds";
import { isSensorId } from "../../src/domain/sensor";

test("a host's name becomes the beginning of a sensor's id", () => {
  expect(hostId("web-1")).toBe("web-1");
  expect(hostId("web.example.org")).toBe("web-example-org");
  expect(hostId("-döner macht schön!")).toBe("d-ner-macht-sch-n");
  expect(hostId("日本")).toBe("host");
  expect(hostId("")).toBe("host");
});

test("whatever the host is called, its readings are valid ids", () => {
  for (const name of ["a".repeat(300), "...", "_x", "::1", "K:O_k-9", "a/b/c"]) {
    expect(isSensorId(`${hostId(name)}-temperature`)).toBe(true);
  }
});

test("a threshold is reached from its own value on", () => {
  const threshold = { warning: 80, critical: 95 };
  expect(levelOf(79.9, threshold, null)).toBe("ok");
  expect(levelOf(80, threshold, "ok")).toBe("warning");
  expect(levelOf(95, threshold, "ok")).toBe("critical");
  expect(levelOf(95, threshold, "warning")).toBe("critical");
});

test("a value on the border does not flap", () => {
  const threshold = { warning: 80, critical: 95 };
  expect(levelOf(79, threshold, "warning")).toBe("warning");
  expect(levelOf(75.9, threshold, "warning")).toBe("ok");
  expect(levelOf(94, threshold, "critical")).toBe("critical");
  expect(levelOf(90, threshold, "critical")).toBe("warning");
  expect(levelOf(78, threshold, "critical")).toBe("warning");
  expect(levelOf(10, threshold, "critical")).toBe("ok");
});

test("this machine tells load, memory and disk as plausible numbers", () => {
  const readings = new Map(readMachine("/").map(({ name, value }) => [name, value]));
  expect(readings.get("load")).toBeGreaterThanOrEqual(0);
  for (const name of ["memory", "disk"] as const) {
    expect(readings.get(name)).toBeGreaterThan(0);
    expect(readings.get(name)).toBeLessThanOrEqual(100);
  }
});

test("a disk that is not there is left out", () => {
  expect(readMachine("/no/such/folder").map(({ name }) => name)).not.toContain("disk");
});

test("a quantile of the latencies is right within its bucket", () => {
  const latencies = new Latencies();
  expect(latencies.quantile(0.5)).toBeNull();
  for (let ms = 1; ms <= 1000; ms += 1) latencies.add(ms);
  expect((latencies.quantile(0.5) as number) / 500).toBeCloseTo(1, 1);
  expect((latencies.quantile(0.99) as number) / 990).toBeCloseTo(1, 1);
});
