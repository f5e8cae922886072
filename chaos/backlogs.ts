/** How long after a strike against an endpoint all was delivered that its webhook was owed by then. */
import { openTables } from "../test/ledger/tables";

const LOOK_MS = 200;

export interface CaughtUp {
  readonly endpoint: string;
  readonly kind: string;
  readonly ms: number;
}

interface Goal extends Omit<CaughtUp, "ms"> {
  readonly webhookId: string;
  /** When the strike ended. */
  readonly endedAt: number;
}

/** Watches while other things happen. */
export class Backlogs {
  readonly caughtUp: CaughtUp[] = [];
  readonly #goals = new Set<Goal>();
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(
    private readonly database: string,
    private readonly onCaughtUp: (caughtUp: CaughtUp) => void,
  ) {
    this.#running = this.#watch();
  }

  expect(goal: Omit<Goal, "endedAt">): void {
    this.#goals.add({ ...goal, endedAt: Date.now() });
  }

  /** Looks once more, when nothing is owed any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#look();
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      // The database may be away just now.
      if (this.#goals.size > 0) await this.#look().catch(() => {});
      await Bun.sleep(LOOK_MS);
    }
  }

  async #look(): Promise<void> {
    const goals = [...this.#goals];
    const oldest = await oldestOwed(this.database);
    const now = Date.now();
    for (const goal of goals) {
      if ((oldest.get(goal.webhookId) ?? Infinity) <= goal.endedAt) continue;
      this.#goals.delete(goal);
      const { endpoint, kind, endedAt } = goal;
      this.caughtUp.push({ endpoint, kind, ms: now - endedAt });
      this.onCaughtUp({ endpoint, kind, ms: now - endedAt });
    }
  }
}

/** For each webhook, since when what it is owed is owed. */
async function oldestOwed(database: string): Promise<Map<string, number>> {
  await using tables = await openTables(database);
  const rows = await tables.all<{ id: string; since: number }>(
    "SELECT webhook_id AS id, min(owed_since) AS since FROM deliveries WHERE state = 'pending' GROUP BY webhook_id",
  );
  return new Map(rows.map(({ id, since }) => [id, since]));
}
