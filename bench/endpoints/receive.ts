/** Receivers in a process of their own. */
import { childSettings } from "../child";
import { answerAsked } from "../peer";
import { Receivers } from "./receivers";

const { endpoints } = childSettings<{ endpoints: number }>();
const receivers = new Receivers(endpoints);
answerAsked({
  urls: () => receivers.urls,
  counts: () => receivers.counts(),
  down: () => receivers.down(),
  up: () => receivers.up(),
});
