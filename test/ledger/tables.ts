/** Reads the tables of either store by the same statements. Aliases are quoted, flags and JSON come as the database has them. */
import Database from "better-sqlite3";
import pg from "pg";

const WAIT_MS = 5000;

export interface Tables extends AsyncDisposable {
  all<Row>(statement: string): Promise<Row[]>;
}

/** `database`: `postgres://…`, or a file of SQLite. One read transaction, a picture of one moment, until it is disposed of. */
export function openTables(database: string): Promise<Tables> {
  return /^postgres(ql)?:/.test(database) ? openPostgres(database) : Promise.resolve(openSqlite(database));
}

/** JSON, which SQLite gives as its text. */
export function jsonOf<Value>(column: unknown): Value {
  return (typeof column === "string" ? JSON.parse(column) : column) as Value;
}

function openSqlite(file: string): Tables {
  const database = new Database(file, { readonly: true });
  database.exec("BEGIN");
  return {
    all: <Row>(statement: string) => Promise.resolve(database.prepare(statement).all() as Row[]),
    [Symbol.asyncDispose]: async () => {
      await Promise.resolve(database.close());
    },
  };
}

async function openPostgres(url: string): Promise<Tables> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: WAIT_MS, types: { getTypeParser } });
  client.on("error", () => {
    // The statement that it was asked fails, too.
  });
  await client.connect();
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  return {
    all: async <Row>(statement: string) => (await client.query(statement)).rows as Row[],
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** `bigint` and sums of it as numbers: ours stay below 2^53. */
const NUMBERS: ReadonlySet<number> = new Set([pg.types.builtins.INT8, pg.types.builtins.NUMERIC]);
const getTypeParser = ((type: number) => (NUMBERS.has(type) ? Number : pg.types.getTypeParser(type))) as typeof pg.types.getTypeParser;
