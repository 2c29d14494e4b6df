// Keyboard first: single keys outside fields, the palette, the list of keys.
//   data-go="c"      a link that `g` `c` follows
//   data-hotkey="e"  a button or link that `e` presses; listed by `?` under its own text
//   data-rows        a table body or list whose rows `j` and `k` walk
(() => {
  const dialog = (id) => document.getElementById(id)
  let going = 0

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") return submit(event)
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") return openPalette(event)
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return
    if (press(event)) event.preventDefault()
  })

  function press(event) {
    if (Date.now() - going < 1500) {
      going = 0
      return follow(document.querySelector(`[data-go="${CSS.escape(event.key)}"]`))
    }
    const does = {
      "/": () => focusSearch(),
      "?": () => openKeys(),
      g: () => (going = Date.now()),
      j: () => walk(1),
      k: () => walk(-1),
      x: () => select(),
    }[event.key]
    return does ? does() !== false : follow(document.querySelector(`[data-hotkey="${CSS.escape(event.key)}"]`))
  }

  function follow(element) {
    if (!element) return false
    if (element.matches("input, textarea, select")) element.focus()
    else {
      if (element.matches("summary")) element.focus() // the next key is wanted in its menu
      element.click()
    }
    return true
  }

  function focusSearch() {
    const box = document.querySelector("[data-search-first]") || document.querySelector("[data-search]")
    if (!box) return false
    box.focus()
    box.select()
  }

  function submit(event) {
    const form = event.target.closest("form")
    if (form && !event.target.closest("dialog.palette")) form.requestSubmit()
  }

  function rows() {
    return [...document.querySelectorAll("[data-rows] > *")].filter((row) => row.querySelector("a[href], input[type=checkbox]"))
  }

  function walk(step) {
    const all = rows()
    if (!all.length) return false
    const at = all.findIndex((row) => row.contains(document.activeElement))
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))]
    next.querySelector("a[href], input[type=checkbox]").focus()
    next.scrollIntoView({ block: "nearest" })
  }

  function select() {
    const row = rows().find((one) => one.contains(document.activeElement))
    const box = row?.querySelector("input[type=checkbox]")
    if (!box) return false
    box.click()
  }

  function openKeys() {
    const list = document.querySelector("[data-page-keys]")
    for (const old of list.querySelectorAll("[data-found]")) old.remove()
    for (const element of document.querySelectorAll("[data-hotkey]")) {
      const line = document.createElement("div")
      const key = document.createElement("dt")
      const what = document.createElement("dd")
      line.dataset.found = ""
      key.append(Object.assign(document.createElement("kbd"), { textContent: element.dataset.hotkey }))
      what.textContent = element.title || element.getAttribute("aria-label") || element.textContent.trim()
      line.append(key, what)
      list.append(line)
    }
    dialog("keys").showModal()
  }

  function openPalette(event) {
    const palette = dialog("palette")
    if (!palette) return
    event.preventDefault()
    if (!palette.open) palette.showModal()
    const input = palette.querySelector("[data-palette-input]")
    input.value = ""
    filter("")
    input.focus()
  }

  function filter(text) {
    const wanted = text.trim().toLowerCase()
    for (const link of document.querySelectorAll(".palette-list a")) {
      const words = `${link.textContent} ${link.dataset.words}`.toLowerCase()
      link.parentElement.hidden = !words.includes(wanted)
    }
  }

  const shown = () => [...document.querySelectorAll(".palette-list li:not([hidden]) a")]

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-palette-input]")) filter(event.target.value)
  })

  document.addEventListener("keydown", (event) => {
    const palette = event.target.closest("dialog.palette")
    if (!palette || event.isComposing) return
    const links = shown()
    const at = links.indexOf(document.activeElement)
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault()
      const next = at + (event.key === "ArrowDown" ? 1 : -1)
      ;(links[next] || palette.querySelector("[data-palette-input]")).focus()
    } else if (event.key === "Enter" && at < 0 && links.length) {
      event.preventDefault() // a page fits what was typed; otherwise the form searches
      links[0].click()
    }
  })
})()
