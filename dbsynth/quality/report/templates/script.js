"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const root = document.documentElement;
  const tables = [...document.querySelectorAll("details.table")];

  // Light or dark, as the system is until somebody asks for the other.
  const theme = by("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const name = () => { theme.textContent = dark() ? "Light" : "Dark"; theme.setAttribute("aria-label", `Show in ${dark() ? "light" : "dark"} colours`); };
  theme.hidden = false;
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  system.addEventListener("change", name);
  name();

  // A link to a table opens it.
  const reveal = (hash) => {
    const found = hash && by(hash.slice(1));
    if (found && found.tagName === "DETAILS") { found.open = true; found.scrollIntoView(); found.querySelector("summary").focus({ preventScroll: true }); }
  };
  addEventListener("hashchange", () => reveal(location.hash));
  reveal(location.hash);
  addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href^='#t']");
    if (link) reveal(link.getAttribute("href"));
  });

  // Paper shows all tables.
  let shut = [];
  addEventListener("beforeprint", () => { shut = tables.filter((t) => !t.open); shut.forEach((t) => { t.open = true; }); });
  addEventListener("afterprint", () => shut.forEach((t) => { t.open = false; }));

  const filter = by("filter");
  if (filter) {
    filter.closest(".tools").hidden = false;
    const rows = [...by("list").tBodies[0].rows];
    filter.addEventListener("input", () => {
      const wanted = filter.value.toLowerCase();
      let n = 0;
      for (const row of rows) {
        const shown = row.cells[0].textContent.toLowerCase().includes(wanted);
        row.hidden = !shown;
        by(row.dataset.t).hidden = !shown;
        n += shown;
      }
      by("found").textContent = wanted ? `${n} of ${rows.length}` : "";
    });
    by("open").addEventListener("click", () => tables.forEach((t) => { t.open = !t.hidden; }));
    by("shut").addEventListener("click", () => tables.forEach((t) => { t.open = false; }));

    // A click on a head sorts the list by its column, another turns it round.
    const value = (row, i) => {
      const cell = row.cells[i];
      if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
      const number = Number.parseFloat(cell.textContent.replace(/[✕,\s]/g, ""));
      return i === 0 || i === 5 || Number.isNaN(number) ? cell.textContent.toLowerCase() : number;
    };
    [...by("list").tHead.rows[0].cells].forEach((head, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const keyed = rows.map((row) => [value(row, i), row]);
        keyed.sort(([a], [b]) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? 1 : -1) * (up ? 1 : -1));
        by("list").tBodies[0].append(...keyed.map(([, row]) => row));
      });
    });
  }

  // On the map, a table shows what it is joined to.
  const map = document.querySelector("svg.map");
  if (map) {
    const links = [...map.querySelectorAll(".l")];
    const boxes = [...map.querySelectorAll("a[data-t]")];
    const near = (box) => {
      map.classList.toggle("near", Boolean(box));
      const on = new Set(box ? [box.dataset.t] : []);
      for (const link of links) {
        const joined = Boolean(box) && [link.dataset.a, link.dataset.b].includes(box.dataset.t);
        link.classList.toggle("on", joined);
        if (joined) on.add(link.dataset.a).add(link.dataset.b);
      }
      for (const other of boxes) other.classList.toggle("on", on.has(other.dataset.t));
    };
    map.addEventListener("pointerover", (event) => near(event.target.closest("a[data-t]")));
    map.addEventListener("pointerleave", () => near(null));
    const fit = by("fit");
    if (fit) {
      fit.hidden = false;
      fit.setAttribute("aria-pressed", "false");
      fit.addEventListener("click", () => {
        const fitted = map.parentElement.classList.toggle("fit");
        fit.setAttribute("aria-pressed", String(fitted));
      });
    }
  }
})();
