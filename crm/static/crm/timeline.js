// The timeline: told of news it asks for its rows anew; "@" in a note offers colleagues.
(() => {
  const AGAIN = 15000
  let asking = 0

  const panel = () => document.getElementById("timeline-panel")

  function news() {
    const rows = document.getElementById("timeline-rows")
    if (rows) htmx.trigger(rows, "news")
  }

  document.addEventListener("htmx:sseMessage", (event) => {
    const told = event.target.closest?.("[data-timeline-live]")?.querySelector("[data-mark]")
    if (!told || !panel() || told.dataset.mark === panel().dataset.mark) return
    panel().dataset.mark = told.dataset.mark
    news()
  })
  document.addEventListener("htmx:sseError", (event) => {
    if (event.target.closest?.("[data-timeline-live]") && !asking) asking = setInterval(news, AGAIN)
  })
  document.addEventListener("htmx:sseOpen", (event) => {
    if (!event.target.closest?.("[data-timeline-live]")) return
    clearInterval(asking)
    asking = 0
  })

  const begun = (area) => /(?:^|[^\w.@-])@([^\s@]{1,40})$/u.exec(area.value.slice(0, area.selectionStart))
  const listOf = (area) => area.parentElement.querySelector(".mentions")

  document.addEventListener("input", async (event) => {
    const area = event.target
    if (!area.matches?.("[data-mentions]")) return
    area.style.height = "auto"
    area.style.height = `${area.scrollHeight + 2}px`
    const found = begun(area)
    if (!found) return close(area)
    const url = `${area.dataset.mentions}?${new URLSearchParams({ q: found[1] })}`
    const answer = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => null)
    if (!answer?.ok || begun(area)?.[1] !== found[1]) return
    close(area)
    const list = document.createElement("ul")
    list.className = "mentions"
    list.innerHTML = await answer.text()
    if (list.children.length) area.after(list)
  })

  function close(area) {
    listOf(area)?.remove()
  }

  function choose(area, button) {
    const end = area.selectionStart
    const start = end - begun(area)[1].length
    area.setRangeText(`${button.dataset.code} `, start, end, "end")
    close(area)
    area.focus()
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".mentions button")
    if (button) choose(button.closest("form").querySelector("[data-mentions]"), button)
  })

  document.addEventListener("keydown", (event) => {
    const area = event.target.closest("form")?.querySelector("[data-mentions]")
    const buttons = area ? [...(listOf(area)?.querySelectorAll("button") ?? [])] : []
    if (!buttons.length || event.isComposing) return
    const at = buttons.indexOf(document.activeElement)
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault()
      ;(buttons[at + (event.key === "ArrowDown" ? 1 : -1)] ?? area).focus()
    } else if ((event.key === "Enter" || event.key === "Tab") && at < 0) {
      event.preventDefault()
      choose(area, buttons[0])
    } else if (event.key === "Escape") {
      close(area)
      area.focus()
    }
  })
})()
