// Menus made of <details>: close on a click elsewhere and on Esc.
const open = ".menu[open], .chip details[open]";

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(open)) {
    if (!menu.contains(event.target) && !menu.closest(":popover-open")) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest(open);
  if (!menu) return;
  event.preventDefault();
  menu.open = false;
  menu.querySelector("summary").focus();
});
