// Keys: / search, ? help, J and K through the rows, and whatever data-key names.
// <html data-shortcuts="off"> turns them off: the person's own setting.
const root = document.documentElement;
const help = document.getElementById("help");

function isTyping(target) {
  return target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

function step(by) {
  const links = [...document.querySelectorAll("[data-row] .row__link")];
  if (!links.length) return;
  const row = document.activeElement.closest("[data-row]");
  const now = row ? links.indexOf(row.querySelector(".row__link")) : -1;
  const next = links[Math.min(Math.max(now + by, 0), links.length - 1)];
  next.focus();
  next.closest("[data-row]").scrollIntoView({ block: "nearest" });
}

function press(key) {
  const target = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find((one) => one.checkVisibility());
  target?.click();
  return Boolean(target);
}

const keys = {
  "/": () => document.querySelector("[data-search]")?.focus(),
  "?": () => help?.showModal(),
  j: () => step(1),
  k: () => step(-1),
};

document.addEventListener("keydown", (event) => {
  if (root.dataset.shortcuts === "off" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.defaultPrevented || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (keys[key]) {
    event.preventDefault();
    keys[key]();
  } else if (press(key)) {
    event.preventDefault();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) {
    event.target.closest("[popover]")?.hidePopover();
    help?.showModal();
  }
});
