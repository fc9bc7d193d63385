// Forms that a passkey fills in: data-passkey="get" shows one, data-passkey="create" makes one.
// The question is JSON in #passkey-options, or comes from the address in data-ask.
import { words } from "./words.js";

const works = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON && PublicKeyCredential.prototype.toJSON);

const failures = {
  NotAllowedError: words.passkeyUnused,
  InvalidStateError: words.passkeyHeld,
  SecurityError: words.passkeyElsewhere,
};

async function question(form) {
  if (!form.dataset.ask) return JSON.parse(document.getElementById("passkey-options").textContent);
  const answer = await fetch(form.dataset.ask, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

async function use(form) {
  const { request_options: options } = await question(form);
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey) });
}

async function make(form) {
  const { creation_options: options } = await question(form);
  const wanted = { residentKey: "required", requireResidentKey: true, userVerification: "required" };
  const asked = { ...options.publicKey, authenticatorSelection: { ...options.publicKey.authenticatorSelection, ...wanted } };
  return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) });
}

function say(form, text) {
  const place = form.querySelector("[data-words]");
  place.textContent = text;
  place.hidden = !text;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!works) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    say(form, "");
    try {
      const credential = await (form.dataset.passkey === "create" ? make : use)(form);
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (error) {
      say(form, failures[error.name] ?? words.passkeyFailed);
    }
  });
}

for (const place of document.querySelectorAll("[data-without-passkeys]")) place.hidden = works;
