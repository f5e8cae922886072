/** The rules of ours that oxlint runs (.oxlintrc.json): the tree, the sizes and the words. Each message names the better way. */
import { relative } from "node:path";
import { crossed } from "./boundaries";
import { bannedWord } from "./names";
import { sizesOf } from "./sizes";
import type { LintRule, Node, RuleContext, Where } from "./syntax";

const boundaries: LintRule = {
  create(context) {
    const check = (node: Node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== "string") return;
      const boundary = crossed(fileOf(context), specifier);
      if (boundary !== null) context.report({ node, message: boundary.reason });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    };
  },
};

const ENVIRONMENT_READER = "src/config.ts";

const environment: LintRule = {
  create(context) {
    const file = fileOf(context);
    if (!file.startsWith("src/") || file === ENVIRONMENT_READER) return {};
    const message = `the environment is read by ${ENVIRONMENT_READER} alone: take your slice of Config`;
    return {
      MemberExpression(node) {
        const owner = node.object?.type === "MetaProperty" ? "import.meta" : node.object?.name;
        const isEnvironment = owner === "process" || owner === "Bun" || owner === "import.meta";
        if (isEnvironment && (node.property?.name ?? node.property?.value) === "env") context.report({ node, message });
      },
      ImportSpecifier(node) {
        const from = node.parent?.source?.value;
        if (from !== "node:process" && from !== "process" && from !== "bun") return;
        context.report({ node, message });
      },
    };
  },
};

const sizes: LintRule = {
  create(context) {
    const { fileLinesMax, functionLinesMax } = sizesOf(fileOf(context));
    const checkFunction = (node: Node) => {
      const lines = node.loc.end.line - node.loc.start.line + 1;
      if (lines <= functionLinesMax || isSuite(node)) return;
      context.report({
        loc: firstLine(node),
        message: `this function has ${lines} lines, at most ${functionLinesMax}: name a part of it and move that out`,
      });
    };
    return {
      Program(node) {
        const lines = context.sourceCode.text.trimEnd().split("\n").length;
        if (lines <= fileLinesMax) return;
        context.report({
          loc: firstLine(node),
          message: `this file has ${lines} lines, at most ${fileLinesMax}: it is two rooms, give the second one a name`,
        });
      },
      FunctionDeclaration: checkFunction,
      FunctionExpression: checkFunction,
      ArrowFunctionExpression: checkFunction,
    };
  },
};

/** The callback of a `describe` is a list of tests, not a function with a flow. */
function isSuite(node: Node): boolean {
  const call = node.parent;
  if (call?.type !== "CallExpression" || !call.arguments?.includes(node)) return false;
  const callee = call.callee?.type === "CallExpression" ? call.callee.callee : call.callee;
  return rootName(callee) === "describe";
}

const names: LintRule = {
  create(context) {
    const check = (where: Where, name: unknown) => {
      const word = typeof name === "string" ? bannedWord(name) : null;
      if (word !== null)
        context.report({ ...where, message: `"${word}" names nothing: say what it does, in the words of ARCHITECTURE.md` });
    };
    const declared = (node: Node) => {
      if (node.id?.type === "Identifier") check({ node: node.id }, node.id.name);
    };
    return {
      Program: (node) => check({ loc: firstLine(node) }, fileOf(context)),
      FunctionDeclaration: declared,
      ClassDeclaration: declared,
      VariableDeclarator: declared,
      TSInterfaceDeclaration: declared,
      TSTypeAliasDeclaration: declared,
      TSEnumDeclaration: declared,
      MethodDefinition: (node) => check({ node }, node.key?.name),
      PropertyDefinition: (node) => check({ node }, node.key?.name),
    };
  },
};

const TEST_CALLS = new Set(["test", "it", "describe"]);
const PARTIAL = new Set(["only", "skip", "todo", "skipIf", "todoIf", "if", "failing"]);

const wholeTests: LintRule = {
  create(context) {
    return {
      MemberExpression(node) {
        const property = node.property?.name;
        if (typeof property !== "string" || !PARTIAL.has(property) || !TEST_CALLS.has(String(rootName(node.object)))) return;
        context.report({ node, message: `every test runs everywhere: without .${property}, mend it or take it out` });
      },
    };
  },
};

/** Where a finding about much code is shown. */
function firstLine({ loc }: Node) {
  return { start: loc.start, end: loc.start };
}

/** `describe` of `describe.each([…])`. */
function rootName(node: Node | undefined): unknown {
  let root = node;
  while (root?.type === "MemberExpression") root = root.object;
  return root?.name;
}

function fileOf({ filename, cwd }: RuleContext): string {
  return relative(cwd, filename).replaceAll("\\", "/");
}

export default {
  meta: { name: "tocsin" },
  rules: { boundaries, environment, sizes, names, "whole-tests": wholeTests },
};
