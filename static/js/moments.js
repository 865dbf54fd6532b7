// Words each <time> in the reader's own zone and language: data-moment as a date and a time,
// data-age as "5m ago", kept fresh without the server.

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const words = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

const age = (milliseconds) => {
  if (milliseconds < MINUTE) return "just now";
  if (milliseconds < HOUR) return `${Math.floor(milliseconds / MINUTE)}m ago`;
  if (milliseconds < DAY) return `${Math.floor(milliseconds / HOUR)}h ago`;
  return `${Math.floor(milliseconds / DAY)}d ago`;
};

const wordMoments = () => {
  for (const time of document.querySelectorAll("time[data-moment]")) {
    time.title = time.textContent;
    time.textContent = words.format(new Date(time.dateTime));
    time.removeAttribute("data-moment");
  }
};

const wordAges = () => {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const moment = new Date(time.dateTime);
    const text = age(Date.now() - moment);
    if (!time.title) time.title = exact.format(moment);
    if (time.textContent !== text) time.textContent = text;
  }
};

const word = () => {
  wordMoments();
  wordAges();
};

word();
document.addEventListener("htmx:afterSwap", word);
setInterval(wordAges, 30_000);
