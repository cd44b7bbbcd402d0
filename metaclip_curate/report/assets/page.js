"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const count = new Intl.NumberFormat("en-US");
  const percent = new Intl.NumberFormat("en-US", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let scope = "";

  // Charts. `rows` unfolds a chart's data as chart.rows does for the PNG files.
  function rows(chart) {
    const all = [];
    for (const [series, ys] of chart.y) {
      ys.forEach((y, index) => { if (y !== null) all.push({ x: chart.x[index], y, series }); });
    }
    return { rows: all, marks: (chart.marks || []).map(([at, label]) => ({ at, label })) };
  }

  function draw(container) {
    const name = container.dataset.chart;
    const chart = "ofLanguage" in container.dataset ? data.scopes[scope].charts[name] : data.fixed[name];
    if (!chart || !window.vegaEmbed) return;
    const spec = { ...data.charts[name], width: "container", autosize: { type: "fit-x", contains: "padding" }, datasets: rows(chart) };
    const config = data.themes[dark.matches ? "dark" : "light"];
    const options = { actions: false, renderer: "svg", config, tooltip: { theme: dark.matches ? "dark" : "light" } };
    window.vegaEmbed(container, spec, options).catch((error) => console.error(name, error));
  }

  const drawings = [...document.querySelectorAll("[data-chart]")];
  const drawn = new Set();
  // A chart is drawn when it comes near the screen, so that a phone doesn't draw all of them at once.
  const watcher = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting && !drawn.has(target)) { drawn.add(target); draw(target); }
    }
  }, { rootMargin: "600px" });
  drawings.forEach((container) => watcher.observe(container));
  dark.addEventListener("change", () => drawn.forEach(draw));

  // Lists of entries.
  function element(name, text, classes) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (classes) made.className = classes;
    return made;
  }

  function webText(text) {
    const made = element("bdi", text);
    made.dir = "auto";
    return made;
  }

  function fill(id, items, content) {
    byId(id).replaceChildren(...items.map((item) => {
      const line = element("li");
      line.append(...content(item));
      return line;
    }));
    if (!items.length) byId(id).append(element("li", "none", "caption"));
  }

  const cut = (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text);
  const named = (lang, entry) => {
    const holder = element("span");
    holder.append(webText(cut(entry, 60)));
    if (!scope) holder.append(" ", element("small", lang));
    return holder;
  };

  function numbers(of) {
    const parts = [];
    if (of.threshold) parts.push(of.threshold);
    parts.push(`${count.format(of.hit)} of ${count.format(of.entries)} entries occur in a text (${percent.format(of.entries ? of.hit / of.entries : 0)})`);
    if (of.head_before !== null) {
      const after = of.head_after === null ? "" : ` and ${percent.format(of.head_after)} after`;
      parts.push(`${count.format(of.head)} head entries have ${percent.format(of.head_before)} of the matches before the draw${after}`);
    }
    return parts.join("; ") + ".";
  }

  function show(language) {
    scope = language;
    const of = data.scopes[scope];
    byId("scope").value = scope;
    byId("scope-numbers").textContent = numbers(of.numbers);
    byId("entries-scope").textContent = scope ? data.names[scope] : "of all languages";
    fill("thinned", of.entries.thinned, ([lang, entry, before, kept]) => [named(lang, entry), element("span", `${count.format(before)} → ${count.format(kept)}`, "counts")]);
    fill("whole", of.entries.whole, ([lang, entry, before]) => [named(lang, entry), element("span", count.format(before), "counts")]);
    fill("unmatched", of.entries.unmatched, ([lang, entry]) => [named(lang, entry)]);
    const unmatched = of.numbers.entries - of.numbers.hit;
    byId("unmatched-number").textContent = `${count.format(unmatched)} entries (${percent.format(of.numbers.entries ? unmatched / of.numbers.entries : 0)}), a few of which are:`;
    for (const container of drawn) if ("ofLanguage" in container.dataset) draw(container);
  }

  if (data.scopes[""]) {
    byId("scope").addEventListener("change", (event) => show(event.target.value));
    show("");
  }

  // Texts of an entry.
  function showTexts(index) {
    const { lang, entry, count: before, kept, texts } = data.texts[index];
    byId("entry-name").replaceChildren(webText(entry), " ", element("small", `${lang}, ${count.format(kept)} of ${count.format(before)} texts kept`));
    ["kept", "dropped"].forEach((name, side) => {
      byId(`${name}-heading`).textContent = `${name}: ${texts[side].length} drawn at random`;
      fill(`${name}-texts`, texts[side], (text) => [webText(text)]);
    });
    byId("entry-texts").hidden = false;
  }

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button");
    if (!pressed) return;
    if (pressed.dataset.scope !== undefined) {
      show(pressed.dataset.scope);
      byId("balance").scrollIntoView();
    } else if (pressed.dataset.texts !== undefined) {
      showTexts(Number(pressed.dataset.texts));
      byId("entry-texts").scrollIntoView({ block: "nearest" });
    } else if (pressed.closest("table.sortable thead")) {
      sort(pressed.closest("th"));
    }
  });

  // Tables.
  const collator = new Intl.Collator("en", { numeric: true });

  function sort(heading) {
    const table = heading.closest("table");
    const column = heading.cellIndex;
    const numeric = heading.classList.contains("number");
    // Numbers start with the largest, names with the first.
    const first = numeric ? "descending" : "ascending";
    const other = numeric ? "ascending" : "descending";
    const order = heading.getAttribute("aria-sort") === first ? other : first;
    const sign = order === "ascending" ? 1 : -1;
    const value = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
    const lines = [...table.tBodies[0].rows].map((row) => [value(row), row]);
    lines.sort(([a], [b]) => {
      if (a === "" || b === "") return (a === "") - (b === "");  // unknown values come last in either order
      return sign * (numeric ? Number(a) - Number(b) : collator.compare(a, b));
    });
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
    table.tBodies[0].append(...lines.map(([, row]) => row));
  }

  const search = byId("search");
  if (search) {
    const lines = [...byId(search.dataset.table).tBodies[0].rows];
    const names = lines.map((row) => row.cells[0].textContent.toLowerCase());
    search.addEventListener("input", () => {
      const query = search.value.trim().toLowerCase();
      let found = 0;
      lines.forEach((row, index) => {
        row.hidden = !names[index].includes(query);
        found += !row.hidden;
      });
      byId("found").textContent = found === 1 ? "1 language" : `${count.format(found)} languages`;
    });
  }
})();
