// Says in words when a request fails. It never claims that a write was not carried out:
// that is exactly what nobody knows when no answer comes.
import { words } from "./words.js";

const toasts = document.getElementById("toasts");
const answers = {
  403: words.forbidden,
  404: words.gone,
  413: words.tooLarge,
  429: words.tooMany,
};

export function toast(text) {
  if (!toasts) return;
  // Everything outside an open dialog is out of reach, so the toast moves into it.
  const host = document.querySelector("dialog[open]") ?? document.body;
  if (toasts.parentElement !== host) host.append(toasts);
  const box = document.createElement("div");
  box.className = "toast";
  const said = document.createElement("span");
  said.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button button--quiet button--small";
  close.textContent = words.close;
  close.addEventListener("click", hide);
  box.append(said, close);
  toasts.replaceChildren(box);
  if (toasts.matches(":popover-open")) toasts.hidePopover();
  toasts.showPopover();
}

export function hide() {
  if (toasts?.matches(":popover-open")) toasts.hidePopover();
  toasts?.replaceChildren();
}

function isWrite(event) {
  const verb = event.detail.requestConfig?.verb ?? "get";
  return verb !== "get";
}

function isQuiet(event) {
  return event.detail.elt?.closest?.("[data-quiet]");
}

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (isQuiet(event)) return;
    toast(isWrite(event) ? words.noAnswer : words.noConnection);
  });
}

document.addEventListener("htmx:responseError", (event) => {
  if (isQuiet(event)) return;
  const status = event.detail.xhr.status;
  const broken = isWrite(event) ? words.brokenWrite : words.broken;
  toast(answers[status] ?? broken);
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) hide();
});

// A whole page in answer to a request for a part of one, such as the log-in form: go there.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (!/^\s*<!doctype html/i.test(xhr.responseText)) return;
  event.detail.shouldSwap = false;
  location.assign(xhr.responseURL || location.href);
});

document.addEventListener("toast", (event) => toast(event.detail));

document.getElementById("dialog")?.addEventListener("close", () => {
  if (!toasts) return;
  hide();
  document.body.append(toasts);
});
