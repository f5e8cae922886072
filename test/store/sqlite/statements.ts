import { spyOn } from "bun:test";
import Database from "better-sqlite3";

/** What is prepared on any connection while it lasts, and by which. */
export interface Watched extends Disposable {
  /** Each with the connection that it was prepared on. */
  readonly statements: Map<string, Database.Database>;
  readonly clients: ReadonlySet<Database.Database>;
}

/** Watches better-sqlite3 itself, so that no statement has to be written down a second time. */
export function watchStatements(): Watched {
  const statements = new Map<string, Database.Database>();
  const clients = new Set<Database.Database>();
  // The type of `prepare` is generic, and no function of ours can be.
  const prototype = Database.prototype as unknown as { prepare: (this: Database.Database, source: string) => unknown };
  const { prepare } = prototype;
  const spy = spyOn(prototype, "prepare").mockImplementation(function (this: Database.Database, source: string) {
    statements.set(source.replaceAll(/\s+/g, " ").trim(), this);
    clients.add(this);
    return prepare.call(this, source);
  });
  return { statements, clients, [Symbol.dispose]: () => spy.mockRestore() };
}

const EXPLAINABLE = /^(select|insert|update|delete|with)\b/i;

/** The steps by which SQLite would answer; none for what is not a query. */
export function planOf(client: Database.Database, statement: string): string[] {
  if (!EXPLAINABLE.test(statement)) return [];
  const values = Array.from({ length: statement.split("?").length - 1 }, () => null);
  const rows = client.prepare<unknown[], { detail: string }>(`explain query plan ${statement}`).all(...values);
  return rows.map(({ detail }) => detail);
}
