import { expect } from "bun:test";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { allPages, FIRST_PAGE, letterOf } from "./samples";

const MIB = 1024 * 1024;

export const deadLetterPromises: readonly Promises[] = [
  promises("dead letters", {
    "are kept with their bytes and the reason, and found again by their id": async (store) => {
      const owner = await Owner.of(store, 3);
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const letters = [
        letterOf(1, { payload: every, reason: "the payload is not UTF-8", subject: "reports.4.3.ü\u{1F525}" }),
        letterOf(2, { payload: new Uint8Array(0) }),
      ];
      await owner.commit({ deadLetters: letters });
      const { items } = await store.listDeadLetters(FIRST_PAGE);
      expect(items.map(({ id: _, ...rest }) => rest)).toEqual(letters.toReversed().map((letter) => ({ ...letter, stream: "REPORTS_1_3" })));
      for (const item of items) expect(await store.getDeadLetter(item.id)).toEqual(item);
      expect(items.every(({ id }) => /^[A-Za-z0-9_-]+$/.test(id))).toBe(true);
      expect(await store.getDeadLetter("nothing")).toBeNull();
    },

    "are there once for each place of a stream, however often they are brought": async (store) => {
      const cursor = { sequence: 2, timeNs: "1" };
      await store.recordStrays("STRAYS", [letterOf(1), letterOf(2)], cursor);
      await store.recordStrays("STRAYS", [letterOf(2, { reason: "another" }), letterOf(3)], { ...cursor, sequence: 3 });
      await store.recordStrays("OTHER", [letterOf(1)], cursor);
      const { items } = await store.listDeadLetters(FIRST_PAGE);
      const places = items.map(({ stream, sequence }) => `${stream} ${sequence}`);
      expect(places.toSorted()).toEqual(["OTHER 1", "STRAYS 1", "STRAYS 2", "STRAYS 3"]);
      expect(new Set(items.map(({ reason }) => reason))).toEqual(new Set(["not a report"]));
    },

    "are listed newest first, page by page, while others come": async (store) => {
      const owner = await Owner.of(store);
      const times = [5, 1, 3, 3, 3, 9];
      await owner.commit({ deadLetters: times.map((ms, index) => letterOf(index + 1, { receivedAt: ms })) });
      const more = () => owner.commit({ deadLetters: [letterOf(owner.position.cursor + 1, { receivedAt: 10 + owner.position.cursor })] });
      for (const limit of [1, 2, 5]) {
        const items = await allPages((page) => store.listDeadLetters(page), limit, more);
        const old = items.filter(({ receivedAt }) => receivedAt < 10);
        expect(old.map(({ receivedAt }) => receivedAt)).toEqual(times.toSorted((a, b) => b - a));
        expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
      }
    },

    "end a page early where their bytes grow too many, without losing one": async (store) => {
      const owner = await Owner.of(store);
      const sizes = [MIB, 1, 12 * MIB, MIB, MIB, MIB, MIB, 1, 12 * MIB];
      await owner.commit({ deadLetters: sizes.map((bytes, index) => letterOf(index + 1, { payload: new Uint8Array(bytes) })) });
      const found: number[] = [];
      for (let cursor: string | null = null, more = true; more; more = cursor !== null) {
        const page = await store.listDeadLetters({ limit: 100, cursor });
        const bytes = page.items.reduce((sum, { payload }) => sum + payload.length, 0);
        expect(page.items.length === 1 || bytes <= 8 * MIB).toBe(true);
        expect(page.items.length).toBeGreaterThan(0);
        found.push(...page.items.map(({ sequence }) => sequence));
        cursor = page.nextCursor;
      }
      expect(found).toEqual(sizes.map((_, index) => sizes.length - index));
    },
  }),

  promises("what was published beside every partition", {
    "moves the cursor of its stream, with or without dead letters": async (store, opened) => {
      expect(await store.strayCursor("STRAYS")).toBeNull();
      await store.recordStrays("STRAYS", [letterOf(4)], { sequence: 4, timeNs: "1795600000000000001" });
      expect(await store.strayCursor("STRAYS")).toEqual({ sequence: 4, timeNs: "1795600000000000001" });
      await store.recordStrays("STRAYS", [], { sequence: 9, timeNs: "1795600000000000002" });
      expect(await (await opened.reopen()).strayCursor("STRAYS")).toEqual({ sequence: 9, timeNs: "1795600000000000002" });
    },
  }),
];
