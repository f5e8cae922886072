import { afterAll } from "bun:test";
import { storeConformance } from "./conformance";
import { sqliteHarness } from "./sqlite/harness";

const harness = await sqliteHarness();
afterAll(() => harness[Symbol.dispose]());

storeConformance("SQLite", harness);
