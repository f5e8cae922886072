import { type ApiOptions, createApi } from "../src/http/api";
import { openapiDocument } from "../src/http/document/document";

/** The API, without a server: no handler is called, so nothing that handlers ask needs to be there. */
export function idleApi(): ReturnType<typeof createApi> {
  const nothing: unknown = new Proxy(() => nothing, { get: () => nothing });
  const parts: Partial<ApiOptions> = { partitions: 1, registration: "open", calls: new WeakMap(), answerFailure: () => new Response() };
  const options = new Proxy(parts, { get: (given, name) => given[name as keyof ApiOptions] ?? nothing });
  return createApi(options as ApiOptions);
}

export function documentOfApi(): string {
  return openapiDocument(idleApi());
}
