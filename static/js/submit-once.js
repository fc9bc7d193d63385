// A form that writes is sent once: a second press while it is under way does nothing.
const busy = new WeakSet();
const leaving = ["HX-Redirect", "HX-Refresh", "HX-Location"];

function buttons(form) {
  return [...form.elements].filter((element) => element.type === "submit");
}

function hold(form, submitter) {
  form.setAttribute("aria-busy", "true");
  for (const button of buttons(form)) button.setAttribute("aria-disabled", "true");
  submitter?.setAttribute("aria-busy", "true");
}

function release(form) {
  busy.delete(form);
  form.removeAttribute("aria-busy");
  for (const button of buttons(form)) {
    button.removeAttribute("aria-disabled");
    button.removeAttribute("aria-busy");
  }
}

function writes(form) {
  return form.method === "post" || form.hasAttribute("hx-post");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!writes(form)) return;
  if (busy.has(form)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  busy.add(form);
  // After the other listeners: one that took the form over without htmx keeps it usable.
  setTimeout(() => {
    if (event.defaultPrevented && !form.hasAttribute("hx-post")) busy.delete(form);
    else if (busy.has(form)) hold(form, event.submitter);
  });
}, { capture: true });

document.addEventListener("htmx:validation:halted", (event) => {
  const form = event.target.closest("form");
  if (form) release(form);
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  const xhr = event.detail.xhr;
  if (!form.matches?.("form") || leaving.some((header) => xhr?.getResponseHeader(header))) return;
  setTimeout(() => release(form));
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) release(form);
});
