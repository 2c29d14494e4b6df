// What every page does: menus, dialogs, one submit a click, a lost connection, refused requests.
(() => {
  const words = () => document.getElementById("words").dataset

  // Menus are <details>: they work without this; with it they close as menus should.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false
    }
  })

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false
      menu.querySelector("summary").focus()
    }
  })

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]")
    if (!opener) return
    opener.closest("details.menu")?.removeAttribute("open")
    document.getElementById(opener.dataset.open).showModal()
  })

  // A click on the backdrop closes a dialog.
  document.addEventListener("click", (event) => {
    if (event.target instanceof HTMLDialogElement && event.target.open) event.target.close()
  })

  // One click, one submit. The server is idempotent too; this keeps people calm.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return
    const form = event.target
    if (!navigator.onLine && form.method !== "dialog") {
      event.preventDefault()
      notify(words().offline)
      return
    }
    if (form.dataset.sent) {
      event.preventDefault()
      return
    }
    if (form.method === "dialog" || form.target) return
    form.dataset.sent = "yes"
    setTimeout(() => {
      for (const button of buttonsOf(form)) button.setAttribute("aria-disabled", "true")
    })
    setTimeout(() => release(form), 8000) // a download answers without leaving the page
  })

  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) release(form)
  })

  function release(form) {
    delete form.dataset.sent
    for (const button of buttonsOf(form)) button.removeAttribute("aria-disabled")
  }

  function buttonsOf(form) {
    return form.querySelectorAll("button:not([type=button]), input[type=submit]")
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    const source = event.detail.elt
    if (source.getAttribute("aria-disabled") === "true") event.preventDefault()
    else if (source.matches("button, form")) source.setAttribute("aria-disabled", "true")
  })
  document.addEventListener("htmx:afterRequest", (event) => {
    event.detail.elt.removeAttribute("aria-disabled")
    if (event.detail.successful) connected(true)
  })

  // Refusals (409, 422) are swapped in by htmx-config. What remains is said here.
  document.addEventListener("htmx:responseError", (event) => {
    notify(event.detail.xhr.status === 403 ? words().forbidden : words().failed)
  })

  function notify(sentence) {
    const notice = document.createElement("div")
    notice.className = "alert alert-warning"
    notice.textContent = sentence
    document.getElementById("notices").replaceChildren(notice)
    setTimeout(() => notice.remove(), 12000)
  }

  // A field shown in full hides itself again, with or without a connection.
  document.addEventListener("htmx:load", (event) => {
    const field = event.target.matches?.("[data-remask]") ? event.target : null
    if (!field) return
    setTimeout(() => {
      const masked = field.querySelector("template").content.firstElementChild
      field.replaceWith(masked)
      htmx.process(masked)
    }, Number(field.dataset.remask) * 1000)
  })

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return
    const cancel = event.target.closest("form")?.querySelector("[data-escape]")
    cancel?.click()
  })

  // The connection: shown when lost, looked for every three seconds, hidden when back.
  let looking = null

  function connected(yes) {
    document.getElementById("connection").hidden = yes
    if (yes) {
      clearInterval(looking)
      looking = null
    } else if (!looking) {
      looking = setInterval(look, 3000)
    }
  }

  async function look() {
    try {
      const answer = await fetch("/health/live", { cache: "no-store" })
      if (answer.ok) connected(true)
    } catch {
      // still away
    }
  }

  addEventListener("offline", () => connected(false))
  addEventListener("online", look)
  document.addEventListener("htmx:sendError", () => connected(false))
  document.addEventListener("htmx:timeout", () => connected(false))
  document.addEventListener("htmx:sseError", () => {
    if (!navigator.onLine) connected(false)
  })
})()
