import { afterAll } from "bun:test";
import { storeConformance } from "./conformance";
import { postgresHarness } from "./postgres/harness";

const harness = await postgresHarness({ again: true });
afterAll(() => harness[Symbol.asyncDispose]());

storeConformance("Postgres", harness);
