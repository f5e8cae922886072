import { expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/config";
import { ConfigError } from "../../src/configReader";
import { newSealingKeyText } from "../../src/vault/sealingKey";

/** Both `-`, `_` and `+`, `/` occur in it. */
const bytes = Buffer.concat([Buffer.from([0xfb, 0xef, 0xff]), randomBytes(29)]);
const id = createHash("sha256").update(bytes).digest("hex").slice(0, 8);

const idsOf = (env: Record<string, string>): string[] | undefined => readConfig(env).secrets.sealingKeys?.map((key) => key.id);

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("a key may stand there in base64, standard or url, with or without its padding, or in hex", () => {
  const base64 = bytes.toString("base64");
  const forms = [base64, base64.replace("=", ""), bytes.toString("base64url"), bytes.toString("hex"), bytes.toString("hex").toUpperCase()];
  expect(forms.map((text) => idsOf({ SECRETS_KEY: text }))).toEqual(forms.map(() => [id]));
});

test("several keep their order; none is none", () => {
  const other = newSealingKeyText();
  const [otherId = ""] = idsOf({ SECRETS_KEY: other }) ?? [];
  expect(idsOf({ SECRETS_KEY: `${bytes.toString("hex")}, ${other}` })).toEqual([id, otherId]);
  expect(idsOf({ SECRETS_KEY: `${other},${bytes.toString("base64")}` })).toEqual([otherId, id]);
  expect(idsOf({})).toBeUndefined();
});

test("they may come from a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-key-"));
  try {
    const file = join(folder, "key");
    writeFileSync(file, `${bytes.toString("base64")}\n`);
    expect(idsOf({ SECRETS_KEY_FILE: file })).toEqual([id]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is wrong is told with everything else that is, and never with the text", () => {
  const good = bytes.toString("base64");
  const short = randomBytes(31).toString("base64");
  const wrong = ["hunter2-hunter2", short, `${short.slice(0, 40)}!!!=`, randomBytes(33).toString("hex")];
  const problems = problemsOf({ HTTP_PORT: "many", SECRETS_KEY: [good, ...wrong, good].join(",") });
  expect(problems).toHaveLength(2 + wrong.length);
  expect(problems[0]).toStartWith("HTTP_PORT");
  expect(problems.slice(1, -1).map((problem) => problem.slice(0, 18))).toEqual(wrong.map((_, index) => `SECRETS_KEY: key ${index + 2}`));
  expect(problems.at(-1)).toBe(`SECRETS_KEY: key ${wrong.length + 2} stands there twice`);
  for (const text of [good, ...wrong]) expect(problems.join("\n")).not.toContain(text);
  expect(problemsOf({ SECRETS_KEY: `${good},` })).toHaveLength(1);
  expect(problemsOf({ SECRETS_KEY: good, SECRETS_KEY_FILE: "/nowhere" })).not.toEqual([]);
});
