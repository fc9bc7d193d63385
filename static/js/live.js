// Asks whether the page is still true: every 5 s on a desk, every 10 s on a phone, never when
// hidden. The answer is 304 until something changed, and then a button: nothing moves by itself.
const pause = matchMedia("(min-width: 56rem)").matches ? 5000 : 10000;
const known = new WeakMap();

async function look(place) {
  const { live, etag } = place.dataset;
  const last = known.get(place)?.live === live ? known.get(place).etag : etag;
  const answer = await fetch(live, {
    headers: { "If-None-Match": last, "HX-Request": "true" },
    cache: "no-store",
    redirect: "error",
  });
  // The session is over, or locked: the same address leads to the log-in now.
  if (answer.status === 401) return location.replace(location.pathname + location.search);
  if (answer.status !== 200) return;
  known.set(place, { live, etag: answer.headers.get("ETag") ?? "" });
  place.innerHTML = await answer.text();
  window.htmx?.process(place);
}

function lookAll() {
  if (document.hidden) return;
  // Without network, or logged out meanwhile, the page says so when it is next used.
  for (const place of document.querySelectorAll("[data-live]")) look(place).catch(() => {});
}

setInterval(lookAll, pause);
document.addEventListener("visibilitychange", lookAll);
