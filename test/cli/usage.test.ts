import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { version } from "../../package.json";
import { createProgram } from "../../src/cli/program";
import { openStore } from "../../src/store/open";
import { temporaryFolder } from "../store/sqlite/harness";
import { runCommand } from "./command";

/** Every command and subcommand, as the words that lead to it. */
function commandWords(command: Command, before: readonly string[] = []): string[][] {
  return command.commands.flatMap((each) => [[...before, each.name()], ...commandWords(each, [...before, each.name()])]);
}

for (const words of [[], ...commandWords(createProgram())]) {
  test(`"tocsin ${words.join(" ")} --help" explains with examples, and is no error`, async () => {
    const { exitCode, stdout } = await runCommand([...words, "--help"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("Usage: tocsin");
    expect(stdout).toMatch(/Examples:\n {2}\$ .*tocsin /);
  });
}

test("the version is the package's", async () => {
  expect(await runCommand(["--version"])).toMatchObject({ exitCode: 0, stdout: `${version}\n` });
});

test("an unknown flag is an error that names the nearest one", async () => {
  const { exitCode, stdout, stderr } = await runCommand(["tail", "--sensr", "boiler-7"]);
  expect(exitCode).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain("Did you mean --sensor?");
});

test("an unknown command is an error that names the nearest one", async () => {
  const { exitCode, stderr } = await runCommand(["simulat"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("Did you mean simulate?");
});

test("a flag's wrong value, a missing one and a word too many are errors of use", async () => {
  const calls = [
    ["simulate", "--rate", "fast"],
    ["simulate", "--change-share", "1.5"],
    ["tail", "--sensor", "a.b"],
    ["sense", "--disk", "95,80"],
    ["sense", "--once", "--path", "/nope"],
    ["sense", "--once", "--path", "/proc"],
    ["listen", "--secret", "hunter2"],
    ["listen", "--no-register"],
    ["token", "create", "--name", "a"],
    ["token", "create", "--name", "a", "--scopes", "everything"],
    ["up", "now"],
    [],
  ];
  const ends = await Promise.all(calls.map((words) => runCommand(words)));
  expect(ends.map(({ exitCode }) => exitCode)).toEqual(calls.map(() => 2));
  expect(ends.every(({ stderr }) => stderr !== "" && !stderr.includes("    at "))).toBe(true);
});

test("a wrong environment lists every problem, without a stack", async () => {
  const { exitCode, stderr } = await runCommand(["up"], { HTTP_PORT: "x", NATS_PORT: "0", REGISTRATION: "ajar" });
  expect(exitCode).toBe(2);
  for (const name of ["HTTP_PORT", "NATS_PORT", "REGISTRATION"]) expect(stderr).toContain(name);
  expect(stderr).not.toContain("    at ");
});

test("where no Tocsin runs, the commands that need one say so in a line", async () => {
  const away = { NATS_URL: "nats://127.0.0.1:1", TOCSIN_URL: "http://127.0.0.1:1" };
  const [tail, listen] = await Promise.all([runCommand(["tail"], away), runCommand(["listen"], away)]);
  expect(tail).toMatchObject({ exitCode: 1, stdout: "" });
  expect(tail.stderr).toMatch(/^tocsin: no NATS answers at nats:\/\/127\.0\.0\.1:1 \(.+\); start Tocsin .*\n$/);
  expect(listen).toMatchObject({ exitCode: 1, stdout: "" });
  expect(listen.stderr).toMatch(/^tocsin: no Tocsin answers at http:\/\/127\.0\.0\.1:1.*\n$/);
});

const CREATE = ["token", "create", "--name", "a", "--scopes", "admin"];

test("a token is made where TOCSIN_URL leads, and nowhere else: nobody there is an error, and the database here stays as it is", async () => {
  using folder = temporaryFolder();
  const store = await openStore({ kind: "sqlite", file: folder.file });
  try {
    const { exitCode, stdout, stderr } = await runCommand(CREATE, {
      DATABASE_URL: `sqlite:${folder.file}`,
      DATA_DIR: folder.path,
      TOCSIN_URL: "http://127.0.0.1:1",
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toBe("tocsin: no Tocsin answers at http://127.0.0.1:1, where TOCSIN_URL leads\n");
    expect((await store.listTokens({ limit: 10, cursor: null })).items).toEqual([]);
  } finally {
    await store.close();
  }
});

test("where no Tocsin runs a token is made in the database that is there; where none is, none is made, and it is said what to do", async () => {
  using folder = temporaryFolder();
  const env = { DATA_DIR: join(folder.path, "data"), HTTP_PORT: "1" };
  const refused = await runCommand(CREATE, env);
  expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
  expect(refused.stderr).toMatch(/^tocsin: no Tocsin runs here, and there is no database .*tocsin\.db; start one \(tocsin up\), .*\n$/);
  expect(existsSync(env.DATA_DIR)).toBe(false);
  expect((await runCommand(["migrate"], env)).exitCode).toBe(0);
  expect(await runCommand(CREATE, env)).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\S{16,}\n$/) });
});

test("a migration that fails names the database, without its password", async () => {
  const { exitCode, stderr } = await runCommand(["migrate"], { DATABASE_URL: "postgres://tocsin:secret@127.0.0.1:1/none" });
  expect(exitCode).toBe(1);
  expect(stderr).toStartWith("tocsin: postgres://127.0.0.1:1/none: ");
  expect(stderr).not.toContain("secret");
});
