/** The database's clock in epoch milliseconds, of the moment at which it is looked at: the nodes' own clocks may differ. */
export const NOW_MS = "floor(extract(epoch from clock_timestamp()) * 1000)::bigint";
