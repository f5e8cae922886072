/** A program that never ends by itself: it says `ready`, and how it was asked to end. The deadline in milliseconds is its argument. */
import { openLifetime } from "../../src/cli/lifetime";

const lifetime = openLifetime({ launched: process.argv[3] === "launched", deadlineMs: Number(process.argv[2]) });
setInterval(() => {}, 1000);
console.log("ready");
console.log(`asked: ${await lifetime.asked}`);
