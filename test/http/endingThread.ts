/** A thread that ends at the second part of a request. */
import type { Answer, Order } from "../../src/http/bulk/thread/orders";

declare const self: { onmessage: (event: MessageEvent<Order>) => void; postMessage: (answer: Answer) => void };

let taken = 0;

self.onmessage = ({ data: order }) => {
  if (order.kind !== "take") return;
  taken += 1;
  if (taken === 2) throw new Error("the thread cannot go on");
  self.postMessage({ kind: "taken", request: order.request });
};
