import { and, desc, eq, gt, gte, inArray, lt, type SQL, sql } from "drizzle-orm";
import { DELIVERY_STATES, type DeliveryState } from "../../domain/delivery";
import type { DeliveryRow } from "../deliveryRows";
import { ALL_ORDINALS, type Ordinals, ordinalsWithin, type Planned } from "../plannedSearch";
import { keptDelivery } from "../erasureStore";
import type { DeliveryQuery, TimeRange } from "../store";
import type { Connection } from "./connection";
import { deliveries } from "./schema/webhooks";

export interface PlannedTimes {
  /** The greatest ordinal that there is; 0 for none. */
  newest(): number;
  /** Between which ordinals everything lies that was planned in a range. */
  ordinalsOf(range: TimeRange): Ordinals;
}

export function preparePlannedTimes({ client }: Connection): PlannedTimes {
  const newest = client.prepare<[], number | null>("select max(ordinal) from deliveries").pluck();
  const firstFrom = client.prepare<[number], Planned>(
    "select ordinal, planned_at as plannedAt from deliveries where ordinal >= ? order by ordinal limit 1",
  );

  const times: PlannedTimes = {
    newest: () => newest.get() ?? 0,

    ordinalsOf(range) {
      if (range.since === undefined && range.until === undefined) return ALL_ORDINALS;
      const search = ordinalsWithin(range, times.newest());
      let step = search.next();
      while (step.done !== true) step = search.next(firstFrom.get(step.value));
      return step.value;
    },
  };
  return times;
}

export const IS_KEPT = sql.raw(keptDelivery("deliveries"));

/** The newest between two ordinals first. */
export function prepareSearch({ db }: Connection): (query: DeliveryQuery, newest: Ordinals & { limit: number }) => DeliveryRow[] {
  return ({ webhookId, sensorId, states, range }, { after, before, limit }) => {
    const planned = [...rangeOf(range), IS_KEPT, gt(deliveries.ordinal, after), lt(deliveries.ordinal, before)];

    function select(...conditions: readonly (SQL | undefined)[]): DeliveryRow[] {
      const wanted = and(...conditions, ...planned);
      return db.select().from(deliveries).where(wanted).orderBy(desc(deliveries.ordinal)).limit(limit).all();
    }

    if (sensorId !== undefined) {
      // A sensor's own are few. The plus keeps SQLite from the longer index of the webhook, which may lead through millions.
      const ofWebhook = webhookId === undefined ? undefined : sql`+${deliveries.webhookId} = ${webhookId}`;
      const inState = states === undefined ? undefined : inArray(sql`+${deliveries.state}`, [...states]);
      return select(eq(deliveries.sensorId, sensorId), ofWebhook, inState);
    }
    if (webhookId === undefined && states === undefined) return select();
    // The index is ordered within each state: the newest of all are among the newest of each.
    const ofWebhook = webhookId === undefined ? undefined : eq(deliveries.webhookId, webhookId);
    const ofState = (state: DeliveryState) => select(ofWebhook, eq(deliveries.state, state));
    const wanted = states ?? DELIVERY_STATES;
    if (wanted.length === 1) return ofState(wanted[0] as DeliveryState);
    return wanted
      .flatMap(ofState)
      .sort((a, b) => b.ordinal - a.ordinal)
      .slice(0, limit);
  };
}

/** The pluses keep SQLite from taking these for a way to what is asked for. */
function rangeOf({ since, until }: TimeRange = {}): SQL[] {
  const column = sql<number>`+${deliveries.plannedAt}`;
  return [...(since === undefined ? [] : [gte(column, since)]), ...(until === undefined ? [] : [lt(column, until)])];
}
