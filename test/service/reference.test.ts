import { expect, test } from "bun:test";
import { openBrowser } from "../servers/browser";
import { ADMIN_TOKEN, startTocsin } from "../servers/tocsin";

test("the reference page works in a browser: it shows every operation, tries a call with a token, and loads nothing from outside", async () => {
  await using tocsin = await startTocsin();
  await using browser = await openBrowser();
  const page = await browser.context.newPage();
  const requested: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requested.push(request.url()));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));

  await page.goto(`${tocsin.httpUrl}/swagger`);
  const document = (await (await fetch(`${tocsin.httpUrl}/swagger/json`)).json()) as { paths: Record<string, object> };
  const operations = Object.values(document.paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0);
  await page.waitForSelector(".opblock");
  expect(await page.locator(".opblock").count()).toBe(operations);

  for (const heading of ["The first call", "Tokens", "Errors", "Pages", "Edits"]) {
    expect(await page.locator(".info h2", { hasText: heading }).count()).toBe(1);
  }

  await page.click(".btn.authorize");
  await page.fill(".auth-container input", ADMIN_TOKEN);
  await page.click(".auth-container button.authorize");
  await page.click(".auth-container button.btn-done");
  const list = page.locator("[id$='-listSensors']");
  await list.locator(".opblock-summary-control").click();
  expect(await list.locator(".opblock-description code", { hasText: 'curl -s "$TOCSIN/v1/sensors"' }).count()).toBe(1);
  expect(await list.locator(".responses-table .response", { hasText: "boiler-7" }).count()).toBeGreaterThan(0);
  await list.locator(".try-out__btn").click();
  await list.locator("button.execute").click();
  await list.locator(".live-responses-table .response-col_status", { hasText: "200" }).waitFor();

  expect(requested.filter((url) => !url.startsWith(`${tocsin.httpUrl}/`) && !url.startsWith("data:"))).toEqual([]);
  expect(complaints).toEqual([]);
});
