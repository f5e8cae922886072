import type { Events } from "./events";

/** How long a dependency may take to answer. */
const CHECK_MS = 2000;
/** Callers within this time share one look. */
const FRESH_MS = 250;

export interface DependencyHealth {
  readonly name: string;
  readonly up: boolean;
  /** Why it is not up, else null. */
  readonly reason: string | null;
  /** Whether requests fail without it; else they only take longer. */
  readonly needed: boolean;
}

export interface Readiness {
  readonly ready: boolean;
  /** A stop has begun: send nothing new here. */
  readonly draining: boolean;
  readonly dependencies: readonly DependencyHealth[];
}

export interface Health {
  /** Never rejects. */
  readiness(): Promise<Readiness>;
  drain(): void;
}

type Checks = Readonly<Record<string, () => Promise<void>>>;

export interface HealthOptions {
  /** By the dependency's name; a check that rejects, or does not answer in time, says that it is away. */
  readonly checks: Checks;
  /** Of what makes answers faster and is not needed for them: told of, and no reason not to be ready. */
  readonly helpful?: Checks;
  readonly events: Pick<Events, "dependencyChanged">;
  /** Monotonic milliseconds. */
  readonly clock?: () => number;
}

/** Whether everything that requests need is there. */
export function createHealth({ checks, helpful = {}, events, clock = () => performance.now() }: HealthOptions): Health {
  let draining = false;
  let looked: { readonly at: number; readonly dependencies: Promise<DependencyHealth[]> } | null = null;
  let storeUp: boolean | null = null;

  async function look(): Promise<DependencyHealth[]> {
    const looks = (each: Checks, needed: boolean) => Object.entries(each).map(([name, check]) => checked(name, { check, needed }));
    const dependencies = await Promise.all([...looks(checks, true), ...looks(helpful, false)]);
    const store = dependencies.find(({ name }) => name === "store");
    // The broker's connection tells of itself; nobody else tells of the store.
    if (store !== undefined && store.up !== storeUp) {
      storeUp = store.up;
      events.dependencyChanged("store", store.up, store.reason);
    }
    // Fresh counts from the answer on.
    looked = { at: clock(), dependencies: Promise.resolve(dependencies) };
    return dependencies;
  }

  return {
    async readiness() {
      if (looked === null || clock() - looked.at > FRESH_MS) looked = { at: Number.POSITIVE_INFINITY, dependencies: look() };
      const dependencies = await looked.dependencies;
      return { ready: !draining && dependencies.every(({ up, needed }) => up || !needed), draining, dependencies };
    },
    drain() {
      draining = true;
    },
  };
}

async function checked(name: string, { check, needed }: { check: () => Promise<void>; needed: boolean }): Promise<DependencyHealth> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer in ${CHECK_MS} ms`)), CHECK_MS);
  try {
    await Promise.race([check(), late.promise]);
    return { name, up: true, reason: null, needed };
  } catch (error) {
    return { name, up: false, reason: error instanceof Error ? error.message : String(error), needed };
  } finally {
    clearTimeout(timer);
  }
}
