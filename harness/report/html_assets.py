"""Style and script of the HTML page, inline so that one file is the whole report."""

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h3, summary { font-size: 1rem; font-weight: 600; margin: 1.4rem 0 .3rem; } summary { cursor: pointer; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: left; vertical-align: top; white-space: pre-line; }
th { border-bottom: 1px solid; cursor: pointer; user-select: none; }
th[aria-sort=ascending]::after { content: " ▲"; } th[aria-sort=descending]::after { content: " ▼"; }
td { border-bottom: 1px solid var(--line); } .right { text-align: right; }
.note { opacity: .75; font-size: .87rem; margin: .2rem 0; }
.warn { border-left: 3px solid orange; padding-left: .7rem; }
figure { margin: 1.2rem 0; } figure svg { max-width: 100%; height: auto; border-radius: 4px; }
.wide { overflow-x: auto; } .extra { white-space: pre-wrap; }
#samples article { border-top: 1px solid var(--line); padding: .6rem 0; }
#samples .turns { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: .8rem; }
#samples pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .2rem 0; font-size: .85rem; }
#samples .prompt { opacity: .7; } #filters select, #filters input { font: inherit; margin-right: .6rem; }
"""

SCRIPT = """
"use strict";
const keyOf = (row, i) => { const k = row.cells[i].dataset.sort; return k === "" || isNaN(k) ? k : Number(k); };
const order = (a, b) => a === b ? 0 : a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1;  // blanks last
for (const th of document.querySelectorAll("th")) th.addEventListener("click", () => {
  const body = th.closest("table").tBodies[0], down = th.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of th.parentNode.cells) other.removeAttribute("aria-sort");
  th.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
  const rows = [...body.rows];
  rows.sort((a, b) => down * order(keyOf(a, th.cellIndex), keyOf(b, th.cellIndex)));
  body.append(...rows);
});

const data = document.getElementById("data");
if (data) {
  const samples = JSON.parse(data.textContent), list = document.getElementById("list"), PAGE = 50;
  const selects = [...document.querySelectorAll("#filters select")], search = document.getElementById("search");
  const make = (tag, text, name) => Object.assign(document.createElement(tag), { textContent: text, className: name || "" });
  for (const select of selects)
    for (const value of [...new Set(samples.map(s => s[select.name]))].sort()) select.append(new Option(value, value));
  let shown = PAGE;
  const show = () => {
    const text = search.value.toLowerCase();
    const found = samples.filter(s => selects.every(f => !f.value || s[f.name] === f.value) &&
      (!text || s.turns.some(t => (t.prompt + t.reply).toLowerCase().includes(text))));
    list.replaceChildren(...found.slice(0, shown).map(s => {
      const article = make("article", ""), turns = make("div", "", "turns");
      article.append(make("b", `${s.outcome} · ${s.cell} · ${s.item} · repeat ${s.repeat}`), make("div", s.read, "note"));
      for (const t of s.turns) {
        const turn = make("div", "");
        turn.append(make("i", t.role), make("pre", t.prompt, "prompt"), make("pre", t.reply));
        turns.append(turn);
      }
      article.append(turns);
      return article;
    }));
    document.getElementById("found").textContent = `${found.length} of ${samples.length} samples`;
    document.getElementById("more").hidden = found.length <= shown;
  };
  for (const field of [...selects, search]) field.addEventListener("input", () => { shown = PAGE; show(); });
  document.getElementById("more").addEventListener("click", () => { shown += PAGE; show(); });
  show();
}
"""
