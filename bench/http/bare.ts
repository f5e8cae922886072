/** The reference of reads: `Bun.serve` that answers the same bytes to whatever comes, and does nothing else. */
import { childSettings } from "../child";

export interface BareSettings {
  readonly port: number;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const { port, status, headers, body } = childSettings<BareSettings>();
const init = { status, headers: headers.map(([name, value]): [string, string] => [name, value]) };

Bun.serve({ hostname: "127.0.0.1", port, reusePort: false, fetch: () => new Response(body, init) });
process.on("SIGTERM", () => {
  console.log("{}");
  process.exit(0);
});
