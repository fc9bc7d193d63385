// Tells the server that somebody is here, warns a minute before the page is left alone for too
// long, and then leaves it: the same address leads to the log-in, or to the lock of a phone.
import { words } from "./words.js";

const place = document.querySelector("[data-presence]");
const WARNING = 60_000;
const PAUSE = 60_000;
const LOOK = 5_000;

function leave() {
  location.replace(location.pathname + location.search);
}

function watch(address, left) {
  const headers = { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers") ?? "{}") };
  let ends = Date.now() + left;
  let told = Date.now();
  let touched = told;
  let warned = false;

  async function ask(method) {
    const poll = method === "GET" ? { "X-Dispatch-Poll": "true" } : {};
    const answer = await fetch(address, { method, headers: { ...headers, ...poll }, cache: "no-store", redirect: "error" });
    if (answer.status === 401) leave();
    else ends = Date.now() + 1000 * Number(answer.headers.get("X-Left") ?? 60);
  }

  function tell() {
    told = Date.now();
    return ask("POST");
  }

  function here() {
    touched = Date.now();
    if (touched - told >= PAUSE || warned) tell().catch(() => {});
    warned = false;
  }

  async function look() {
    if (ends - Date.now() > WARNING) return;
    // Another window of the same person may have been in use; and the last touch may be untold.
    await (touched > told ? tell() : ask("GET"));
    if (ends - Date.now() > WARNING || warned) return;
    warned = true;
    document.dispatchEvent(new CustomEvent("toast", { detail: words.stillThere }));
  }

  for (const name of ["keydown", "pointerdown", "wheel"]) addEventListener(name, here, { passive: true, capture: true });
  // Without network nothing can be asked; it is tried again.
  const lookQuietly = () => look().catch(() => {});
  setInterval(lookQuietly, LOOK);
  document.addEventListener("visibilitychange", lookQuietly);
}

if (place) watch(place.dataset.presence, 1000 * Number(place.dataset.left));

// A request that no person started keeps nobody logged in.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.triggeringEvent) event.detail.headers["X-Dispatch-Poll"] = "true";
});
