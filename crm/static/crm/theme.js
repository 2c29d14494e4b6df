// Runs before the first paint, so that a dark page never flashes white.
(() => {
  const root = document.documentElement
  const dark = matchMedia("(prefers-color-scheme: dark)")

  function chosen() {
    try {
      return localStorage.getItem("crm-theme") || "auto"
    } catch {
      return "auto" // storage may be forbidden; the system's wish still holds
    }
  }

  function apply() {
    const theme = chosen()
    root.dataset.bsTheme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme
    root.classList.add("scripted")
    document.dispatchEvent(new CustomEvent("crm:theme"))
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-theme]")
    if (!button) return
    localStorage.setItem("crm-theme", button.dataset.theme)
    apply()
    mark()
  })

  function mark() {
    for (const button of document.querySelectorAll("button[data-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.theme === chosen()))
    }
  }

  dark.addEventListener("change", apply)
  document.addEventListener("DOMContentLoaded", mark)
  apply()
})()
