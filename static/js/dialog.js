// Opens the form behind a data-dialog link or button in the page's one dialog.
// Without this script the same link or button simply leads to the form's own page.
const dialog = document.getElementById("dialog");
const body = document.getElementById("dialog-body");
let opener = null;

function address(element) {
  if (element.matches("a")) return element.href;
  const url = new URL(element.formAction);
  if (element.form) for (const [name, value] of new FormData(element.form, element)) url.searchParams.append(name, value);
  return url.href;
}

function fetchInto(element) {
  opener = element;
  element.setAttribute("aria-busy", "true");
  body.replaceChildren();
  window.htmx
    .ajax("GET", address(element), { target: body, swap: "innerHTML", source: body })
    .finally(() => element.removeAttribute("aria-busy"));
}

function placeFocus() {
  const target = body.querySelector("[data-focus]") ?? body.querySelector('[aria-invalid="true"]') ?? body.querySelector("[autofocus]");
  target?.focus();
}

// The swap may have replaced the button that opened the dialog: find its twin.
function returnFocus() {
  if (!opener || (document.activeElement && document.activeElement !== document.body)) return;
  const words = opener.textContent.trim();
  const twin = opener.isConnected
    ? opener
    : [...document.querySelectorAll("[data-dialog]")].find((one) => one.textContent.trim() === words);
  const heading = document.querySelector("main h1");
  if (!twin) heading?.setAttribute("tabindex", "-1");
  (twin ?? heading)?.focus();
}

function wanted(event) {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  return plain && window.htmx && !event.defaultPrevented;
}

if (dialog && body) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-dialog]");
    if (link && wanted(event)) {
      event.preventDefault();
      if (link.getAttribute("aria-busy") !== "true") fetchInto(link);
    }
    if (dialog.open && event.target.closest("#dialog [data-dialog-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== body || !body.childElementCount) return;
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    placeFocus();
  });

  document.addEventListener("dialog-close", () => dialog.close());
  dialog.addEventListener("close", () => {
    setTimeout(() => {
      returnFocus();
      if (!dialog.open) body.replaceChildren();
    }, 250);
  });
  // A dialog that came with the page, already filled.
  if (body.childElementCount) dialog.showModal();
}

for (const summary of document.querySelectorAll("main [data-focus]")) summary.focus();
