/** How an operation is called by curl, ready to paste: `$TOCSIN` is the address of the API, `$TOKEN` a token. */

export interface CurlParts {
  readonly method: string;
  /** As the document writes it, with `{id}`. */
  readonly path: string;
  readonly needsToken: boolean;
  /** Those that must be given. */
  readonly parameters: readonly CurlParameter[];
  /** Goes on until somebody ends it. */
  readonly endless?: boolean;
  readonly body?: CurlBody | undefined;
}

interface CurlParameter {
  readonly name: string;
  readonly in: string;
  readonly example?: unknown;
}

interface CurlBody {
  readonly type: string;
  /** A text is sent as it is, anything else as JSON. */
  readonly value: unknown;
}

/** So short a body stands on the line. */
const LINE_CHARS_MAX = 140;

export function curlOf({ method, path, needsToken, parameters, endless = false, body }: CurlParts): string {
  const at = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => segmentOf(path, name, parameters));
  const query = parameters
    .filter((parameter) => parameter.in === "query")
    .map(({ name, example }) => `${name}=${queryValue(name, example)}`);
  const isImplied = method === "GET" || (method === "POST" && body !== undefined);
  const first = [
    `curl -s${endless ? "N" : ""}`,
    ...(isImplied ? [] : [`-X ${method}`]),
    `"$TOCSIN${at}${query.length === 0 ? "" : `?${query.join("&")}`}"`,
  ];
  const options = [
    ...(needsToken ? ['-H "authorization: Bearer $TOKEN"'] : []),
    ...parameters
      .filter((parameter) => parameter.in === "header")
      .map(({ name, example }) => `-H ${quoted(`${name}: ${String(example)}`)}`),
    ...(body === undefined ? [] : [`-H "content-type: ${body.type}"`, bodyOption(body)]),
  ];
  const line = [...first, ...options].join(" ");
  return line.length <= LINE_CHARS_MAX ? line : [first.join(" "), ...options].join(" \\\n  ");
}

/** An id that the service gave stands for itself: nobody else's would do. */
function segmentOf(path: string, name: string, parameters: readonly CurlParameter[]): string {
  const parameter = parameters.find((each) => each.name === name);
  const noun = new RegExp(`([^/]+)/\\{${name}\\}`).exec(path)?.[1] ?? name;
  return noun === "sensors" || noun === "statuses" ? encodeURIComponent(String(parameter?.example)) : `$${variableOf(noun)}`;
}

function queryValue(name: string, example: unknown): string {
  const noun = /^(?!sensor)(\w+)Id$/.exec(name)?.[1];
  return noun === undefined ? encodeURIComponent(String(example)) : `$${noun.toUpperCase()}_ID`;
}

/** `dead-letters` is `DEAD_LETTER_ID`. */
function variableOf(noun: string): string {
  const singular = noun
    .replace(/^webhook-keys$/, "webhooks")
    .replace(/ies$/, "y")
    .replace(/s$/, "");
  return `${singular.replaceAll("-", "_").toUpperCase()}_ID`;
}

function bodyOption({ value }: CurlBody): string {
  return typeof value === "string" ? `--data-binary ${quoted(value)}` : `-d ${quoted(JSON.stringify(value))}`;
}

/** For any POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
