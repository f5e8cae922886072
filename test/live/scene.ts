import { afterAll, expect } from "bun:test";
import type { ChangeCursor } from "../../src/domain/changeCursor";
import type { Lookout } from "../../src/domain/lookout";
import type { Filter } from "../../src/domain/webhook";
import { Live, type LiveLimits } from "../../src/live/live";
import type { WatchWish } from "../../src/live/ports";
import type { Store } from "../../src/store/store";
import { Owner } from "../store/conformance/owner";
import { sqliteHarness } from "../store/sqlite/harness";
import { until } from "../until";
import { EventStream } from "./eventStream";

const harness = await sqliteHarness();
afterAll(() => harness[Symbol.dispose]());

export const EVERYTHING: Lookout = { filter: { initial: true }, reach: null };
export const WISH: WatchWish = { from: null, lookout: EVERYTHING, caller: "token", credential: "token", stillLetIn: () => true };

export function lookoutFor(filter: Filter): Lookout {
  return { filter: { initial: true, ...filter }, reach: null };
}

/** A live stream over a store of its own, whose owner commits what the test tells it to. */
class Scene implements AsyncDisposable {
  #hint: () => void = () => {};
  readonly ended: string[] = [];
  readonly failures: unknown[] = [];
  readonly live: Live;
  readonly #streams: EventStream[] = [];

  constructor(
    readonly store: Store,
    readonly owners: readonly Owner[],
    limits: Partial<LiveLimits>,
    { hinted = true } = {},
  ) {
    this.live = new Live({
      store,
      limits,
      hints: {
        follow: (onHint) => {
          if (hinted) this.#hint = onHint;
          return () => {
            this.#hint = () => {};
          };
        },
      },
      events: {
        failed: (_action, error) => void this.failures.push(error),
        watchersCounted: () => {},
        watcherEnded: (reason) => void this.ended.push(reason),
      },
    });
  }

  async watch(lookout = EVERYTHING, from: ChangeCursor | null = null, stillLetIn = WISH.stillLetIn): Promise<EventStream> {
    const stream = new EventStream(await this.live.watch({ ...WISH, from, lookout, stillLetIn }));
    this.#streams.push(stream);
    await until(() => stream.lastEventId !== "" || stream.ended, "the stream does not begin");
    return stream;
  }

  async change(partition: number, sensorIds: readonly string[], edit: Parameters<Owner["change"]>[1] = {}): Promise<void> {
    await (this.owners[partition] as Owner).change(sensorIds, edit);
    this.#hint();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.live.stop();
    for (const stream of this.#streams) await stream.close();
    expect(this.failures).toEqual([]);
  }
}

export async function onScene(limits: Partial<LiveLimits>, body: (scene: Scene) => Promise<void>, options = {}): Promise<void> {
  await using opened = await harness.open();
  const owners = [await Owner.of(opened.store, 0), await Owner.of(opened.store, 1), await Owner.of(opened.store, 2)];
  await using scene = new Scene(opened.store, owners, limits, options);
  await body(scene);
}

/** `2.7` is number 7 of partition 2. */
export function told(stream: EventStream): string[] {
  return stream.changeIds().map((id) => id.replace(/^chg_(\d+)_/, "$1."));
}
