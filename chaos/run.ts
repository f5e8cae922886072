/** `npm run chaos -- [options]`: breaks a running service in every way that it must survive, and checks what it promised. */
import { runChaos } from "./chaos";
import { readOptions, USAGE } from "./options";
import { describeBroken } from "./verdict";

let chosen: ReturnType<typeof readOptions>;
try {
  chosen = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
if (chosen === null) {
  console.log(USAGE);
  process.exit(0);
}
const { options, json } = chosen;
console.log(`seed ${options.seed}`);
const { broken, settings, figures } = await runChaos(options, (line) => console.log(line));
const chaos = broken.length === 0 ? "nothing was lost, doubled, reordered or false" : `${broken.length} broken promises`;
console.log([describeBroken(broken), ...Object.entries(figures).map(([name, value]) => `  ${name.padEnd(24)} ${value}`), chaos].join("\n"));
if (json) console.log(JSON.stringify({ chaos, settings, figures }));
process.exit(broken.length === 0 ? 0 : 1);
