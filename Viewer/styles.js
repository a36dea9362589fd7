// Loading a style sheet that a page didn't begin with.

/** Resolves when the page has this style sheet, which stands beside this file, or can't get it.
 * @param {string} name @param {string} [media] where it is for less than everything @returns {Promise<unknown>} */
export function styled(name, media = "all") {
  const { href } = new URL(name, import.meta.url);
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return Promise.resolve();
  const link = document.createElement("link");
  Object.assign(link, { rel: "stylesheet", href, media });
  return new Promise((resolve) => {
    link.onload = link.onerror = resolve;
    document.head.append(link);
  });
}
