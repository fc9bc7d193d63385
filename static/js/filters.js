// Applies a filter as soon as it changes. Empty ones stay out of the address, and menus
// that were open are open again after the row has been replaced, with what is being typed in it.
document.documentElement.classList.add("js");
const pause = 300;
const typed = "input[type=text], input[type=date]";
let timer = 0;
let opened = [];
let sheet = false;

function formOf(event) {
  const form = event.target.form;
  return form?.matches("[data-filters]") ? form : null;
}

function isSearch(element) {
  return element.matches("[data-search]");
}

document.addEventListener("change", (event) => {
  const form = formOf(event);
  if (form && !isSearch(event.target)) form.requestSubmit();
});

document.addEventListener("input", (event) => {
  const search = event.target;
  if (!formOf(event) || !isSearch(search)) return;
  clearTimeout(timer);
  // The row may be another one by then: an answer to the letters before replaces it.
  timer = setTimeout(() => search.form.requestSubmit(), pause);
});

document.addEventListener("submit", () => clearTimeout(timer), { capture: true });

document.addEventListener("formdata", (event) => {
  if (!event.target.matches("[data-filters]")) return;
  for (const [name, value] of [...event.formData]) {
    if (value === "") event.formData.delete(name);
  }
});

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const row = event.detail.target;
  if (!row?.matches?.("[data-filters]")) return;
  opened = [...row.querySelectorAll("details[open][id]")].map((details) => details.id);
  sheet = row.matches(":popover-open");
  keepTyped(row, event.detail.fragment);
});

function keepTyped(row, fragment) {
  const field = document.activeElement;
  if (!row.contains(field) || !field.matches(typed)) return;
  fragment.getElementById(field.id)?.setAttribute("hx-preserve", "");
}

document.addEventListener("htmx:oobAfterSwap", (event) => {
  const row = document.getElementById(event.detail.target?.id);
  if (!row?.matches("[data-filters]")) return;
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  if (sheet) row.showPopover();
  opened = [];
});
