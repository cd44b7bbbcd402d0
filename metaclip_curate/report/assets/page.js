"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const count = new Intl.NumberFormat("en-US");
  const percent = new Intl.NumberFormat("en-US", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let scope = "";
  let stop = data.stops ? data.stops.chosen : 0;
  let shownEntry = "";

  // What changes with t, of the scope's languages together.
  const languages = () => (scope ? [data.stops.languages[scope]] : Object.values(data.stops.languages));
  const expected = (at = stop) => (scope ? data.stops.languages[scope].expected[at] : data.stops.expected[at]);
  const sum = (field, at = stop) => languages().reduce((total, of) => total + of[field][at], 0);
  const unit = data.stops && data.stops.name === "tail share" ? "tail share" : "t";
  const value = (at = stop) => data.stops.labels[at].replace(/^(t =|tail share) /, "");
  const limit = () => (scope ? `t = ${count.format(languages()[0].t[stop])}` : data.stops.labels[stop]);
  const tenths = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const rounded = (value) => (value < 10000 ? tenths : count).format(value);

  // The limits of a language follow from its curve: what each band of ranks has, or at most t of each of its entries.
  function limitedSums(curve) {
    if (curve.limited) return curve.limited[stop];
    const t = languages()[0].t[stop];
    const entries = data.scopes[scope].numbers.hit;
    let [rank, before, total] = [entries + 1, 0, 0];
    return curve.x.map((at, index) => {
      total += Math.min(curve.before[index] - before, (rank - at) * t);
      [rank, before] = [at, curve.before[index]];
      return total;
    });
  }

  const limitedCounts = (curve) => (curve.limited ? curve.limited[stop] : curve.before.map((value) => Math.min(value, languages()[0].t[stop])));

  const chartsOfScope = {
    "kept-by-t"() {
      const at = (index) => (scope ? languages()[0].t[index] : data.stops.positions[index]);
      const points = new Map(data.stops.labels.map((_, index) => [at(index), expected(index)]));
      const xs = [...points.keys()].sort((a, b) => a - b);
      const marks = [[at(stop), limit()]];
      if (at(stop) !== at(data.stops.chosen)) marks.push([at(data.stops.chosen), ""]);
      return { x: xs, y: [["expected", xs.map((x) => points.get(x))]], marks };
    },
    "cumulative-counts"() {
      const curve = data.scopes[scope].curves["cumulative-counts"];
      return { x: curve.x, y: [["before", curve.before], ["kept by this run", curve.kept], [`limit at ${limit()}`, limitedSums(curve)]] };
    },
    "ranked-counts"() {
      const curve = data.scopes[scope].curves["ranked-counts"];
      const differ = !scope && new Set(languages().map((of) => of.t[stop])).size > 1;
      const t = data.stops.languages[scope || largest].t[stop];
      const marks = [[t, `t = ${count.format(t)}${differ ? ` (${data.names[largest]})` : ""}`]];
      return { x: curve.x, y: [["before", curve.before], ["kept by this run", curve.kept], [`limit at ${limit()}`, limitedCounts(curve)]], marks };
    },
    "head-and-tail"() {
      const { matches, after } = data.scopes[scope].numbers;
      const limited = languages().reduce((total, of) => total + of.head[stop] * of.t[stop], 0);
      const [head, own] = [sum("matches"), stop === data.stops.chosen];
      const bars = { x: ["before", "at most t"], y: [["head", [head, limited]], ["tail", [matches - head, matches - head]]] };
      if (own) { bars.x.push("kept"); bars.y[0][1].push(after[0]); bars.y[1][1].push(after[1]); }
      return bars;
    },
  };
  const largest = Object.keys(data.scopes).filter(Boolean).sort((a, b) => data.scopes[b].numbers.matches - data.scopes[a].numbers.matches || (a < b ? -1 : 1))[0];

  // Charts. `rows` unfolds a chart's data as chart.rows does for the files in figures/.
  function rows(chart) {
    const all = [];
    for (const [series, ys] of chart.y) {
      ys.forEach((y, index) => { if (y !== null) all.push({ x: chart.x[index], y, series }); });
    }
    return { rows: all, marks: (chart.marks || []).map(([at, label]) => ({ at, label })) };
  }

  const ofScope = (container) => "ofLanguage" in container.dataset;
  const chartData = (container) => (ofScope(container) ? chartsOfScope[container.dataset.chart]() : data.fixed[container.dataset.chart]);
  const drawn = new Map();
  let printing = false;

  async function draw(container) {
    const name = container.dataset.chart;
    const chart = chartData(container);
    if (!chart || !window.vegaEmbed) return;
    const spec = { ...data.charts[name], width: "container", datasets: rows(chart) };
    if (typeof spec.height === "number") spec.autosize = { type: "fit-x", contains: "padding" };
    const theme = dark.matches && !printing ? "dark" : "light";
    const options = { actions: false, renderer: "svg", config: data.themes[theme], tooltip: { theme } };
    try {
      const { view } = await window.vegaEmbed(container, spec, options);
      drawn.set(container, view);
      // The container has role img and a label; the marks have roles without labels.
      container.querySelector("svg").setAttribute("aria-hidden", "true");
    } catch (error) { console.error(name, error); }
  }

  // With another t or language only the data changes.
  function redraw() {
    for (const [container, view] of drawn) {
      if (!view || !ofScope(container)) continue;
      const sets = rows(chartData(container));
      view.data("rows", sets.rows);
      if (sets.marks.length) view.data("marks", sets.marks);
      view.runAsync();
    }
  }

  // A chart is drawn when it comes near the screen, so that a phone doesn't draw all of them at once.
  const watcher = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting && !drawn.has(target)) { drawn.set(target, null); draw(target); }
    }
  }, { rootMargin: "600px" });
  const containers = [...document.querySelectorAll("[data-chart]")];
  containers.forEach((container) => watcher.observe(container));
  dark.addEventListener("change", () => [...drawn.keys()].forEach(draw));

  // Paper has all charts, in the colours for white, and what a click opens, but for texts that were rejected.
  let opened = [];

  function onPaper(begins) {
    if (begins === printing) return;
    printing = begins;
    for (const container of containers) {
      if (drawn.has(container) && !dark.matches) continue;
      if (!drawn.has(container)) drawn.set(container, null);
      draw(container);
    }
    if (begins) opened = [...document.querySelectorAll("#provenance details:not([open])")];
    for (const each of opened) each.open = begins;
  }

  // A browser has the events or the change of the medium, or both.
  addEventListener("beforeprint", () => onPaper(true));
  addEventListener("afterprint", () => onPaper(false));
  matchMedia("print").addEventListener("change", (event) => onPaper(event.matches));

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
  const named = (lang, entry, linked, always) => {
    const holder = element(linked ? "a" : "span");
    if (linked) holder.href = `#${fragment({ entry: `${lang}:${entry}` })}`;
    holder.append(webText(cut(entry, 60)));
    const both = element("span");
    both.append(holder);
    if (always || !scope) both.append(" ", element("small", lang));
    return both;
  };
  const counts = (before, kept) => element("span", `${count.format(before)} → ${count.format(kept)}`, "counts");

  // The state of the page is its fragment, so that a link reopens a language, a t or an entry.
  const fragment = (state) => new URLSearchParams(Object.entries(state).filter(([, value]) => value !== "")).toString();
  const state = () => ({ language: scope, t: stop === data.stops.chosen ? "" : data.stops.positions[stop], entry: shownEntry });
  const remember = () => history.replaceState(null, "", `#${fragment(state()) || "balance"}`);

  function nearestStop(position) {
    const far = (at) => Math.abs(data.stops.positions[at] - position);
    return data.stops.positions.reduce((best, _, at) => (far(at) < far(best) ? at : best), 0);
  }

  function headSentence() {
    const { matches, hit, entries, after } = data.scopes[scope].numbers;
    const parts = [`${count.format(hit)} of ${count.format(entries)} entries occur in a text (${percent.format(entries ? hit / entries : 0)})`];
    if (matches) {
      const kept = after[0] + after[1];
      const own = stop === data.stops.chosen && kept ? ` and ${percent.format(after[0] / kept)} after` : "";
      parts.push(`${count.format(sum("head"))} head entries have ${percent.format(sum("matches") / matches)} of the matches before the draw${own}`);
    }
    return `${parts.join("; ")}.`;
  }

  function showStop() {
    const all = Math.max(...data.stops.labels.map((_, at) => expected(at)));
    const own = stop === data.stops.chosen;
    byId("stop").value = stop;
    byId("stop").setAttribute("aria-valuetext", limit());
    // Of the anchor language both are the same.
    byId("stop-label").textContent = limit() === data.stops.labels[stop] ? value() : `${value()} (${scope}: ${count.format(languages()[0].t[stop])})`;
    byId("own-stop").hidden = own;
    byId("stop-numbers").textContent = `${rounded(expected())} of ${count.format(Math.round(all))} pairs expected (${percent.format(all ? expected() / all : 0)})${own ? `, at this run’s ${unit}` : `; ${rounded(expected(data.stops.chosen))} at this run’s ${unit}`}`;
    byId("scope-numbers").textContent = headSentence();
    for (const row of document.querySelectorAll("#language-table tbody tr")) {
      const of = data.stops.languages[row.dataset.lang];
      if (!of) continue;
      const matches = data.scopes[row.dataset.lang].numbers.matches;
      const share = matches ? 1 - of.matches[stop] / matches : 0;
      const shown = [[4, of.t[stop], count.format(of.t[stop])], [5, share, percent.format(share)], [8, of.expected[stop], rounded(of.expected[stop])]];
      for (const [column, value, text] of shown) { row.cells[column].dataset.v = value; row.cells[column].textContent = text; }
    }
    byId("table-stop").hidden = own;
    byId("table-stop").textContent = `t, tail share and expected are those at ${data.stops.name} = ${value()}, as selected above; kept is this run’s.`;
    redraw();
  }

  function showScope() {
    const of = data.scopes[scope];
    byId("scope").value = scope;
    byId("entries-scope").textContent = scope ? data.names[scope] : "of all languages";
    fill("thinned", of.entries.thinned, ([lang, entry, before, kept]) => [named(lang, entry, true), counts(before, kept)]);
    fill("whole", of.entries.whole, ([lang, entry, before]) => [named(lang, entry, true), element("span", count.format(before), "counts")]);
    fill("unmatched", of.entries.unmatched, ([lang, entry]) => [named(lang, entry)]);
    const unmatched = of.numbers.entries - of.numbers.hit;
    byId("unmatched-number").textContent = `${count.format(unmatched)} entries (${percent.format(of.numbers.entries ? unmatched / of.numbers.entries : 0)}), a few of which are:`;
    showStop();
    searchEntries();
  }

  // Entries that the page has: of each language the most frequent ones, and those of its lists.
  const known = new Map();
  for (const [lang, { entries }] of Object.entries(data.scopes)) {
    for (const [entry, before, kept] of entries.frequent || []) known.set(`${lang}:${entry}`, [lang, entry, before, kept]);
    for (const row of [...entries.thinned, ...entries.whole]) known.set(`${row[0]}:${row[1]}`, row);
  }
  const texts = new Map(data.texts.map((each) => [`${each.lang}:${each.entry}`, each.texts]));
  const byCount = [...known.values()].sort((a, b) => b[2] - a[2] || (a[1] < b[1] ? -1 : 1)).map((row) => [row, row[1].toLowerCase()]);
  const RESULTS = 20;

  function searchEntries() {
    const query = byId("entry-search").value.trim().toLowerCase();
    const among = byCount.filter(([row]) => !scope || row[0] === scope);
    const found = query ? among.filter(([, name]) => name.includes(query)) : [];
    const { hit } = data.scopes[scope].numbers;
    const hasAll = among.length === hit;
    const matched = `${hasAll ? "" : `${count.format(among.length)} of `}the ${count.format(hit)} matched entries`;
    byId("entry-results").replaceChildren();
    if (found.length) fill("entry-results", found.slice(0, RESULTS).map(([row]) => row), ([lang, entry, before, kept]) => [named(lang, entry, true, true), counts(before, kept)]);
    else if (query) {
      const none = hasAll ? "No matched entry" : `None of the ${count.format(among.length)} entries that this page has`;
      byId("entry-results").append(element("li", `${none} contains “${cut(byId("entry-search").value.trim(), 60)}”.`));
    }
    const more = found.length > RESULTS ? `; the ${RESULTS} with the most texts are shown` : "";
    byId("entries-found").textContent = query ? `${count.format(found.length)} found among ${matched}${more}` : `searches ${matched}${hasAll ? "" : ": the most frequent, and those of the lists above"}`;
  }

  // An entry and its texts.
  function showEntry() {
    const row = known.get(shownEntry);
    byId("entry-texts").hidden = !row;
    if (!row) return;
    const [lang, entry, before, kept] = row;
    const sides = texts.get(shownEntry);
    byId("entry-name").replaceChildren(webText(entry), " ", element("small", `${data.names[lang] || lang}, ${count.format(kept)} of ${count.format(before)} texts kept`));
    byId("entry-hint").textContent = sides ? "" : "Only the most thinned entries have texts here; metaclip-curate browse shows those of any entry.";
    byId("entry-columns").hidden = !sides;
    if (sides) ["kept", "dropped"].forEach((name, side) => {
      const [all, shown] = [side ? before - kept : kept, sides[side].length];
      byId(`${name}-heading`).textContent = `${name}: ${shown < all ? `${shown} of ${count.format(all)}, chosen at random` : shown ? `all ${shown}` : "0"}`;
      fill(`${name}-texts`, sides[side], (text) => [webText(text)]);
    });
  }

  function follow() {
    if (!location.hash.includes("=")) return;
    const asked = new URLSearchParams(location.hash.slice(1));
    const language = asked.get("language") || "";
    const entry = asked.get("entry") || "";
    if (asked.has("language")) scope = language in data.scopes ? language : "";
    if (asked.get("t")) stop = nearestStop(Number(asked.get("t")));
    shownEntry = known.has(entry) ? entry : "";
    showScope();
    showEntry();
    const target = shownEntry ? byId("entry-texts") : byId("balance");
    target.scrollIntoView();
    if (shownEntry) target.focus({ preventScroll: true });
  }

  if (data.stops) {
    byId("controls").hidden = false;
    byId("scope").addEventListener("change", (event) => { scope = event.target.value; showScope(); remember(); });
    byId("stop").addEventListener("input", (event) => { stop = Number(event.target.value); showStop(); remember(); });
    byId("own-stop").addEventListener("click", () => { stop = data.stops.chosen; showStop(); remember(); byId("stop").focus(); });
    byId("entry-search").addEventListener("input", searchEntries);
    window.addEventListener("hashchange", follow);
    showScope();
    follow();
  }

  // Pictures are blurred until they are selected, or all are.
  if (byId("picture-list")) {
    byId("show-all-line").hidden = false;
    byId("show-all").addEventListener("change", (event) => byId("picture-list").classList.toggle("blurred", !event.target.checked));
  }

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button");
    if (!pressed) return;
    if (pressed.classList.contains("picture")) pressed.classList.toggle("clear");
    else if (pressed.closest("table.sortable thead")) sort(pressed.closest("th"));
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
    const lines = [...byId("language-table").tBodies[0].rows];
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
