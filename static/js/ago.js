// Keeps “As of 9 s ago” true while the page stays open.
import { words } from "./words.js";

const steps = [
  [60, 1, words.secondsAgo],
  [3600, 60, words.minutesAgo],
  [86400, 3600, words.hoursAgo],
  [Infinity, 86400, words.daysAgo],
];

export function ago(seconds) {
  const past = Math.max(0, seconds);
  const [, unit, said] = steps.find(([limit]) => past < limit);
  return said.replace("{count}", Math.floor(past / unit));
}

function refresh() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const text = ago(seconds);
    if (time.textContent !== text) time.textContent = text;
    const limit = Number(time.dataset.staleAfter);
    if (limit) time.closest(".freshness")?.classList.toggle("freshness--stale", seconds > limit);
  }
}

setInterval(refresh, 1000);
document.addEventListener("visibilitychange", refresh);
document.addEventListener("htmx:afterSettle", refresh);
refresh();
