// What a button copies: a text that it names, the address of this page in another form, or the payload that it stands beside.
export function startCopy() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-link]");
    if (button) {
      copy(button);
    }
  });
}

async function copy(button) {
  const text = textOf(button);
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS there is no clipboard of that kind.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  // A second click comes while the word of the first still stands there.
  button.dataset.words ??= button.textContent;
  button.textContent = document.getElementById("copied").content.textContent;
  setTimeout(() => {
    button.textContent = button.dataset.words;
  }, 1500);
}

function textOf(button) {
  if (button.dataset.copyLink) {
    return new URL(button.dataset.copyLink, location.href).href;
  }
  if (button.dataset.copy) {
    return button.dataset.copy;
  }
  const box = button.closest(".payload");
  return box.dataset.text ?? box.querySelector("pre").textContent;
}
