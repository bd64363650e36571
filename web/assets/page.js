// The page: reads the API, listens to its events, shows problems first. Text from outside is only ever
// set as text, never as HTML.
const main = document.getElementById("main");
const line = document.getElementById("line");
const STALE_MS = 20000;
let status = null, heardAt = 0, timer = 0, query = "", isBusy = false, isWanted = false;

function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") node.className = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

async function get(path) {
  const answer = await fetch("/api/v1" + path, { headers: { accept: "application/json" } });
  if (answer.status === 401) {
    location.assign("/login" + (location.pathname === "/" ? "" : "?next=" + encodeURIComponent(location.pathname)));
    throw new Error("not signed in");
  }
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail || answer.statusText);
  return body;
}

async function act(action, parameters) {
  const answer = await fetch("/api/v1/actions", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ action, parameters }) });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}

function age(time) {
  if (!time) return "never";
  const s = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  if (s < 60) return s + " s ago";
  if (s < 3600) return Math.floor(s / 60) + " min ago";
  if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min ago";
  return Math.floor(s / 86400) + " d ago";
}
const when = (time) => (time ? el("time", { datetime: time, title: time }, age(time)) : "never");

function kind(monitor) {
  if (!monitor.isActive) return ["paused", "❚❚ PAUSED"];
  if (monitor.state !== "alert" && !monitor.lastResultMessage && !monitor.lastRunDt) return ["paused", "… NO RESULT"];
  if (monitor.state !== "alert") return ["ok", "✓ OK"];
  return monitor.acknowledgedDt ? ["ack", "◆ ACKNOWLEDGED"] : ["alert", "▲ ALERT"];
}

function monitorRow(monitor) {
  const [name, word] = kind(monitor);
  const counts = monitor.state === "alert" && monitor.consecutiveOkCount > 0 ? ` (${monitor.consecutiveOkCount} of ${Math.max(1, monitor.requiredConsecutiveOks)} OKs)` : "";
  return el("li", { class: name }, el("span", { class: "word" }, word),
    el("span", { class: "name" }, el("a", { href: "/monitors/" + monitor.id }, monitor.name)),
    el("span", { class: "text" }, (monitor.problem || monitor.lastResultMessage || "no result yet") + counts),
    el("span", { class: "when" }, when(monitor.lastRunDt)));
}

function incidentRow(incident) {
  const isOpen = incident.end === "open";
  return el("li", { class: isOpen ? "alert" : "ok" }, el("span", { class: "word" }, isOpen ? "▲ OPEN" : "✓ " + incident.end.toUpperCase()),
    el("span", { class: "name" }, el("a", { href: "/incidents/" + incident.id }, `#${incident.id} ${incident.monitorName}`)),
    el("span", { class: "text" }, incident.message || ""), el("span", { class: "when" }, when(incident.openedDt)));
}

function notificationRow(n) {
  const classes = { sent: "ok", dead: "alert", queued: "ack", leased: "ack" };
  return el("li", { class: classes[n.status] || "paused" }, el("span", { class: "word" }, n.kind.toUpperCase()),
    el("span", { class: "name" }, n.recipient), el("span", { class: "text" }, [n.status, n.code, n.reason, n.remote].filter(Boolean).join(" · ")),
    el("span", { class: "when" }, when(n.finishedDt || n.decidedDt)));
}

function list(rows, empty) {
  return rows.length ? el("ul", { class: "list" }, ...rows) : el("p", { class: "empty" }, empty);
}

function tile(number, label, name = "") {
  return el("div", { class: "tile " + name }, el("b", {}, String(number)), el("span", {}, label));
}

function tiles() {
  const m = status.monitors, n = status.notifications;
  const open = m.alert - m.acknowledged;
  const waiting = n.queued + n.leased;
  return el("div", { class: "tiles" }, tile(open, "in alert", open ? "bad" : "good"), tile(m.acknowledged, "acknowledged"),
    tile(m.total - m.paused - m.alert, "OK"), tile(m.paused, "paused"), tile(waiting, "messages waiting"),
    tile(n.dead, "messages undeliverable", n.dead ? "bad" : ""));
}

async function overview() {
  const q = query ? "&q=" + encodeURIComponent(query) : "";
  const [alerts, all, incidents] = await Promise.all([get("/monitors?state=alert&limit=500"), get("/monitors?limit=200" + q), get("/incidents?limit=15")]);
  const problems = alerts.monitors.filter((m) => m.isActive).sort((a, b) => !!a.acknowledgedDt - !!b.acknowledgedDt || a.id - b.id);
  const shown = new Set(q ? [] : problems.map((m) => m.id));
  const rest = all.monitors.filter((m) => !shown.has(m.id));
  const search = el("input", { id: "search", type: "search", placeholder: "Part of a name", "aria-label": "Search monitors", value: query });
  search.addEventListener("input", () => { query = search.value; soon(); });
  return [tiles(), el("h2", {}, "Problems"),
    problems.length ? list(problems.map(monitorRow), "") : el("p", { class: "allgood" }, "✓ No monitor is in alert."),
    el("h2", {}, "Monitors"), el("div", { class: "tools" }, search), el("p", { class: "empty" }, all.nextCursor ? "The first 200; search for others." : ""),
    list(rest.map(monitorRow), query ? "No monitor has a name like that." : "There are no others."),
    el("h2", {}, "Latest incidents"), list(incidents.incidents.map(incidentRow), "There has been none.")];
}

function button(label, action, parameters) {
  const node = el("button", { type: "button" }, label);
  node.addEventListener("click", async () => {
    node.disabled = true;
    try { await act(action, parameters); soon(); } catch (error) { say(error.message); }
    node.disabled = false;
  });
  return node;
}

async function monitorPage(id) {
  const [why, runs] = await Promise.all([get(`/monitors/${id}/why`), get(`/monitors/${id}/runs?limit=30`)]);
  const m = why.monitor, [name, word] = kind(m), monitorId = m.id;
  const runRow = (run) => el("li", { class: run.isOk ? "ok" : "alert" }, el("span", { class: "word" }, run.isOk ? "✓ OK" : "▲ FAILED"),
    el("span", { class: "name" }, run.runner || "no runner"), el("span", { class: "text", title: run.message }, run.summary), el("span", { class: "when" }, when(run.startedAt)));
  const runbook = m.runbookUrl && /^https?:/.test(m.runbookUrl) ? el("a", { href: m.runbookUrl, rel: "noreferrer" }, "Runbook") : null;
  return [el("p", { class: "word " + name }, word), el("h1", {}, m.name),
    el("p", { class: "tools" }, button("Run now", "Monitor/Run", { monitorId }),
      m.state === "alert" && !m.acknowledgedDt ? button("Acknowledge", "Incident/Acknowledge", { monitorId }) : null,
      m.acknowledgedDt ? button("Take acknowledgement back", "Incident/Unacknowledge", { monitorId }) : null,
      m.isActive ? button("Pause", "Monitor/Pause", { monitorId }) : button("Resume", "Monitor/Resume", { monitorId }), runbook),
    el("pre", {}, m.lastResultMessage || "no result yet"),
    el("h2", {}, "Why"), el("ul", { class: "plain" }, ...why.sentences.map((s) => el("li", {}, s))),
    el("h2", {}, "Decisions"), list(why.decisions.map((d) => el("li", { class: d.isWithheld ? "ack" : "paused" }, el("span", { class: "word" }, d.reason || d.kind),
      el("span", { class: "text" }, d.sentence || d.detail || ""), el("span", {}, ""), el("span", { class: "when" }, when(d.at)))), "None is recorded."),
    el("h2", {}, "Notifications"), list(why.notifications.map(notificationRow), "Nobody has been told anything."),
    el("h2", {}, "Runs"), list(runs.runs.map(runRow), "It has not run yet.")];
}

async function incidentPage(id) {
  const i = await get("/incidents/" + id);
  return [el("p", { class: "word " + (i.end === "open" ? "alert" : "ok") }, i.end === "open" ? "▲ OPEN" : "✓ " + i.end.toUpperCase()),
    el("h1", {}, `Incident ${i.id}: `, el("a", { href: "/monitors/" + i.monitorId }, i.monitorName)),
    el("p", {}, "Began ", when(i.openedDt), i.closedDt ? ", ended " : "", i.closedDt ? when(i.closedDt) : "", `; ${i.reminderCount} reminders.`),
    el("pre", {}, i.message || ""), el("h2", {}, "Told"),
    list(i.told.map((t) => el("li", { class: "paused" }, el("span", { class: "word" }, t.told.toUpperCase()), el("span", { class: "name" }, t.target))), "Nobody."),
    el("h2", {}, "Notifications"), list(i.notifications.map(notificationRow), "None.")];
}

async function draw() {
  if (isBusy) { isWanted = true; return; }
  isBusy = true;
  try {
    const [, page, id] = location.pathname.split("/");
    if (!status) status = await get("/status");
    const nodes = page === "monitors" ? await monitorPage(id) : page === "incidents" ? await incidentPage(id) : await overview();
    const focus = document.activeElement && document.activeElement.id === "search" ? document.activeElement.selectionStart : null;
    main.replaceChildren(...nodes);
    if (focus !== null) { const s = document.getElementById("search"); s.focus(); s.setSelectionRange(focus, focus); }
    main.setAttribute("aria-busy", "false");
    const open = status.monitors.alert - status.monitors.acknowledged;
    document.title = (open ? `(${open}) ` : "") + "tocsin";
  } catch (error) { say(error.message); }
  isBusy = false;
  if (isWanted) { isWanted = false; soon(); }
}

function soon() { clearTimeout(timer); timer = setTimeout(draw, 150); }
function say(text) { main.prepend(el("p", { class: "error", role: "alert" }, text)); }

function tell() {
  const silence = Date.now() - heardAt;
  const set = (name, text) => { line.className = "line " + name; if (line.textContent !== text) line.textContent = text; main.classList.toggle("stale", name === "stale"); };
  if (!heardAt) set("wait", "connecting …");
  else if (silence > STALE_MS) set("stale", `No news for ${Math.round(silence / 1000)} s: what you see is old`);
  else if (!status.router.isReachable) set("stale", "The router does not answer: nothing new is decided" + (status.router.asOf ? ", last heard " + age(status.router.asOf) : ""));
  else if (!status.router.isStoreOk) set("stale", "The router can't write its database");
  else set("live", "live · last commit " + age(status.router.lastCommitAt));
}

function listen() {
  const events = new EventSource("/api/v1/events");
  events.addEventListener("status", (event) => {
    const before = status && JSON.stringify([status.monitors, status.notifications]);
    status = JSON.parse(event.data);
    heardAt = Date.now();
    tell();
    if (before !== JSON.stringify([status.monitors, status.notifications])) soon();
  });
  events.addEventListener("change", () => { heardAt = Date.now(); soon(); });
  events.onerror = () => { if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000); };
}

listen();
draw();
setInterval(tell, 1000);
setInterval(soon, 30000);
