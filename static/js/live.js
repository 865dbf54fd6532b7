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

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.shouldSwap || !shown.has(detail.target.id)) return;
  const html = parse(detail.serverResponse);
  detail.shouldSwap = html !== shown.get(detail.target.id);
  shown.set(detail.target.id, html);
});

const silence = document.querySelector("[data-connection]");
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  silence.hidden = detail.successful;
});
