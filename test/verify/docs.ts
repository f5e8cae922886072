/** What documents cite, as functions of their text. A path in a document is written from the root of the repo. */
import { dirname, join, normalize } from "node:path/posix";

/** Everything in backticks that looks like a path of this repo: under one of its folders, or a document or source file by name. */
export function citedPaths(markdown: string, topFolders: readonly string[]): string[] {
  return [...withoutFences(markdown).matchAll(/`([^`\n]+)`/g)]
    .map(([, code = ""]) => code.replace(/(?::\d+)?$/, "").replace(/\/$/, ""))
    .filter((code) => !/[\s<>{}$|()]/.test(code))
    .filter((code) => topFolders.includes(code.split("/")[0] ?? "") || (/^[\w.-]+\.(?:md|ts)$/.test(code) && code !== ".env"));
}

/** Targets of links into the repo, from its root; an anchor stays on. `file` is the document. */
export function linkedPaths(markdown: string, file: string): string[] {
  return [...withoutFences(markdown).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => (target.startsWith("#") ? file + target : normalize(join(dirname(file), target))));
}

/** The anchors of a document's headings, as the usual hosts derive them. */
export function anchorsOf(markdown: string): string[] {
  return [...withoutFences(markdown).matchAll(/^#+ +(.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-"),
  );
}

/** Blocks that say they are JSON and are not, each with the parser's complaint. */
export function brokenJson(markdown: string): string[] {
  return fences(markdown)
    .filter(({ language }) => language === "json")
    .flatMap(({ text }) => {
      try {
        JSON.parse(text);
        return [];
      } catch (error) {
        return [`${(error as Error).message}: ${text.slice(0, 60)}`];
      }
    });
}

/** The scripts that a text runs: `npm test`, `npm start`, `npm run x`. */
export function namedScripts(text: string): string[] {
  return [...text.matchAll(/\bnpm (?:run )?(test|start|(?<=run )[a-z][\w:-]*)/g)].map(([, name = ""]) => name);
}

function fences(markdown: string): { language: string; text: string }[] {
  return [...markdown.matchAll(/^ *```([\w-]*)[^\n]*\n([\s\S]*?)^ *```/gm)].map(([, language = "", text = ""]) => ({ language, text }));
}

function withoutFences(markdown: string): string {
  return markdown.replaceAll(/^ *```[\s\S]*?^ *```/gm, "");
}
