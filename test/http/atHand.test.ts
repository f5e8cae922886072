import { expect, test } from "bun:test";
import { createProbes } from "../../src/http/api";
import type { Call, Calls } from "../../src/http/calls";
import { createRouteTable } from "../../src/http/gate/routeTable";
import { sensors } from "../../src/http/sensors";
import type { Health } from "../../src/telemetry/health";
import { openMetrics } from "../../src/telemetry/metrics";
import type { SensorRecord, SensorStore } from "../../src/store/store";
import { onlineState, sensorOf } from "../store/conformance/samples";

const RECORD: SensorRecord = { sensor: sensorOf("a"), state: onlineState() };

/** The API's way to sensors, of which `readSensor` knows; asked as the gate asks. */
function asked(readSensor: () => SensorRecord | Promise<SensorRecord>): Response | Promise<Response> {
  const calls: Calls = new WeakMap();
  const options = { health: {} as Health, metrics: openMetrics(), calls, answerFailure: (error: unknown) => new Response(String(error)) };
  const api = createProbes(options).use(sensors({ calls, readSensor, store: {} as SensorStore, partitions: 1 }));
  const match = createRouteTable(api.routes).match("/v1/sensors/a", "/v1/sensors/:id");
  const request = new Request("http://localhost/v1/sensors/a");
  calls.set(request, { caller: null, body: null, query: {} } as Partial<Call> as Call);
  return match?.resource.methods.get("GET")?.handle(request, match.params) as Response | Promise<Response>;
}

test("a sensor that is at hand is answered in the same turn, one that must be read when it has come", async () => {
  const now = Bun.peek(asked(() => RECORD));
  expect(now).toBeInstanceOf(Response);
  expect(await (now as Response).json()).toMatchObject({ id: "a" });

  const read = Promise.withResolvers<SensorRecord>();
  const later = asked(() => read.promise);
  expect(Bun.peek.status(later)).toBe("pending");
  read.resolve(RECORD);
  expect(await (await later).json()).toMatchObject({ id: "a" });
});
