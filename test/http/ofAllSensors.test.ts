/** What speaks of all sensors at once is not for a token that is limited to some of them. */
import { expect, test } from "bun:test";
import type { Reach } from "../../src/domain/reach";
import { openTestApi } from "./api";
import { fillHistory } from "./history";
import { limitedToken } from "./limitedToken";
import { expectProblem } from "./problem";

const REACHES: Reach[] = [{ sensorId: "own" }, { labels: { site: "north" } }];

test("dead letters and incidents: 403, whether one is there or not, and nothing is published", async () => {
  await using api = await openTestApi();
  await api.request("PUT", "/v1/sensors/own", { json: { labels: { site: "north" } } });
  const deadLetters = ["own", "hidden"].map((id) => ({ subject: `reports.1.0.${id}`, text: "not JSON" }));
  await fillHistory(api.store, "own", { reports: 0, deadLetters, incidents: 1 });
  const firstOf = async (path: string) => (await api.request("GET", path)).json<{ items: [{ id: string }] }>().items[0].id;
  const [letter, incident] = [await firstOf("/v1/dead-letters"), await firstOf("/v1/incidents")];
  for (const reach of REACHES) {
    const token = await limitedToken(api, ["sensors:read", "sensors:write", "reports:write"], reach);
    for (const [method, path] of [
      ["GET", "/v1/dead-letters"],
      ["GET", `/v1/dead-letters/${letter}`],
      ["GET", "/v1/dead-letters/none"],
      ["POST", `/v1/dead-letters/${letter}/replay`],
      ["POST", "/v1/dead-letters/none/replay"],
      ["GET", "/v1/incidents"],
      ["GET", `/v1/incidents/${incident}`],
      ["GET", "/v1/incidents/none"],
    ] as const) {
      expect(expectProblem(await api.request(method, path, { token }), 403).detail).toContain("limited to some sensors");
    }
  }
  expect(api.reports.published).toEqual([]);
  expect((await api.request("POST", `/v1/dead-letters/${letter}/replay`)).status).toBe(202);
});
