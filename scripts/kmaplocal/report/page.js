// SPDX-License-Identifier: GPL-2.0-only
// The state of the page is the fragment of its address: a link shows the same.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const make = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "on") for (const [event, run] of Object.entries(value)) node.addEventListener(event, run);
      else if (value !== false && value !== undefined) node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  };

  const LISTS = {
    mappings: {
      title: "Mappings",
      columns: [["place", "Place"], ["function", "Function"], ["api", "Call"], ["verdict", "Verdict"], ["why", "Why it stays, and what is next"]],
      charts: [["folder", "Where"], ["maintainer", "Who maintains it"], ["failing", "Why it stays: what does not hold"], ["api", "Call"], ["task", "What is next"], ["later", "What upstream did next"]],
    },
    findings: {
      title: "Findings",
      columns: [["place", "Place"], ["function", "Function"], ["rule", "Rule"], ["verdict", "Severity"], ["why", "What is wrong, and what mends it"]],
      charts: [["verdict", "Severity"], ["rule", "Rule"], ["folder", "Where"], ["maintainer", "Who maintains it"]],
    },
    lost: {
      title: "Not analysed",
      columns: [["place", "Place"], ["function", "Function"], ["why", "Why"]],
      charts: [["folder", "Where"], ["maintainer", "Who maintains it"]],
    },
  };
  const FILTERS = ["verdict", "api", "failing", "rule", "folder", "maintainer", "task", "later"];
  const MOST_BARS = 8;
  // Long names of bars: a chart of them is as wide as two.
  const WIDE = "task";
  // A short chart has another one below it.
  const BELOW = ["api", "rule"];

  const read = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    const state = Object.fromEntries(given);
    if (!data.trees[state.tree]) state.tree = "0";
    if (!LISTS[state.list]) state.list = "mappings";
    return state;
  };
  const address = (state) => {
    const kept = Object.entries(state).filter(([, value]) => value !== "" && value !== undefined);
    return "#" + new URLSearchParams(kept);
  };
  const go = (changes, replace = false) => {
    const next = address({ ...read(), ...changes });
    if (next === location.hash) return;
    if (replace) history.replaceState(null, "", next);
    else history.pushState(null, "", next);
    show();
  };

  const rows = (state) => data.trees[+state.tree][state.list];
  const matches = (row, state, but) => {
    for (const name of FILTERS) if (name !== but && state[name] && row[name] !== state[name]) return false;
    const words = (state.words || "").toLowerCase().split(/\s+/).filter(Boolean);
    return words.every((word) => row.text.includes(word));
  };
  const sorted = (found, state) => {
    const [key, way] = (state.sort || "place").split("-");
    const sign = way === "down" ? -1 : 1;
    const value = (row) => (key === "place" ? row.order : row[key] || "");
    return [...found].sort((a, b) => sign * (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a.order - b.order));
  };

  for (const tree of data.trees) for (const list of Object.keys(LISTS)) tree[list].forEach((row, order) => {
    row.order = order;
    row.place = `${row.file}:${row.line}`;
    row.text = [row.place, row.function, row.api, row.rule, row.verdict, row.why, row.failing, row.maintainer, row.people, row.task, row.later, row.next]
      .filter(Boolean).join(" ").toLowerCase();
  });

  // -- what is above the table ------------------------------------------------

  const count = (number, one) => `${number} ${one}${number === 1 ? "" : "s"}`;
  const tally = (tree) => ["convert", "keep", "not-analysed"].map((verdict) => [verdict, tree.mappings.filter((m) => m.verdict === verdict).length]);
  const SAID = { convert: "ready to convert", keep: "to be changed by hand", "not-analysed": "in functions not analysed" };
  const head = (state) => {
    const tree = data.trees[+state.tree], on = state.list === "mappings";
    const tile = (key, number, text, pressed, changes) => make("button", {
      type: "button", class: `tile t-${key}`, "aria-pressed": String(pressed), "data-key": key ? `verdict=${key}` : "verdict=",
      on: { click: () => go({ list: "mappings", sort: "", open: "", ...changes }) },
    }, make("b", {}, String(number)), make("span", {}, text));
    $("lead").textContent = `Linux ${tree.version}. Made by ${data.made}. Every number is a button.`;
    $("tiles").replaceChildren(
      tile("", tree.mappings.length, tree.mappings.length === 1 ? "mapping is left" : "mappings are left", on && !state.verdict, { verdict: "" }),
      ...tally(tree).filter(([, number]) => number).map(([verdict, number]) => {
        const chosen = on && state.verdict === verdict;
        return tile(verdict, number, SAID[verdict], chosen, { verdict: chosen ? "" : verdict });
      }));
    $("trees").replaceChildren(...(data.trees.length < 2 ? [] : data.trees.map((each, n) => make("button", {
      type: "button", "aria-pressed": String(String(n) === state.tree), "data-key": `tree=${n}`,
      on: { click: () => go({ tree: String(n), open: "", later: "" }) },
    }, `Linux ${each.version}`))));
  };
  const deeds = (tree) => {
    const functions = new Map(tree.mappings.filter((m) => m.later).map((m) => [`${m.file} ${m.function}`, m.later]));
    const counts = new Map();
    for (const later of functions.values()) counts.set(later, (counts.get(later) || 0) + 1);
    return [functions.size, [...counts].sort((a, b) => b[1] - a[1]).map(([later, number]) => `${later} ${number}`).join(" \u00b7 ")];
  };
  const way = () => {
    if (data.trees.length < 2) return;
    const most = Math.max(...data.trees.map((tree) => tree.mappings.length), 1);
    $("way").replaceChildren(make("h2", {}, "The way so far"), ...data.trees.flatMap((tree, n) => {
      const parts = tally(tree).filter(([, number]) => number);
      const said = parts.map(([verdict, number]) => `${number} ${SAID[verdict]}`).join(", ") || "nothing is left";
      const fresh = tree.fresh ? `; ${tree.fresh} in functions that had none before` : "";
      const [functions, done] = deeds(tree), following = data.trees[n + 1];
      return [make("div", { class: "way" }, make("span", {}, tree.version),
        make("div", { class: "stack", role: "img", "aria-label": `Linux ${tree.version}: ${said}` },
          ...parts.map(([verdict, number]) => make("i", { class: `c-${verdict}`, style: `width:${(100 * number) / most}%` }))),
        make("small", {}, make("b", {}, String(tree.mappings.length)), `: ${said}${fresh}`)),
      following && functions ? make("p", { class: "deeds" }, `${count(functions, "function")} until ${following.version}: ${done}`) : null];
    }).filter(Boolean));
  };
  const charts = (state) => {
    const panels = LISTS[state.list].charts.map(([key, title]) => {
      const counts = new Map();
      for (const row of rows(state)) if (row[key] && matches(row, state, key)) counts.set(row[key], (counts.get(row[key]) || 0) + 1);
      const most = Math.max(...counts.values(), 1);
      const bars = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
      const shown = bars.filter(([name], n) => n < MOST_BARS || name === state[key]);
      if (!bars.length) return null;
      return make("div", { class: key === WIDE ? "wide" : "" }, make("h2", {}, title), ...shown.map(([name, number]) => make("button", {
        type: "button", class: "bar", title: name, "aria-pressed": String(state[key] === name),
        "aria-label": `${title} ${name}: ${number}`, "data-key": `${key}=${name}`,
        on: { click: () => go({ [key]: state[key] === name ? "" : name }) },
      }, make("span", {}, name), make("i", { class: key === "verdict" ? `c-${name}` : "", style: `width:${(100 * number) / most}%` }), make("b", {}, String(number)))),
      bars.length > shown.length ? make("small", {}, `and ${bars.length - shown.length} more`) : null);
    });
    LISTS[state.list].charts.forEach(([key], n) => {
      if (BELOW.includes(key) && panels[n] && panels[n - 1]) { panels[n - 1].append(...panels[n].childNodes); panels[n] = null; }
    });
    $("charts").replaceChildren(...panels.filter(Boolean));
  };
  const tabs = (state) => {
    const names = Object.keys(LISTS);
    const move = (event, n) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      go({ list: names[(n + step + names.length) % names.length], open: "", sort: "" });
      $("tabs").querySelector('[aria-selected="true"]').focus();
    };
    $("tabs").replaceChildren(...names.map((name, n) => make("button", {
      type: "button", role: "tab", "aria-selected": String(name === state.list), tabindex: name === state.list ? "0" : "-1", "data-key": `list=${name}`,
      on: { click: () => go({ list: name, open: "", sort: "" }), keydown: (event) => move(event, n) },
    }, `${LISTS[name].title} (${data.trees[+state.tree][name].length})`)));
  };

  // -- the table ----------------------------------------------------------------

  // A path may be broken behind a slash.
  const broken = (path) => path.split(/(?<=\/)/).flatMap((part, n) => (n ? [make("wbr"), part] : [part]));
  const link = (row) => (row.link = make("a", {
    on: { click: (event) => { if (!event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); go({ open: String(row.order) }); } } },
  }, ...broken(row.place)));
  const cell = (row, key, state) => {
    if (key === "place") return make("td", { class: "code" }, link(row));
    if (key === "verdict") return make("td", { class: `verdict v-${row.verdict}` }, row.verdict);
    if (key === "why") return make("td", { class: "why" },
      make("div", { title: row.why || false }, (row.why || "").replaceAll(`${row.file}:`, "line ")),
      row.next ? make("div", { class: "next", title: row.next }, `next: ${row.next.replaceAll(`${row.file}:`, "line ")}`) : null,
      row.later ? make("div", { class: "next" }, `upstream: ${row.later} in ${data.trees[+state.tree + 1].version}`) : null);
    return make("td", { class: key === "rule" ? "" : "code" }, row[key] || "");
  };
  const table = (state) => {
    const { columns } = LISTS[state.list];
    const [sortKey, direction] = (state.sort || "place").split("-");
    const found = sorted(rows(state).filter((row) => matches(row, state)), state);
    const body = document.createDocumentFragment();
    for (const row of found) { // a row is made once, and its link leads to what is shown now
      row.node ??= make("tr", {}, ...columns.map(([key]) => cell(row, key, state)));
      row.link.href = address({ ...state, open: String(row.order) });
      body.append(row.node);
    }
    $("table").className = "wide";
    $("table").tHead.replaceChildren(make("tr", {}, ...columns.map(([key, title]) => make("th", {
      scope: "col", class: `h-${key}`, "aria-sort": key === sortKey ? (direction === "down" ? "descending" : "ascending") : "none",
    }, make("button", { type: "button", "data-key": `sort=${key}`, on: { click: () => {
      go({ sort: key === sortKey && direction !== "down" ? `${key}-down` : key });
    } } }, title)))));
    $("table").tBodies[0].replaceChildren(body);
    const chosen = FILTERS.filter((name) => state[name]).map((name) => `${name}: ${state[name]}`);
    $("chosen").textContent = `${found.length} of ${rows(state).length}` + (chosen.length ? `; ${chosen.join("; ")}` : "");
    $("clear").disabled = !chosen.length && !state.words;
    if ($("words").value !== (state.words || "")) $("words").value = state.words || "";
  };

  // -- one mapping or finding -------------------------------------------------------

  const code = (row) => {
    if (!row.code) return null;
    const marks = new Map((row.marks || []).map((mark) => [mark.line, mark]));
    return make("div", {}, make("h3", {}, "The code"), make("pre", { tabindex: "0", "aria-label": "The code, with what happens to the address" },
      ...row.code.lines.map((text, n) => {
        const line = row.code.first + n, mark = marks.get(line);
        const here = make("span", { "data-n": String(line), class: mark || line === row.line ? "mark" : "" }, text);
        if (mark) here.append(make("em", {}, `^ ${mark.text}`));
        return here;
      })));
  };
  const edit = (row) => {
    if (!row.edit || !row.edit.length) return null;
    const kinds = { "-": "del", "+": "add" };
    return make("div", {}, make("h3", {}, "The edit"), make("pre", { tabindex: "0", "aria-label": "The edit" },
      ...row.edit.map((text) => make("span", { class: kinds[text[0]] || "", "data-n": "" }, text))));
  };
  const certificate = (row) => {
    if (!row.obligations) return [];
    return [make("h3", {}, "The certificate"), make("dl", {}, ...row.obligations.flatMap(([name, state, evidence, repair]) => [
      make("dt", {}, name), make("dd", { class: `s-${state}` }, state), make("dd", {}, evidence + (repair ? ` [${repair}]` : ""))]))];
  };
  const line = (title, text) => (text ? make("p", {}, make("strong", {}, `${title}: `), text) : null);
  const beside = (state, step, name) => {
    const listed = sorted(rows(state).filter((row) => matches(row, state)), state);
    const next = listed[listed.findIndex((row) => row.order === +state.open) + step];
    return make("button", { type: "button", "data-key": name, disabled: !next, on: { click: () => go({ open: String(next.order) }, true) } }, name);
  };
  const detail = (state) => {
    const dialog = $("detail"), row = state.open ? rows(state)[+state.open] : null;
    if (!row) { if (dialog.open) dialog.close(); return; }
    const rule = row.rule && data.rules[row.rule], { key } = document.activeElement.dataset;
    dialog.replaceChildren(...[make("header", {}, make("h2", { id: "title" }, `${row.function || row.place}`),
      make("nav", { "aria-label": "One of the list" }, beside(state, -1, "Previous"), beside(state, 1, "Next"),
        make("button", { type: "button", id: "close", on: { click: () => go({ open: "" }) } }, "Close"))),
      make("p", { class: "code" }, row.place, row.api ? ` ${row.api}(${row.page})` : ""),
      make("p", { class: `verdict v-${row.verdict || "not-analysed"}` }, row.verdict || "not analysed"),
      line("Why", row.why), line("Next step", row.next), line("Checked by", (row.proof || []).join(", ")),
      line("Upstream", row.later && `${row.later} in Linux ${data.trees[+state.tree + 1].version}`),
      line("Maintained as", row.maintainer), line("Write to", row.people),
      ...certificate(row),
      make("div", { class: row.edit && row.edit.length ? "sides two" : "sides" }, ...[code(row), edit(row)].filter(Boolean)),
      ...(rule ? [make("h3", {}, `The rule ${row.rule}`), make("pre", { tabindex: "0", "aria-label": "The page of the rule" }, rule)] : [])].filter(Boolean));
    if (!dialog.open) dialog.showModal();
    const same = dialog.querySelector(`[data-key="${key}"]:not(:disabled)`);
    (same || $("close")).focus();
    dialog.scrollTop = 0;
  };
  $("detail").addEventListener("cancel", (event) => { event.preventDefault(); go({ open: "" }); });
  $("detail").addEventListener("click", (event) => { if (event.target === $("detail")) go({ open: "" }); });

  let last = "";
  const show = () => {
    const state = read(), { open, ...rest } = state, now = address(rest);
    if (now !== last) {
      const { key } = document.activeElement.dataset; // what has the focus is made anew
      head(state); way(); tabs(state); charts(state); table(state); last = now;
      if (key) [...document.querySelectorAll("[data-key]")].find((node) => node.dataset.key === key)?.focus();
    }
    detail(state);
  };
  let timer;
  $("words").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => go({ words: $("words").value, open: "" }, true), 120); });
  $("clear").addEventListener("click", () => { const { tree, list } = read(); history.pushState(null, "", address({ tree, list })); show(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement.tagName !== "INPUT" && !$("detail").open) { event.preventDefault(); $("words").focus(); }
  });
  addEventListener("popstate", show);
  addEventListener("hashchange", show);
  show();
})();
