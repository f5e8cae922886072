/** Asks for deliveries to be sent once more, and remembers what must come of it. */
import type { ReplayAsked } from "../test/ledger/evidence";
import { openTables } from "../test/ledger/tables";
import type { ReplayPlan } from "./plan";
import type { Stage } from "./stage";

/** How far back it goes; what failed may lie further back than what is worth repeating as a whole. */
const RANGE_MS = { all: 15_000, undelivered: 180_000 };
/** So that it goes on while the strikes do. */
const PER_SECOND = { all: 100, undelivered: 5 };
const STATES = { all: "state <> 'pending'", undelivered: "state IN ('failed', 'skipped')" };
const WITHIN_MS = 120_000;
const AGAIN_MS = 200;

/** Null when another one of that webhook runs. */
export async function askForReplay({ endpoint, which }: ReplayPlan, stage: Stage): Promise<ReplayAsked | null> {
  const webhookId = stage.receivers.find(({ name }) => name === endpoint)?.webhookId ?? "";
  const askedAt = Date.now();
  const since = askedAt - RANGE_MS[which];
  const ended = await endedBetween(stage.databaseUrl, `webhook_id = '${webhookId}' AND ${STATES[which]}`, { since, until: askedAt });
  const range = { since: new Date(since).toISOString(), until: new Date(askedAt).toISOString() };
  const body = JSON.stringify({ ...range, which, ratePerSecond: PER_SECOND[which] });
  for (;;) {
    const id = await ask(stage, { webhookId, body, since: range.since });
    if (id !== "unknown") return id === null ? null : { id, askedAt, ...ended };
    if (Date.now() > askedAt + WITHIN_MS) throw new Error(`no replay of ${endpoint} was taken within ${WITHIN_MS} ms`);
    await Bun.sleep(AGAIN_MS);
  }
}

async function endedBetween(
  database: string,
  where: string,
  { since, until }: { since: number; until: number },
): Promise<Pick<ReplayAsked, "due" | "refused">> {
  await using tables = await openTables(database);
  const rows = await tables.all<{ id: string; reason: string | null }>(
    `SELECT id, reason FROM deliveries WHERE ${where} AND planned_at >= ${since} AND planned_at < ${until}`,
  );
  return { due: rows.map(({ id }) => id), refused: rows.filter(({ reason }) => reason === "rejected").map(({ id }) => id) };
}

interface Asking {
  readonly webhookId: string;
  readonly body: string;
  readonly since: string;
}

/** `unknown` where no answer came. The one that runs may be this one, whose answer was lost. */
async function ask({ api }: Stage, { webhookId, body, since }: Asking): Promise<string | null> {
  try {
    const response = await api(`/v1/webhooks/${webhookId}/replay`, { method: "POST", body });
    if (response.status === 202) return ((await response.json()) as { id: string }).id;
    if (response.status !== 409) return "unknown";
    const listed = await api(`/v1/replays?webhookId=${webhookId}&limit=1`, {});
    const [newest] = ((await listed.json()) as { items: { id: string; since: string }[] }).items;
    return newest?.since === since ? newest.id : null;
  } catch {
    return "unknown";
  }
}
