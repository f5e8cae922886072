/**
 * Holds manifests against the types that are made of Kubernetes' own API description (kubernetes-types): each is written down as a
 * literal that must satisfy its kind's type, and the type checker reads it. It refuses what it does not know, and says where.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { repoRoot } from "../verify/repo";

export interface Named {
  readonly apiVersion: string;
  readonly kind: string;
}

/** A line for each thing that is wrong; none when all is well. */
export async function schemaProblems(manifests: readonly Named[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-schemas-"));
  try {
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(project()));
    writeFileSync(join(folder, "manifests.ts"), manifests.map(literal).join("\n"));
    const child = Bun.spawn([process.execPath, "check", "--no-script", "--no-pretty", "--all", "-p", folder], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [code, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
    const problems = `${stdout}\n${stderr}`.split("\n").filter((line) => /\berror\b/.test(line));
    if (code !== 0 && problems.length === 0) throw new Error(`the type checker ended with ${code}: ${stdout}${stderr}`);
    return problems;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Types are looked for beside the package, because the folder lies outside of the repo. */
function project() {
  const types = dirname(Bun.resolveSync("kubernetes-types/package.json", repoRoot));
  return {
    compilerOptions: {
      strict: true,
      noEmit: true,
      module: "ESNext",
      moduleResolution: "bundler",
      types: [],
      lib: ["ESNext"],
      paths: { "kubernetes-types/*": [`${types}/*`] },
    },
    files: ["manifests.ts"],
  };
}

/** `apps/v1` is a file of the package, `v1` is `core/v1`, and of a group with a domain the first word counts. */
function literal(manifest: Named): string {
  const { apiVersion, kind } = manifest;
  const [version = "", group = "core"] = apiVersion.split("/").reverse();
  const type = `import("kubernetes-types/${group.split(".")[0]}/${version}").${kind}`;
  return `(${JSON.stringify(manifest)}) satisfies ${type};`;
}
