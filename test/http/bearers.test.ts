import { expect, setSystemTime, test } from "bun:test";
import { hashToken } from "../../src/domain/token";
import type { Caller } from "../../src/http/who/bearers";
import { until } from "../until";
import { untaggedToken } from "./untaggedToken";
import { outcome, watched, withToken } from "./watchedBearers";

const SECOND_MS = 1000;

test("who is known is told at once, by the same object, and without a look into the store", async () => {
  await watched(async ({ bearers, asked, make }) => {
    const { id, headers } = await make({ reach: { labels: { site: "north" } } });
    const first = await bearers.callerOf(headers);
    expect(first).toEqual({ kind: "token", id, name: id, scopes: ["sensors:read"], reach: { labels: { site: "north" } } });
    for (let times = 0; times < 100; times += 1) expect(bearers.callerOf(headers)).toBe(first);
    expect(asked).toEqual([1]);
  });
});

test("who has ADMIN_TOKEN is told at once, always", async () => {
  await watched(
    async ({ bearers, asked }) => {
      const headers = withToken("an-admin-token-of-ours");
      for (let times = 0; times < 3; times += 1) expect((bearers.callerOf(headers) as Caller).kind).toBe("admin");
      expect(asked).toEqual([]);
    },
    { adminToken: "an-admin-token-of-ours" },
  );
});

test("a token that is in use is looked up again before its second is over, and nobody waits for that", async () => {
  await watched(async (seen) => {
    const { bearers, asked, make } = seen;
    const { id, headers } = await make();
    await bearers.callerOf(headers);
    for (let second = 1; second <= 5; second += 1) {
      seen.now += 0.5 * SECOND_MS;
      expect(bearers.callerOf(headers)).not.toBeInstanceOf(Promise);
      expect(asked).toHaveLength(second);
      seen.now += 0.49 * SECOND_MS;
      expect(bearers.callerOf(headers)).not.toBeInstanceOf(Promise);
      expect(bearers.callerOf(headers)).not.toBeInstanceOf(Promise);
      expect(asked).toHaveLength(second + 1);
      // The renewal is in once another look-up, which comes behind it, is.
      expect(await outcome(bearers, withToken(untaggedToken()))).toBe("401");
      asked.pop();
    }
    seen.now += SECOND_MS;
    expect(bearers.callerOf(headers)).toBeInstanceOf(Promise);
    expect(await outcome(bearers, headers)).toBe(id);
  });
});

test("the second of a token counts from when its look-up began, not from when it was answered", async () => {
  await watched(async (seen) => {
    const { bearers, store, make } = seen;
    const { id, headers } = await make();
    const answer = Promise.withResolvers<void>();
    seen.holdAnswer = answer.promise;
    const waiting = bearers.callerOf(headers);
    await until(() => seen.asked.length === 1);
    // Elsewhere, after the store was read here.
    await store.deleteToken(id);
    seen.now += 0.9 * SECOND_MS;
    answer.resolve();
    seen.holdAnswer = Promise.resolve();
    expect((await waiting).id).toBe(id);
    seen.now += 0.1 * SECOND_MS;
    expect(await outcome(bearers, headers)).toBe("401");
  });
});

test("an answer that comes when its second is over is asked for again, and a store that is always late is a 503", async () => {
  await watched(async (seen) => {
    const { bearers, store, make, asked } = seen;
    const [lost, kept] = [await make(), await make()];
    const late = Promise.withResolvers<void>();
    seen.holdAnswer = late.promise;
    const ends = Promise.all([outcome(bearers, lost.headers), outcome(bearers, kept.headers)]);
    await until(() => asked.length > 0);
    await store.deleteToken(lost.id);
    seen.now += SECOND_MS;
    late.resolve();
    seen.holdAnswer = Promise.resolve();
    expect(await ends).toEqual(["401", kept.id]);

    bearers.tokenChanged(kept.id);
    const began = asked.length;
    Object.defineProperty(seen, "holdAnswer", {
      get() {
        seen.now += SECOND_MS;
        return Promise.resolve();
      },
    });
    expect(await outcome(bearers, kept.headers)).toBe("unavailable");
    expect(asked.length).toBe(began + 2);
  });
});

test("a token that was just made is let in at once, whatever was looked up before", async () => {
  await watched(async ({ bearers, store }) => {
    const token = untaggedToken();
    expect(await outcome(bearers, withToken(token))).toBe("401");
    await store.createToken({ id: "t", name: "t", hash: hashToken(token), scopes: [], expiresAt: null });
    bearers.tokenChanged("t");
    expect(await outcome(bearers, withToken(token))).toBe("t");
  });
});

test("a look-up that was under way when a token was made or revoked here leaves nothing behind", async () => {
  await watched(async (seen) => {
    const { bearers, store } = seen;
    const token = untaggedToken();
    const headers = withToken(token);
    const answer = Promise.withResolvers<void>();
    seen.holdAnswer = answer.promise;
    const before = outcome(bearers, headers);
    await until(() => seen.asked.length === 1);
    await store.createToken({ id: "t", name: "t", hash: hashToken(token), scopes: [], expiresAt: null });
    bearers.tokenChanged("t");
    const after = outcome(bearers, headers);
    answer.resolve();
    seen.holdAnswer = Promise.resolve();
    expect([await before, await after]).toEqual(["401", "t"]);

    const second = Promise.withResolvers<void>();
    bearers.tokenChanged("t");
    seen.holdAnswer = second.promise;
    const asked = seen.asked.length;
    const known = outcome(bearers, headers);
    await until(() => seen.asked.length > asked);
    await store.deleteToken("t");
    bearers.tokenChanged("t");
    const out = outcome(bearers, headers);
    second.resolve();
    expect([await known, await out]).toEqual(["t", "401"]);
    expect(await outcome(bearers, headers)).toBe("401");
  });
});

test("a flood of made-up tokens costs a statement at a time, and keeps nobody waiting who was known", async () => {
  await watched(async (seen) => {
    const { bearers, asked, make } = seen;
    const { id, headers } = await make();
    await bearers.callerOf(headers);
    seen.now += SECOND_MS;
    asked.length = 0;
    const answer = Promise.withResolvers<void>();
    seen.hold = answer.promise;
    const flood = Array.from({ length: 3000 }, () => outcome(bearers, withToken(untaggedToken())));
    await until(() => asked.length > 0);
    expect(asked).toEqual([1]);
    seen.hold = Promise.resolve();
    // Not behind the flood, whose statement does not end.
    expect(await outcome(bearers, headers)).toBe(id);
    expect(asked).toEqual([1, 1]);
    answer.resolve();
    expect(new Set(await Promise.all(flood))).toEqual(new Set(["401"]));
    expect(asked.length).toBeLessThan(10);
    expect(Math.max(...asked)).toBeLessThanOrEqual(500);
  });
});

test("a token that was made here is not behind the made-up ones, though nobody has seen it; one with a wrong tag is not looked up", async () => {
  await watched(async (seen) => {
    const { store, bearers, asked, mint } = seen;
    const token = mint.mint();
    await store.createToken({ id: "t", name: "t", hash: hashToken(token), scopes: [], expiresAt: null });
    const answer = Promise.withResolvers<void>();
    seen.hold = answer.promise;
    const flood = Array.from({ length: 3000 }, () => outcome(bearers, withToken(untaggedToken())));
    await until(() => asked.length > 0);
    seen.hold = Promise.resolve();
    expect(await outcome(bearers, withToken(token))).toBe("t");
    expect(asked).toEqual([1, 1]);
    expect(await outcome(bearers, withToken(`${untaggedToken().slice(0, -1)}t`))).toBe("401");
    expect(asked).toEqual([1, 1]);
    answer.resolve();
    await Promise.all(flood);
  });
});

test("so many made-up tokens wait, and more are told to come again", async () => {
  await watched(async (seen) => {
    const answer = Promise.withResolvers<void>();
    seen.hold = answer.promise;
    const flood = Array.from({ length: 10_100 }, () => outcome(seen.bearers, withToken(untaggedToken())));
    await until(() => seen.asked.length > 0);
    answer.resolve();
    const ends = Map.groupBy(await Promise.all(flood), (end) => end);
    expect(ends.get("unavailable")?.length).toBe(99);
    expect(ends.get("401")?.length).toBe(10_001);
  });
});

test("what cannot be a token of ours never reaches the store, and one that is sent again and again does so once a second", async () => {
  await watched(async (seen) => {
    const { bearers, asked } = seen;
    for (const text of ["tcs_", "tcs_short", `${untaggedToken()}x`, untaggedToken().slice(1), "a.b.c", "x".repeat(5000)])
      expect(await outcome(bearers, withToken(text))).toBe("401");
    expect(asked).toEqual([]);
    const headers = withToken(untaggedToken());
    for (let times = 0; times < 50; times += 1) expect(await outcome(bearers, headers)).toBe("401");
    expect(asked).toEqual([1]);
    seen.now += SECOND_MS;
    expect(await outcome(bearers, headers)).toBe("401");
    expect(asked).toEqual([1, 1]);
  });
});

test("a token that is known is out at the very moment at which it expires", async () => {
  await watched(async ({ bearers, make }) => {
    const { headers } = await make({ expiresAt: Date.now() + 60_000 });
    const known = await bearers.callerOf(headers);
    expect(bearers.callerOf(headers)).toBe(known);
    setSystemTime(Date.now() + 60_000);
    try {
      expect(await outcome(bearers, headers)).toBe("401");
    } finally {
      setSystemTime();
    }
  });
});

test("however a token is spelled, it takes one place among those who are known", async () => {
  await watched(async ({ bearers, asked, make }) => {
    const [one, other] = [await make(), await make()];
    const token = (one.headers.get("authorization") as string).slice("Bearer ".length);
    await bearers.callerOf(other.headers);
    const first = await bearers.callerOf(one.headers);
    for (let spelling = 1; spelling <= 10_001; spelling += 1) {
      const authorization = `${spelling % 2 === 0 ? "Bearer" : "bEARER"}${" ".repeat(spelling)}${token}`;
      expect(bearers.callerOf(new Headers({ authorization }))).toBe(first);
    }
    expect([bearers.wasValid(other.headers), asked]).toEqual([true, [1, 1]]);
  });
});
