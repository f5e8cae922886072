import { isFault } from "../domain/fault";
import type { BatchPart, PartOutcome, Store } from "../store/store";
import type { SensorCache } from "./ports";

type Watcher = Pick<SensorCache, "edited" | "doubtful" | "committed">;

/**
 * The store, with a cache that hears of everything that is written of sensors before whoever wrote it does. Every method that writes
 * `sensors` or `states` must be here: test/cache/watchStore.test.ts makes every call and compares.
 */
export function watchStore(store: Store, cache: Watcher): Store {
  return {
    ...store,
    createSensor: watched(
      (...args: Parameters<Store["createSensor"]>) => store.createSensor(...args),
      (draft) => [draft.id],
      cache,
    ),
    updateSensor: watched(
      (...args: Parameters<Store["updateSensor"]>) => store.updateSensor(...args),
      (draft) => [draft.id],
      cache,
    ),
    putSensor: watched(
      (...args: Parameters<Store["putSensor"]>) => store.putSensor(...args),
      (draft) => [draft.id],
      cache,
    ),
    deleteSensor: watched(
      (...args: Parameters<Store["deleteSensor"]>) => store.deleteSensor(...args),
      (id) => [id],
      cache,
    ),
    upsertSensors: watched(
      (...args: Parameters<Store["upsertSensors"]>) => store.upsertSensors(...args),
      (drafts) => drafts.map(({ id }) => id),
      cache,
    ),
    commitBatch: (parts) => commit(store, parts, cache),
  };
}

function watched<Args extends readonly unknown[], Result>(
  edit: (...args: Args) => Promise<Result>,
  idsOf: (...args: Args) => readonly string[],
  cache: Watcher,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    let result: Result;
    try {
      result = await edit(...args);
    } catch (error) {
      if (mayBeIn(error)) cache.doubtful(idsOf(...args));
      throw error;
    }
    await cache.edited(idsOf(...args));
    return result;
  };
}

async function commit(store: Pick<Store, "commitBatch">, parts: readonly BatchPart[], cache: Watcher): Promise<PartOutcome[]> {
  const askedAt = performance.now();
  try {
    const outcomes = await store.commitBatch(parts);
    parts.forEach((part, index) => {
      const outcome = outcomes[index];
      if (outcome?.kind === "committed") cache.committed(part, { at: outcome.recordedAt, askedAt });
      if (outcome?.kind === "alreadyCommitted") cache.committed(part, null);
    });
    return outcomes;
  } catch (error) {
    for (const part of parts) cache.doubtful(idsIn(part));
    throw error;
  }
}

/** Everything that a database refuses for a reason of ours is certainly not in. */
function mayBeIn(error: unknown): boolean {
  return !(["notFound", "conflict", "preconditionFailed", "invalid"] as const).some((kind) => isFault(error, kind));
}

function idsIn({ registrations, states }: BatchPart): string[] {
  return [...registrations.map(({ id }) => id), ...states.map(({ sensorId }) => sensorId)];
}
