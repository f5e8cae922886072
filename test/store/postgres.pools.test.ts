import { afterAll, describe, expect, test } from "bun:test";
import { Owner } from "./conformance/owner";
import { Planner } from "./conformance/planner";
import { FIRST_PAGE } from "./conformance/samples";
import { bestOf, timeOf } from "../bestOf";
import { postgresHarness } from "./postgres/harness";
import { endsOf, locked, waiting } from "./postgres/locks";

const harness = await postgresHarness();
afterAll(() => harness[Symbol.asyncDispose]());

/** Sooner than a lease that is not renewed is over. */
const BEAT_MS = 2500;
const TEST_MS = 60_000;
const UNAVAILABLE = { kind: "unavailable" };

describe("a node whose connections are taken", () => {
  test(
    "by lists that take long goes on to ingest, to publish and to plan",
    async () => {
      await using opened = await harness.open();
      const { store, url } = opened;
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      /** How many lists had ended by the time that all the rest was done. */
      const endedBefore = async () => {
        let ended = 0;
        await using _ = await locked(url, "lock table tokens in access exclusive mode");
        const lists = Array.from({ length: 30 }, () => store.listTokens(FIRST_PAGE).finally(() => (ended += 1)));
        const ends = endsOf(lists);
        await waiting(url, 10, ends);
        await owner.refresh();
        const changes = await owner.change(["a"]);
        expect((await store.sensorsEditedAfter(0, 0)).registryVersion).toBe(0);
        expect(await store.changesAfter(0, planner.planned, 10)).toHaveLength(1);
        await planner.owe(changes, []);
        const before = ended;
        expect(await ends).toEqual(lists.map(() => expect.objectContaining(UNAVAILABLE)));
        return before;
      };
      expect(await bestOf(1, endedBefore)).toBe(0);
    },
    TEST_MS,
  );

  test(
    "by renewals that wait for a commit gives them up soon, and goes on to say that it lives",
    async () => {
      await using opened = await harness.open();
      const { store, url } = opened;
      const { lease } = await Owner.of(store);
      await using _ = await locked(url, "select from partitions for update");
      const givenUp = { ...UNAVAILABLE, message: expect.stringContaining("locked") };
      const beat = async () => {
        const acquiring = store.acquireLease({ ...lease, owner: "other", ttlMs: 1000, takeOver: true });
        const ends = endsOf([acquiring, ...Array.from({ length: 3 }, () => store.renewLease(lease, 60_000))]);
        const tookMs = await timeOf(async () => expect(await store.beat({ id: "node", roles: [] }, 60_000)).toHaveLength(1));
        expect(await ends).toEqual(Array.from({ length: 4 }, () => expect.objectContaining(givenUp)));
        return tookMs;
      };
      expect(await bestOf(BEAT_MS, beat)).toBeLessThan(BEAT_MS);
    },
    TEST_MS,
  );
});
