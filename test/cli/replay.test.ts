import { afterAll, beforeAll, expect, test } from "bun:test";
import { progressLine, type ShownReplay, timeBefore } from "../../src/cli/replay";
import { openReceiver, type Receiver } from "../receivers/receiver";
import { ADMIN_TOKEN, startTocsin, type TocsinProcess } from "../servers/tocsin";
import { until } from "../until";
import { runCommand, startCommand } from "./command";

let tocsin: TocsinProcess;
let receiver: Receiver;
let env: Record<string, string>;
beforeAll(async () => {
  tocsin = await startTocsin();
  receiver = openReceiver();
  env = { TOCSIN_URL: tocsin.httpUrl, TOCSIN_TOKEN: ADMIN_TOKEN };
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await tocsin[Symbol.asyncDispose]();
});

const replay = (...words: string[]) => runCommand(["replay", ...words], env);

async function ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
  const answer = await tocsin.api(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return (await answer.json()) as Answer;
}

/** A webhook to which so many changes of a sensor of its own were delivered. */
async function delivered(sensorId: string, count: number): Promise<string> {
  const wish = { url: receiver.url, filter: { sensorIds: [sensorId] } };
  const { id } = await ask<{ id: string }>("POST", "/v1/webhooks", wish);
  for (let index = 0; index < count; index += 1) {
    await ask("POST", `/v1/sensors/${sensorId}/reports`, { status: index % 2 === 0 ? "overheated" : "ok" });
  }
  const isDelivered = async () => {
    const { items } = await ask<{ items: unknown[] }>("GET", `/v1/deliveries?webhookId=${id}&state=delivered`);
    return items.length === count;
  };
  await until(isDelivered, "not all are delivered");
  return id;
}

const arrivedOf = (sensorId: string) => receiver.arrivals.filter((arrival) => arrival.sensorId === sensorId);

test("what was delivered is sent again under the same ids, in order, and its progress is shown until it is done", async () => {
  const id = await delivered("boiler-1", 3);
  const { exitCode, stdout, stderr } = await replay(id, "--since", "1h", "--all", "--follow");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr });
  expect(stdout).toMatch(/^rpl_[0-9a-f]{32}\n$/);
  expect(stderr).toMatch(/done {2}100 % {2}3 made due, as far as \S+Z\n$/);
  await until(() => arrivedOf("boiler-1").length === 6, "not all came again");
  const ids = arrivedOf("boiler-1").map((arrival) => arrival.id);
  expect(ids.slice(3)).toEqual(ids.slice(0, 3));
});

test("nothing is sent again of what was delivered, unless all is asked for", async () => {
  const id = await delivered("boiler-2", 1);
  const { exitCode, stderr } = await replay(id, "--since", "2d", "--follow");
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/done {2}100 % {2}0 made due/);
});

test("Ctrl-C leaves it running and says so; --cancel stops it", async () => {
  // At one a second it lasts longer than all that is done meanwhile.
  const id = await delivered("boiler-3", 30);
  await using command = startCommand(["replay", id, "--since", "1h", "--all", "--rate", "1", "--follow"], env);
  const [, replayId = ""] = await command.printed(/(rpl_[0-9a-f]+)\n/);
  await command.printed(/running {2}/);
  command.signal("SIGINT");
  const { exitCode, stderr } = await command.ended();
  expect(exitCode).toBe(0);
  expect(stderr).toEndWith(`it goes on without us; tocsin replay --cancel ${replayId} stops it\n`);
  expect(await ask<ShownReplay>("GET", `/v1/replays/${replayId}`)).toMatchObject({ state: "running" });
  const second = await replay(id, "--since", "1h");
  expect(second).toMatchObject({ exitCode: 1, stdout: "" });
  expect(second.stderr).toContain("(409)");
  const cancelled = await replay("--cancel", replayId);
  expect({ exitCode: cancelled.exitCode, stdout: cancelled.stdout }).toEqual({ exitCode: 0, stdout: "" });
  expect(cancelled.stderr).toMatch(/^cancelled {2}\d+ % .*: by an operator\n$/);
});

test("without --follow it prints the id and how to stop it", async () => {
  const id = await delivered("boiler-4", 1);
  const { exitCode, stdout, stderr } = await replay(id, "--since", "2026-11-23T10:00:00Z", "--until", "1s");
  expect(exitCode).toBe(0);
  expect(stderr).toBe(`it runs; tocsin replay --cancel ${stdout.trim()} stops it\n`);
});

test("what cannot be asked for is an error of use, and what is not there one line", async () => {
  for (const words of [
    [],
    ["wh_1"],
    ["--since", "1h"],
    ["wh_1", "--since", "yesterday"],
    ["wh_1", "--cancel", "rpl_1"],
    ["--cancel", "rpl_1", "--all"],
  ]) {
    expect({ words, exitCode: (await replay(...words)).exitCode }).toEqual({ words, exitCode: 2 });
  }
  const { exitCode, stderr } = await replay("wh_none", "--since", "1h");
  expect({ exitCode, lines: stderr.trim().split("\n").length }).toEqual({ exitCode: 1, lines: 1 });
  expect(stderr).toContain("(404)");
});

test("a time is how long ago, or one of RFC 3339", () => {
  expect(Math.abs(timeBefore("90s") - (Date.now() - 90_000))).toBeLessThan(1000);
  expect(Math.abs(timeBefore("2d") - (Date.now() - 2 * 86_400_000))).toBeLessThan(1000);
  expect(timeBefore("2026-11-23T12:00:00+02:00")).toBe(Date.parse("2026-11-23T10:00:00Z"));
  for (const text of ["", "1", "h", "1w", "-1h", "2026-11-23", "2026-11-23T10:00:00", "2026-02-30T00:00:00Z", "999999999d"]) {
    expect(() => timeBefore(text)).toThrow("how long ago");
  }
});

test("progress counts the time that it has come through", () => {
  const replay: ShownReplay = {
    id: "rpl_1",
    since: "2026-11-23T10:00:00.000Z",
    until: "2026-11-23T12:00:00.000Z",
    state: "running",
    reason: null,
    replayed: 7,
    reachedAt: "2026-11-23T10:30:00.000Z",
  };
  expect(progressLine(replay)).toBe("running  25 %  7 made due, as far as 2026-11-23T10:30:00.000Z");
  expect(progressLine({ ...replay, state: "cancelled", reason: "disabled" })).toEndWith(": disabled");
});
