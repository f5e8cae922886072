const CODES = { dim: 2, bold: 1, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Hue = keyof typeof CODES;

export type Paint = (hue: Hue, text: string) => string;

/** Colours (ECMA-48 SGR) for a terminal; plain text for everything else. */
export function paintFor(coloured: boolean): Paint {
  return coloured ? (hue, text) => `\u001b[${CODES[hue]}m${text}\u001b[0m` : (_, text) => text;
}

export const PLAIN: Paint = paintFor(false);
