// The cookie tells the server.
const { dataset } = document.documentElement;
dataset.theme = document.cookie.match(/\btheme=(light|dark)/)?.[1] ?? "";
document.addEventListener("submit", (event) => {
  const { target, submitter } = event;
  if (submitter?.name !== "theme") return;
  event.preventDefault();
  const theme = submitter.value.replace("system", "");
  document.cookie = `theme=${theme};path=/;max-age=${theme && 31536000};samesite=lax`;
  dataset.theme = theme;
  for (const button of target.theme) button.ariaPressed = button === submitter;
  document.dispatchEvent(new Event("theme"));
});
