import { spyOn } from "bun:test";
import pg from "pg";

/** What is asked of any connection while it lasts. */
export interface Watched extends Disposable {
  /** Each with the values that it was asked with first. */
  readonly statements: Map<string, readonly unknown[]>;
}

interface Asked {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** Watches pg itself, so that no statement has to be written down a second time. */
export function watchStatements(): Watched {
  const statements = new Map<string, readonly unknown[]>();
  // The type of `query` is overloaded, and no function of ours can be.
  const prototype = pg.Client.prototype as unknown as { query: (this: pg.Client, ...args: unknown[]) => unknown };
  const { query } = prototype;
  const spy = spyOn(prototype, "query").mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const [asked, values] = args as [string | Asked, unknown];
    const { text, values: own = [] } = typeof asked === "string" ? { text: asked } : asked;
    if (!statements.has(text)) statements.set(text, Array.isArray(values) ? values : own);
    return query.apply(this, args);
  });
  return { statements, [Symbol.dispose]: () => spy.mockRestore() };
}

/** A step by which Postgres answers, with what it looked at where it was run. */
export interface Step {
  readonly what: string;
  readonly table: string | null;
  /** Whether it is led by a condition to what it looks at. */
  readonly led: boolean;
  /** Rows that it looked at, kept or threw away, in all its turns. */
  readonly rows: number;
}

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Cond"?: string;
  readonly "TID Cond"?: string;
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly Plans?: readonly PlanNode[];
}

const UNIQUE_VIOLATION = "23505";
const EXPLAINABLE = /^\s*(select|insert|update|delete|with)\b/i;

/** The plan that is kept for whatever values; nothing is run. None for what is not a query. */
export async function genericPlanOf(client: pg.Client, text: string): Promise<Step[]> {
  if (!EXPLAINABLE.test(text)) return [];
  return stepsOf(await explained(client, { text: `explain (generic_plan, format json) ${text}` }));
}

/** The plan for these values, run and taken back. None for what cannot be written twice. */
export async function planOf(client: pg.Client, text: string, values: readonly unknown[]): Promise<Step[]> {
  if (!EXPLAINABLE.test(text)) return [];
  await client.query("begin");
  try {
    return stepsOf(await explained(client, { text: `explain (analyze, timing off, format json) ${text}`, values: [...values] }));
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION) return [];
    throw error;
  } finally {
    await client.query("rollback");
  }
}

async function explained(client: pg.Client, query: { text: string; values?: unknown[] }): Promise<PlanNode> {
  const { rows } = await client.query<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(query);
  return (rows[0] as { "QUERY PLAN": [{ Plan: PlanNode }] })["QUERY PLAN"][0].Plan;
}

function stepsOf(node: PlanNode): Step[] {
  const loops = node["Actual Loops"] ?? 0;
  const looked = (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0) + (node["Rows Removed by Index Recheck"] ?? 0);
  const led = node["Index Cond"] !== undefined || node["TID Cond"] !== undefined;
  const step = { what: node["Node Type"], table: node["Relation Name"] ?? null, led, rows: loops * looked };
  return [step, ...(node.Plans ?? []).flatMap(stepsOf)];
}
