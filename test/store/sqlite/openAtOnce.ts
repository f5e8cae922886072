/** Opens a database at a moment that is named, so that several processes do it at once; says `open`, or what went wrong. */
import { openStore } from "../../../src/store/open";

const [file = "", at = "0"] = process.argv.slice(2);
// A timer would wake each process at a time of its own.
while (Date.now() < Number(at));
try {
  const store = await openStore({ kind: "sqlite", file });
  await store.probe();
  await store.close();
  console.log("open");
} catch (error) {
  console.log(error);
}
