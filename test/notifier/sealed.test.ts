import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { SETTINGS_DEFAULT } from "../../src/domain/webhook";
import { createSender } from "../../src/notifier/webhook/sender";
import { newKey } from "../../src/signingKeys";
import { openVault } from "../../src/vault";
import { SealingKey } from "../../src/vault/sealingKey";
import { openReceiver } from "../receivers/receiver";
import { LOOPBACK_ALLOWED } from "./scene";

test("a webhook whose secrets do not open here is sent nothing, and a delivery's attempt says so", async () => {
  await using receiver = openReceiver();
  const keys = [new SealingKey(randomBytes(32)), new SealingKey(randomBytes(32))] as const;
  const key = newKey("v1a", 0);
  const credentials = openVault({ keys: [keys[0]] }).sealCredentials("wh_1", { keys: [key], headers: {}, auth: null, tls: null });
  const webhook = { id: "wh_1", url: receiver.url, settings: SETTINGS_DEFAULT, credentials };
  using without = createSender(LOOPBACK_ALLOWED, { vault: openVault({ keys: [keys[1]] }) });
  expect(await without.sendTest(webhook)).toMatchObject({ statusCode: null, error: expect.stringMatching(/^not sent: /) as string });
  expect(receiver.arrivals).toEqual([]);
  using having = createSender(LOOPBACK_ALLOWED, { vault: openVault({ keys: [keys[1], keys[0]] }) });
  expect(await having.sendTest(webhook)).toMatchObject({ statusCode: 204 });
  expect(receiver.arrivals[0]?.headers["webhook-signature"]).toMatch(/^v1a,[A-Za-z0-9+/]{86}==$/);
});
