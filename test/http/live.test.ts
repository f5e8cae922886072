import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, setSystemTime, test } from "bun:test";
import { parseChangeCursor } from "../../src/domain/changeCursor";
import type { ChangeData } from "../../src/domain/change";
import { EventStream } from "../live/eventStream";
import { Owner } from "../store/conformance/owner";
import { FAR } from "../store/conformance/samples";
import { until } from "../until";
import { ADMIN_TOKEN, openTestApi, type TestApi } from "./api";
import { limitedToken } from "./limitedToken";
import { expectProblem, pointersOf } from "./problem";

const LIVE = "/v1/changes/live";
const MB = 1024 * 1024;
const NORTH = { sensor: { name: "", labels: { site: "north" } } };

let api: TestApi;
let owner: Owner;
beforeAll(async () => {
  api = await openTestApi({ live: { unsentBytes: 256 * 1024 } });
  owner = await Owner.of(api.store);
});
afterAll(() => api[Symbol.asyncDispose]());

interface Watch {
  readonly query?: string;
  readonly token?: string;
  readonly lastEventId?: string;
  readonly on?: TestApi;
}

function watch({ query = "", token = ADMIN_TOKEN, lastEventId, on = api }: Watch = {}): Promise<EventStream> {
  return EventStream.open(`${on.url}${LIVE}${query}`, { token, lastEventId });
}

async function listed(path: string): Promise<{ items: { changeId: string }[]; nextCursor: string | null; cursor: string }> {
  const answer = await api.request("GET", path);
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  return answer.json();
}

/** A connection that asks for the stream, and does not read it. */
async function stalled(url: string, name: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.pause();
  await new Promise<void>((connected) => socket.once("connect", connected));
  socket.write(
    `GET ${LIVE} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${ADMIN_TOKEN}\r\nx-request-id: ${name}\r\n\r\n`,
  );
  return socket;
}

/** Everything that comes until the other side ends it. */
async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (data) => {
    text += data.toString("latin1");
  });
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.resume();
  // Kept alive after the answer.
  await Promise.race([ended, until(() => text.endsWith("0\r\n\r\n"), "the answer does not end")]);
  socket.destroy();
  return text;
}

async function metric(on: TestApi, name: string): Promise<number> {
  const { text } = await on.request("GET", "/metrics", { token: null });
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.split(" ").at(-1) ?? 0);
}

describe("GET /v1/changes/live", () => {
  test("tells a change as the list has it, under an id that list and stream go on from", async () => {
    await using stream = await watch();
    await owner.change(["boiler-7", "pump-1", "boiler-7"]);
    await stream.holds(3);
    const { items } = await listed("/v1/changes");
    expect(stream.changes()).toEqual(items as never);
    const [first] = stream.events;
    expect(first?.event).toBe("change");
    const later = await listed(`/v1/changes?cursor=${first?.id}`);
    expect(later.items.map(({ changeId }) => changeId)).toEqual(stream.changeIds().slice(1));
    expect(later.cursor).toBe(stream.lastEventId);
    await using back = await watch({ lastEventId: first?.id });
    await back.holds(2);
    expect(back.changeIds()).toEqual(stream.changeIds().slice(1));
    await using other = await watch({ query: `?cursor=${first?.id}`, lastEventId: stream.lastEventId });
    await owner.change(["pump-1"]);
    await other.holds(1);
    expect(other.changeIds()).toEqual(["chg_0_4"]);
  });

  test("follows on a list of the newest without a gap: its cursor is the present", async () => {
    const { cursor, items } = await listed("/v1/changes?order=desc&limit=1");
    await owner.change(["boiler-7"]);
    await using stream = await watch({ query: `?cursor=${cursor}` });
    await owner.change(["boiler-7"]);
    await stream.holds(2);
    const number = Number(items[0]?.changeId.split("_").at(-1));
    expect(stream.changeIds()).toEqual([`chg_0_${number + 1}`, `chg_0_${number + 2}`]);
  });

  test("tells of those changes alone that the filter lets through and the token reaches", async () => {
    const hot = await watch({ query: "?to=hot&to=cold&label=site:north" });
    const one = await watch({ query: "?sensorId=a1&sensorId=a2" });
    const limited = await watch({ token: await limitedToken(api, ["sensors:read"], { labels: { site: "north" } }) });
    const condition = (status: string) => ({ status, severity: "warning", availability: "online" }) as const;
    await owner.change(["a1", "a2", "a3"], { to: condition("hot") });
    await owner.change(["a1", "a3"], { ...NORTH, to: condition("hot") });
    await owner.change(["a2"], { ...NORTH, to: condition("dry") });
    await owner.change(["a3"], { ...NORTH, to: condition("cold") });
    await Promise.all([hot.holds(3), one.holds(4), limited.holds(4)]);
    const seen = (stream: EventStream) => stream.changes().map(({ sensorId, to }) => `${sensorId} ${to.status}`);
    expect(seen(hot)).toEqual(["a1 hot", "a3 hot", "a3 cold"]);
    expect(seen(one)).toEqual(["a1 hot", "a2 hot", "a1 hot", "a2 dry"]);
    expect(seen(limited)).toEqual(["a1 hot", "a3 hot", "a2 dry", "a3 cold"]);
    for (const stream of [hot, one, limited]) await stream.close();
  });

  test("gives who sees what nobody else sees its own changes whole, however much comes at once", async () => {
    await using own = await openTestApi();
    const keeper = await Owner.of(own.store);
    const sensors = Array.from({ length: 12 }, (_, index) => `s${index}`);
    const seenBy = (watcher: number) => sensors.filter((_, index) => index % 6 !== watcher);
    const streams = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((watcher) =>
        watch({
          on: own,
          query: `?${seenBy(watcher)
            .map((each) => `sensorId=${each}`)
            .join("&")}`,
        }),
      ),
    );
    for (let round = 0; round < 20; round += 1) {
      const report = { value: round, message: String.fromCharCode(97 + round).repeat(9000 + round), attributes: null };
      await keeper.change([...sensors, ...sensors, ...sensors, ...sensors], { report });
    }
    const all: ChangeData[] = [];
    for (let cursor = ""; all.length < 20 * 48;) {
      const page = await own.request("GET", `/v1/changes?limit=1000${cursor}`);
      const { items, cursor: reached } = page.json<{ items: ChangeData[]; cursor: string }>();
      all.push(...items);
      cursor = `&cursor=${reached}`;
    }
    for (const [watcher, stream] of streams.entries()) {
      const owed = all.filter(({ sensorId }) => seenBy(watcher).includes(sensorId));
      await stream.holds(owed.length);
      expect(Bun.deepEquals(stream.changes(), owed)).toBe(true);
      await stream.close();
    }
  });

  test("answers HEAD with its head, and opens no stream for it", async () => {
    await until(async () => (await metric(api, "tocsin_watchers")) === 0, "streams that were closed are counted");
    const answer = await api.request("HEAD", LIVE);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(await metric(api, "tocsin_watchers")).toBe(0);
  });

  test("refuses what is no cursor and no filter, and who may not look", async () => {
    const refused = async (path: string, headers: Record<string, string> = {}) => {
      const answer = await api.request("GET", `${LIVE}${path}`, { headers });
      return [answer.status, pointersOf(answer)];
    };
    expect(await refused("?cursor=nonsense")).toEqual([422, ["/cursor"]]);
    expect(await refused("?cursor=c2AA")).toEqual([422, ["/cursor"]]);
    expect(await refused("", { "last-event-id": "nonsense" })).toEqual([422, ["/last-event-id"]]);
    expect(await refused("?minSeverity=bad")).toEqual([422, ["/minSeverity"]]);
    expect(await refused("?since=2020-01-01T00:00:00Z")).toEqual([422, ["/since"]]);
    expect((await api.request("GET", LIVE, { token: null })).status).toBe(401);
    const { token } = await api.mint(["reports:write"]);
    expect((await api.request("GET", LIVE, { token })).status).toBe(403);
  });

  test("ends when its token is revoked or expires, and goes on for others", async () => {
    const revoked = await api.mint(["sensors:read"]);
    const end = Date.now() + 60_000;
    const expiring = await api.mint(["sensors:read"], end);
    const streams = [await watch({ token: revoked.token }), await watch({ token: expiring.token })];
    await using stays = await watch();
    await api.request("DELETE", `/v1/tokens/${revoked.id}`);
    setSystemTime(end);
    try {
      for (const stream of streams) await stream.end();
    } finally {
      setSystemTime();
    }
    expect(streams.map((stream) => stream.last()?.event)).toEqual(["unauthorized", "unauthorized"]);
    await owner.change(["boiler-7"]);
    await stays.holds(1);
  });

  test("tells how many changes are missing when they are no longer kept, and the list is gone", async () => {
    await using own = await openTestApi();
    const { store } = own;
    const keeper = await Owner.of(store);
    await keeper.change(["a", "b"]);
    const { cursor } = (await own.request("GET", "/v1/changes?limit=1")).json<{ cursor: string }>();
    await keeper.change(["a", "b", "c"]);
    await keeper.publishAll();
    const planner = await store.acquireLease({ role: "notify", partition: 0, owner: "test", ttlMs: 60_000, takeOver: true });
    const { version } = await store.webhookSet();
    const lease = planner?.lease as NonNullable<typeof planner>["lease"];
    await store.commitPlan({ lease, leaseTtlMs: 60_000, webhooksVersion: version, from: 0, to: 5, deliveries: [] });
    await Bun.sleep(2);
    await store.prune({ reports: 0, changes: FAR, deliveries: 0, deadLetters: 0 }, 3);
    const answer = await own.request("GET", `/v1/changes?cursor=${cursor}`);
    const { type, errors } = expectProblem(answer, 410);
    expect([type, errors.map(({ pointer }) => pointer)]).toEqual(["urn:tocsin:problem:gone", ["/cursor"]]);
    expect(answer.text).toContain("2 changes");
    await using stream = await watch({ lastEventId: cursor, on: own });
    await stream.holds(2);
    expect(stream.events.map(({ event }) => event)).toEqual(["gap", "change", "change"]);
    expect(JSON.parse(stream.events[0]?.data ?? "")).toMatchObject({ missed: 2 });
    expect(parseChangeCursor(stream.events[0]?.id ?? "")).toEqual([3]);
    expect(stream.changeIds()).toEqual(["chg_0_4", "chg_0_5"]);
  });

  test("answers 503 with Retry-After when there is no room, and none for it when the server ends", async () => {
    await using full = await openTestApi({ live: { room: { streams: 1, perCaller: 1000 } } });
    await using stream = await watch({ on: full });
    const answer = await full.request("GET", LIVE);
    expect([answer.status, answer.headers.has("retry-after")]).toEqual([503, true]);
    await full.stop(10_000);
    await stream.end();
    expect(stream.last()?.event).toBe("shutdown");
  });

  test("answers 429 to a caller that has as many streams as one may have, until one of them ends", async () => {
    await using own = await openTestApi({ live: { room: { streams: 10, perCaller: 1 } } });
    const { token } = await own.mint(["sensors:read"]);
    const stream = await watch({ on: own, token });
    const answer = await own.request("GET", LIVE, { token });
    expectProblem(answer, 429);
    expect(answer.headers.has("retry-after")).toBe(true);
    await using other = await watch({ on: own });
    expect(other.ended).toBe(false);
    await stream.close();
    await until(async () => (await metric(own, "tocsin_watchers")) === 1, "it takes its room still");
    await using again = await watch({ on: own, token });
    expect(again.ended).toBe(false);
  });

  test("who does not read costs the others nothing and no memory, is dropped, and is told so when reading again", async () => {
    const [streams, rounds, items] = [60, 15, 20];
    const report = { value: 1, message: "x".repeat(60_000), attributes: null };
    const slow = await Promise.all(Array.from({ length: streams }, (_, index) => stalled(api.url, `slow-${index}`)));
    await until(async () => (await metric(api, "tocsin_watchers")) >= streams, "they do not watch");
    await using reader = await watch();
    const before = process.memoryUsage.rss();
    for (let round = 1; round <= rounds; round += 1) {
      await owner.change(
        Array.from({ length: items }, (_, index) => `s${index}`),
        { report },
      );
      await reader.holds(round * items);
    }
    expect(new Set(reader.changeIds()).size).toBe(rounds * items);
    await until(async () => (await metric(api, 'tocsin_watchers_ended_total{reason="slow"}')) >= streams, "nobody is dropped");
    // What all of them are owed is more than 1,000 MB, of which the kernel holds some; what the reader leaves behind is collected at times.
    expect((process.memoryUsage.rss() - before) / MB).toBeLessThan(600);
    const [first, ...others] = slow;
    for (const socket of others) socket.destroy();
    const text = await readAll(first as Socket);
    expect(text).toContain("event: slow");
    const { cursor } = JSON.parse(/event: slow\ndata: (.*)\n/.exec(text)?.[1] ?? "{}") as { cursor: string };
    expect([...text.matchAll(/^id: (\S+)/gm)].at(-1)?.[1]).toBe(cursor);
    const told = [...text.matchAll(/"changeId":"(\w+)"/g)].map(([, id]) => id as string);
    await using back = await watch({ lastEventId: cursor });
    await back.holds(rounds * items - told.length);
    expect([...told, ...back.changeIds()]).toEqual(reader.changeIds());
  }, 60_000);
});
