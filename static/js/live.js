// Keeps the parts of the page that refresh themselves, marked data-live, quiet: each asks once
// for all news so far; an answer that changes nothing is not swapped in, and one that does
// leaves what its reader scrolled, opened and held in focus.

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

// The parts that there is news for. One that is asking, or about to be replaced, asks again after.
const due = new Set();
const ask = () => {
  for (const part of all(document, "[data-live]:not(.htmx-request)")) {
    if (due.has(part.id) && !document.hidden) htmx.trigger(part, "news");
  }
};
document.addEventListener("stream:news", () => {
  for (const part of all(document, "[data-live]")) due.add(part.id);
  ask();
});
document.addEventListener("htmx:beforeSend", ({ detail }) => due.delete(detail.elt.id));
document.addEventListener("htmx:load", ask);
document.addEventListener("htmx:afterRequest", () => setTimeout(ask));
document.addEventListener("visibilitychange", ask);

const kept = new Map();
const focusable = (part) => all(part, "a, button, input, summary, [tabindex]");
const name = (fold) => fold.dataset.key ?? fold.id;

// What tells an element that may hold the focus from others, however many come before it.
const key = (item) =>
  `${item.tagName} ${item.id || item.getAttribute("href") || item.closest("[id]").id}`;

const focusOf = (part) => {
  const held = document.activeElement;
  return part.contains(held) && { at: focusable(part).indexOf(held), key: key(held) };
};

const refocus = (part, { at, key: sought }) => {
  const items = focusable(part);
  const same = items.filter((item) => key(item) === sought);
  (same.includes(items[at]) ? items[at] : same[0] ?? items[at])?.focus({ preventScroll: true });
};

const remember = (part) => {
  kept.set(part.id, {
    scrolls: all(part, ".scroll").map((box) => [box.scrollLeft, box.scrollTop]),
    focus: focusOf(part),
    open: new Map(all(part, "details").map((fold) => [name(fold), fold.open])),
  });
};

document.addEventListener("htmx:afterSwap", () => {
  for (const [id, { scrolls, focus, open }] of kept) {
    const part = document.getElementById(id);
    if (!part) continue;
    for (const fold of all(part, "details")) fold.open = open.get(name(fold)) ?? fold.open;
    all(part, ".scroll").forEach((box, at) => box.scrollTo(...(scrolls[at] ?? [0, 0])));
    if (focus) refocus(part, focus);
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
