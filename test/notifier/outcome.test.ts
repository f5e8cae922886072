import { describe, expect, test } from "bun:test";
import { DELIVERY_EXPIRES_MS, RETRY_WAITS_MS } from "../../src/domain/delivery";
import { errorOf, judge, type Reply, RETRY_AFTER_MAX_MS, retryAfterMs } from "../../src/notifier/outcome";

const NOW = Date.parse("2026-11-23T10:00:00.000Z");
const HOUR_MS = 3_600_000;
const FRESH = { plannedAt: NOW, laneFailures: 0, rejections: 0 };
const MOMENT = { now: NOW, random: 0 };
const [FIRST_WAIT_MS = 0, SECOND_WAIT_MS = 0] = RETRY_WAITS_MS;

function answered(statusCode: number, retryAfter: string | null = null): Reply {
  return { kind: "answered", statusCode, retryAfter };
}

const TIMED_OUT: Reply = { kind: "unanswered", statusCode: null, error: "no complete answer within 15 s", timedOut: true };

describe("what follows an answer", () => {
  test.each([200, 201, 202, 204, 299])("%d delivers", (status) => {
    expect(judge(answered(status), FRESH, MOMENT)).toEqual({ kind: "delivered" });
  });

  test.each([301, 302, 307, 308, 401, 403, 404, 409, 425, 429, 500, 502, 503, 504])("%d is a failure that is tried again", (status) => {
    expect(judge(answered(status), FRESH, MOMENT)).toEqual({
      kind: "retry",
      nextAttemptAt: NOW + FIRST_WAIT_MS,
      rejected: false,
      heldUntil: null,
    });
  });

  test("no complete answer is a failure, even after a 200", () => {
    const half: Reply = { kind: "unanswered", statusCode: 200, error: "closed", timedOut: false };
    for (const reply of [TIMED_OUT, half]) expect(judge(reply, FRESH, MOMENT)).toMatchObject({ kind: "retry", rejected: false });
  });

  test("410 wants nothing more", () => {
    expect(judge(answered(410), FRESH, MOMENT)).toEqual({ kind: "gone" });
  });

  test.each([400, 413, 415, 422])("%d speaks of the message: the third one ends it, and the lane goes on at once", (status) => {
    expect(judge(answered(status), { ...FRESH, rejections: 0 }, MOMENT)).toMatchObject({ kind: "retry", rejected: true });
    expect(judge(answered(status), { ...FRESH, rejections: 1 }, MOMENT)).toMatchObject({ kind: "retry", rejected: true });
    expect(judge(answered(status), { ...FRESH, rejections: 2 }, MOMENT)).toEqual({
      kind: "failed",
      reason: "rejected",
      nextAttemptAt: NOW,
    });
  });
});

describe("when the next attempt comes", () => {
  test("the waits grow with the lane's failures and are stretched by up to a tenth", () => {
    RETRY_WAITS_MS.forEach((wait, laneFailures) => {
      const delivery = { ...FRESH, laneFailures };
      expect(judge(answered(500), delivery, MOMENT)).toMatchObject({ nextAttemptAt: NOW + wait });
      expect(judge(answered(500), delivery, { now: NOW, random: 0.5 })).toMatchObject({ nextAttemptAt: NOW + wait * 1.05 });
    });
  });

  test("Retry-After on 429 and 503 holds where it is later than the schedule, up to a day", () => {
    for (const status of [429, 503]) {
      const [minute, day] = [NOW + 60_000, NOW + RETRY_AFTER_MAX_MS];
      expect(judge(answered(status, "60"), FRESH, MOMENT)).toMatchObject({ nextAttemptAt: minute, heldUntil: minute });
      expect(judge(answered(status, "1"), FRESH, MOMENT)).toMatchObject({ nextAttemptAt: NOW + FIRST_WAIT_MS });
      expect(judge(answered(status, "999999999"), FRESH, MOMENT)).toMatchObject({ nextAttemptAt: day, heldUntil: day });
    }
    const second = { ...FRESH, laneFailures: 1 };
    expect(judge(answered(429, "soon"), second, MOMENT)).toMatchObject({ nextAttemptAt: NOW + SECOND_WAIT_MS, heldUntil: null });
    expect(judge(answered(500, "3600"), FRESH, MOMENT)).toMatchObject({ nextAttemptAt: NOW + FIRST_WAIT_MS, heldUntil: null });
  });

  test("no time lies beyond the delivery's end, and a failure after it ends the delivery while the lane keeps its schedule", () => {
    const late = { ...FRESH, plannedAt: NOW - DELIVERY_EXPIRES_MS + HOUR_MS, laneFailures: 8 };
    expect(judge(answered(500), late, MOMENT)).toMatchObject({ kind: "retry", nextAttemptAt: NOW + HOUR_MS });
    expect(judge(answered(503, "7200"), late, MOMENT)).toMatchObject({ kind: "retry", nextAttemptAt: NOW + HOUR_MS });
    const over = { ...FRESH, plannedAt: NOW - DELIVERY_EXPIRES_MS };
    expect(judge(TIMED_OUT, over, MOMENT)).toEqual({ kind: "failed", reason: "expired", nextAttemptAt: NOW + FIRST_WAIT_MS });
    expect(judge(answered(200), over, MOMENT)).toEqual({ kind: "delivered" });
  });
});

test.each([
  ["0", 0],
  ["120", 120_000],
  [" 7 ", 7000],
  ["Mon, 23 Nov 2026 10:01:00 GMT", 60_000],
  ["Monday, 23-Nov-26 10:01:00 GMT", 60_000],
  ["Mon Nov 23 10:01:00 2026", 60_000],
  ["Mon, 23 Nov 2026 09:00:00 GMT", 0],
  ["-5", null],
  ["1.5", null],
  ["", null],
  ["tomorrow", null],
  ["5 minutes", null],
  ["99999999999999999999", null],
])("Retry-After %p is understood as %p ms", (text, ms) => {
  expect(retryAfterMs(text, NOW)).toBe(ms);
});

test("an attempt's error says what was answered, and nothing for a success", () => {
  expect(errorOf(answered(204))).toBeNull();
  expect(errorOf(answered(500))).toBe("answered 500");
  expect(errorOf(answered(302))).toBe("answered 302: redirects are not followed");
  expect(errorOf(TIMED_OUT)).toBe("no complete answer within 15 s");
});
