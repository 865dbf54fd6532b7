// Keeps the parts of the page that refresh themselves, marked data-live, quiet and honest:
// a hidden tab asks nothing, an answer that changes nothing is not swapped in, and a server that
// stays silent is said so.

const parse = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.innerHTML;
};

// What the server last sent for each part, in the browser's own spelling. This module runs
// before any other touches the page.
const shown = new Map();
for (const part of document.querySelectorAll("[data-live]")) {
  shown.set(part.id, part.outerHTML);
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) event.preventDefault();
});

// News replaces a part; what its reader scrolled and held in focus stays so.
const kept = new Map();
const scrolled = (part) => [...part.querySelectorAll(".scroll")];
const focusable = (part) => [...part.querySelectorAll("a, button, [tabindex]")];

const remember = (part) => {
  kept.set(part.id, {
    lefts: scrolled(part).map((box) => box.scrollLeft),
    focus: focusable(part).indexOf(document.activeElement),
  });
};

document.addEventListener("htmx:afterSettle", () => {
  for (const [id, { lefts, focus }] of kept) {
    const part = document.getElementById(id);
    scrolled(part).forEach((box, at) => { box.scrollLeft = lefts[at] ?? 0; });
    focusable(part)[focus]?.focus({ preventScroll: true });
  }
  kept.clear();
});

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.shouldSwap || !shown.has(detail.target.id)) return;
  const html = parse(detail.serverResponse);
  detail.shouldSwap = html !== shown.get(detail.target.id);
  shown.set(detail.target.id, html);
  if (detail.shouldSwap) remember(detail.target);
});

const silence = document.querySelector("[data-connection]");
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  silence.hidden = detail.successful;
});
