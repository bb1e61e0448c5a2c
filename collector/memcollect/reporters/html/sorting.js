// Sorts tables by what is pressed, and filters that of the pods. Without it the page is whole, in its own order.
(() => {
  "use strict";
  const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

  // What a cell is sorted by: a number, or null where it is not known. No limit is more than any limit.
  function amount(cell) {
    const text = cell.textContent;
    if (text === "none") return Infinity;
    const found = /^[≥<>]? ?(−?)([\d.]+)(?: (%|\w+))?/.exec(text);
    if (!found) return null;
    const [, minus, digits, unit] = found;
    const least = text[0] === "<" ? 0.5 : 1;
    return (minus ? -1 : 1) * least * Number(digits) * 1024 ** Math.max(0, UNITS.indexOf(unit));
  }

  const words = (cell) => (cell.firstElementChild || cell).textContent;

  function compared(rows, place, isNumber, falling) {
    const sign = falling ? -1 : 1;
    if (!isNumber) {
      const { compare } = new Intl.Collator("en", { numeric: true });
      return (one, other) => sign * compare(words(one.cells[place]), words(other.cells[place]));
    }
    const values = new Map(rows.map((row) => [row, amount(row.cells[place])]));
    return (one, other) => {
      const [left, right] = [values.get(one), values.get(other)];
      if (left === null || right === null) return (left === null) - (right === null);
      return left === right ? 0 : sign * (left < right ? -1 : 1);
    };
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const [body] = table.tBodies;
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells].filter((head) => head.textContent);
    for (const head of heads) {
      const place = head.cellIndex;
      const isNumber = head.classList.contains("n");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort");
        const falling = was ? was === "ascending" : isNumber;
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        body.append(...[...rows].sort(compared(rows, place, isNumber, falling)));
      });
      head.replaceChildren(button);
    }
  }

  const table = document.querySelector("table.pods");
  if (!table) return;
  table.tHead.rows[0].cells[1].setAttribute("aria-sort", "descending");
  const rows = [...table.tBodies[0].rows].map((row) => {
    const link = row.querySelector("a");
    const target = link && document.getElementById(link.hash.slice(1));
    return { row, text: row.cells[0].textContent.toLowerCase(), section: target && target.closest(".pod") };
  });

  const input = document.createElement("input");
  input.type = "search";
  input.autocomplete = "off";
  input.spellcheck = false;
  const label = document.createElement("label");
  label.append("Filter by name or words ", input);
  const shown = document.createElement("output");
  const bar = document.createElement("div");
  bar.className = "filter";
  bar.setAttribute("role", "search");
  bar.append(label, shown);
  table.parentElement.before(bar);

  function filter() {
    const sought = input.value.toLowerCase().split(/\s+/);
    let count = 0;
    for (const { row, text, section } of rows) {
      const fits = sought.every((word) => text.includes(word));
      row.hidden = !fits;
      if (section) section.hidden = !fits;
      count += fits;
    }
    shown.textContent = input.value ? `${count} of ${rows.length} shown` : "";
  }
  input.addEventListener("input", filter);

  // A link from elsewhere to a pod that the filter hides shows all again.
  window.addEventListener("hashchange", () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target || !target.closest("[hidden]")) return;
    input.value = "";
    filter();
    target.scrollIntoView();
  });
})();
