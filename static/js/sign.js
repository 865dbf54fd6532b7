// Tells the parts of the page when to ask, by what the stream says and by the clock, and says in
// the header how the page follows. A tab that nobody sees asks nothing, and catches up when seen.

const TICK = 5_000;
// How long after the last time the parts ask again: with a stream, for what changes with the clock
// alone; without one, at every tick; while nobody answers, rarely.
const PACE = { live: 60_000, polling: 0, reconnecting: 15_000 };

const sign = document.querySelector("[data-sign]");
const notices = document.querySelectorAll("[data-connection]");
let stream = "", known = sign.dataset.known, asked = Date.now(), isAnswered = false, isSilent = false;

const word = () => {
  if (stream === "live" && !isSilent) return "live";
  return isAnswered ? "polling" : "reconnecting";
};

const say = () => {
  if (!stream || sign.dataset.sign === word()) return;
  sign.ariaLive = sign.hidden ? "off" : "polite";  // that all is well at first is no news
  sign.dataset.sign = word();
  sign.textContent = sign.getAttribute(`data-when-${word()}`);
  sign.hidden = false;
};

const ask = () => {
  asked = Date.now();
  document.dispatchEvent(new Event("stream:news"));
};

document.addEventListener("stream", ({ detail: { state, news } }) => {
  if (document.hidden) return;
  const isNew = state !== stream;
  if (isNew) { stream = state; asked = Date.now(); isAnswered = false; }
  const isOwed = isNew && (state === "refused" || (state === "live" && isSilent));
  const isNews = news && news !== known;
  if (isNews) known = news;
  say();
  if (isNews || isOwed) ask();
});

const look = () => {
  if (document.hidden || Date.now() - asked < PACE[word()]) return;
  stream ||= "lost";
  ask();
};
document.addEventListener("visibilitychange", look);
setInterval(look, TICK);

// A server that stays silent is said so.
const silent = (is) => {
  isSilent = is;
  for (const notice of notices) notice.hidden = !is;
};
document.addEventListener("htmx:sendError", () => silent(true));
document.addEventListener("htmx:responseError", () => silent(true));
document.addEventListener("htmx:afterRequest", ({ detail: { successful } }) => {
  isAnswered = Boolean(successful);
  if (successful) silent(false);
  say();
});
