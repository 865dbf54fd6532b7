// Keys act on the page, or on the dialog over it; never while one types or holds Ctrl, Alt or Meta.

const help = document.getElementById("keys");
const on = help.querySelector("input");
on.checked = localStorage.keys !== "off";
on.addEventListener("change", () => { localStorage.keys = on.checked ? "on" : "off"; });

const all = (selector) =>
  [...(document.querySelector("dialog[open]") ?? document).querySelectorAll(selector)];

const move = (step) => {
  const rows = all("[data-keys] :is(li, tr):has(a, summary)").filter((row) => row.checkVisibility());
  const at = rows.findLastIndex((row) => row.contains(document.activeElement));
  rows[at + step]?.querySelector("a, summary").focus();
};

const tell = () => {
  document.querySelector(":popover-open")?.hidePopover();
  if (!help.open) help.showModal();
};

const DEEDS = {
  "/": () => all("[role=search] [type=search]")[0]?.focus(),
  "?": tell,
  j: () => move(1),
  k: () => move(-1),
};

let before = "";
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (key === "Escape" && target.type === "search") { event.preventDefault(); target.blur(); }
  const isOurs = on.checked && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!isOurs || target.closest("input, select, textarea")) return;
  const room = before === "g" && document.querySelector(`[data-go="${CSS.escape(key)}"]`);
  before = key;
  const deed = room ? () => room.click() : DEEDS[key];
  if (!deed) return;
  event.preventDefault();
  deed();
});
document.addEventListener("click", ({ target }) => target.closest("[data-help]") && tell());
