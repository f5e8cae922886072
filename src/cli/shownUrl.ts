/** An address as it may be printed: without the user and password that it carries. */
export function shownUrl(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//");
}
