/** What the linter must refuse and what it must let through: at least one sample for every rule that we rely on. */
import { BOUNDARIES } from "./boundaries";
import { FILE_LINES_MAX, FUNCTION_LINES_MAX } from "./sizes";

export interface Sample {
  readonly name: string;
  readonly file: string;
  readonly code: string;
  /** A part of what the linter must say; null when it must say nothing. */
  readonly says: string | null;
}

const BOUNDARY_SAMPLES: Sample[] = BOUNDARIES.map(({ name, reason, sample }, index) => ({
  name,
  file: sample.file.replace(/x\.ts$/, `x${index}.ts`),
  code: sample.code,
  says: reason,
}));

const OTHER_SAMPLES: Sample[] = [
  {
    name: "an import by call",
    file: "src/ingest/call.ts",
    code: 'export const x = import("elysia");',
    says: "Elysia is known to src/http alone",
  },
  {
    name: "an export from elsewhere",
    file: "src/ingest/export.ts",
    code: 'export { x } from "../notifier/x";',
    says: "declare the small port",
  },
  {
    name: "a type from elsewhere",
    file: "src/domain/type.ts",
    code: 'export type X = import("../store/store").Store;',
    says: "the domain is imported by everyone",
  },
  {
    name: "process.env",
    file: "src/http/env.ts",
    code: "export const x = process.env.HOME;",
    says: "the environment is read by src/config.ts alone",
  },
  {
    name: "Bun.env",
    file: "src/http/bunEnv.ts",
    code: "export const x = Bun.env;",
    says: "the environment is read by src/config.ts alone",
  },
  {
    name: "env of node:process",
    file: "src/http/nodeEnv.ts",
    code: 'import { env } from "node:process";\nexport const x = env;',
    says: "the environment is read",
  },
  {
    name: "a second SQLite in the process",
    file: "test/sqlite.test.ts",
    code: 'import { Database } from "bun:sqlite";\nexport const x = Database;',
    says: "'bun:sqlite' import is restricted",
  },
  {
    name: "a file too long",
    file: "src/long.ts",
    code: "export {};\n".repeat(FILE_LINES_MAX + 1),
    says: `this file has ${FILE_LINES_MAX + 1} lines`,
  },
  {
    name: "a function too long",
    file: "src/longFunction.ts",
    code: longFunction(FUNCTION_LINES_MAX + 1),
    says: `this function has ${FUNCTION_LINES_MAX + 1} lines`,
  },
  { name: "a file name that names nothing", file: "src/ingest/batchUtils.ts", code: "export {};", says: '"Utils" names nothing' },
  { name: "a folder that names nothing", file: "src/common/x.ts", code: "export {};", says: '"common" names nothing' },
  { name: "a class that names nothing", file: "src/class.ts", code: "export class LeaseManager {}", says: '"Manager" names nothing' },
  {
    name: "an interface that names nothing",
    file: "src/impl.ts",
    code: "export interface StoreImpl { x: 1 }",
    says: '"Impl" names nothing',
  },
  {
    name: "a test alone",
    file: "test/only.test.ts",
    code: 'import { test } from "bun:test";\ntest.only("x", () => {});',
    says: "without .only",
  },
  {
    name: "a suite left out",
    file: "test/skip.test.ts",
    code: 'import { describe } from "bun:test";\ndescribe.skip("x", () => {});',
    says: "without .skip",
  },
  { name: "a test to come", file: "test/todo.test.ts", code: 'import { test } from "bun:test";\ntest.todo("x");', says: "without .todo" },
  {
    name: "a promise that nobody waits for",
    file: "src/floating.ts",
    code: "export function x() {\n  Promise.resolve(1);\n}",
    says: "Promises must be awaited",
  },
  { name: "something thrown that is no Error", file: "src/thrown.ts", code: 'throw "x";', says: "Expected an error object" },
  { name: "any", file: "src/any.ts", code: "export const x: any = 1;", says: "any" },
  { name: "a check of types switched off", file: "src/ignored.ts", code: "// @ts-ignore\nexport const x = 1;", says: "@ts-ignore" },
  { name: "==", file: "src/equal.ts", code: "export const x = (a: string) => a == 'b';", says: "Expected ===" },
  { name: "what nobody uses", file: "src/unused.ts", code: "const x = 1;", says: "never used" },
  {
    name: "a type imported like a value",
    file: "src/typeImport.ts",
    code: 'import { Stats } from "node:fs";\nexport type X = Stats;',
    says: "only used as types",
  },
  { name: "a circle", file: "src/circleA.ts", code: 'import { b } from "./circleB";\nexport const a = () => b;', says: "Dependency cycle" },
  {
    name: "a case forgotten",
    file: "src/cases.ts",
    code: "export function x(a: 1 | 2) {\n  switch (a) {\n    case 1:\n      return 1;\n  }\n  return 0;\n}",
    says: "not exhaustive",
  },
  { name: "a promise to do it later", file: "src/later.ts", code: "// TODO: later\nexport {};", says: "todo" },
  {
    name: "the other half of the circle, seen from outside",
    file: "src/circleB.ts",
    code: 'export { a as b } from "./circleA";',
    says: "Dependency cycle",
  },
];

const GOOD_SAMPLES: Sample[] = [
  {
    name: "a port's types",
    file: "src/ingest/good.ts",
    code: 'import type { X } from "../jetstream/ports";\nimport type { Y } from "../store/store";\nexport type Z = [X, Y];',
    says: null,
  },
  {
    name: "the lock of the data folder",
    file: "src/dataFolder.ts",
    code: 'import { x } from "./store/sqlite/fileLock";\nexport const y = x;',
    says: null,
  },
  {
    name: "a test of anything",
    file: "test/good.test.ts",
    code: 'import { x } from "../src/store/sqlite/fileLock";\nexport const y = [x, process.env];',
    says: null,
  },
  { name: "a function of the length allowed", file: "src/good.ts", code: longFunction(FUNCTION_LINES_MAX), says: null },
  { name: "a long list of tests", file: "test/long.test.ts", code: longSuite(FUNCTION_LINES_MAX + 10), says: null },
];

function longFunction(lines: number): string {
  return `export function x() {\n${"  x();\n".repeat(lines - 2)}}`;
}

function longSuite(lines: number): string {
  return `import { describe, test } from "bun:test";\ndescribe.each([1])("x", () => {\n${'  test("x", () => {});\n'.repeat(lines)}});`;
}

export const SAMPLES = [...BOUNDARY_SAMPLES, ...OTHER_SAMPLES, ...GOOD_SAMPLES];
