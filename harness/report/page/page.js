"use strict";
/* The page's one script: tables that sort, and the browser of samples. Text reaches the page as text alone (textContent). */

// ---------------------------------------------------------------------------------------------------------------- tables

const keyOf = (row, column) => { const key = row.cells[column].dataset.sort; return key === "" || isNaN(key) ? key : Number(key); };
const order = (a, b) => a === b ? 0 : a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1;  // blanks last

function sortBy(th) {
  const body = th.closest("table").tBodies[0], up = th.getAttribute("aria-sort") !== "ascending";
  for (const other of th.parentNode.cells) other.removeAttribute("aria-sort");
  th.setAttribute("aria-sort", up ? "ascending" : "descending");
  const way = (a, b) => { const [x, y] = [keyOf(a, th.cellIndex), keyOf(b, th.cellIndex)];
    return x === "" || y === "" || up ? order(x, y) : order(y, x); };
  body.append(...[...body.rows].sort(way));
}
for (const button of document.querySelectorAll("th button")) button.addEventListener("click", () => sortBy(button.parentNode));
addEventListener("beforeprint", () => { for (const folded of document.querySelectorAll("main details")) folded.open = true; });

// ----------------------------------------------------------------------------------------------------------- small tools

const narrow = matchMedia("(max-width: 50rem)");
const $ = id => document.getElementById(id);

function make(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children);
  return made;
}

const bytesOf = base64 => Uint8Array.fromBase64 ? Uint8Array.fromBase64(base64) : Uint8Array.from(atob(base64), c => c.charCodeAt(0));
const unpack = base64 => new Response(new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("gzip"))).json();

/* Words of `text`, each with whether it also stands, in this order, in `other`: a longest common subsequence. */
function words(text, other) {
  const cut = s => s.match(/\s+|[^\s]+/g) || [], all = cut(text), solid = s => s.filter(w => w.trim());
  const a = solid(all), b = solid(cut(other)), same = new Set();
  let start = 0, tail = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) same.add(start++);
  while (tail < a.length - start && tail < b.length - start && a.at(-1 - tail) === b.at(-1 - tail)) same.add(a.length - ++tail);
  const n = a.length - start - tail, m = b.length - start - tail, wide = m + 1;
  if (n * m > 4e6) return null;  // too long to compare
  const best = new Uint16Array((n + 1) * wide);
  for (let i = n - 1; i >= 0; i--) for (let j = m - 1; j >= 0; j--)
    best[i * wide + j] = a[start + i] === b[start + j] ? best[(i + 1) * wide + j + 1] + 1
      : Math.max(best[(i + 1) * wide + j], best[i * wide + j + 1]);
  for (let i = 0, j = 0; i < n && j < m;) {
    if (a[start + i] === b[start + j]) { same.add(start + i++); j++; }
    else if (best[(i + 1) * wide + j] >= best[i * wide + j + 1]) i++;
    else j++;
  }
  let at = 0;
  return all.map(word => [word, !word.trim() || same.has(at++)]);
}

// --------------------------------------------------------------------------------------------------------------- samples

const ROW = 46, SPARE = 12, HELD = 80;  // pixels of a row; rows beyond the visible ones; chunks of a folder kept unpacked

class Store {
  constructor(index, folder) {
    Object.assign(this, index);
    Object.assign(this, index.columns);
    this.folder = folder;
    this.count = this.item.length;
    this.armOf = new Int32Array(this.count);
    this.arms = index.arms.map(([suite, label, base, first, rows, replies, prompts], number) => {
      this.armOf.fill(number, first, first + rows);
      return { number, suite, label, base, first, rows, replies, prompts };
    });
    this.opinion = Object.fromEntries(Object.entries(index.said).map(([name, [rows, said]]) =>
      [name, new Map(rows.map((row, i) => [row, this.opinions[said[i]]]))]));
    this.labelled = Object.fromEntries(Object.entries(index.labelled).map(([name, given]) =>
      [name, new Map(given.map(([row, text, yes]) => [row, { text, said: yes ? "yes" : "no" }]))]));
    this.by = "";  // the reading as which outcomes are shown; empty: those that lead
    this.unpacked = new Map();
    this.places = new Map();  // arm -> "item repeat" -> sample
  }
  arm(row) { return this.arms[this.armOf[row]]; }
  /* The number of the outcome, with one axis as the chosen reading has it: 0 both, 1 proxy only, 2 truth only, 3 neither. */
  outcomeOf(row) {
    const led = this.outcome[row];
    if (!this.by) return led;
    const said = this.read[this.by][row];
    if (said < 0) return this.outcomes.indexOf("unscored");
    return this.readings(row)[this.by][0] === "proxy" ? 2 * (1 - said) + led % 2 : led - led % 2 + (1 - said);
  }
  /* Both axes of a suite as they are read. */
  axes(row) {
    const { proxy, truth } = this.suites[this.arm(row).suite], [axis, label] = this.readings(row)[this.by] || [];
    return { proxy, truth, ...(axis && { [axis]: label }) };
  }
  state(row) { return this.outcomes[this.outcomeOf(row)]; }
  readings(row) { return this.suites[this.arm(row).suite]?.readings || {}; }
  name(row) { return this.items[this.item[row]][0]; }
  family(row) { return this.families[this.items[this.item[row]][1]]; }
  named(suite, outcome) { return this.suites[suite]?.quadrants[outcome] || (outcome === "scores" ? "scored" : outcome); }

  /* The same item and repeat under another arm; undefined where it has none. */
  under(arm, row) {
    if (!this.places.has(arm)) {
      const { first, rows } = this.arms[arm], at = new Map();
      for (let r = first; r < first + rows; r++) at.set(`${this.item[r]} ${this.repeat[r]}`, r);
      this.places.set(arm, at);
    }
    return this.places.get(arm).get(`${this.item[row]} ${this.repeat[row]}`);
  }
  find(suite, item, repeat, label) {
    const arm = this.arms.find(a => a.suite === suite && a.label === label);
    for (let r = arm?.first; arm && r < arm.first + arm.rows; r++)
      if (this.name(r) === item && this.repeat[r] === repeat) return r;
  }
  address(row) {
    const arm = this.arm(row);
    return "#" + [arm.suite, this.name(row), this.repeat[row], arm.label].map(encodeURIComponent).join("/");
  }
  chunk(number) {
    if (!this.unpacked.has(number)) {
      const there = $(`chunk-${number}`);
      this.unpacked.set(number, (there ? Promise.resolve(there.textContent) : fetched(this.folder, number)).then(unpack));
      if (!there && this.unpacked.size > HELD) this.unpacked.delete(this.unpacked.keys().next().value);
    }
    return this.unpacked.get(number);
  }
  /* {prompts: [[role, text]], replies: [text], read, measured: [[what, text]], evidence: [[detector, said, score, [line]]]} */
  async texts(row) {
    const arm = this.arm(row), at = row - arm.first, item = this.item[row];
    const ofItem = arm.prompts + Math.floor(item / this.per);
    const [held, asked] = await Promise.all([this.chunk(arm.replies + Math.floor(at / this.per)),
      ofItem < this.chunks && ofItem >= 0 ? this.chunk(ofItem) : {}]);
    const [replies, read, measured, evidence] = held[at % this.per];
    return { prompts: asked[item] || replies.map((_, i) => [`reply ${i + 1}`, ""]), replies, read, measured, evidence };
  }
}

const waiting = new Map();
globalThis.harnessChunk = (number, base64) => waiting.get(number)?.(base64);  // what a file beside the page calls
function fetched(folder, number) {
  return new Promise((done, failed) => {
    waiting.set(number, done);
    const script = Object.assign(document.createElement("script"), { src: `${folder}/${number}.js` });
    script.onerror = () => failed(new Error(`${folder}/${number}.js is missing: the folder belongs beside the page`));
    script.onload = () => script.remove();
    document.head.append(script);
  });
}

/* Two dots: the proxy and the truth. */
function dots(store, row) {
  const state = store.state(row), name = store.named(store.arm(row).suite, state);
  const made = make("span", "dots");
  made.title = name;
  if (state === "both" || state.endsWith("_only") || state === "neither")
    for (const axis of ["proxy_only", "truth_only"]) made.append(make("i", state === "both" || state === axis ? "on" : ""));
  else made.append(state === "scores" ? "=" : "!");
  return made;
}

// --------------------------------------------------------------------------------------------------------------- browser

class Browser {
  constructor(store) {
    this.store = store;
    this.form = $("filters").elements;
    this.found = [];
    this.open = -1;  // the sample that is shown
    this.fill();
    $("more").open = !narrow.matches;
    $("filters").addEventListener("input", () => this.later(() => this.filter()));
    $("filters").addEventListener("reset", () => setTimeout(() => this.filter()));
    $("filters").addEventListener("submit", event => event.preventDefault());
    $("list").addEventListener("scroll", () => this.draw());
    addEventListener("resize", () => this.draw());
    addEventListener("hashchange", () => this.follow());
    addEventListener("keydown", event => this.key(event));
    this.filter().then(() => this.follow()).then(() => { if (this.open < 0 && !$("sample").firstChild && this.found.length) this.show(this.found[0], false); });
  }
  later(act) { clearTimeout(this.timer); this.timer = setTimeout(act, 120); }

  fill() {
    const s = this.store, seen = (values, name) => [...new Set(values)].filter(v => v !== undefined).map(v => [v, name ? name(v) : v]);
    const suite = Object.keys(s.suites)[0], names = Object.values(s.suites).find(Boolean)?.quadrants;
    const right = "both,truth_only", wrong = "proxy_only,neither", knows = "both,proxy_only", not = "truth_only,neither";
    const outcome = o => names?.[o] || s.named(suite, o);
    this.options("suite", seen(s.arms.map(a => a.suite)));
    this.options("arm", seen(s.arms.map(a => a.label)));
    this.options("outcome", seen(s.outcome.map(o => s.outcomes[o]), outcome));
    this.options("flip", names && s.arms.some(a => a.base >= 0) ? [[`${right}>${wrong}`, "right → wrong"], [`${wrong}>${right}`, "wrong → right"],
      [`${wrong}>${wrong}!`, "wrong → other wrong"], [`${knows}>${not}`, "proxy lost"], [`${not}>${knows}`, "proxy gained"]] : []);
    this.options("base", s.arms.length > 2 ? seen(s.arms.map(a => a.label)) : [], "its base");
    this.options("family", seen(s.families));
    const read = Object.values(s.suites).map(axes => Object.values(axes?.readings || {}).map(([axis]) => axis));
    const readings = read.some(axes => axes.length > new Set(axes).size) ? Object.keys(s.read) : [];  // several of an axis
    this.options("reading", readings.map(name => [name, name]), "what leads");
    this.options("agree", readings.flatMap((a, i) => readings.slice(i + 1).flatMap(b => [[`${a}=${b}`, `${a} and ${b} agree`],
      [`${a}!${b}`, `${a} and ${b} differ`]])));
    this.options("labelled", Object.keys(s.labelled).flatMap(name => ["either", "yes", "no"].map(said => [`${said}:${name}`, `${name}: ${said}`])));
    this.options("label", seen(s.labels));
    this.options("detector", Object.keys(s.opinion).flatMap(d => ["flagged", "clear", "abstained"].map(o => [`${o}:${d}`, `${d}: ${o}`])));
    this.options("only", [...(s.cut.includes(1) ? [["cut", "cut at the limit"]] : []), ...(s.errors.length ? [["error:", "errors"]] : [])]);
  }
  options(name, values, any = "any") {
    const select = this.form[name];
    select.replaceChildren(new Option(any, ""), ...values.map(([value, text]) => new Option(text, value)));
    select.closest("label").hidden = values.length < (["suite", "arm", "family"].includes(name) ? 2 : 1);
  }
  /* Choose a value, also one that the list has not: a count may ask for several outcomes at once. */
  choose(name, value) {
    const select = this.form[name];
    if (![...select.options].some(option => option.value === value)) {
      const suite = this.form.suite.value || Object.keys(this.store.suites)[0];
      const told = value.replace(/[a-z_]+/g, word => this.store.named(suite, word));
      select.append(new Option(told.replaceAll(",", " or ").replace(">", " → "), value));
      select.closest("label").hidden = false;
    }
    select.value = value;
  }

  /* Does a sample meet what the filters ask, its text apart? */
  test() {
    const s = this.store, value = Object.fromEntries([...this.form].filter(f => f.name).map(f => [f.name, f.value]));
    const bases = s.arms.map(arm => value.base ? s.arms.findIndex(a => a.suite === arm.suite && a.label === value.base) : arm.base);
    const arms = s.arms.map(arm => (!value.suite || arm.suite === value.suite) && (!value.arm || arm.label === value.arm));
    const outcomes = value.outcome && new Set(value.outcome.split(",").map(o => s.outcomes.indexOf(o)));
    const [was, now] = value.flip.replace("!", "").split(">").map(list => new Set(list.split(",").map(o => s.outcomes.indexOf(o))));
    const family = value.family && s.families.indexOf(value.family), label = value.label && s.labels.indexOf(value.label);
    const at = value.detector.indexOf(":"), opinion = value.detector.slice(0, at), said = s.opinion[value.detector.slice(at + 1)];
    const [one, other] = value.agree.split(/[=!]/), [answer, labelledBy] = value.labelled.split(":"), seen = new Set();
    const given = s.labelled[labelledBy];
    const measure = value.only.startsWith("with:") ? value.only.slice(5) : null;
    const valued = measure && s.measures.map(names => names.split("\n").includes(measure));
    s.by = value.reading in s.read ? value.reading : "";
    const reason = value.only.startsWith("error:") ? value.only.slice(6) : null;
    this.bases = bases;
    return row => {
      if (!arms[s.armOf[row]]) return false;
      if (s.by && !(s.by in s.readings(row))) return false;
      if (outcomes && !outcomes.has(s.outcomeOf(row))) return false;
      if (value.agree) {
        const a = s.read[one]?.[row] ?? -1, b = s.read[other]?.[row] ?? -1;
        if (a < 0 || b < 0 || (a === b) !== value.agree.includes("=")) return false;
      }
      if (value.family && s.items[s.item[row]][1] !== family) return false;
      if (value.label && s.label[row] !== label) return false;
      if (value.detector && said?.get(row) !== opinion) return false;
      if (value.only === "cut" && !s.cut[row]) return false;
      if (valued && !valued[s.valued[row]]) return false;
      if (reason !== null && !(s.errors[s.error[row]] ?? "").startsWith(reason || "")) return false;
      if (reason !== null && s.error[row] < 0) return false;
      if (value.labelled) {
        const label = given?.get(row);
        if (!label || s.read[labelledBy][row] < 0 || (answer !== "either" && label.said !== answer) || seen.has(label.text)) return false;
        seen.add(label.text);  // last, so that the first sample that meets all stands for its text
      }
      if (!value.flip) return true;
      const base = bases[s.armOf[row]], before = base >= 0 ? s.under(base, row) : undefined;
      return before !== undefined && (!valued || valued[s.valued[before]]) && was.has(s.outcomeOf(before)) && now.has(s.outcomeOf(row))
        && (!value.flip.endsWith("!") || s.answer[before] !== s.answer[row]);
    };
  }
  async filter() {
    const s = this.store, test = this.test(), text = this.form.text.value.trim().toLowerCase(), turn = this.turn = {};
    let rows = [];
    for (let row = 0; row < s.count; row++) if (test(row)) rows.push(row);
    if (text) {
      const hits = [];
      for (const [i, row] of rows.entries()) {
        const found = await s.texts(row);
        if (this.turn !== turn) return;
        if (i % 5000 === 0) $("found").textContent = `searched ${i} of ${rows.length} samples …`;
        if (found.replies.some(r => typeof r === "string" && r.toLowerCase().includes(text)) || found.prompts.some(p => p[1].toLowerCase().includes(text))
          || s.name(row).toLowerCase().includes(text)) hits.push(row);
      }
      rows = hits;
    }
    this.found = rows;
    const asked = [...this.form].filter(field => field.tagName === "SELECT" && field.value).map(field => field.selectedOptions[0].text);
    const told = `${rows.length.toLocaleString("en")} of ${s.count.toLocaleString("en")} samples`;
    $("found").textContent = asked.length ? `${told}: ${asked.join(", ")}` : told;
    $("rows").style.height = `${rows.length * ROW}px`;
    $("list").scrollTop = 0;
    this.draw();
  }

  /* Only the rows in sight are elements. */
  draw() {
    const list = $("list"), first = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
    const last = Math.min(this.found.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE);
    $("rows").replaceChildren(...this.found.slice(first, last).map((row, i) => this.line(row, first + i)));
    const at = this.found.indexOf(this.open);
    if (at >= first && at < last) list.setAttribute("aria-activedescendant", `row-${at}`);
    else list.removeAttribute("aria-activedescendant");
  }
  line(row, at) {
    const s = this.store, arm = s.arm(row), base = this.bases[arm.number], before = base >= 0 ? s.under(base, row) : undefined;
    const made = make("div", "row", before === undefined ? "" : dots(s, before), before === undefined ? "" : make("span", "to", "→"), dots(s, row),
      make("b", "", s.name(row) + (s.repeat[row] ? ` · ${s.repeat[row] + 1}` : "")),
      make("small", "", `${arm.label} · ${s.label[row] >= 0 ? s.labels[s.label[row]] : s.named(arm.suite, s.state(row))}`));
    made.id = `row-${at}`;
    made.role = "option";
    made.ariaSelected = String(row === this.open);
    made.ariaPosInSet = at + 1;
    made.ariaSetSize = this.found.length;
    made.style.top = `${at * ROW}px`;
    made.addEventListener("click", () => this.show(row));
    return made;
  }
  step(by) {
    if (!this.found.length) return;
    const at = this.found.indexOf(this.open), next = Math.min(Math.max(at < 0 ? 0 : at + by, 0), this.found.length - 1);
    this.show(this.found[next]);
  }
  key(event) {
    const typing = event.target.closest?.("input, select, textarea"), list = event.target === $("list");
    if (event.key === "Escape" && event.target === this.form.text) { this.form.text.blur(); $("list").focus({ preventScroll: true }); }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = { j: 1, k: -1, ...(list && { ArrowDown: 1, ArrowUp: -1 }) }[event.key];
    if (move) this.step(move);
    else if (event.key === "/") { this.form.text.focus(); this.form.text.scrollIntoView({ block: "nearest" }); }
    else return;
    event.preventDefault();
  }

  /* Go where the address says. */
  async follow() {
    const hash = location.hash.slice(1), parts = hash.split("/");
    if (hash.startsWith("samples?")) {
      $("filters").reset();
      for (const [name, value] of new URLSearchParams(hash.slice(8)))
        if (name === "text") this.form.text.value = value; else if (this.form[name]) this.choose(name, value);
      await this.filter();
      $("samples").scrollIntoView();
      this.open = -1;
      if (this.found.length) this.show(this.found[0], false);
      else $("sample").replaceChildren(make("p", "note", "No sample is like that."));
    } else if (parts.length === 4) {
      const [suite, item, repeat, label] = parts.map(decodeURIComponent), row = this.store.find(suite, item, Number(repeat), label);
      if (row === undefined) return $("sample").replaceChildren(make("p", "warn", `This run has no sample ${decodeURIComponent(hash)}.`));
      if (row === this.open) return;
      if (!this.found.includes(row)) { $("filters").reset(); await this.filter(); }
      await this.show(row, false);
      $(narrow.matches ? "sample" : "samples").scrollIntoView();
    }
  }

  async show(row, moves = true) {
    const s = this.store, list = $("list"), at = this.found.indexOf(row), top = at * ROW;
    this.open = row;
    if (at >= 0 && (top < list.scrollTop || top + ROW > list.scrollTop + list.clientHeight)) list.scrollTop = top - list.clientHeight / 2;
    this.draw();
    if (moves) history.replaceState(null, "", s.address(row));
    const arm = s.arm(row), base = this.bases[arm.number], other = base >= 0 ? s.under(base, row) : undefined;
    const sides = other === undefined ? [row] : [other, row];
    let texts;
    try { texts = await Promise.all(sides.map(r => s.texts(r))); }
    catch (error) { return $("sample").replaceChildren(make("p", "warn", error.message)); }
    if (this.open !== row) return;
    $("sample").replaceChildren(this.head(row), this.verdicts(sides, texts), ...this.turns(sides, texts), this.measures(sides, texts));
    if (moves && narrow.matches) $("sample").scrollIntoView();
  }
  head(row) {
    const s = this.store, suite = s.arm(row).suite, others = make("p", "arms");
    for (const arm of s.arms.filter(a => a.suite === suite)) {
      const there = s.under(arm.number, row);
      if (there === undefined) continue;
      const link = make("a", "", dots(s, there), arm.label);
      link.href = s.address(there);
      if (there === row) link.ariaCurrent = "true";
      others.append(link);
    }
    const repeat = s.repeat[row] ? `, repeat ${s.repeat[row] + 1}` : "";
    return make("header", "", make("h3", "", s.name(row) + repeat), make("p", "note", `${suite} · ${s.family(row)}`), others);
  }
  /* Prompts folded, replies side by side; words that the other side has not are marked. Last, what was scored and not said. */
  turns(sides, texts) {
    const { prompts, replies } = texts.at(-1), made = prompts.map((_, i) => this.exchange(sides, texts, i));
    const generated = made.filter((_, i) => typeof replies[i] === "string"), scored = made.filter((_, i) => typeof replies[i] !== "string");
    if (!scored.length) return generated;
    const folded = make("details", "scored", make("summary", "", `log-likelihoods of given texts (${scored.length})`), ...scored);
    folded.open = !generated.length;
    return [...generated, folded];
  }
  exchange(sides, texts, i) {
    const [role, prompt] = texts.at(-1).prompts[i];
    const replies = texts.map((found, side) => {
      const reply = found.replies[i] ?? "", rest = texts[1 - side]?.replies[i], who = make("span", "who", this.store.arm(sides[side]).label);
      if (typeof reply !== "string") return make("div", "side", who, make("p", "likely", reply.map(v => v.toFixed(2)).join("  ")));
      const parts = typeof rest === "string" ? words(reply, rest) : null;
      return make("div", "side", who, make("pre", "", ...(parts || [[reply, true]]).map(([word, same]) => same ? word : make("mark", "", word))));
    });
    return make("section", "turn", make("details", "", make("summary", "", `${role}: prompt`), make("pre", "prompt", prompt)), this.beside(replies));
  }
  beside(boxes) { return make("div", boxes.length > 1 ? "sides two" : "sides", ...boxes); }
  /* Both verdicts and what the graders read. */
  verdicts(sides, texts) {
    const s = this.store;
    return make("section", "turn", this.beside(sides.map((row, side) => {
      const arm = s.arm(row), axes = s.suites[arm.suite] && s.axes(row), state = s.state(row), told = [...texts[side].read];
      for (const [name, given] of Object.entries(s.labelled))
        if (given.has(row)) told.unshift([`${name}, by a reader`, given.get(row).said]);
      if (axes && state !== "unscored") {
        const yes = (...outcomes) => outcomes.includes(state) ? "yes" : "no";
        told.unshift([axes.proxy, yes("both", "proxy_only")], [axes.truth, yes("both", "truth_only")]);
      }
      if (s.cut[row]) told.push(["length", "cut at the token limit"]);
      const label = s.label[row] >= 0 ? ` (${s.labels[s.label[row]]})` : "";
      return make("div", "side", make("span", "who", arm.label), make("p", "verdict", dots(s, row), s.named(arm.suite, state) + label), pairs(told));
    })));
  }
  measures(sides, texts) {
    const boxes = texts.map(found => make("div", "side", pairs([...found.measured,
      ...found.evidence.map(([detector, said, score, lines]) => [detector, [`${said} (${score.toFixed(2)})`, ...lines].join("\n")])])));
    return make("details", "", make("summary", "", "measures and detectors"), this.beside(boxes));
  }
}

function pairs(told) {
  const list = make("dl");
  for (const [what, text] of told) list.append(make("dt", "", what), make("dd", "", text));
  return list;
}

const packed = $("index");
if (packed) unpack(packed.textContent)
  .then(index => new Browser(new Store(index, $("samples").dataset.folder)))
  .catch(error => $("sample").replaceChildren(make("p", "warn", `The samples cannot be read: ${error.message}`)));
