/** Those who do not know the way: a browser that was given the node's address alone, and whoever asks a node that does not serve the API. */
import { Refusal } from "../problems";
import type { Arrival } from "./arrival";

/** What is answered whoever asks; null for all that the API answers. Throws {@link Refusal} (404) where it is not served. */
export type FrontDoor = (arrival: Pick<Arrival, "request" | "match" | "target">) => Response | null;

export function createFrontDoor(servesApi: boolean): FrontDoor {
  return ({ request, match, target }) => {
    if (match !== null) return null;
    if (!servesApi) throw new Refusal(404, "The API is not served here: this node has not the role http. Ask one that has it.");
    const isLook = request.method === "GET" || request.method === "HEAD";
    // That the reference is there is no secret: it is open, and says itself that all else needs a token.
    if (target.path !== "/" || !isLook || !wantsPage(request.headers)) return null;
    return new Response(null, { status: 303, headers: { location: "/swagger", vary: "accept" } });
  };
}

/** Programs take anything, as `*` with a slash; a browser names HTML. */
function wantsPage(headers: Headers): boolean {
  const ranges = headers.get("accept")?.split(",") ?? [];
  return ranges.some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === "text/html" && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
