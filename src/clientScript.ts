import { join } from "node:path";

const SOURCE = join(import.meta.dir, "client/index.ts");

/** The client as one file of JavaScript, for whatever knows `fetch` and streams. */
export async function clientScript(): Promise<string> {
  const built = await Bun.build({ entrypoints: [SOURCE], target: "browser", format: "esm" });
  const [script] = built.outputs;
  if (script === undefined) throw new Error("the client was built into nothing");
  return script.text();
}
