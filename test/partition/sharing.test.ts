import { afterEach, describe, expect, test } from "bun:test";
import { openSharing, type Sharing } from "../../src/partition/sharing";
import { openStore } from "../../src/store/open";
import type { Lease, LeasedRole, Store } from "../../src/store/store";
import { createEvents } from "../../src/telemetry/events";
import { openLog } from "../../src/telemetry/log";
import { openMetrics } from "../../src/telemetry/metrics";
import { temporaryFolder } from "../store/sqlite/harness";
import { until } from "../until";

const PARTITIONS = 8;
const ROLES: readonly LeasedRole[] = ["ingest", "notify"];
const TURN_MS = 10;
const opened: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** How long something takes, without what a busy machine took away: it counts this process's own turns. */
class Stopwatch implements Disposable {
  #turns = 0;
  readonly #timer = setInterval(() => (this.#turns += 1), TURN_MS);

  get ms(): number {
    return this.#turns * TURN_MS;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** A node that only notes what it owns. Nodes hear each other unless they are deaf. */
interface Node {
  readonly id: string;
  readonly owned: Map<string, Lease>;
  readonly sharing: Sharing;
  able: boolean;
  /** Ends without a word: nothing is said, renewed or given back. */
  die(): void;
}

class Crowd {
  readonly nodes: Node[] = [];
  /** Every time that somebody began while another worked on the same. */
  readonly clashes: string[] = [];
  readonly #working = new Map<string, string>();

  constructor(private readonly store: Store) {}

  static async open(): Promise<Crowd> {
    const folder = temporaryFolder();
    opened.push(() => folder[Symbol.dispose]());
    const store = await openStore({ kind: "sqlite", file: folder.file });
    opened.push(() => store.close());
    return new Crowd(store);
  }

  join(
    id: string,
    { roles = ROLES, alone = false, deaf = false }: { roles?: readonly LeasedRole[]; alone?: boolean; deaf?: boolean } = {},
  ): Node {
    let dead = false;
    const silent = () => dead || deaf;
    const owned = new Map<string, Lease>();
    const store = new Proxy(this.store, {
      get: (target, name: keyof Store) =>
        typeof target[name] === "function"
          ? (...args: never[]) => (dead ? new Promise(() => {}) : (target[name] as (...all: never[]) => unknown)(...args))
          : target[name],
    });
    const others = () => this.nodes.filter((each) => each.id !== id);
    const node: Node = {
      id,
      owned,
      able: true,
      die: () => {
        dead = true;
        for (const key of owned.keys()) if (this.#working.get(key) === id) this.#working.delete(key);
      },
      sharing: openSharing({
        store,
        nodeId: id,
        partitions: PARTITIONS,
        workers: Object.fromEntries(roles.map((role) => [role, async (held: { lease: Lease }) => this.#work(node, held.lease)])),
        isAble: () => node.able,
        alone,
        graceMs: 0,
        news: {
          nodesChanged: () => {
            if (!silent()) for (const each of others()) each.sharing.nodesChanged();
          },
          leaseReleased: (role, partition) => {
            if (!silent()) for (const each of others()) each.sharing.leaseReleased(role, partition);
          },
        },
        events: createEvents(openLog("silent"), openMetrics()),
      }),
    };
    this.nodes.push(node);
    opened.push(() => (dead ? undefined : node.sharing.stop()));
    return node;
  }

  #work(node: Node, lease: Lease) {
    const key = `${lease.role}/${lease.partition}`;
    const other = this.#working.get(key);
    if (other !== undefined) this.clashes.push(`${node.id} began ${key} while ${other} worked on it`);
    this.#working.set(key, node.id);
    node.owned.set(key, lease);
    return {
      stop: async () => {
        await Bun.sleep(5);
        node.owned.delete(key);
        if (this.#working.get(key) === node.id) this.#working.delete(key);
      },
    };
  }
}

describe("nodes share the partitions of each role", () => {
  test("one has them all; two have half each; when one ends in order the other has all again, at once", async () => {
    const crowd = await Crowd.open();
    const one = crowd.join("one");
    await until(() => one.owned.size === 2 * PARTITIONS);
    const two = crowd.join("two");
    await until(() => one.owned.size === PARTITIONS && two.owned.size === PARTITIONS);
    using taking = new Stopwatch();
    await two.sharing.stop();
    await until(() => one.owned.size === 2 * PARTITIONS);
    // Nobody waited for the end of a lease, nor of a node.
    expect(taking.ms).toBeLessThan(2000);
    expect(crowd.clashes).toEqual([]);
  });

  test("when one dies without a word, the other takes over once its leases are over, and not before", async () => {
    const crowd = await Crowd.open();
    const one = crowd.join("one");
    const two = crowd.join("two");
    await until(() => one.owned.size === PARTITIONS && two.owned.size === PARTITIONS);
    using taking = new Stopwatch();
    two.die();
    const left = (await crowd["store"].listPartitions()).filter(({ owner }) => owner === "two");
    expect(left).toHaveLength(PARTITIONS);
    await until(() => one.owned.size > PARTITIONS);
    expect(Date.now()).toBeGreaterThanOrEqual(Math.min(...left.map(({ leaseUntil }) => leaseUntil)));
    await until(() => one.owned.size === 2 * PARTITIONS);
    expect(taking.ms).toBeLessThan(6000);
    expect(crowd.clashes).toEqual([]);
  });

  test("those who hear nothing of each other find out by themselves", async () => {
    const crowd = await Crowd.open();
    const one = crowd.join("one", { deaf: true });
    await until(() => one.owned.size === 2 * PARTITIONS);
    const two = crowd.join("two", { deaf: true });
    await until(() => one.owned.size === PARTITIONS && two.owned.size === PARTITIONS);
    await two.sharing.stop();
    await until(() => one.owned.size === 2 * PARTITIONS);
    expect(crowd.clashes).toEqual([]);
  });

  test("a node takes partitions in its own roles alone", async () => {
    const crowd = await Crowd.open();
    const one = crowd.join("one", { roles: ["ingest"] });
    const two = crowd.join("two", { roles: ["notify"] });
    await until(() => one.owned.size === PARTITIONS && two.owned.size === PARTITIONS);
    expect([...one.owned.keys()].every((key) => key.startsWith("ingest/"))).toBe(true);
    expect([...two.owned.keys()].every((key) => key.startsWith("notify/"))).toBe(true);
  });

  test("a node that cannot work leaves its share to the others; where nobody can, everybody keeps what they have", async () => {
    const crowd = await Crowd.open();
    const one = crowd.join("one", { roles: ["ingest"] });
    const two = crowd.join("two", { roles: ["ingest"] });
    await until(() => one.owned.size === PARTITIONS / 2 && two.owned.size === PARTITIONS / 2);
    two.able = false;
    two.sharing.nodesChanged();
    await until(() => one.owned.size === PARTITIONS && two.owned.size === 0);
    one.able = false;
    one.sharing.nodesChanged();
    await Bun.sleep(1500);
    expect(one.owned.size).toBe(PARTITIONS);
    two.able = true;
    two.sharing.nodesChanged();
    await until(() => two.owned.size === PARTITIONS);
    expect(crowd.clashes).toEqual([]);
  });

  test("one that is alone in the folder waits for nobody who ended without a word", async () => {
    const crowd = await Crowd.open();
    const one = crowd.join("one");
    await until(() => one.owned.size === 2 * PARTITIONS);
    one.die();
    using taking = new Stopwatch();
    const heir = crowd.join("heir", { alone: true });
    await until(() => heir.owned.size === 2 * PARTITIONS);
    expect(taking.ms).toBeLessThan(1500);
  });

  test("leases that were lost are won again", async () => {
    const crowd = await Crowd.open();
    const one = crowd.join("one", { roles: ["ingest"] });
    await until(() => one.owned.size === PARTITIONS);
    const before = one.owned.get("ingest/3")?.epoch ?? 0;
    const thief = await crowd["store"].acquireLease({ role: "ingest", partition: 3, owner: "thief", ttlMs: 300, takeOver: true });
    expect(thief?.lease.epoch).toBe(before + 1);
    await until(() => one.owned.get("ingest/3")?.epoch === before + 2);
  });
});
