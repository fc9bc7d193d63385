// Picking one of Amazon's slots fills in Start; a typed time picks its slot or gets a warning.
const minute = "YYYY-MM-DDTHH:MM".length;

function parts(element) {
  const form = element.closest("form");
  const slots = form?.querySelector("[data-slots]");
  const start = slots && document.getElementById(slots.dataset.slots);
  return start ? { form, slots, start } : null;
}

function match({ form, slots, start }) {
  const radios = [...slots.querySelectorAll("input[type=radio]")];
  const value = start.value.slice(0, minute);
  const same = radios.filter((radio) => value !== "" && radio.value.slice(0, minute) === value);
  // Where the clocks go back an hour has two slots by the same local time: the picked one stays.
  const chosen = same.find((radio) => radio.checked) ?? same[0];
  for (const radio of radios) radio.checked = radio === chosen;
  const warning = form.querySelector("[data-outside-slots]");
  if (warning) warning.hidden = value === "" || radios.some((radio) => radio.checked);
}

document.addEventListener("input", (event) => {
  const found = parts(event.target);
  if (!found) return;
  if (found.slots.contains(event.target)) found.start.value = event.target.value.slice(0, minute);
  if (found.slots.contains(event.target) || event.target === found.start) match(found);
});

function begin() {
  for (const slots of document.querySelectorAll("[data-slots]")) {
    const found = parts(slots);
    if (found?.start.value) match(found);
  }
}

document.addEventListener("htmx:afterSettle", begin);
begin();
