import { expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import { asFault } from "../../src/store/postgres/faults";

test.each([
  ["nobody listens", Object.assign(new Error("connect"), { code: "ECONNREFUSED" }), "(ECONNREFUSED)"],
  [
    "none of a name's addresses answers",
    new AggregateError([Object.assign(new Error("connect"), { code: "EHOSTUNREACH" })]),
    "(EHOSTUNREACH)",
  ],
  [
    "there is no such name, and the driver wraps it",
    new Error("Failed query", { cause: Object.assign(new Error("dns"), { code: "ENOTFOUND" }) }),
    "(ENOTFOUND)",
  ],
])("a database that cannot be reached, because %s, is told with what the system calls it", (_why, error, reason) => {
  const fault = asFault(error);
  expect(fault).toBeInstanceOf(Fault);
  expect((fault as Fault).message).toEndWith(`cannot be reached ${reason}`);
});

test("a connection that was lost without such a name is told without one", () => {
  expect((asFault(new Error("Connection terminated")) as Fault).message).toBe("the database cannot be reached");
});
