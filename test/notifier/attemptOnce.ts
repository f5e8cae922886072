/**
 * One attempt as the service would make it, in a process whose environment a test chooses; prints how it went. With `plainly` it is a
 * fetch without the sender's care, to see what that environment does to one.
 */
import { readConfig } from "../../src/config";
import { createSender } from "../../src/notifier/webhook/sender";
import { newMessage } from "./messages";

const [url = "", how = ""] = process.argv.slice(2);
if (how === "plainly") {
  const response = await fetch(url, { method: "POST", body: "{}" });
  console.log(JSON.stringify({ statusCode: response.status }));
} else {
  const sent = await createSender(readConfig().config.guard).send(newMessage(url));
  console.log(JSON.stringify(sent?.attempt));
}
