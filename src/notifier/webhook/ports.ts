/**
 * Unprivileged ports that webhooks may not go to: no endpoint listens there, and a POST is at best noise in somebody's log, at worst a
 * command. The addresses' rule is what keeps our own network safe; this keeps strangers' from being poked through us.
 */
const TAKEN: Readonly<Record<string, readonly number[]>> = {
  // Those of them that read line by line take the lines of a body for commands.
  "a database or cache": [1433, 1521, 3306, 5432, 6379, 9042, 11211, 26379, 27017, 27018, 27019, 28015, 33060],
  "a message broker": [1883, 4222, 5672, 6222, 8883, 9092, 61613, 61616],
  // These speak HTTP, and a POST changes them.
  "a search engine or store that takes orders over HTTP": [5984, 6984, 8086, 9200, 9300],
  "a container engine": [2375, 2376, 2377],
  "the control of a cluster": [2181, 2379, 2380, 4646, 6443, 8500, 8501, 10250, 10255],
  // Of the Fetch standard's list of ports that no browser dials.
  "a service that is no web server": [
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
  ],
  "a remote desktop or shell": [2222, 3389, 5900, 5901, 5985, 5986],
};

const TAKEN_BY = new Map(Object.entries(TAKEN).flatMap(([owner, ports]) => ports.map((port) => [port, owner] as const)));
const UNPRIVILEGED_MIN = 1024;
const WEB: readonly number[] = [80, 443];

/** What is wrong with the port that a URL leads to, or null. */
export function portProblem(url: URL, allowPorts: readonly number[]): string | null {
  const port = portOf(url);
  if (WEB.includes(port) || allowPorts.includes(port)) return null;
  if (port < UNPRIVILEGED_MIN) return `port ${port} is refused: of those below ${UNPRIVILEGED_MIN}, only 80 and 443 are open to webhooks`;
  const owner = TAKEN_BY.get(port);
  return owner === undefined ? null : `port ${port} is refused: it is ${owner}`;
}

function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}
