// Makes figures answer: values on hover and by the arrow keys, series switched on and off, the
// numbers as CSV. Without it the page has everything but these.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

/** Adds an element with attributes, and text, to another. */
function add(parent, tag, attributes = {}, text = "") {
  const made = parent.appendChild(document.createElement(tag));
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

/** Share of an axis at which a value lies: 0 at its lower limit, 1 at its upper one. */
function share({ limits: [low, high], log }, value) {
  const at = log ? Math.log : Number;
  return (at(value) - at(low)) / (at(high) - at(low));
}

/** Makes one figure answer. */
function answer(figure) {
  const { panels, labels, series } = JSON.parse(figure.querySelector("script").textContent);
  const plot = figure.querySelector(".plot"), readout = figure.querySelector("output");
  const off = new Set();
  for (const one of series) {
    if (one.look === "image") { // 28 by 28 pixels, one row after another
      const size = Math.sqrt(one.columns[2][1].length);
      one.columns[0][1] = one.columns[2][1].map((_, at) => at % size);
      one.columns[1][1] = one.columns[2][1].map((_, at) => Math.floor(at / size));
    }
    if (!Array.isArray(one.x)) one.x = one.columns[one.x][1];
    one.y = one.columns[one.y][1];
    const { x, y } = panels[one.panel];
    one.seen = [...one.x.keys()].filter((at) => one.x[at] !== null && one.y[at] !== null
      && [share(x, one.x[at]), share(y, one.y[at])].every((s) => s >= 0 && s <= 1));
  }
  let current = null; // {one, nth}: a series, and a place among its points that are seen

  const shown = () => series.filter((one) => one.seen.length && !off.has(one.label));
  const drawing = () => [...plot.querySelectorAll("svg")].find((svg) => svg.getClientRects().length);

  const frame = (one) => drawing().querySelector(`[data-panel="${one.panel}"]`).getBBox();

  /** Where a point lies in the drawing. */
  function place(one, at, box = frame(one)) {
    const { x, y } = panels[one.panel];
    return [box.x + box.width * share(x, one.x[at]), box.y + box.height * (1 - share(y, one.y[at]))];
  }

  /** The point nearest to a place in the drawing; of a bar, all that is below its top is near. */
  function nearest({ x, y }) {
    let best = null, least = Infinity;
    for (const one of shown()) {
      const box = frame(one);
      if (x < box.x || x > box.x + box.width || y < box.y || y > box.y + box.height) continue;
      one.seen.forEach((at, nth) => {
        const [px, py] = place(one, at, box);
        const distance = Math.hypot(x - px, one.look === "bars" && y > py ? 0 : y - py);
        if (distance < least) [best, least] = [{ one, nth }, distance];
      });
    }
    return best;
  }

  /** Marks a point and says its values; null for none. */
  function show(point) {
    plot.querySelector(".dot")?.remove();
    current = point;
    readout.textContent = "";
    if (!point) return;
    const { one, nth } = point, at = one.seen[nth], svg = drawing(), [x, y] = place(one, at);
    const dot = svg.appendChild(document.createElementNS(SVG, "circle"));
    for (const [name, value] of Object.entries({ class: "dot", cx: x, cy: y, r: 4 })) dot.setAttribute(name, value);
    const name = [panels[one.panel].title, labels[one.label]].filter(Boolean).join(", ");
    const values = one.columns.map(([column, numbers]) => `${column}: ${numbers[at]}`);
    readout.textContent = [name, ...values].join("\n");
    const left = dot.getBoundingClientRect().left - plot.getBoundingClientRect().left;
    readout.style.left = `${Math.max(0, Math.min(left + 12, plot.clientWidth - readout.offsetWidth))}px`;
    readout.style.top = `${dot.getBoundingClientRect().top - plot.getBoundingClientRect().top + 14}px`;
  }

  plot.addEventListener("pointermove", (event) => {
    const inverse = drawing().getScreenCTM().inverse();
    show(nearest(new DOMPoint(event.clientX, event.clientY).matrixTransform(inverse)));
  });
  plot.addEventListener("pointerleave", () => show(null));
  plot.addEventListener("blur", () => show(null));
  plot.tabIndex = 0;
  plot.addEventListener("keydown", (event) => {
    const all = shown(), from = all.indexOf(current?.one);
    const one = all[Math.max(from, 0)], last = one?.seen.length - 1;
    const along = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    const across = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key === "Escape") show(null);
    else if (!one || !(event.key in along || event.key in across)) return;
    else if (from < 0) show({ one, nth: 0 });
    else if (event.key in along) show({ one, nth: Math.max(0, Math.min(last, current.nth + along[event.key])) });
    else {
      const next = all[(from + across[event.key] + all.length) % all.length];
      show({ one: next, nth: Math.min(current.nth, next.seen.length - 1) });
    }
    event.preventDefault();
  });

  for (const entry of figure.querySelectorAll(".key label")) {
    const box = document.createElement("input");
    Object.assign(box, { type: "checkbox", checked: true });
    entry.prepend(box);
    box.addEventListener("change", () => {
      const label = Number(entry.dataset.label);
      if (box.checked) off.delete(label); else off.add(label);
      for (const part of plot.querySelectorAll(`[data-series="${label}"]`)) part.classList.toggle("off", !box.checked);
      show(null);
    });
  }

  const button = add(figure.querySelector("figcaption"), "button", { type: "button", class: "data" }, "Data as CSV");
  button.addEventListener("click", () => save(`${figure.dataset.name}.csv`, csv(panels, labels, series)));
}

/** A figure's numbers as CSV: a row for each point, a column for each name that a number has. */
function csv(panels, labels, series) {
  const names = [...new Set(series.flatMap((one) => one.columns.map(([name]) => name)))];
  const quoted = (field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
  const rows = [["panel", "series", ...names]];
  for (const one of series) {
    const columns = new Map(one.columns);
    one.x.forEach((_, at) => rows.push([panels[one.panel].title, labels[one.label],
      ...names.map((name) => String(columns.get(name)?.[at] ?? ""))]));
  }
  return rows.map((row) => row.map(quoted).join(",") + "\n").join("");
}

/** Hands a text to the reader as a file. */
function save(name, text) {
  const link = add(document.body, "a", { download: name, href: URL.createObjectURL(new Blob([text], { type: "text/csv" })) });
  link.click();
  link.remove();
}

document.querySelectorAll("figure").forEach(answer);
