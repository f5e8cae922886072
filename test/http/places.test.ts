import { describe, expect, test } from "bun:test";
import { placeHolder, Places } from "../../src/http/places";

const LIMITS = { all: 4, perCaller: 2, what: "exports" };

describe("places of which there are few", () => {
  test("are taken up to a caller's share, and up to all of them", () => {
    const places = new Places(LIMITS);
    const back = ["a", "a", "b", "b"].map((caller) => places.take(caller));
    expect(() => places.take("a")).toThrow(expect.objectContaining({ status: 429 }));
    expect(() => places.take("c")).toThrow(expect.objectContaining({ status: 503 }));
    back[0]?.();
    places.take("c");
    expect(() => places.take("a")).toThrow(expect.objectContaining({ status: 503 }));
  });

  test("are given back once, however often that is said", () => {
    const places = new Places(LIMITS);
    const [one] = [places.take("a"), places.take("a")];
    one?.();
    one?.();
    places.take("a");
    expect(() => places.take("a")).toThrow(expect.objectContaining({ status: 429 }));
  });

  test("are a token's, the subject's of a JWT, or an address' where nobody is known", () => {
    const caller = { kind: "token", id: "tok_1", name: "n", scopes: [], reach: null } as const;
    const address = "192.0.2.1";
    expect(placeHolder({ caller, address })).toBe("token:tok_1");
    expect(placeHolder({ caller: { ...caller, kind: "jwt", id: "sub@iss" }, address })).toBe("jwt:sub@iss");
    expect(placeHolder({ caller: null, address })).toBe("address:192.0.2.1");
  });
});
