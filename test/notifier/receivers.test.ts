import { expect, test } from "bun:test";
import { judge, type Outcome, retryAfterMs } from "../../src/notifier/outcome";
import { createSender, type Sent } from "../../src/notifier/webhook/sender";
import { answers, type HOSTILE, SLOW } from "../receivers/behaviours";
import { openHostile } from "../receivers/hostile";
import { until } from "../until";
import { newMessage } from "./messages";
import { LOOPBACK_ALLOWED } from "./scene";

/** Long enough that whatever else an endpoint does is done by then, on a busy machine, too. */
const TIMEOUT_MS = 15_000;
/** For those who never come to an end. */
const SLOW_TIMEOUT_MS = 1000;
const SOON_MS = 10_000;
const SENT_BYTES_MAX = 16 * 1024 * 1024;
/** A bomb unpacks to far more; garbage that is not collected yet is less. */
const RSS_GROWTH_BYTES_MAX = 96 * 1024 * 1024;
const DAY_SECONDS = 24 * 3600;

const LATE = "no complete answer within 1 s";
const CLOSED = "the connection was closed before the answer was complete";
const NOT_HTTP = "the answer is not HTTP";

interface Expected {
  readonly statusCode: number | null;
  readonly error: string | null;
  readonly outcome: Outcome["kind"];
  readonly response?: unknown;
}

const taken = (response: unknown = null): Expected => ({ statusCode: 200, error: null, outcome: "delivered", response });
const failed = (error: string, statusCode: number | null = null, response: unknown = null): Expected => {
  return { statusCode, error, outcome: "retry", response };
};

const EXPECTED: Readonly<Record<keyof typeof HOSTILE, Expected>> = {
  hang: failed(LATE),
  trickle: failed(LATE, 200, expect.stringMatching(/^x+$/)),
  trickleAfterFailure: failed("answered 500", 500, expect.stringMatching(/^x+$/)),
  trickleHead: failed(LATE),
  late: failed(LATE),
  processing: failed(LATE),
  flood: taken("x".repeat(1024)),
  floodAfterFailure: failed("answered 503", 503, "x".repeat(1024)),
  gzipBomb: taken("x".repeat(1024)),
  brotliBomb: taken("x".repeat(1024)),
  brokenGzip: taken(),
  headBomb: taken(),
  manyHeaders: failed(NOT_HTTP),
  headFlood: failed("the answer's head is too large"),
  resetMidBody: failed(CLOSED, 200, "half"),
  closeAtOnce: failed(CLOSED),
  garbage: failed(NOT_HTTP),
  lengthTooLong: failed(CLOSED, 200, "short"),
  lengthTooShort: taken("ok"),
  lengthGarbage: failed(NOT_HTTP),
  lengthTwice: failed(NOT_HTTP),
  chunkGarbage: failed(NOT_HTTP, 200),
  chunkHuge: failed(NOT_HTTP, 200),
  chunkCutOff: failed(CLOSED, 200, "ok"),
  switchingProtocols: failed(NOT_HTTP),
  continueFirst: taken(),
  manyInformational: taken(),
  http10: taken("taken"),
  keepAliveThenClose: taken(),
  gone: { statusCode: 410, error: "answered 410", outcome: "gone", response: null },
};

function outcomeOf({ reply }: Sent): Outcome["kind"] {
  const now = Date.now();
  return judge(reply, { plannedAt: now, laneFailures: 0, rejections: 0 }, { now, random: 0 }).kind;
}

test.each(Object.keys(EXPECTED) as (keyof typeof HOSTILE)[])(
  "an endpoint that behaves like %p has one outcome, and costs bounded time and memory, one request and no connection that stays",
  async (behaviour) => {
    const { outcome, ...attempt } = EXPECTED[behaviour];
    await using hostile = await openHostile(behaviour);
    using sender = createSender(LOOPBACK_ALLOWED);
    const [startedAt, rss] = [performance.now(), process.memoryUsage.rss()];
    const timeoutMs = behaviour in SLOW ? SLOW_TIMEOUT_MS : TIMEOUT_MS;
    const sent = await sender.send(newMessage(hostile.url, { timeoutMs }));
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
    expect(sent?.attempt).toMatchObject(attempt);
    expect(sent && outcomeOf(sent)).toBe(outcome);
    await until(() => hostile.open() === 0, "the connection is still open");
    expect(hostile.requests).toHaveLength(1);
    expect(hostile.sent()).toBeLessThan(SENT_BYTES_MAX);
    expect(process.memoryUsage.rss() - rss).toBeLessThan(RSS_GROWTH_BYTES_MAX);
  },
);

test.each([301, 302, 303, 307, 308])("an answer %d is a failure, wherever it leads", async (status) => {
  using sender = createSender(LOOPBACK_ALLOWED);
  await using elsewhere = await openHostile("http10");
  for (const location of ["/again", elsewhere.url, "http://169.254.169.254/latest/meta-data/", "//", "javascript:alert(1)"]) {
    await using hostile = await openHostile(answers(status, { location }));
    const sent = await sender.send(newMessage(hostile.url));
    expect(sent?.attempt).toMatchObject({ statusCode: status, error: `answered ${status}: redirects are not followed` });
    expect(hostile.requests).toHaveLength(1);
  }
  expect(elsewhere.requests).toBeEmpty();
});

test("an answer that comes before the request was read is an answer", async () => {
  for (const [status, error] of [
    [200, null],
    [413, "answered 413"],
  ] as const) {
    await using hostile = await openHostile(answers(status), { atOnce: true });
    using sender = createSender(LOOPBACK_ALLOWED);
    const sent = await sender.send(newMessage(hostile.url, { body: JSON.stringify("x".repeat(64 * 1024)) }));
    expect(sent?.attempt).toMatchObject({ statusCode: status, error });
  }
});

/** Seconds from `now` on; null where it says nothing. */
const RETRY_AFTER: Readonly<Record<string, [header: (now: number) => string, seconds: number | null]>> = {
  seconds: [() => "120", 120],
  "no seconds": [() => "0", 0],
  "more than a day": [() => "99999999", 99_999_999],
  "a date": [(now) => new Date(now + 60_000).toUTCString(), 60],
  "a date of RFC 850": [(now) => rfc850(new Date(now + 60_000)), 60],
  "a date of asctime": [(now) => asctime(new Date(now + 60_000)), 60],
  "a date that has passed": [() => "Sun, 06 Nov 1994 08:49:37 GMT", 0],
  "a negative number": [() => "-5", null],
  "a fraction": [() => "1.5", null],
  "a number beyond all": [() => "9".repeat(40), null],
  "a word": [() => "soon", null],
  nothing: [() => "", null],
};

test.each(Object.keys(RETRY_AFTER))("Retry-After on 429 and 503 that holds %s is understood, or left alone", async (kind) => {
  const [headerAt, seconds] = RETRY_AFTER[kind] as (typeof RETRY_AFTER)[string];
  const now = Math.floor(Date.now() / 1000) * 1000;
  using sender = createSender(LOOPBACK_ALLOWED);
  for (const status of [429, 503]) {
    await using hostile = await openHostile(answers(status, { "retry-after": headerAt(now) }));
    const sent = await sender.send(newMessage(hostile.url));
    if (sent?.reply.kind !== "answered") throw new Error("no answer");
    expect(retryAfterMs(sent.reply.retryAfter ?? "", now)).toBe(seconds === null ? null : seconds * 1000);
    const outcome = judge(sent.reply, { plannedAt: now, laneFailures: 0, rejections: 0 }, { now, random: 0 });
    const heldUntil = seconds === null ? null : now + Math.min(seconds, DAY_SECONDS) * 1000;
    expect(outcome).toMatchObject({ kind: "retry", heldUntil });
  }
});

/** `Sunday, 06-Nov-94 08:49:37 GMT` */
function rfc850(at: Date): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) \d\d(\d+) (\S+) GMT$/.exec(at.toUTCString()) ?? [];
  return `${at.toLocaleDateString("en-US", { weekday: "long", timeZone: "UTC" })}, ${day}-${month}-${year} ${time} GMT`;
}

/** `Sun Nov  6 08:49:37 1994` */
function asctime(at: Date): string {
  const [, weekday, day, month, year, time] = /^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/.exec(at.toUTCString()) ?? [];
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
}
