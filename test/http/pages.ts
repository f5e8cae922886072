import { expect } from "bun:test";
import type { TestApi } from "./api";

const PAGES_MAX = 50;

/** Follows `nextCursor` to the end; every cursor must stand in a URL as it is. */
export async function collectPages<Item>(api: TestApi, path: string): Promise<Item[][]> {
  const pages: Item[][] = [];
  let cursor: string | null = null;
  do {
    const answer = await api.request("GET", cursor === null ? path : `${path}&cursor=${cursor}`);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: expect.any(String) });
    const page = answer.json<{ items: Item[]; nextCursor: string | null }>();
    pages.push(page.items);
    cursor = page.nextCursor;
    if (cursor !== null) expect(encodeURIComponent(cursor)).toBe(cursor);
  } while (cursor !== null && pages.length < PAGES_MAX);
  return pages;
}
