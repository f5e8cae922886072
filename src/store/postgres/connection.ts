import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import pg from "pg";
import { Fault } from "../../domain/fault";
import { isLost } from "./faults";
import { bringUpToDate, isUpToDate } from "./migrations";

/** Statements end well before a lease does (4 s): a node that is held up must not commit what another one does meanwhile. */
const STATEMENT_MS = 3000;
/** A connection whose other end is gone without a word is given up after this. */
const ANSWER_MS = 3500;
const CONNECT_MS = 2500;
const IDLE_MS = 60_000;
const GOODBYE_MS = 1000;
/** What is done aside has nobody waiting for it. */
const ASIDE_MS = 20_000;
/** Connections for everybody, and those that commits have for themselves: a long list must not hold them up. */
const WORK_CONNECTIONS_MAX = 10;
const CONTROL_CONNECTIONS_MAX = 6;
/** A commit that waits for somebody who hangs gives its connection back to the leases, and is tried again. */
const CONTROL_LOCK_MS = 1000;
/** And those of leases: where many partitions commit at once, a renewal that waited behind them would lose what they commit under. */
const LEASE_CONNECTIONS_MAX = 3;
/** Who holds a lease's row is a commit, which extends the lease itself: who waits for it keeps beats and other leases waiting, and may ask again. */
const LEASE_LOCK_MS = 250;

/**
 * Plans are kept from when a table was empty; none may read a table from end to end where an index leads to what is asked for. And no
 * statement is worth being compiled.
 */
const PLANNING = "-c enable_seqscan=off -c jit=off";

const SNAPSHOT = "begin isolation level repeatable read, read only";

/** Milliseconds and counts are below 2^53. */
const INT8 = 20;

/** One client, for as long as whoever has it needs it. */
export interface Session {
  /** For the hot batches. */
  readonly client: pg.ClientBase;
  /** For everything else. */
  readonly db: NodePgDatabase;
  /** In a transaction that turns out to change nothing: its end takes back what it wrote, and gives its result all the same. */
  readonly takeBack: () => void;
}

/** The pools of a node, and how work is done on them. */
export interface Connection {
  /** For single statements of everybody. */
  readonly work: pg.Pool;
  /** For single statements of those who commit under a lease. */
  readonly control: pg.Pool;
  /** For single statements that are short, and hardly ever wait: who lives, who owns what. */
  readonly leases: pg.Pool;
  /** Over `work`. */
  readonly db: NodePgDatabase;
  /** Runs `work` in one transaction (read committed); whatever is thrown takes all of it back. */
  readonly write: <Result>(work: (session: Session) => Promise<Result>) => Promise<Result>;
  /** The same on `control`: for what is committed under a lease. */
  commit<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
  /** Runs `work` on one snapshot, which writes nothing. */
  readonly read: <Result>(work: (session: Session) => Promise<Result>) => Promise<Result>;
  /** The same on `control`: for what must be known before something is committed under a lease. */
  readonly readAhead: <Result>(work: (session: Session) => Promise<Result>) => Promise<Result>;
  /** Runs `work` on a connection of its own, outside any transaction and with more time: for what waits for others to end. */
  readonly aside: <Result>(work: (client: pg.ClientBase) => Promise<Result>) => Promise<Result>;
  close(): Promise<void>;
}

/** Connects, and brings the tables up to date unless they are to be taken `asFound`. Throws what pg throws, `Fault` (conflict). */
export async function openConnection(url: string, asFound: boolean): Promise<Connection> {
  // Looked at within the usual time; only who has tables to make takes as long as that takes.
  if (!(await onOwnClient(optionsOf(url), isUpToDate))) {
    if (asFound)
      throw new Fault("conflict", "its tables are not those of this version: tocsin migrate, or the start of a node, makes them so");
    await onOwnClient({ ...optionsOf(url), statement_timeout: 0, query_timeout: 0 }, bringUpToDate);
  }
  const work = openPool({ ...optionsOf(url), max: WORK_CONNECTIONS_MAX });
  // The statement of a commit is planned once, whatever the size of its arrays: planning it costs more than a small one's execution.
  const control = openPool({
    ...optionsOf(url),
    max: CONTROL_CONNECTIONS_MAX,
    options: `${PLANNING} -c plan_cache_mode=force_generic_plan -c lock_timeout=${CONTROL_LOCK_MS}`,
  });
  const leases = openPool({
    ...optionsOf(url),
    max: LEASE_CONNECTIONS_MAX,
    options: `${PLANNING} -c lock_timeout=${LEASE_LOCK_MS}`,
  });
  return {
    work,
    control,
    leases,
    db: drizzle(work),
    write: (act) => transaction(work, "begin", act),
    commit: (act) => transaction(control, "begin", act),
    read: (act) => transaction(work, SNAPSHOT, act),
    readAhead: (act) => transaction(control, SNAPSHOT, act),
    aside: (act) => onOwnClient({ ...optionsOf(url), statement_timeout: ASIDE_MS, query_timeout: ASIDE_MS + 500 }, act),
    async close() {
      // A server that hangs does not even hear a goodbye.
      await Promise.race([Promise.all([work.end(), control.end(), leases.end()]), Bun.sleep(GOODBYE_MS)]);
    },
  };
}

function optionsOf(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: "tocsin",
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: ANSWER_MS,
    idle_in_transaction_session_timeout: STATEMENT_MS,
    keepAlive: true,
    options: PLANNING,
    types: { getTypeParser: (oid: number, format?: "text") => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) } as never,
  };
}

async function onOwnClient<Result>(options: pg.ClientConfig, act: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client(options);
  client.on("error", ignore);
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end().catch(() => {});
  }
}

function openPool(options: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ ...options, idleTimeoutMillis: IDLE_MS, allowExitOnIdle: true });
  pool.on("error", () => {
    // An idle connection was lost; the pool makes another when somebody needs one.
  });
  return pool;
}

async function transaction<Result>(pool: pg.Pool, begin: string, act: (session: Session) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  client.on("error", ignore);
  let broken = false;
  try {
    await client.query(begin);
    let end = "commit";
    const takeBack = () => {
      end = "rollback";
    };
    const result = await act({ client, db: drizzle(client), takeBack });
    await client.query(end);
    return result;
  } catch (error) {
    // A connection that is gone, or does not answer, takes nothing back: the server ends its transaction by itself.
    broken = isLost(error);
    if (!broken) {
      await client.query("rollback").catch(() => {
        broken = true;
      });
    }
    throw error;
  } finally {
    client.off("error", ignore);
    client.release(broken);
  }
}

/** A connection was lost; whatever waits on it is told so by itself. */
function ignore(): void {
  // Nobody else has to know.
}
