// Live fragments ([data-live]) follow server-sent events. Where those do not come through, ask.
(() => {
  const EVERY = 2000
  const asking = new Map()

  document.addEventListener("htmx:sseError", (event) => {
    const live = event.target.closest("[data-live]")
    if (live && !asking.has(live)) asking.set(live, setInterval(() => ask(live), EVERY))
  })
  document.addEventListener("htmx:sseOpen", (event) => stop(event.target.closest("[data-live]")))
  document.addEventListener("htmx:sseClose", (event) => stop(event.target.closest("[data-live]")))

  function ask(live) {
    if (live.isConnected && live.querySelector("progress, form")) htmx.trigger(live, "look-again")
    else stop(live)
  }

  function stop(live) {
    clearInterval(asking.get(live))
    asking.delete(live)
  }
})()
