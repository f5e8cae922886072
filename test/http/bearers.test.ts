import { expect, setSystemTime, test } from "bun:test";
import { hashToken, mintToken } from "../../src/domain/token";
import { type Bearers, type BearersOptions, type Caller, createBearers } from "../../src/http/who/bearers";
import type { Store, TokenDraft } from "../../src/store/store";
import { openStore } from "../../src/store/open";
import { temporaryFolder } from "../store/sqlite/harness";
import { until } from "../until";

const SECOND_MS = 1000;

interface Watched {
  readonly store: Store;
  readonly bearers: Bearers;
  /** How many hashes each statement asked for. */
  readonly asked: number[];
  /** The monotonic clock's milliseconds. */
  now: number;
  /** What every statement waits for, before it looks. */
  hold: Promise<void>;
  /** And after it has looked. */
  holdAnswer: Promise<void>;
  readonly make: (edit?: Partial<TokenDraft>) => Promise<{ id: string; headers: Headers }>;
}

async function watched(body: (seen: Watched) => Promise<void>, options: Partial<BearersOptions> = {}): Promise<void> {
  using folder = temporaryFolder();
  const store = await openStore({ kind: "sqlite", file: folder.file });
  const tokens: BearersOptions["tokens"] = {
    touchToken: (id, usedAt) => store.touchToken(id, usedAt),
    async findTokens(hashes) {
      seen.asked.push(hashes.length);
      await seen.hold;
      const found = await store.findTokens(hashes);
      await seen.holdAnswer;
      return found;
    },
  };
  const bearers = createBearers({ tokens, adminToken: null, clock: () => seen.now, ...options });
  const seen: Watched = {
    store,
    bearers,
    asked: [],
    now: 5000,
    hold: Promise.resolve(),
    holdAnswer: Promise.resolve(),
    async make(edit = {}) {
      const token = mintToken();
      const id = edit.id ?? `tok_${crypto.randomUUID()}`;
      await store.createToken({ id, name: id, hash: hashToken(token), scopes: ["sensors:read"], expiresAt: null, ...edit });
      bearers.tokenChanged(id);
      return { id, headers: withToken(token) };
    },
  };
  try {
    await body(seen);
  } finally {
    await bearers.stop();
    await store.close();
  }
}

function withToken(token: string): Headers {
  return new Headers({ authorization: `Bearer ${token}` });
}

async function outcome(bearers: Bearers, headers: Headers): Promise<string> {
  try {
    return (await bearers.callerOf(headers)).id;
  } catch (error) {
    return String((error as { status?: number; kind?: string }).status ?? (error as { kind?: string }).kind);
  }
}

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
      expect(await outcome(bearers, withToken(mintToken()))).toBe("401");
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
    const token = mintToken();
    expect(await outcome(bearers, withToken(token))).toBe("401");
    await store.createToken({ id: "t", name: "t", hash: hashToken(token), scopes: [], expiresAt: null });
    bearers.tokenChanged("t");
    expect(await outcome(bearers, withToken(token))).toBe("t");
  });
});

test("a look-up that was under way when a token was made or revoked here leaves nothing behind", async () => {
  await watched(async (seen) => {
    const { bearers, store } = seen;
    const token = mintToken();
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
    const flood = Array.from({ length: 3000 }, () => outcome(bearers, withToken(mintToken())));
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

test("so many made-up tokens wait, and more are told to come again", async () => {
  await watched(async (seen) => {
    const answer = Promise.withResolvers<void>();
    seen.hold = answer.promise;
    const flood = Array.from({ length: 10_100 }, () => outcome(seen.bearers, withToken(mintToken())));
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
    for (const text of ["tcs_", "tcs_short", `${mintToken()}x`, mintToken().slice(1), "a.b.c", "x".repeat(5000)])
      expect(await outcome(bearers, withToken(text))).toBe("401");
    expect(asked).toEqual([]);
    const headers = withToken(mintToken());
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
