// Switches between light, dark and the system's choice at once; the server remembers it.
const root = document.documentElement;

function colourBrowser() {
  const canvas = getComputedStyle(root).getPropertyValue("--canvas").trim();
  for (const meta of document.querySelectorAll('meta[name="theme-color"]')) meta.content = canvas;
}

function show(theme) {
  root.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-form] [name=theme]")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
  colourBrowser();
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-theme-form]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  show(event.submitter.value);
  const body = new FormData(form, event.submitter);
  fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => {});
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", colourBrowser);
colourBrowser();
