// Draws the options the server built (crm.platform.ui.charts): <div class="chart" data-chart="id">
// beside <script type="application/json" id="id">. The library comes only where a chart is.
(() => {
  const COLOURS = ["accent", "teal", "amber", "purple", "pink", "grey", "red", "green"]
  const drawn = new Map()
  let library = null

  function load() {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script")
      script.src = document.querySelector("meta[name=chart-library]").content
      script.onload = () => resolve(window.echarts)
      script.onerror = reject
      document.head.append(script)
    })
    return library
  }

  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--crm-${name}`).trim()

  function coloured(value, key) {
    if (Array.isArray(value)) return value.map((one) => coloured(one, key))
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, coloured(one, name)]))
    }
    return /color$/i.test(key || "") && COLOURS.includes(value) ? token(value) : value
  }

  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 })
  const written = (value, unit) => (value == null || value === "-" ? "–" : number.format(value) + (unit ? ` ${unit}` : ""))

  function axis(own, isX, percentages) {
    const ink = token("ink-soft")
    return {
      nameTextStyle: { color: ink, align: isX ? undefined : "left" },
      axisLine: { lineStyle: { color: token("line") } },
      axisTick: { show: false },
      splitLine: { show: own.type === "value", lineStyle: { color: token("line") } },
      ...own,
      axisLabel: {
        color: ink,
        hideOverlap: true,
        ...(own.type === "value" && !percentages ? { formatter: (value) => number.format(value) } : {}),
        ...own.axisLabel,
      },
    }
  }

  function finished(option) {
    const { summary, unit, links, ...own } = coloured(option)
    const byCategory = own.xAxis?.type === "category" || own.yAxis?.type === "category"
    const names = own.legend ? 28 : 4
    return {
      animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      animationDuration: 150,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: token("ink") },
      ...own,
      grid: { left: 4, right: 16, top: names + 24, bottom: own.xAxis?.nameLocation ? 24 : 4, containLabel: true, ...own.grid },
      legend: own.legend && { top: 0, left: 0, itemWidth: 14, itemHeight: 8, textStyle: { color: token("ink") }, ...own.legend },
      // Rich text, because a tooltip of HTML would need inline styles, which the page forbids.
      tooltip: {
        renderMode: "richText",
        trigger: byCategory ? "axis" : "item",
        confine: true,
        backgroundColor: token("surface"),
        borderColor: token("line"),
        textStyle: { color: token("ink"), fontSize: 12 },
        valueFormatter: (value) => written(value, unit),
        ...own.tooltip,
      },
      xAxis: own.xAxis && axis(own.xAxis, true),
      yAxis: own.yAxis && axis(own.yAxis, false),
    }
  }

  async function draw(place) {
    const source = document.getElementById(place.dataset.chart)
    if (!source || drawn.has(place)) return
    drawn.set(place, null)
    const echarts = await load()
    if (!place.isConnected) return
    const chart = echarts.init(place, null, { renderer: "canvas" })
    const option = JSON.parse(source.textContent)
    chart.setOption(finished(option))
    chart.on("click", ({ dataIndex }) => option.links?.[dataIndex] && location.assign(option.links[dataIndex]))
    drawn.set(place, chart)
    sizes.observe(place)
  }

  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) drawn.get(target)?.resize()
  })

  // Only what is near the screen is drawn.
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue
        seen.unobserve(target)
        draw(target)
      }
    },
    { rootMargin: "200px" },
  )

  function find(root) {
    for (const [place, chart] of drawn) {
      if (place.isConnected) continue
      chart?.dispose()
      drawn.delete(place)
    }
    for (const place of root.querySelectorAll(".chart[data-chart]")) seen.observe(place)
  }

  document.addEventListener("crm:theme", () => {
    for (const [place, chart] of drawn) {
      if (!chart) continue
      chart.setOption(finished(JSON.parse(document.getElementById(place.dataset.chart).textContent)), true)
    }
  })

  document.addEventListener("htmx:load", (event) => find(event.target.parentElement || document))
  find(document)
})()
