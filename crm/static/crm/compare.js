// Two records side by side: one key takes every field from one of them.
(() => {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choose]")
    if (!button) return
    const side = button.dataset.choose
    for (const input of document.querySelectorAll(`[data-compare] input[type=radio][value="${side}"]`)) {
      if (input.name !== "survivor") input.checked = true
    }
  })
})()
