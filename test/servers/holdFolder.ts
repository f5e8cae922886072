/**
 * A Tocsin without the service, to be killed: takes the data folder named by its first word and, when the second one is "nats", starts the
 * embedded broker in it as the environment says. Prints one line of JSON when it stands and then waits for its end.
 */
import { readConfig } from "../../src/config";
import { openDataFolder } from "../../src/dataFolder";
import { openEmbeddedNats } from "../../src/jetstream/embedded/server";

const [path = "", broker] = process.argv.slice(2);
const folder = openDataFolder(path);
let natsPid: number | null = null;
if (broker === "nats") {
  const { nats } = readConfig().config;
  if (nats.kind !== "embedded") throw new Error("NATS_URL must not be set");
  const events = { natsServerRestarted: () => {}, natsServerOld: () => {} };
  const server = await openEmbeddedNats({ config: nats, folder, partitions: 1, events, say: () => {} });
  natsPid = server.pid();
}
console.log(JSON.stringify({ natsPid }));
setInterval(() => {}, 60_000);
