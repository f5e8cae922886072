import type pg from "pg";

/** Runs on a pool or within a transaction; gives the rows. */
export type Statement<Row> = (on: pg.Pool | pg.ClientBase, ...values: readonly unknown[]) => Promise<Row[]>;

/** A statement that each connection prepares once, under this name. */
export function statement<Row extends object>(name: string, text: string): Statement<Row> {
  return async (on, ...values) => (await on.query<Row>({ name, text, values: [...values] })).rows;
}

/** The values of a statement that is put together, in the order of their placeholders. */
export class Values {
  readonly all: unknown[] = [];

  /** Gives the placeholder of a value. */
  add(value: unknown): string {
    this.all.push(value);
    return `$${this.all.length}`;
  }
}
