// Keeps the parts of the page that refresh themselves, marked data-live, quiet and honest:
// a hidden tab asks nothing, an answer that changes nothing is not swapped in, and a server that
// stays silent is said so.

const all = (root, selector) => [...root.querySelectorAll(selector)];

// What the server last sent for each part, in the browser's own spelling. This module runs
// before any other touches the page, and parts that come later are noted as they come.
const shown = new Map();
const note = (root) => {
  for (const part of all(root, "[data-live]")) shown.set(part.id, part.outerHTML);
};
note(document);

const parse = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template;
};

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) event.preventDefault();
});

// News replaces a part; what its reader scrolled, opened and held in focus stays so.
const kept = new Map();
const focusable = (part) => all(part, "a, button, input, summary, [tabindex]");
const name = (fold) => fold.dataset.key ?? fold.id;

const remember = (part) => {
  kept.set(part.id, {
    scrolls: all(part, ".scroll").map((box) => [box.scrollLeft, box.scrollTop]),
    focus: focusable(part).indexOf(document.activeElement),
    open: new Map(all(part, "details").map((fold) => [name(fold), fold.open])),
  });
};

document.addEventListener("htmx:afterSwap", () => {
  for (const [id, { scrolls, focus, open }] of kept) {
    const part = document.getElementById(id);
    if (!part) continue;
    for (const fold of all(part, "details")) fold.open = open.get(name(fold)) ?? fold.open;
    all(part, ".scroll").forEach((box, at) => box.scrollTo(...(scrolls[at] ?? [0, 0])));
    focusable(part)[focus]?.focus({ preventScroll: true });
  }
  kept.clear();
});

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.shouldSwap) return;
  const { target, requestConfig, serverResponse } = detail;
  const news = parse(serverResponse);
  const asksForItself = target === requestConfig.elt && shown.has(target.id);
  detail.shouldSwap = !asksForItself || news.innerHTML !== shown.get(target.id);
  if (asksForItself && detail.shouldSwap) remember(target);
  note(news.content);
});

// A search does not touch the links that choose a range: they take its text along.
document.addEventListener("htmx:replacedInHistory", () => {
  const text = new URLSearchParams(location.search).get("q");
  for (const link of all(document, ".head .ranges a")) {
    const url = new URL(link.href);
    url.searchParams.delete("q");
    if (text) url.searchParams.set("q", text);
    link.href = url;
  }
});

const silence = document.querySelector("[data-connection]");
const silent = () => { silence.hidden = false; };
document.addEventListener("htmx:sendError", silent);
document.addEventListener("htmx:responseError", silent);
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) silence.hidden = true;
});
