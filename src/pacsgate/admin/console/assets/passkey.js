"use strict";
// Passkeys and security keys: hands what the gate asks to the browser, and its answer back in a form.
(() => {
  if (!window.PublicKeyCredential) return;

  const toBytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
  };
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => (list || []).map((each) => ({ ...each, id: toBytes(each.id) }));

  const ask = {
    get: (options) =>
      navigator.credentials.get({
        publicKey: { ...options, challenge: toBytes(options.challenge), allowCredentials: named(options.allowCredentials) },
      }),
    create: (options) =>
      navigator.credentials.create({
        publicKey: {
          ...options,
          challenge: toBytes(options.challenge),
          user: { ...options.user, id: toBytes(options.user.id) },
          excludeCredentials: named(options.excludeCredentials),
        },
      }),
  };

  const written = (credential) => {
    const given = credential.response;
    const response = { clientDataJSON: toText(given.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (given[name]) response[name] = toText(given[name]);
    }
    return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const button = form.querySelector("button");
    const problem = form.querySelector("[data-passkey-problem]");
    button.hidden = false;
    form.addEventListener("submit", async (event) => {
      if (form.elements.answer.value) return;
      event.preventDefault();
      problem.hidden = true;
      try {
        form.elements.answer.value = written(await ask[form.dataset.passkey](JSON.parse(form.dataset.options)));
        form.requestSubmit();
      } catch (error) {
        problem.textContent = error.name === "InvalidStateError" ? "This key is registered already." : "That did not work. Try again, or use something else.";
        problem.hidden = false;
      }
    });
  }

  const button = document.getElementById("passkey");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      const asked = await (await fetch("/sign-in/passkey")).json();
      const answer = written(await ask.get(asked.options));
      const form = document.createElement("form");
      form.method = "post";
      form.action = "/sign-in/passkey";
      for (const [name, value] of Object.entries({ number: asked.number, answer, return_to: button.dataset.returnTo })) {
        const field = document.createElement("input");
        field.type = "hidden";
        field.name = name;
        field.value = value;
        form.append(field);
      }
      document.body.append(form);
      form.submit();
    } catch (error) {
      // Whoever closes the browser's window wants to sign in otherwise.
    }
  });
})();
