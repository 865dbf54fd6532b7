// For details: times to the second, arrow keys among screenshots, and answers that say why something
// was not done. On a page its links are plain links; only within a dialog do they stay there.

const clock = new Intl.DateTimeFormat(undefined, {
  month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

const word = () => {
  for (const time of document.querySelectorAll("time[data-clock]")) {
    time.title = time.textContent;
    time.textContent = clock.format(new Date(time.dateTime));
    time.removeAttribute("data-clock");
  }
};

word();
document.addEventListener("htmx:afterSwap", word);

const isPage = !document.querySelector("[data-dialog]");
document.addEventListener("click", (event) => {
  if (isPage && event.target.closest("a[hx-target='#detail']")) event.stopPropagation();
}, true);

// A step that was refused and a detail that is gone say so in its place.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { target, isError, requestConfig, serverResponse, xhr } = detail;
  const isTold = xhr.status < 500 && serverResponse.includes('id="detail"');
  if (target.id !== "detail" || !isError || !isTold || requestConfig.elt.href) return;
  const swap = { shouldSwap: true, isError: false, selectOverride: "#detail", ignoreTitle: true };
  Object.assign(detail, swap);
});

// The button that was pressed on a page is gone with the answer.
document.addEventListener("htmx:afterSwap", ({ detail: { requestConfig } }) => {
  const isLost = document.activeElement === document.body;
  if (isPage && isLost && requestConfig.verb === "post") {
    document.getElementById("detail-title").focus();
  }
});

const KEYS = { ArrowLeft: "viewer-previous", ArrowRight: "viewer-next", Escape: "viewer-back" };

document.addEventListener("keydown", (event) => {
  const link = document.getElementById(KEYS[event.key]);
  const busy = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
  if (!link || busy || event.target.closest("pre, input, textarea, select")) return;
  event.preventDefault();
  const url = link.getAttribute("href");
  if (isPage) location.assign(url);
  else htmx.ajax("GET", url, { source: link, target: "#detail", swap: "outerHTML" });
});
