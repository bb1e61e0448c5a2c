// Sorts and filters the table of pods. Without it the page is whole, in the order of the working sets.
(() => {
  "use strict";
  const table = document.querySelector("table.pods");
  const [body] = table.tBodies;
  const heads = [...table.tHead.rows[0].cells];
  const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

  const rows = [...body.rows].map((row) => {
    const link = row.querySelector("a");
    const target = link && document.getElementById(link.hash.slice(1));
    return { row, text: row.cells[0].textContent.toLowerCase(), section: target && target.closest(".pod") };
  });

  // What a cell is sorted by: a number, or null where it is not known. No limit is more than any limit.
  function amount(cell) {
    const text = cell.textContent;
    if (text === "none") return Infinity;
    const found = /^[≥<>]? ?(−?)([\d.]+) (%|\w+)/.exec(text);
    if (!found) return null;
    const [, minus, digits, unit] = found;
    const least = text[0] === "<" ? 0.5 : 1;
    return (minus ? -1 : 1) * least * Number(digits) * 1024 ** Math.max(0, UNITS.indexOf(unit));
  }

  function compared(place, falling) {
    const sign = falling ? -1 : 1;
    if (place === 0) {
      const name = ({ row }) => row.cells[0].firstElementChild.textContent;
      return (one, other) => sign * name(one).localeCompare(name(other), "en", { numeric: true });
    }
    const values = new Map(rows.map((each) => [each, amount(each.row.cells[place])]));
    return (one, other) => {
      const [left, right] = [values.get(one), values.get(other)];
      if (left === null || right === null) return (left === null) - (right === null);
      return left === right ? 0 : sign * (left < right ? -1 : 1);
    };
  }

  function sort(place) {
    const was = heads[place].getAttribute("aria-sort");
    const falling = was ? was === "ascending" : place > 0;
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[place].setAttribute("aria-sort", falling ? "descending" : "ascending");
    body.append(...[...rows].sort(compared(place, falling)).map(({ row }) => row));
  }

  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(place));
    head.replaceChildren(button);
  });
  heads[1].setAttribute("aria-sort", "descending");

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
    const words = input.value.toLowerCase().split(/\s+/);
    let count = 0;
    for (const { row, text, section } of rows) {
      const fits = words.every((word) => text.includes(word));
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
