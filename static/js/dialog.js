// Opens the dialog when a detail was put into it, and empties it when it closes. The focus goes
// back to the link that opened it, if that is still there.

const on = document.addEventListener.bind(document);
const dialog = document.querySelector("[data-dialog]");
const detail = () => document.getElementById("detail");
let opener = null;

// A click that means a new tab or window is none of ours.
on("click", (event) => {
  const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  if (elsewhere && event.target.closest("a[hx-get]")) event.stopPropagation();
}, true);

// What lies above the link of a row is a part of it.
on("click", ({ target }) => {
  if (!target.closest("a")) target.closest(".row")?.querySelector("a").click();
});

if (dialog) {
  on("htmx:afterSwap", ({ detail: { requestConfig: { elt, target } } }) => {
    if (target?.id !== "detail" || !detail()?.hasChildNodes()) return;
    if (!dialog.open) {
      opener = elt.getAttribute("href");
      dialog.showModal();
    }
    if (elt.closest?.("a")) dialog.scrollTop = 0;
    if (!dialog.contains(document.activeElement)) dialog.querySelector("button").focus();
  });

  // What its reader asked for last comes next: until then, an answer to anything else is dropped.
  let awaited = null;
  on("htmx:beforeSend", ({ detail: { target, elt, xhr } }) => {
    if (target.id === "detail" && elt !== target) awaited = xhr;
  });
  on("htmx:beforeSwap", ({ detail: answer }) => {
    const late = awaited && answer.target.id === "detail" && answer.xhr !== awaited;
    if (late) Object.assign(answer, { shouldSwap: false, isError: false });
  }, true);
  on("htmx:afterRequest", ({ detail: { xhr } }) => {
    if (xhr === awaited) awaited = null;
  });

  // What cannot be shown here is shown, with its reason, as a page.
  on("htmx:responseError", ({ detail: { target, elt } }) => {
    if (target.id === "detail" && elt.href) location.assign(elt.href);
  });

  dialog.addEventListener("mousedown", (event) => {
    if (event.target === dialog) dialog.close();
  });

  // The browser tells a frame later that it closed; whoever is quicker finds all in place too.
  const tidy = () => {
    if (dialog.open || !detail()?.hasChildNodes()) return;
    detail().outerHTML = '<div id="detail"></div>';
    const back = `a[hx-target="#detail"][href="${CSS.escape(opener)}"]`;
    (document.querySelector(back) ?? document.getElementById("main")).focus();
  };
  dialog.addEventListener("close", tidy);
  on("keydown", tidy, true);
  on("mousedown", tidy, true);
}
