/** As much of oxlint's plugin interface (https://oxc.rs/docs/guide/usage/linter/js-plugins) as our rules need. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly loc: Lines;
  readonly parent: Node | null;
  readonly name?: unknown;
  readonly value?: unknown;
  readonly source?: Node | null;
  readonly id?: Node | null;
  readonly key?: Node;
  readonly object?: Node;
  readonly property?: Node;
  readonly callee?: Node;
  readonly arguments?: readonly Node[];
}

interface Lines {
  readonly start: { readonly line: number; readonly column: number };
  readonly end: { readonly line: number; readonly column: number };
}

export type Where = { readonly node: Node } | { readonly loc: Lines };

export interface RuleContext {
  readonly filename: string;
  readonly cwd: string;
  readonly sourceCode: { readonly text: string };
  report(found: Where & { readonly message: string }): void;
}

export interface LintRule {
  create(context: RuleContext): Partial<Readonly<Record<string, (node: Node) => void>>>;
}
