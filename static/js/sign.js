// Tells the parts of the page when to ask, by the stream and by the clock, and says how the page
// follows. A tab that nobody sees asks nothing, and catches up when seen.

const on = document.addEventListener.bind(document);
const TICK = 5_000;
// When the parts ask again: with a stream, for what changes with the clock alone; without one, at
// every tick; while nobody answers, rarely.
const PACE = { live: 60_000, polling: 0, reconnecting: 15_000 };

const sign = document.querySelector("[data-sign]");
const notices = document.querySelectorAll("[data-connection]");
let stream = "", known = sign.dataset.known, asked = Date.now(), isAnswered = false, trouble;

const word = () => {
  if (stream === "live" && !trouble) return "live";
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

on("stream", ({ detail: { state, news } }) => {
  if (document.hidden) return;
  const isNew = state !== stream;
  if (isNew) { stream = state; asked = Date.now(); isAnswered = false; }
  const isOwed = isNew && (state === "refused" || (state === "live" && trouble));
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
on("visibilitychange", look);
setInterval(look, TICK);

// The parts without an answer, each with the reason; said until it has one, or is gone.
const unanswered = new Map();
const tell = () => {
  const why = [...unanswered.values()].at(-1);
  if (why === trouble) return;
  trouble = why;
  for (const notice of notices) {
    notice.hidden = !why;
    notice.textContent = notice.getAttribute(`data-when-${why}`);
  }
};
const fails = (why) => ({ detail: { target } }) => { unanswered.set(target, why); tell(); };
on("htmx:sendError", fails("silent"));
on("htmx:responseError", fails("failing"));

on("htmx:beforeSend", ({ detail }) => { detail.target.ariaBusy = "true"; });
on("htmx:afterRequest", ({ detail: { successful, target } }) => {
  target.ariaBusy = null;
  isAnswered = Boolean(successful);
  if (successful) unanswered.delete(target);
  for (const part of unanswered.keys()) {
    if (successful && !part.matches("body [data-live]")) unanswered.delete(part);
  }
  tell();
  say();
});
