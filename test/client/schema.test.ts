import { expect, test } from "bun:test";
import { clientSchema, SCHEMA_FILE } from "../../build/clientSchema";

test("the client's types are those of the document: else run `npm run client`", async () => {
  const isStale = (await clientSchema()) !== (await Bun.file(SCHEMA_FILE).text());
  expect({ isStale }).toEqual({ isStale: false });
});
