// Words each <time data-moment> in the reader's own zone and language.

const words = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const word = (root) => {
  for (const time of root.querySelectorAll("time[data-moment]")) {
    time.title = time.textContent;
    time.textContent = words.format(new Date(time.dateTime));
    time.removeAttribute("data-moment");
  }
};

word(document);
document.addEventListener("htmx:afterSettle", () => word(document));
