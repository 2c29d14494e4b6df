// Lists: choosing a field in "Add a filter" opens its form at once.
//   data-submits   a select that sends its form when it changes
(() => {
  document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-submits]") && event.target.value) event.target.form.requestSubmit()
  })
})()
