// Reads out what changed: data-announce on a swapped element, or an "announce" event.
const region = document.getElementById("announcer");
let last = "";

export function announce(text) {
  if (!region || !text) return;
  // Everything outside an open dialog is silent, so the region moves into it.
  const host = document.querySelector("dialog[open]") ?? document.body;
  if (region.parentElement !== host) host.append(region);
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 60);
}

document.addEventListener("htmx:afterSettle", (event) => {
  const text = event.target.dataset?.announce;
  if (!text || text === last) return;
  last = text;
  announce(text);
});

document.addEventListener("announce", (event) => announce(event.detail.value));

document.getElementById("dialog")?.addEventListener("close", () => document.body.append(region));
