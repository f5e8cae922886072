/**
 * `npm run build:client`: dist/client, one file of plain JavaScript and its types. package.json exports it as `tocsin/client`, and it is a
 * package of its own, `tocsin-client`, for who wants nothing else.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import packageJson from "../package.json" with { type: "json" };
import { clientScript } from "../src/clientScript";

const root = join(import.meta.dir, "..");
const SOURCE = join(root, "src/client");

const { version, license } = packageJson;
const MANIFEST = {
  name: "tocsin-client",
  version,
  description: "The typed client of Tocsin's API, for Node, Bun and browsers.",
  license,
  type: "module",
  sideEffects: false,
  exports: { ".": { types: "./index.d.ts", default: "./index.js" } },
};

/** Writes into `folder`. Throws what does not compile. */
export async function buildClient(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await Bun.write(join(folder, "index.js"), await clientScript());
  await Bun.write(join(folder, "package.json"), `${JSON.stringify(MANIFEST, null, 2)}\n`);
  writeTypes(folder);
}

function writeTypes(folder: string): void {
  const program = ts.createProgram([join(SOURCE, "index.ts")], {
    declaration: true,
    emitDeclarationOnly: true,
    outDir: folder,
    rootDir: SOURCE,
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
    types: [],
    strict: true,
    noUncheckedIndexedAccess: true,
  });
  const { diagnostics } = program.emit(undefined, (path, text) => ts.sys.writeFile(path, withExtensions(text)));
  const found = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (found.length === 0) return;
  throw new Error(
    found.map(({ file, messageText }) => `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`).join("\n"),
  );
}

/** As Node wants to read them; bundlers do, too. */
function withExtensions(text: string): string {
  return text.replaceAll(/(from "\.\/\w+)"/g, '$1.js"');
}

if (import.meta.main) {
  await buildClient(join(root, "dist/client"));
  console.log("dist/client is built");
}
