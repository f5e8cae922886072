import type { ChangeData } from "../domain/change";
import { type Lookout, seesEverything } from "../domain/lookout";
import { Channel, type Standing } from "./channel";
import { changeOf } from "./frames";
import type { RingItem } from "./ring";

/** The channels that somebody watches, found by the sensors that they name. */
export class Channels<Watcher extends { readonly standing: Standing }> {
  readonly #byKey = new Map<string, Channel<Watcher>>();
  readonly #bySensor = new Map<string, Set<Channel<Watcher>>>();
  /** Those that name none. */
  readonly #others = new Set<Channel<Watcher>>();
  readonly #touched = new Set<Channel<Watcher>>();

  all(): Iterable<Channel<Watcher>> {
    return this.#byKey.values();
  }

  /** The channel of those who look out for the same. */
  of(lookout: Lookout): Channel<Watcher> {
    const open = seesEverything(lookout);
    const key = open ? "" : JSON.stringify([lookout.filter, lookout.reach]);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const channel = new Channel<Watcher>(key, open ? null : lookout);
    this.#byKey.set(key, channel);
    if (channel.sensorIds === null) this.#others.add(channel);
    for (const sensorId of channel.sensorIds ?? []) {
      const named = this.#bySensor.get(sensorId) ?? new Set();
      this.#bySensor.set(sensorId, named.add(channel));
    }
    return channel;
  }

  /** One that nobody watches any more is forgotten. */
  leave(channel: Channel<Watcher>, watcher: Watcher): void {
    channel.watchers.delete(watcher);
    if (channel.watchers.size > 0) return;
    this.#byKey.delete(channel.key);
    this.#others.delete(channel);
    for (const sensorId of channel.sensorIds ?? []) {
      const named = this.#bySensor.get(sensorId);
      named?.delete(channel);
      if (named?.size === 0) this.#bySensor.delete(sensorId);
    }
  }

  /** Puts an item into the channels that see it. */
  add(item: RingItem): void {
    let parsed: ChangeData | undefined;
    const change = () => (parsed ??= changeOf(item));
    for (const channels of [this.#bySensor.get(item.sensorId) ?? [], this.#others]) {
      for (const channel of channels) {
        if (!channel.sees(change)) continue;
        channel.add(item);
        this.#touched.add(channel);
      }
    }
  }

  /** Those that something was put into since it was last asked. */
  takeTouched(): Channel<Watcher>[] {
    const touched = [...this.#touched];
    this.#touched.clear();
    return touched;
  }
}
