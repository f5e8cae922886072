import { afterEach, describe, expect, setSystemTime, test } from "bun:test";
import { createPublicKey, verify } from "node:crypto";
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";
import type { SigningKey } from "../../src/domain/credentials";
import { newKey } from "../../src/signingKeys";
import { type SignedHeaders, signedHeaders, signersOf } from "../../src/notifier/webhook/signature";
import file from "../receivers/signatureVectors.json";

interface Vector {
  readonly name: string;
  readonly id: string;
  readonly timestamp: number;
  readonly body: string;
  readonly keys: readonly { readonly kind: string; readonly secret: string; readonly public?: string }[];
  readonly signature: string;
}

const vectors: readonly Vector[] = file.vectors;

/** As a webhook would hold them. */
function keysOf({ keys }: Vector): SigningKey[] {
  return keys.map(({ kind, secret }, index) => ({
    id: `key_${index}`,
    kind: kind as SigningKey["kind"],
    secret,
    createdAt: 0,
    expiresAt: null,
  }));
}

function headersOf(vector: Vector): SignedHeaders {
  return signedHeaders(vector, signersOf({ keys: keysOf(vector) }, 0), vector.timestamp * 1000 + 999);
}

/** Whether one of the `v1a` signatures is by this `whpk_`; by node:crypto, since neither library knows `v1a`. */
function isSignedBy(whpk: string, headers: SignedHeaders, body: string): boolean {
  const x = Buffer.from(whpk.slice("whpk_".length), "base64").toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const text = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  const signatures = headers["webhook-signature"].split(" ").filter((each) => each.startsWith("v1a,"));
  return signatures.some((each) => verify(null, text, key, Buffer.from(each.slice("v1a,".length), "base64")));
}

/** Libraries refuse what is more than five minutes off. */
function at<Result>(timestamp: number, act: () => Result): Result {
  setSystemTime(new Date(timestamp * 1000));
  return act();
}

afterEach(() => void setSystemTime());

describe.each(vectors.map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
  test("is signed as it is written down", () => {
    expect(headersOf(vector)).toEqual({
      "webhook-id": vector.id,
      "webhook-timestamp": String(vector.timestamp),
      "webhook-signature": vector.signature,
    });
  });

  test("is accepted with each of its keys, and no longer once it was changed", () => {
    const headers = headersOf(vector);
    const changed: [SignedHeaders, string][] = [
      [headers, `${vector.body} `],
      [{ ...headers, "webhook-id": `${vector.id}x` }, vector.body],
      [{ ...headers, "webhook-timestamp": String(vector.timestamp + 1) }, vector.body],
    ];
    at(vector.timestamp, () => {
      for (const key of vector.keys) {
        const libraries = [
          (body: string, sent: SignedHeaders) => void new Standard(key.secret).verify(body, sent, { jsonParse: false }),
          (body: string, sent: SignedHeaders) => new Svix(key.secret).verify(body, sent),
        ];
        if (key.kind === "v1") {
          for (const check of libraries) {
            check(vector.body, headers);
            for (const [sent, body] of changed) expect(() => check(body, sent)).toThrow("No matching signature");
          }
        } else {
          expect(isSignedBy(key.public ?? "", headers, vector.body)).toBe(true);
          for (const [sent, body] of changed) expect(isSignedBy(key.public ?? "", sent, body)).toBe(false);
        }
      }
    });
  });
});

test("the vectors hold both kinds, alone and together", () => {
  const kinds = new Set(vectors.map(({ keys }) => [...new Set(keys.map(({ kind }) => kind))].toSorted().join("+")));
  expect([...kinds].toSorted()).toEqual(["v1", "v1+v1a", "v1a"]);
});

describe("who signs", () => {
  const [first, second, third] = [newKey("v1", 1), newKey("v1a", 2), newKey("v1", 3)] as const;

  test("are the keys that are valid at that moment, to the millisecond, in their order", () => {
    const keys = [third, { ...second, expiresAt: 1000 }, { ...first, expiresAt: 500 }];
    const kindsAt = (now: number) => signersOf({ keys }, now).map((signer) => signer("x").split(",")[0]);
    expect(kindsAt(499)).toEqual(["v1", "v1a", "v1"]);
    expect(kindsAt(500)).toEqual(["v1", "v1a"]);
    expect(kindsAt(1000)).toEqual(["v1"]);
  });

  test("are ten at most", () => {
    const keys = Array.from({ length: 12 }, (_, index) => newKey("v1", index));
    expect(signersOf({ keys }, 0)).toHaveLength(10);
  });

  test("are prepared once for a key that is held", () => {
    const keys = [first, second];
    const again = signersOf({ keys: [...keys] }, 1);
    signersOf({ keys }, 0).forEach((signer, index) => expect(again[index]).toBe(signer));
  });

  test("sign one message after another without a trace of the one before", () => {
    const [signer] = signersOf({ keys: [first] }, 0);
    const once = ["a", "b", "a", ""].map((text) => signer?.(text));
    expect(once[0]).toBe(once[2] as string);
    expect(new Set(once).size).toBe(3);
  });
});
