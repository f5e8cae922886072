import { fileURLToPath } from "node:url";
import { Elysia } from "elysia";
import { clientScript } from "../../clientScript";
import { HIDDEN } from "./operation";

/** Nothing from outside, nothing inline, and nobody may frame it. */
const CONTENT_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Tocsin API</title>
    <link rel="icon" type="image/png" href="/swagger/favicon-32x32.png" />
    <link rel="stylesheet" href="/swagger/swagger-ui.css" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/swagger/swagger-ui-bundle.js"></script>
    <script src="/swagger/start.js"></script>
  </body>
</html>
`;

// Without validatorUrl: null the page would send the document's address to a stranger's validator.
const START = `SwaggerUIBundle({
  url: "/swagger/json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
`;

const CSS = "text/css; charset=utf-8";
const JAVASCRIPT = "text/javascript; charset=utf-8";

export interface ReferenceOptions {
  /** The OpenAPI document, asked for when it is first wanted. */
  readonly document: () => string;
}

/** The reference page and everything that it loads; and the client, for pages and for who wants to have a look at it. */
export function reference({ document }: ReferenceOptions) {
  let text: string | null = null;
  let script: string | null = null;
  return new Elysia({ name: "reference" })
    .get("/swagger", () => file(PAGE, "text/html; charset=utf-8"), HIDDEN)
    .get("/swagger/start.js", () => file(START, JAVASCRIPT), HIDDEN)
    .get("/swagger/json", () => file((text ??= document()), "application/json"), HIDDEN)
    .get("/swagger/swagger-ui.css", () => packaged(import.meta.resolve("swagger-ui-dist/swagger-ui.css"), CSS), HIDDEN)
    .get("/swagger/swagger-ui-bundle.js", () => packaged(import.meta.resolve("swagger-ui-dist/swagger-ui-bundle.js"), JAVASCRIPT), HIDDEN)
    .get("/client.js", async () => file((script ??= await clientScript()), JAVASCRIPT), HIDDEN)
    .get("/swagger/favicon-32x32.png", () => packaged(import.meta.resolve("swagger-ui-dist/favicon-32x32.png"), "image/png"), HIDDEN);
}

function packaged(address: string, type: string): Response {
  return file(Bun.file(fileURLToPath(address)), type);
}

function file(content: string | Blob, type: string): Response {
  return new Response(content, {
    headers: { "content-type": type, "cache-control": "no-cache", "content-security-policy": CONTENT_POLICY },
  });
}
