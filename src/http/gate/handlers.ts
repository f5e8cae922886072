import { type ComposedHandler, type Context, redirect, status } from "elysia";

/** Answers a request by the handler of its route; `params` are those of its path, decoded. */
export type Handler = (request: Request, params: Readonly<Record<string, string>>) => Response | Promise<Response>;

/** Elysia leaves a query alone that does not begin anywhere. */
const NO_QUERY = -1;
const NOTHING = {};

/**
 * What Elysia made of a route, checks and all, asked as its own router would ask: the gate has found the route by then, and read the body
 * and the query, which hooks bring in.
 */
export function handlerOf(composed: ComposedHandler, template: string): Handler {
  return (request, params) => {
    const set = { headers: Object.create(null) as Context["set"]["headers"], status: 200 };
    const url = request.url;
    return composed({ request, params, set, url, qi: NO_QUERY, path: template, store: NOTHING, redirect, status } as unknown as Context);
  };
}
