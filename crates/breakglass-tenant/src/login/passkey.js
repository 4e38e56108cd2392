(() => {
  const form = document.getElementById("passkey");
  const button = document.getElementById("ask");
  const wrong = document.getElementById("wrong");
  const isNew = form.dataset.ceremony === "create";
  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), letter => letter.charCodeAt(0));
  const text = buffer => {
    const letters = Array.from(new Uint8Array(buffer), byte => String.fromCharCode(byte)).join("");
    return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };
  const options = JSON.parse(form.dataset.options);
  options.challenge = bytes(options.challenge);
  for (const name of ["allowCredentials", "excludeCredentials"]) {
    for (const known of options[name] || []) known.id = bytes(known.id);
  }
  if (isNew) options.user.id = bytes(options.user.id);
  const ask = async () => {
    wrong.hidden = true;
    button.disabled = true;
    try {
      const asked = { publicKey: options };
      const found = await (isNew ? navigator.credentials.create(asked) : navigator.credentials.get(asked));
      form.elements.credential.value = text(found.rawId);
      for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
        if (form.elements[name]) form.elements[name].value = found.response[name] ? text(found.response[name]) : "";
      }
      form.submit();
    } catch (error) {
      wrong.textContent = "The browser has not " + (isNew ? "made" : "used") + " a passkey (" + error.name + "). Try again, or choose another way.";
      wrong.hidden = false;
      button.disabled = false;
    }
  };
  button.addEventListener("click", ask);
  if (!window.PublicKeyCredential) {
    wrong.textContent = "This browser does not know passkeys. Choose another way, or use another browser.";
    wrong.hidden = false;
    button.disabled = true;
  } else if (!isNew) {
    ask();
  }
})();
