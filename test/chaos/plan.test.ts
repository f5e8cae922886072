import { expect, test } from "bun:test";
import { planOf, STRIKE_KINDS, subjectOf } from "../../chaos/plan";

const LEASE_MS = 4000;

test("the same seed gives the same plan, another seed another one", () => {
  const options = { seed: 7, rounds: 40, nodes: 3, brokers: 3 };
  expect(planOf(options)).toEqual(planOf(options));
  expect(planOf({ ...options, seed: 8 })).not.toEqual(planOf(options));
  expect(planOf({ ...options, rounds: 10 })).toEqual(planOf(options).slice(0, 10));
});

test("as many rounds as there are kinds show each kind; over many rounds everything that can be struck is", () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const few = planOf({ seed, rounds: STRIKE_KINDS.length, nodes: 3, brokers: 1 });
    expect(new Set(few.map(({ strikes }) => strikes[0]?.kind))).toEqual(new Set(STRIKE_KINDS));
    const strikes = planOf({ seed, rounds: 150, nodes: 3, brokers: 3 }).flatMap((round) => round.strikes);
    expect(new Set(strikes.map(subjectOf)).size).toBe(7);
    expect(new Set(strikes.flatMap((strike) => ("to" in strike ? [strike.to] : []))).size).toBe(3);
    const frozen = strikes.filter(({ kind }) => kind === "node.freeze").map(({ lastsMs }) => lastsMs > LEASE_MS);
    expect(new Set(frozen).size).toBe(2);
  }
});

test("what strikes at once strikes different things, and some rounds bring two", () => {
  const plan = planOf({ seed: 1, rounds: 200, nodes: 3, brokers: 1 });
  for (const { strikes } of plan) expect(new Set(strikes.map(subjectOf)).size).toBe(strikes.length);
  expect(plan.filter(({ strikes }) => strikes.length === 2).length).toBeGreaterThan(20);
});
