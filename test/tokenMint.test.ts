import { expect, test } from "bun:test";
import fc from "fast-check";
import { isToken } from "../src/domain/token";
import { openStore } from "../src/store/open";
import { openTokenMint, type TokenMint } from "../src/tokenMint";
import { temporaryFolder } from "./store/sqlite/harness";

/** The mint of a database, as two nodes of it have it. */
async function minted(body: (here: TokenMint, there: TokenMint) => void | Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  const store = await openStore({ kind: "sqlite", file: folder.file });
  try {
    await body(await openTokenMint(store), await openTokenMint(store));
  } finally {
    await store.close();
  }
}

test("every node of a database knows what another one made, and no node of another database does", async () => {
  await minted(async (here, there) => {
    const tokens = Array.from({ length: 200 }, () => here.mint());
    expect(new Set(tokens).size).toBe(200);
    await minted((elsewhere) => {
      for (const token of tokens) {
        expect([token.length, isToken(token), there.formOf(token), elsewhere.formOf(token)]).toEqual([47, true, "tagged", "forged"]);
      }
    });
  });
});

test("a token with any other character is not taken for one that was made here", async () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".split("");
  await minted((mint) => {
    fc.assert(
      fc.property(fc.nat(42), fc.constantFrom(...alphabet), (at, character) => {
        const token = mint.mint();
        const index = "tcs_".length + at;
        if (token[index] === character) return;
        const other = token.slice(0, index) + character + token.slice(index + 1);
        expect(mint.formOf(other)).toBe(at === 42 ? "untagged" : "forged");
      }),
    );
  });
});

test("32 random bytes, of which tokens were made before they had tags, are never taken for a forgery", async () => {
  await minted((mint) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(mint.formOf(`tcs_${Buffer.from(bytes).toString("base64url")}`)).toBe("untagged");
      }),
      { numRuns: 1000 },
    );
  });
});

test("what has not the form of a token is none", async () => {
  await minted((mint) => {
    const token = mint.mint();
    for (const text of ["", "tcs_", `${token}t`, token.slice(1), token.slice(0, -1), `${token.slice(0, -2)}é`, token.toUpperCase()]) {
      expect(mint.formOf(text)).toBeNull();
    }
  });
});
