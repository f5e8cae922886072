/** A thread that ends at the second part of a request, in the way that it was told first. */
import type { Answer, Order } from "../../src/http/bulk/thread/orders";

declare const self: { onmessage: (event: MessageEvent<Order | "throws" | "exits">) => void; postMessage: (answer: Answer) => void };

let way = "throws";
let taken = 0;

self.onmessage = ({ data }) => {
  if (typeof data === "string") way = data;
  else if (data.kind === "take") {
    taken += 1;
    if (taken === 2 && way === "exits") process.exit(0);
    if (taken === 2) throw new Error("the thread cannot go on");
    self.postMessage({ kind: "taken", request: data.request });
  }
};
