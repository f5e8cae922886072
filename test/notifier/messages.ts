import type { Message } from "../../src/notifier/webhook/payload";
import { hmacSigner } from "../../src/notifier/webhook/signature";
import { newSecret } from "./scene";

/** A message to this URL, with these secrets' signatures. */
export function newMessage(
  url: string,
  { secrets = [newSecret()], ...parts }: Partial<Message> & { secrets?: readonly string[] } = {},
): Message {
  return {
    id: "wh_1_0_7",
    url,
    body: '{"type":"x","data":{}}',
    contentType: "application/json",
    headers: {},
    tls: null,
    timeoutMs: 15_000,
    hidden: [],
    signers: secrets.map(hmacSigner),
    ...parts,
  };
}
