// Keeps the parts that refresh themselves, marked data-live, quiet: each asks once for all news;
// an answer that changes nothing is not swapped in, and one that does leaves what its reader
// scrolled, opened and held in focus.

const on = document.addEventListener.bind(document);
const all = (root, selector) => [...root.querySelectorAll(selector)];

// What the server last sent for each part, in the browser's spelling, before any script touches it.
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

// The parts that there is news for. One that is asking asks again after.
const due = new Set();
const ask = () => {
  for (const part of all(document, "[data-live]:not(.htmx-request)")) {
    if (due.has(part.id) && !document.hidden) htmx.trigger(part, "news");
  }
};
on("stream:news", () => {
  for (const part of all(document, "[data-live]")) due.add(part.id);
  ask();
});
on("htmx:beforeSend", ({ detail }) => due.delete(detail.elt.id));
on("htmx:load", ask);
on("htmx:afterRequest", () => setTimeout(ask));
on("visibilitychange", ask);

const kept = new Map();
const focusable = (part) => all(part, "a, button, input, summary, [tabindex]");
const name = (fold) => fold.dataset.key ?? fold.id;

// What tells an element that may hold the focus from others.
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

on("htmx:afterSwap", () => {
  for (const [id, { scrolls, focus, open }] of kept) {
    const part = document.getElementById(id);
    if (!part) continue;
    for (const fold of all(part, "details")) fold.open = open.get(name(fold)) ?? fold.open;
    all(part, ".scroll").forEach((box, at) => box.scrollTo(...(scrolls[at] ?? [0, 0])));
    if (focus) refocus(part, focus);
  }
  kept.clear();
});

on("htmx:beforeSwap", ({ detail }) => {
  if (!detail.shouldSwap) return;
  const { target, requestConfig, serverResponse } = detail;
  const news = parse(serverResponse);
  const asksForItself = target === requestConfig.elt && shown.has(target.id);
  detail.shouldSwap = !asksForItself || news.innerHTML !== shown.get(target.id);
  if (asksForItself && detail.shouldSwap) remember(target);
  note(news.content);
});

// A search does not touch the links that choose a range: they take its text along.
on("htmx:replacedInHistory", () => {
  const text = new URLSearchParams(location.search).get("q");
  for (const link of all(document, ".head .ranges a")) {
    const url = new URL(link.href);
    url.searchParams.delete("q");
    if (text) url.searchParams.set("q", text);
    link.href = url;
  }
});
