import { expect, test } from "bun:test";
import { ENDPOINT_STRIKE_KINDS, type EndpointStrike, planOf, type PlanOptions, STRIKE_KINDS, subjectOf } from "../../chaos/plan";

const LEASE_MS = 4000;
const ENDPOINTS = ["one", "two", "three", "four"];
const OPTIONS: PlanOptions = { seed: 7, rounds: 40, nodes: 3, brokers: 3, endpoints: ENDPOINTS };

test("the same seed gives the same plan, another seed another one", () => {
  expect(planOf(OPTIONS)).toEqual(planOf(OPTIONS));
  expect(planOf({ ...OPTIONS, seed: 8 })).not.toEqual(planOf(OPTIONS));
  expect(planOf({ ...OPTIONS, rounds: 10 })).toEqual(planOf(OPTIONS).slice(0, 10));
});

test("as many rounds as there are kinds, and one more, show each kind; over many rounds everything that can be struck is", () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const few = planOf({ ...OPTIONS, seed, rounds: STRIKE_KINDS.length + 1, brokers: 1 });
    const kinds = few.map(({ strikes }) => strikes[0]?.kind as string).filter((kind) => !kind.startsWith("endpoint."));
    expect(kinds.toSorted()).toEqual([...STRIKE_KINDS].sort());
    const strikes = planOf({ ...OPTIONS, seed, rounds: 150 }).flatMap((round) => round.strikes);
    expect(new Set(strikes.map(subjectOf)).size).toBe(7 + ENDPOINTS.length);
    expect(new Set(strikes.flatMap((strike) => ("to" in strike ? [strike.to] : []))).size).toBe(3);
    const frozen = strikes.filter(({ kind }) => kind === "node.freeze").map(({ lastsMs }) => lastsMs > LEASE_MS);
    expect(new Set(frozen).size).toBe(2);
  }
});

test("endpoints are struck in each way, alone and together with what the service needs, and fail in each manner", () => {
  const plan = planOf({ ...OPTIONS, rounds: 200 });
  const rounds = plan.map(({ strikes }) => strikes.filter((strike): strike is EndpointStrike => "endpoint" in strike));
  expect(new Set(rounds.flat().map(({ kind }) => kind))).toEqual(new Set(ENDPOINT_STRIKE_KINDS));
  const alone = plan.filter(({ strikes }, place) => strikes.length === rounds[place]?.length);
  const together = plan.filter(({ strikes }, place) => rounds[place]?.length === 1 && strikes.length === 2);
  expect(alone.length).toBeGreaterThan(15);
  expect(together.length).toBeGreaterThan(100);
  const failures = rounds.flat().flatMap(({ ailment }) => (ailment.kind === "fail" ? [ailment] : []));
  const manners = failures.map(({ status, retryAfter }) => `${status} ${retryAfter === null ? "at once" : "later"}`);
  expect(new Set(manners).size).toBe(4);
});

test("what strikes at once strikes different things, and some rounds bring two against the service", () => {
  const plan = planOf({ ...OPTIONS, seed: 1, rounds: 200, brokers: 1 });
  for (const { strikes } of plan) expect(new Set(strikes.map(subjectOf)).size).toBe(strikes.length);
  const twins = plan.filter(({ strikes }) => strikes.length === 2 && strikes.every((strike) => !("endpoint" in strike)));
  expect(twins.length).toBeGreaterThan(20);
});

test("now and then deliveries are sent again: all of a time, or what was refused, of whom it was refused by last", () => {
  const plan = planOf({ ...OPTIONS, seed: 1, rounds: 200 });
  const replays = plan.flatMap(({ replay }) => replay?.which ?? []);
  for (const which of ["all", "undelivered"] as const) expect(replays.filter((one) => one === which).length).toBeGreaterThan(20);
  let rejecting: string | null = null;
  for (const { replay, strikes } of plan) {
    if (replay?.which === "undelivered" && rejecting !== null) expect(replay.endpoint).toBe(rejecting);
    for (const strike of strikes) if (strike.kind === "endpoint.reject") rejecting = strike.endpoint;
  }
});
