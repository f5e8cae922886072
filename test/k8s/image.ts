/**
 * What the Dockerfile says, and its image as a folder: there is no Docker here, so its instructions are followed by hand. Only the
 * base images are missing; of the first, which brings Bun, the program that runs this test stands in.
 */
import { copyFileSync, cpSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { readRepoFile, repoRoot } from "../verify/repo";

export interface Instruction {
  readonly word: string;
  readonly rest: string;
}

export interface Stage {
  readonly base: string;
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** In order; the last one is the image. */
export function stages(dockerfile: string): Stage[] {
  const found: { base: string; name: string; instructions: Instruction[] }[] = [];
  for (const line of dockerfile.replaceAll("\\\n", " ").split("\n")) {
    const [, word, rest = ""] = /^([A-Z]+)\s+(.+)$/.exec(line.trim()) ?? [];
    if (word === undefined) continue;
    const [, base, name = ""] = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest) ?? [];
    if (word === "FROM") found.push({ base: base ?? "", name, instructions: [] });
    else found.at(-1)?.instructions.push({ word, rest });
  }
  return found;
}

/** What the last instruction of this kind says, or null. */
export function said(stage: Stage, word: string): string | null {
  return stage.instructions.findLast((instruction) => instruction.word === word)?.rest ?? null;
}

/** Whether the builder is given a path of the repo at all (.dockerignore, whose lines are a star and exceptions from it). */
export function isInContext(path: string): boolean {
  const lines = readRepoFile(".dockerignore")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (lines[0] !== "*" || !lines.slice(1).every((line) => line.startsWith("!"))) throw new Error(".dockerignore no longer begins with *");
  return lines.slice(1).some((line) => path === line.slice(1) || path.startsWith(`${line.slice(1)}/`));
}

/** Lays the image's files out under `folder` and gives the root of it. Throws when an instruction cannot be followed. */
export async function layOut(folder: string): Promise<string> {
  const roots = new Map<string, string>();
  let root = "";
  for (const [index, stage] of stages(readRepoFile("Dockerfile")).entries()) {
    root = join(folder, `stage-${index}`);
    roots.set(stage.name, root);
    if (stage.base.startsWith("oven/bun:")) place(process.execPath, join(root, "usr/local/bin/bun"));
    await follow(stage, root, roots);
  }
  return root;
}

async function follow(stage: Stage, root: string, roots: ReadonlyMap<string, string>): Promise<void> {
  let workdir = root;
  for (const { word, rest } of stage.instructions) {
    if (word === "WORKDIR") {
      workdir = join(root, rest);
      mkdirSync(workdir, { recursive: true });
    } else if (word === "RUN") await run(rest, workdir, root);
    else if (word === "COPY") copy(rest, workdir, { root, roots });
  }
}

async function run(command: string, cwd: string, root: string): Promise<void> {
  const env = { ...process.env, PATH: `${join(root, "usr/local/bin")}:${process.env["PATH"]}` };
  const child = Bun.spawn(["sh", "-c", command], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const [code, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  if (code !== 0) throw new Error(`RUN ${command} ended with ${code}: ${stdout}${stderr}`);
}

function copy(rest: string, workdir: string, { root, roots }: { root: string; roots: ReadonlyMap<string, string> }): void {
  const words = rest.split(/\s+/);
  const from = words[0]?.startsWith("--from=") ? words.shift()?.slice("--from=".length) : undefined;
  const target = words.pop() ?? "";
  const place = target.startsWith("/") ? join(root, target) : join(workdir, target);
  for (const source of words) {
    const to = target.endsWith("/") ? join(place, source) : place;
    mkdirSync(dirname(to), { recursive: true });
    if (from !== undefined) {
      // Nobody needs the other stage afterwards.
      renameSync(join(roots.get(from) ?? "", source), to);
    } else if (isInContext(source)) cpSync(join(repoRoot, source), to, { recursive: true });
    else throw new Error(`.dockerignore keeps ${source} from the builder`);
  }
}

function place(program: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(program, to);
}
