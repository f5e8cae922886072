import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Circuit } from "../../src/cache/circuit";
import { DatabaseClock } from "../../src/cache/databaseClock";
import { DatabaseReads } from "../../src/cache/databaseReads";
import { Marks } from "../../src/cache/marks";
import { placeText } from "../../src/cache/order";
import { createSeal } from "../../src/cache/seal";
import type { SensorAt } from "../../src/store/store";
import { onlineState, sensorOf } from "../store/conformance/samples";
import { until } from "../until";

const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const place = fc.record({ generation: fc.integer({ min: 1, max: 2 ** 31 - 1 }), cursor: whole });

test("places in the log are ordered as texts as they are as numbers: by the generation first", () => {
  fc.assert(
    fc.property(place, place, (one, other) => {
      const wanted = one.generation === other.generation ? one.cursor < other.cursor : one.generation < other.generation;
      expect(placeText(one) < placeText(other)).toBe(wanted);
    }),
  );
});

describe("a sealed entry", () => {
  const seal = createSeal("a secret");
  const entry = { order: placeText({ generation: 1, cursor: 42 }), vouchedAt: 1_795_600_000_000, content: '{"name":"Grüße"}' };

  test("opens to what was closed in, for its sensor and register alone, by the same secret alone", () => {
    const text = seal.close("state", "a", entry);
    expect(seal.open("state", "a", text)).toEqual(entry);
    expect(seal.open("registry", "a", text)).toBeNull();
    expect(seal.open("state", "A", text)).toBeNull();
    expect(createSeal("another secret").open("state", "a", text)).toBeNull();
  });

  test("opens no more when any letter of it is another one, or missing", () => {
    const text = seal.close("state", "a", entry);
    for (let at = 0; at < text.length; at += 1) {
      expect(seal.open("state", "a", text.slice(0, at) + (text[at] === "0" ? "1" : "0") + text.slice(at + 1))).toBeNull();
      expect(seal.open("state", "a", text.slice(0, at) + text.slice(at + 1))).toBeNull();
    }
    fc.assert(fc.property(fc.string(), (junk) => expect(seal.open("state", "a", junk)).toBeNull()));
  });
});

describe("the database's clock, as a node knows it,", () => {
  test("is never behind what it is, whatever the ways there and back took, and whoever's clock is wrong by how much", () => {
    const asks = fc.array(fc.record({ pause: fc.nat(9000), there: fc.nat(500), back: fc.nat(500) }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(asks, fc.integer({ min: -1e9, max: 1e12 }), (all, ahead) => {
        const clock = new DatabaseClock();
        let now = 0;
        for (const { pause, there, back } of all) {
          const askedAt = (now += pause);
          const at = askedAt + there + ahead;
          now += there + back;
          clock.told({ at, askedAt });
          const latest = clock.latest(now) as number;
          expect(latest).toBeGreaterThanOrEqual(now + ahead);
          expect(latest).toBeLessThanOrEqual(now + ahead + 500);
        }
      }),
    );
  });

  test("is not known before it was told, nor for long after", () => {
    const clock = new DatabaseClock();
    expect(clock.latest(0)).toBeNull();
    clock.told({ at: 1000, askedAt: 0 });
    expect(clock.latest(30_000)).toBe(31_000);
    expect(clock.latest(30_001)).toBeNull();
  });
});

describe("reads of the database", () => {
  const found = (id: string): SensorAt => ({
    sensor: sensorOf(id),
    deleted: false,
    deletedAt: null,
    state: onlineState(),
    place: { generation: 1, cursor: 1 },
  });

  test("go together, and no answer is older than its question", async () => {
    const asked: (readonly string[])[] = [];
    const answers: (() => void)[] = [];
    const store = {
      async sensorsAt(ids: readonly string[]) {
        asked.push(ids);
        const answer = Promise.withResolvers<void>();
        answers.push(answer.resolve);
        await answer.promise;
        return { readAt: asked.length, sensors: ids.map(found) };
      },
    };
    const reads = new DatabaseReads(store, () => {});
    const early = ["a", "b", "a"].map((id) => reads.read(id));
    await until(() => asked.length === 1);
    const late = reads.read("a");
    await until(() => asked.length === 2);
    expect(asked).toEqual([["a", "b"], ["a"]]);
    for (const answer of answers) answer();
    for (const read of await Promise.all(early)) expect(read.found?.place.cursor).toBe(1);
    expect((await late).found?.sensor.id).toBe("a");
  });

  test("run a few at once; the rest wait, and more than a limit are told to come again", async () => {
    let running = 0;
    let most = 0;
    const gate = Promise.withResolvers<void>();
    const store = {
      async sensorsAt(ids: readonly string[]) {
        running += 1;
        most = Math.max(most, running);
        expect(ids.length).toBeLessThanOrEqual(100);
        await gate.promise;
        running -= 1;
        return { readAt: 1, sensors: [] };
      },
    };
    const reads = new DatabaseReads(store, () => {});
    const all: Promise<unknown>[] = [];
    const ask = () => {
      for (let number = 0; number < 30_000; number += 1) all.push(reads.read(`s${number}`));
    };
    expect(ask).toThrow("20000 sensors are already waiting");
    gate.resolve();
    expect(await Promise.all(all)).toHaveLength(20_000);
    expect(most).toBe(4);
  });
});

describe("a circuit", () => {
  test("opens after failures in a row, lets one try after a rest, and closes when that one succeeds", async () => {
    let tries = 0;
    let up = false;
    const act = async () => {
      tries += 1;
      if (!up) throw new Error("no answer");
      return "answer";
    };
    const circuit = new Circuit(() => {});
    for (let turn = 0; turn < 50; turn += 1) expect(await circuit.try(act)).toBeNull();
    expect(tries).toBe(3);
    await until(() => !circuit.isOpen);
    expect(await Promise.all([circuit.try(act), circuit.try(act), circuit.try(act)])).toEqual([null, null, null]);
    expect(tries).toBe(4);
    up = true;
    await until(() => !circuit.isOpen);
    expect(await circuit.try(act)).toBe("answer");
    expect(await Promise.all([circuit.try(act), circuit.try(act)])).toEqual(["answer", "answer"]);
  });
});

describe("what a node has seen", () => {
  const at = (cursor: number) => ({ registry: placeText({ generation: 1, cursor }), state: placeText({ generation: 1, cursor }) });
  const entry = (cursor: number) => ({ order: placeText({ generation: 1, cursor }), vouchedAt: 10 });

  test("keeps it from going back, until the database itself has gone back", () => {
    const marks = new Marks(1000);
    marks.seen("a", at(5));
    marks.seen("a", at(3));
    expect([4, 5, 6].map((cursor) => marks.isBehind("state", "a", entry(cursor)))).toEqual([true, false, false]);
    // Asked before that was seen.
    marks.read("a", at(2), -1);
    expect(marks.isBehind("state", "a", entry(4))).toBe(true);
    marks.read("a", at(2), performance.now() + 1);
    expect(marks.isBehind("state", "a", entry(4))).toBe(false);
  });

  test("holds nothing from before an edit for true, however many were edited", () => {
    const marks = new Marks(60_000);
    marks.edited(["a"], 10);
    expect(["a", "b"].map((id) => marks.isBehind("registry", id, entry(1)))).toEqual([true, false]);
    expect(marks.isBehind("registry", "a", { ...entry(1), vouchedAt: 11 })).toBe(false);
    for (let turn = 0; turn < 30; turn += 1)
      marks.edited(
        Array.from({ length: 500 }, (_, index) => `${turn}-${index}`),
        10,
      );
    expect(["a", "b", "0-0"].map((id) => marks.isBehind("registry", id, entry(1)))).toEqual([true, true, true]);
  });
});
