// Keeps “As of 9 s ago” true while the page stays open.
const steps = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86400, 3600, "h"],
  [Infinity, 86400, "d"],
];

export function ago(seconds) {
  const past = Math.max(0, seconds);
  const [, unit, name] = steps.find(([limit]) => past < limit);
  return `${Math.floor(past / unit)} ${name} ago`;
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
