import { expect, test } from "bun:test";
import { BACKLOG_MAX } from "../../src/http/bulk/backlog";
import { until } from "../until";
import { openTestApi } from "./api";
import { REPORTS, sendItems } from "./bulkBodies";

const items = [{ sensorId: "boiler-7", status: "ok" }];

test("a node that has much to read yet takes many reports in slowly: a part of them waits until it has less, or for a second", async () => {
  let [backlog, asked] = [BACKLOG_MAX + 1, 0];
  await using api = await openTestApi({
    backlog: () => {
      asked += 1;
      return backlog;
    },
  });
  const sent = sendItems(api, REPORTS, items, { form: "lines" });
  await until(() => asked >= 3);
  expect(api.reports.published).toEqual([]);
  backlog = BACKLOG_MAX;
  expect(await sent).toMatchObject({ accepted: 1 });
  // It may never have less.
  backlog = BACKLOG_MAX + 1;
  expect(await sendItems(api, REPORTS, items, { form: "lines" })).toMatchObject({ accepted: 1 });
});
