"use strict";
// Draws the data of the page on a canvas in the place of the overview. Names come from customers: they are only ever
// given to textContent and fillText.
(async () => {
  const $ = (id) => document.getElementById(id);
  const element = (name, look, text) => {
    const made = document.createElement(name);
    if (look) made.className = look;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // --- the data ------------------------------------------------------------------------------------------------------

  const unpack = async () => {
    const bytes = Uint8Array.from(atob($("data").textContent), (one) => one.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };
  const summed = (steps) => {
    let total = 0;
    return steps.map((step) => (total += step));
  };
  const data = await unpack();
  const events = data.events, messages = data.messages;
  for (const name of ["version", "x"]) events[name] = summed(events[name]);
  for (const name of ["seq", "event"]) messages[name] = summed(messages[name]);
  const OUT = -1, UNREGISTERED = -2, GONE = -3;

  const kindOf = (message) => messages.signals[messages.signal[message]][2];
  const KINDS = ["suspend", "out", "resume", "in", "close", "other"];
  const TITLES = { suspend: "SUSPEND", out: "OUTOFSERVICE", resume: "RESUME", in: "INSERVICE", close: "CLOSE", other: "CREATE, REMOVE and others" };
  const stateOf = (message) => {
    const [name, state] = messages.signals[messages.signal[message]];
    const reason = messages.reason[message] < 0 ? "" : ` (${messages.reasons[messages.reason[message]]})`;
    return name + (state ? ` ${state.replace(/^\w+?_/, "")}` : "") + reason;
  };
  const about = (message) => {
    const line = messages.line[message];
    return data.devices[messages.device[message]][0] + (line < 0 ? "" : `/${messages.lines[line]}`);
  };

  const lanes = [];
  const lane = (type, index, label, states, more) => {
    const starts = [], values = [];
    let x = 0;
    for (let at = 0; at < states.length; at += 2) {
      starts.push((x += states[at]));
      values.push(states[at + 1]);
    }
    lanes.push({ type, index, label, starts, values, messages: [], differences: [], ...more });
  };
  data.nodes.forEach(([name, states], n) => lane("node", n, `${data.letters[n]}  ${name}`, states));
  data.managers.forEach(([name, states], n) => lane("manager", n, `CTI Manager ${name}`, states));
  data.apps.forEach(([name, states], n) => lane("app", n, name, states));
  // Of many devices one lane says how many are where; those in a lane of their own have to be scrolled.
  if (data.devices.length > 12) lane("area", 0, "all devices by home", [], { states: [...data.nodes.keys(), OUT, UNREGISTERED] });
  data.devices.forEach(([name, kind, states, busy, due], n) => lane("device", n, name, states, { kind, busy, due }));
  const firstDevice = lanes.length - data.devices.length;
  for (let one = 0; one < messages.seq.length; one++) lanes[firstDevice + messages.device[one]].messages.push(one);
  const bySeq = new Map();
  data.differences.forEach((one, number) => {
    if (one[2] >= 0) lanes[firstDevice + one[2]].differences.push(number);
    if (one[4]) bySeq.set(one[4], number);
  });
  const firstOfEvent = [];
  messages.event.forEach((event, one) => (firstOfEvent[event] ??= one));

  // --- times and words -----------------------------------------------------------------------------------------------

  const aheadAt = (x) => (data.offsets.findLast(([from]) => from <= x) || data.offsets[0] || [0, 0])[1];
  const offsetText = (ahead) => (ahead ? (ahead < 0 ? "-" : "+") + new Date(Math.abs(ahead)).toISOString().slice(11, 16) : "Z");
  const clock = (x, precise) => {
    if (!data.timed) return String(Math.round(x + data.origin));
    const ahead = aheadAt(x), text = new Date(x + data.origin + ahead).toISOString();
    return precise ? text.slice(11, -1).replace(/\.000$/, "") : text.slice(0, -1) + offsetText(ahead);
  };
  const eventWords = (event) => {
    const when = data.timed ? ` at ${clock(events.x[event], false).replace(".000", "")}` : "";
    return `event ${events.version[event]}${when}: ${events.text[event]}`;
  };
  const UNIT = [1, 2, 5, 10, 20, 50, 100, 200, 500];
  const STEPS = [...UNIT, ...[1, 2, 5, 10, 15, 30].map((n) => n * 1e3), ...[1, 2, 5, 10, 15, 30].map((n) => n * 6e4),
    ...[1, 2, 3, 6, 12].map((n) => n * 36e5), ...[1, 2, 7, 14, 30, 91, 182, 365, 730, 3650, 36500].map((n) => n * 864e5)];
  const tickLabel = (x, step) => {
    if (!data.timed) return clock(x);
    const text = clock(x, false);
    if (step >= 864e5) return text.slice(0, 10);
    return step >= 6e4 ? text.slice(11, 16) : step >= 1e3 ? text.slice(11, 19) : text.slice(11, 23);
  };

  // --- what is shown -------------------------------------------------------------------------------------------------

  const stage = $("stage");
  const canvas = element("canvas");
  const tip = element("div", "tip");
  const status = element("p", "status");
  const ladder = element("section", "ladder");
  const view = { from: data.start, to: Math.max(data.end, data.start + 1), top: 0, event: -1, difference: -1, device: -1, hover: null };
  const least = 1, most = Math.max(data.end, 1), first = 0;
  const wanted = { device: "", app: -1, node: -1, kind: "" };
  let shown = lanes, rows = [], height = 0, width = 0, gutter = 0, unit = 16, looks = {}, queued = false;

  const passes = (message) =>
    (wanted.app < 0 || messages.app[message] === wanted.app) && (!wanted.kind || kindOf(message) === wanted.kind);
  const keeps = (one) => {
    if (one.type === "node") return wanted.node < 0 || one.index === wanted.node;
    if (one.type === "app") return wanted.app < 0 || one.index === wanted.app;
    if (one.type !== "device") return true;
    return (!wanted.device || one.label.toLowerCase().includes(wanted.device)) &&
      (wanted.node < 0 || one.values.includes(wanted.node)) &&
      ((wanted.app < 0 && !wanted.kind) || one.messages.some(passes));
  };
  const filter = () => {
    shown = lanes.filter(keeps);
    // Devices with differences stand first, as in the overview, in the order of their first.
    const rank = (one) => (one.type === "device" ? (one.differences[0] ?? data.differences.length) : -1);
    shown = shown.map((one, at) => [rank(one), at, one]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((one) => one[2]);
    view.top = 0;
    measure();
  };

  // --- the drawing ---------------------------------------------------------------------------------------------------

  const measure = () => {
    const style = getComputedStyle(document.documentElement);
    unit = parseFloat(style.fontSize);
    const look = (name) => style.getPropertyValue(name).trim();
    looks = { nodes: [...Array(8).keys()].map((n) => look(`--n${n}`)) };
    for (const name of ["ground", "edge", "line", "text", "quiet", "on", "bad", "out", "out-ground", "calls", "due", "link", "m-out", "m-in", "m-close", "m-other"]) looks[name] = look(`--${name}`);
    looks.hatch = hatch();
    looks.family = getComputedStyle(document.body).fontFamily;
    width = stage.clientWidth;
    gutter = Math.min(12 * unit, width * 0.34);
    let y = 2 * unit;
    rows = shown.map((one) => {
      const row = { lane: one, y, h: (one.type === "area" ? 4.2 : one.type === "device" ? 2.1 : 1.5) * unit };
      y += row.h;
      return row;
    });
    const full = y + 0.5 * unit;
    const room = Math.max(18 * unit, window.innerHeight * 0.72);
    height = Math.min(full, room);
    view.most = Math.max(0, full - height);
    view.top = Math.min(view.top, view.most);
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
    draw();
  };
  const draw = () => {
    if (!queued) requestAnimationFrame(() => { queued = false; paint(); });
    queued = true;
  };
  const X = (x) => gutter + ((x - view.from) / (view.to - view.from)) * (width - gutter);
  const at = (px) => view.from + ((px - gutter) / (width - gutter)) * (view.to - view.from);
  const hatch = () => {
    const tile = element("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    pen.fillStyle = looks["out-ground"];
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = looks.out;
    pen.globalAlpha = 0.55;
    pen.lineWidth = 2;
    for (const shift of [-8, 0, 8]) {
      pen.beginPath();
      pen.moveTo(shift, 8);
      pen.lineTo(shift + 8, 0);
      pen.stroke();
    }
    return canvas.getContext("2d").createPattern(tile, "repeat");
  };
  const firstAfter = (list, x, of = (one) => one) => {
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (of(list[middle]) < x) low = middle + 1; else high = middle;
    }
    return low;
  };

  let pen;
  const bar = (x, y, w, h, look) => {
    pen.fillStyle = look;
    pen.fillRect(x, y, w, h);
  };
  const band = (x, y, w, h, look) => {
    bar(x, y, w, h, look);
    pen.strokeStyle = looks.edge;
    pen.lineWidth = 1;
    if (w > 2) pen.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
  };
  const font = (bold) => (pen.font = `${bold ? "600 " : ""}${0.75 * unit}px ${looks.family}`);
  const words = (text, x, y, look, bold, room) => {
    if (room !== undefined && room < 0.55 * unit * text.length + 6) return;
    font(bold);
    pen.fillStyle = look;
    pen.fillText(text, x, y);
  };
  const spans = (one, each) => {
    let last = -9;
    for (let n = Math.max(0, firstAfter(one.starts, view.from) - 1); n < one.starts.length && one.starts[n] <= view.to; n++) {
      const from = Math.max(X(one.starts[n]), gutter), end = n + 1 < one.starts.length ? one.starts[n + 1] : data.end;
      const to = Math.min(X(end), width);
      if (to - from < 0.5 && from - last < 0.5) continue; // it would lie under its neighbours
      last = to;
      if (to > from) each(one.values[n], from, to - from);
    }
  };
  const homeLook = (value) => looks.nodes[value % 8];
  const AREA_STEP = 3;
  const stateLook = (state) => (state === OUT ? looks.hatch : state === UNREGISTERED ? looks.line : homeLook(state));
  const PAINT = {
    node: (one, y) => spans(one, (value, x, w) => {
      band(x, y + 0.3 * unit, w, 0.9 * unit, value < 0 ? looks.hatch : homeLook(one.index));
      if (value < 0) outlined("failed", x, y + unit, w);
    }),
    manager: (one, y) => spans(one, (value, x, w) => {
      band(x, y + 0.3 * unit, w, 0.9 * unit, value < 0 ? looks.hatch : looks.nodes[7]);
      if (value < 0) outlined("failed", x, y + unit, w);
    }),
    app: (one, y) => {
      if (!one.starts.length) words("no provider", gutter + 4, y + unit, looks.quiet);
      spans(one, (value, x, w) => {
        if (value >= 0) {
          band(x, y + 0.6 * unit, w, 0.35 * unit, homeLook(value));
          words(data.letters[value], x + 5, y + unit, looks.text, true, w);
        } else if (value === OUT) {
          band(x, y + 0.3 * unit, w, 0.9 * unit, looks.hatch);
          outlined("no link", x, y + unit, w);
        }
      });
    },
    area: (one, y) => {
      const columns = Math.ceil((width - gutter) / AREA_STEP), counts = one.states.map(() => new Int32Array(columns + 1));
      const devices = shown.filter((other) => other.type === "device");
      const column = (x) => Math.min(columns, Math.max(0, Math.round((X(x) - gutter) / AREA_STEP)));
      for (const device of devices) {
        for (let n = Math.max(0, firstAfter(device.starts, view.from) - 1); n < device.starts.length && device.starts[n] <= view.to; n++) {
          const value = device.values[n], state = counts[value < 0 ? data.nodes.length - 1 - value : value];
          if (!state) continue;
          state[column(device.starts[n])]++;
          state[column(n + 1 < device.starts.length ? device.starts[n + 1] : data.end)]--;
        }
      }
      const room = 3.6 * unit, floor = new Float64Array(columns);
      counts.forEach((steps, state) => {
        let total = 0;
        for (let n = 0; n < columns; n++) {
          const h = ((total += steps[n]) / (devices.length || 1)) * room;
          floor[n] += h;
          if (h) bar(gutter + n * AREA_STEP, y + 0.2 * unit + room - floor[n], AREA_STEP, h, stateLook(one.states[state]));
        }
      });
    },
    device: (one, y) => {
      spans(one, (value, x, w) => {
        if (value === GONE) return;
        if (value === UNREGISTERED) return bar(x, y + 0.7 * unit, w, 2, looks.line);
        band(x, y + 0.25 * unit, w, 0.9 * unit, value === OUT ? looks.hatch : homeLook(value));
        if (value >= 0) words(data.letters[value], x + 5, y + 0.95 * unit, looks.on, true, w);
      });
      lines(one.busy, 3, y + 0.98 * unit, 0.2 * unit, looks.calls);
      lines(one.due, 2, y + 1.3 * unit, 0.12 * unit, looks.due, true);
      marks(one, y + 1.6 * unit);
    },
  };
  const outlined = (text, x, y, room) => {
    if (room < 0.6 * unit * text.length) return;
    pen.strokeStyle = looks.ground;
    pen.lineWidth = 4;
    font(true);
    pen.strokeText(text, x + 6, y);
    words(text, x + 6, y, looks.out, true);
  };
  const lines = (list, size, y, h, look, dashed) => {
    for (let n = 0; n < list.length; n += size) {
      if (list[n + 1] < view.from || list[n] > view.to) continue;
      const from = Math.max(X(list[n]), gutter), to = Math.min(X(list[n + 1]), width);
      if (!dashed) bar(from, y, Math.max(1.5, to - from), h, look);
      else for (let x = from; x < to; x += 8) bar(x, y, Math.min(5, to - x), h, look);
    }
  };
  const LOOK = { suspend: "m-out", out: "m-out", resume: "m-in", in: "m-in", close: "m-close", other: "m-other" };
  const shape = (kind, x, y, r) => {
    pen.beginPath();
    if (kind === "suspend") { pen.moveTo(x - r, y - r); pen.lineTo(x + r, y - r); pen.lineTo(x, y + r); }
    else if (kind === "resume") { pen.moveTo(x - r, y + r); pen.lineTo(x + r, y + r); pen.lineTo(x, y - r); }
    else if (kind === "out") pen.rect(x - r * 0.85, y - r * 0.85, r * 1.7, r * 1.7);
    else if (kind === "in") pen.arc(x, y, r * 0.9, 0, 7);
    pen.fillStyle = pen.strokeStyle = looks[LOOK[kind]];
    if (kind !== "close" && kind !== "other") return pen.fill();
    pen.lineWidth = 2;
    if (kind === "close") { pen.moveTo(x - r, y - r); pen.lineTo(x + r, y + r); pen.moveTo(x - r, y + r); pen.lineTo(x + r, y - r); }
    else { pen.moveTo(x - r, y); pen.lineTo(x + r, y); pen.moveTo(x, y - r); pen.lineTo(x, y + r); }
    pen.stroke();
  };
  // The messages of one event stand beside each other as far as there is room before the next event.
  const placedMarks = (one) => {
    const list = one.messages, step = 0.5 * unit, placed = [];
    let n = firstAfter(list, view.from, (message) => events.x[messages.event[message]]), last = -9;
    while (n < list.length) {
      const event = messages.event[list[n]], x = X(events.x[event]);
      if (x > width) break;
      let end = n, count = 0;
      while (end < list.length && messages.event[list[end]] === event) end++;
      const room = end < list.length ? X(events.x[messages.event[list[end]]]) - 2 : Infinity;
      for (; n < end; n++) {
        const px = x + count * step;
        if (count && px > room) break;
        if (!passes(list[n]) || px - last < Math.min(3, step)) continue;
        placed.push([list[n], (last = px)]);
        count++;
      }
      n = end;
    }
    return placed;
  };
  const placedDifferences = (one, placed) => {
    const places = new Map(placed.map(([message, x]) => [messages.seq[message], x]));
    return one.differences
      .map((number) => [number, places.get(data.differences[number][4]) ?? X(events.x[data.differences[number][1]])])
      .filter(([, x]) => x >= gutter && x <= width);
  };
  const marks = (one, y) => {
    const placed = placedMarks(one);
    for (const [message, x] of placed) shape(kindOf(message), x, y, 0.22 * unit);
    let last = -9;
    for (const [number, x] of one.differences.length ? placedDifferences(one, placed) : []) {
      const chosen = number === view.difference;
      if (!chosen && Math.abs(x - last) < 1) continue; // it would lie under its neighbour
      diamond(x, y, chosen);
      last = x;
    }
  };
  const diamond = (x, y, chosen) => {
    const r = (chosen ? 0.62 : 0.5) * unit;
    pen.beginPath();
    pen.moveTo(x, y - r); pen.lineTo(x + r, y); pen.lineTo(x, y + r); pen.lineTo(x - r, y); pen.closePath();
    pen.fillStyle = looks.bad;
    pen.strokeStyle = looks.ground;
    pen.lineWidth = 2;
    pen.fill();
    pen.stroke();
    pen.textAlign = "center";
    words("!", x, y + 0.26 * unit, looks.ground, true);
    pen.textAlign = "left";
  };
  const paint = () => {
    const scale = window.devicePixelRatio || 1;
    pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    bar(0, 0, width, height, looks.ground);
    const span = view.to - view.from, ticks = Math.max(2, Math.floor((width - gutter) / (6 * unit)));
    const step = data.timed ? STEPS.find((one) => span / one <= ticks) || STEPS.at(-1) : orderStep(span / ticks);
    const base = data.timed ? data.origin + aheadAt(view.from) : 0;
    pen.textAlign = "center";
    for (let x = Math.ceil((view.from + base) / step) * step - base; x <= view.to; x += step) {
      bar(Math.round(X(x)), 1.5 * unit, 1, height, looks.line);
      if (X(x) > gutter + 2 * unit && X(x) < width - 2 * unit) words(tickLabel(x, step), X(x), unit, looks.quiet);
    }
    pen.textAlign = "left";
    pen.save();
    pen.beginPath();
    pen.rect(0, 1.6 * unit, width, height);
    pen.clip();
    const failures = data.failures.map((event) => X(events.x[event])).filter((x) => x >= gutter && x <= width);
    for (const x of failures.length > 20 ? [] : failures) { // more would hide what they are about
      for (let y = 1.6 * unit; y < height; y += 7) bar(x, y, 1, 4, looks.out);
    }
    if (view.event >= 0 && X(events.x[view.event]) >= gutter) bar(X(events.x[view.event]) - 1, 1.6 * unit, 2, height, looks.link);
    for (const row of rows) {
      const y = row.y - view.top;
      if (y + row.h < 1.6 * unit || y > height) continue;
      pen.save();
      pen.beginPath();
      pen.rect(gutter, y, width - gutter, row.h);
      pen.clip();
      PAINT[row.lane.type](row.lane, y);
      pen.restore();
      label(row, y);
    }
    pen.restore();
    if (view.most) {
      const room = height - 1.6 * unit, size = Math.max(unit, (room * room) / (room + view.most));
      bar(width - 5, 1.6 * unit + (room - size) * (view.top / view.most), 4, size, looks.quiet);
    }
    stage.dataset.painted = String(Number(stage.dataset.painted || 0) + 1);
  };
  const orderStep = (least) => {
    for (let size = 1; ; size *= 10) for (const factor of [1, 2, 5]) if (size * factor >= least) return size * factor;
  };
  const label = (row, y) => {
    pen.save();
    pen.beginPath();
    pen.rect(0, y, gutter - 6, row.h);
    pen.clip();
    const chosen = row.lane.type === "device" && row.lane.index === view.device;
    words(row.lane.label, 8, y + unit, chosen ? looks.link : looks.text, chosen || row.lane.differences.length > 0);
    pen.restore();
  };

  // --- moving --------------------------------------------------------------------------------------------------------

  const show = (from, to) => {
    const span = Math.min(Math.max(to - from, least), (most - first) * 1.04);
    const begin = Math.min(Math.max(from, first - span * 0.1), most - span * 0.9);
    view.from = begin;
    view.to = begin + span;
    draw();
  };
  const zoom = (factor, px = gutter + (width - gutter) / 2) => {
    const center = at(px);
    show(center - (center - view.from) * factor, center + (view.to - center) * factor);
  };
  const pan = (share) => show(view.from + share * (view.to - view.from), view.to + share * (view.to - view.from));
  const scroll = (pixels) => {
    view.top = Math.min(view.most, Math.max(0, view.top + pixels));
    draw();
  };
  const reveal = (event, device) => {
    const x = events.x[event], span = view.to - view.from;
    if (x < view.from + span * 0.02 || x > view.to - span * 0.05) show(x - span / 3, x + (span * 2) / 3);
    const row = rows.find((one) => one.lane.type === "device" && one.lane.index === device);
    if (row && (row.y - view.top < 2 * unit || row.y + row.h - view.top > height)) scroll(row.y - view.top - height / 2);
  };

  // --- choosing ------------------------------------------------------------------------------------------------------

  const choose = (event, device = -1, difference = -1, remember = true) => {
    Object.assign(view, { event, device, difference });
    reveal(event, device);
    drawLadder();
    status.textContent = difference >= 0 ? `Difference ${difference + 1}: ${data.differences[difference][5]}` : eventWords(event);
    if (remember) history.replaceState(null, "", difference >= 0 ? `#difference-${difference + 1}` : `#event-${events.version[event]}`);
    draw();
  };
  const chooseDifference = (number, remember) => choose(data.differences[number][1], data.differences[number][2], number, remember);
  const stepDifference = (step) => {
    const count = data.differences.length;
    if (count) chooseDifference(view.difference < 0 ? (step > 0 ? 0 : count - 1) : (view.difference + step + count) % count);
  };
  const stepEvent = (step) => {
    let event = view.event < 0 ? firstAfter(events.x, view.from) - (step > 0) : view.event;
    do event += step; while (event >= 0 && event < events.x.length && (wanted.app >= 0 || wanted.kind) && !ofEvent(event).some(passes));
    if (event >= 0 && event < events.x.length) choose(event, view.device);
  };
  const ofEvent = (event) => {
    const found = [];
    for (let one = firstOfEvent[event] ?? messages.seq.length; messages.event[one] === event; one++) found.push(one);
    return found;
  };
  const fromFragment = () => {
    const [, what, number] = /^#(event|difference)-(\d+)$/.exec(location.hash) || [];
    if (what === "difference" && data.differences[number - 1]) return chooseDifference(number - 1, false), true;
    const event = what === "event" ? events.version.indexOf(Number(number)) : -1;
    return event >= 0 && (choose(event, -1, -1, false), true);
  };

  // --- the ladder ----------------------------------------------------------------------------------------------------

  const MOST_RUNGS = 200;
  const rungs = () => {
    const found = ofEvent(view.event).filter(passes).map((message) => ({ message, difference: bySeq.get(messages.seq[message]) }));
    data.differences.forEach((one, number) => {
      if (one[1] === view.event && !one[4]) found.push({ message: -1, difference: number });
    });
    const rank = (one) => (one.difference !== undefined && one.difference === view.difference ? 0 : deviceOf(one) === view.device ? 1 : one.difference !== undefined ? 2 : 3);
    if (found.length <= MOST_RUNGS) return [found, 0];
    const kept = found.map((one, n) => [rank(one), n, one]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, MOST_RUNGS);
    return [kept.sort((a, b) => a[1] - b[1]).map((one) => one[2]), found.length - MOST_RUNGS];
  };
  const deviceOf = (one) => (one.message < 0 ? data.differences[one.difference][2] : messages.device[one.message]);
  const drawLadder = () => {
    ladder.hidden = view.event < 0;
    ladder.replaceChildren();
    if (view.event < 0) return;
    const [found, left] = rungs();
    ladder.append(element("h2", "", eventWords(view.event)));
    if (view.difference >= 0) ladder.append(element("p", "first bad", data.differences[view.difference][5]));
    if (!found.length) ladder.append(element("p", "", "Nobody is told of this event."));
    else ladder.append(rungTable(found));
    if (left) ladder.append(element("p", "more", `${left.toLocaleString("en")} more messages of this event are left out here; a filter shows others.`));
  };
  const rungTable = (found) => {
    const table = element("table"), head = element("tr"), body = element("tbody");
    const titles = ["CTI Manager → TSP", "TSP → application", ...(data.compared ? ["what came"] : [])];
    for (const title of titles) {
      const cell = element("th", "", title);
      cell.scope = "col";
      head.append(cell);
    }
    let before = "";
    for (const one of found) {
      const [step, told, rule] = one.message < 0 ? ["", "nothing", ""] : rung(one.message);
      const row = element("tr", one.difference === undefined ? "" : one.difference === view.difference ? "differs chosen" : "differs");
      const cause = element("td", step && step !== before ? "arrow" : "same");
      if (step && step !== before) cause.append(element("span", "", step), element("small", "", rule));
      before = step;
      const message = element("td", one.message < 0 ? "same" : "arrow");
      message.append(element("span", "", told));
      if (one.message >= 0) message.append(element("small", "", `message ${messages.seq[one.message]}, handle ${messages.handle[one.message] || "–"}`));
      row.append(cause, message);
      if (data.compared) row.append(cameCell(one));
      body.append(row);
    }
    const headed = element("thead");
    headed.append(head);
    table.append(headed, body);
    const wide = element("div", "wide");
    wide.tabIndex = 0;
    wide.setAttribute("role", "region");
    wide.setAttribute("aria-label", "Ladder of this event");
    wide.append(table);
    return wide;
  };
  const rung = (message) => {
    const [rule, why] = messages.rules[messages.rule[message]];
    const device = data.devices[messages.device[message]][0];
    return [`${rule.split("/")[1]} ${device}`, `${stateOf(message)} on ${about(message)} → ${data.apps[messages.app[message]][0]}`, `${rule}: ${why}`];
  };
  const isCompared = (message) => messages.signals[messages.signal[message]][3] && data.compared.includes(messages.app[message]);
  const cameCell = (one) => {
    if (one.difference === undefined) return isCompared(one.message) ? element("td", "good", "✓ as expected") : element("td", "quiet", "not compared");
    const difference = data.differences[one.difference];
    const cell = element("td", "bad"), link = element("a", "", difference[0] === "missing" ? "✗ nothing came" : `✗ ${difference[0]}: ${difference[9]}`);
    link.href = `#difference-${one.difference + 1}`;
    cell.append(link);
    return cell;
  };

  // --- pointing ------------------------------------------------------------------------------------------------------

  const target = (px, py) => {
    const row = rows.find((one) => py >= one.y - view.top && py < one.y + one.h - view.top);
    if (!row || px < gutter || py < 1.6 * unit) return row && { row };
    const nearest = (list) => list.reduce((best, one) => (Math.abs(one[1] - px) < Math.abs((best || [0, 1e9])[1] - px) ? one : best), null);
    if (row.lane.type === "device") {
      const placed = placedMarks(row.lane), difference = nearest(placedDifferences(row.lane, placed));
      if (difference && Math.abs(difference[1] - px) < 0.7 * unit) return { row, difference: difference[0] };
      const mark = nearest(placed);
      if (mark && Math.abs(mark[1] - px) < 0.4 * unit) return { row, message: mark[0] };
    }
    const x = at(px), span = firstAfter(row.lane.starts, x + 1e-9) - 1;
    return { row, span };
  };
  const tipWords = (found) => {
    if (found.difference !== undefined) return [data.differences[found.difference][5], eventWords(data.differences[found.difference][1])];
    if (found.message !== undefined) {
      const [, told, rule] = rung(found.message);
      return [`message ${messages.seq[found.message]}: ${told}`, rule, eventWords(messages.event[found.message])];
    }
    const one = found.row.lane, value = one.values[found.span];
    if (value === undefined) return [one.label];
    const where = value >= 0 ? (one.type === "node" || one.type === "manager" ? "in service" : `${one.type === "app" ? "linked to" : "at"} ${data.nodes[value][0]}`)
      : value === UNREGISTERED ? "unregistered" : value === GONE ? "gone" : one.type === "device" ? "out of service" : one.type === "app" ? "no link" : "failed";
    return [`${one.label}: ${where}`, `since ${data.timed ? clock(one.starts[found.span], false) : `event ${clock(one.starts[found.span])}`}`];
  };
  const point = (px, py) => {
    const found = target(px, py);
    tip.hidden = !found;
    if (!found) return;
    tip.replaceChildren(...tipWords(found).map((line, n) => element(n ? "p" : "strong", "", line)));
    const left = Math.min(px + 14, width - tip.offsetWidth - 4);
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${py + 18}px`;
  };
  const press = (px, py) => {
    const found = target(px, py);
    if (!found) return;
    const device = found.row.lane.type === "device" ? found.row.lane.index : -1;
    if (found.difference !== undefined) return chooseDifference(found.difference);
    if (found.message !== undefined) {
      const number = bySeq.get(messages.seq[found.message]);
      return choose(messages.event[found.message], device, number ?? -1);
    }
    const nearby = Math.max(0, firstAfter(events.x, at(px)) - 1), next = Math.min(nearby + 1, events.x.length - 1);
    const near = Math.abs(X(events.x[next]) - px) < Math.abs(X(events.x[nearby]) - px) ? next : nearby;
    if (px >= gutter && Math.abs(X(events.x[near]) - px) < 2 * unit) choose(near, device);
    else { view.device = device; draw(); }
  };

  const pointers = new Map();
  let moved = 0;
  canvas.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    canvas.setPointerCapture(event.pointerId);
    moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return point(event.offsetX, event.offsetY);
    const [dx, dy] = [event.offsetX - before[0], event.offsetY - before[1]];
    moved += Math.abs(dx) + Math.abs(dy);
    if (moved < 5) return;
    tip.hidden = true;
    if (pointers.size === 1) {
      pan(-dx / (width - gutter));
      scroll(-dy);
    } else {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const was = Math.abs(before[0] - other[0]), is = Math.abs(event.offsetX - other[0]);
      if (was > 8 && is > 8) zoom(was / is, (other[0] + event.offsetX) / 2);
    }
    pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  });
  const lift = (event) => {
    if (pointers.delete(event.pointerId) && event.type === "pointerup" && moved < 5) press(event.offsetX, event.offsetY);
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => (tip.hidden = true));
  canvas.addEventListener("wheel", (event) => {
    if (event.offsetX < gutter && !event.ctrlKey) {
      if (!view.most) return; // nothing to scroll: the page does
      scroll(event.deltaY);
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / width);
    else zoom(Math.exp(Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY), 120) * 0.0025), event.offsetX);
    event.preventDefault();
  }, { passive: false });

  const KEYS = {
    ArrowLeft: () => stepEvent(-1), ArrowRight: () => stepEvent(1),
    ArrowUp: () => scroll(-2.1 * unit), ArrowDown: () => scroll(2.1 * unit),
    PageUp: () => scroll(-height * 0.8), PageDown: () => scroll(height * 0.8),
    Home: () => pan(-1), End: () => pan(1), "<": () => pan(-0.25), ">": () => pan(0.25),
    "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1 / 0.7),
    0: () => show(data.start, data.end), a: () => show(first, most),
    Escape: () => { view.event = view.difference = -1; drawLadder(); draw(); },
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !KEYS[event.key]) return;
    KEYS[event.key]();
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "n" || event.key === "p") stepDifference(event.key === "n" ? 1 : -1);
  });
  window.addEventListener("hashchange", fromFragment);

  // --- controls ------------------------------------------------------------------------------------------------------

  const button = (text, title, act) => {
    const made = element("button", "", text);
    made.type = "button";
    made.title = title;
    if (text.length === 1) made.setAttribute("aria-label", title);
    made.addEventListener("click", act);
    return made;
  };
  const picker = (label, options, name) => {
    const wrap = element("label", "", `${label} `), select = element("select");
    select.append(new Option("all", name === "kind" ? "" : "-1"), ...options.map(([value, text]) => new Option(text, value)));
    select.addEventListener("change", () => { wanted[name] = name === "kind" ? select.value : Number(select.value); filter(); drawLadder(); });
    wrap.append(select);
    return wrap;
  };
  const search = () => {
    const wrap = element("label", "", "Device "), input = element("input");
    input.type = "search";
    input.placeholder = "part of a name";
    input.addEventListener("input", () => { wanted.device = input.value.toLowerCase(); filter(); });
    wrap.append(input);
    return wrap;
  };
  const controls = element("div", "controls");
  controls.setAttribute("role", "group");
  controls.setAttribute("aria-label", "Drawing");
  const kinds = KINDS.filter((kind) => messages.signals.some((one) => one[2] === kind));
  controls.append(
    search(),
    picker("Application", data.apps.map(([name], n) => [n, name]), "app"),
    picker("Node", data.nodes.map(([name], n) => [n, `${data.letters[n]}  ${name}`]), "node"),
    picker("Message", kinds.map((kind) => [kind, TITLES[kind]]), "kind"),
    button("−", "Zoom out (-)", () => zoom(1 / 0.7)), button("+", "Zoom in (+)", () => zoom(0.7)),
    button("Overview", "Back to the overview (0)", () => show(data.start, data.end)), button("All", "The whole log (a)", () => show(first, most)),
  );
  if (data.differences.length) controls.append(
    button("‹ Difference", "Previous difference (p)", () => stepDifference(-1)), button("Difference ›", "Next difference (n)", () => stepDifference(1)));

  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "Timeline. Left and right go to the event before and after, n and p to the next and previous difference, plus and minus zoom, up and down scroll. The tables say the same.");
  status.setAttribute("role", "status");
  tip.hidden = ladder.hidden = true;
  ladder.id = "ladder";
  ladder.setAttribute("aria-label", "Ladder");
  stage.classList.add("alive");
  stage.append(canvas, tip);
  stage.before(controls);
  $("legend").after(status, ladder);

  for (const [name, list, cells] of [["differences", data.differences, (one, n) => [(n + 1).toLocaleString("en"), ...one.slice(6)]], ["outages", data.outages, (one) => one]]) {
    const left = $(`${name}-left`);
    if (!left) continue;
    const body = $(name).querySelector("tbody");
    left.append(" ", button("Show all", `Show all ${name}`, () => {
      for (let n = body.rows.length; n < list.length; n++) {
        const row = element("tr");
        if (name === "differences") row.id = `difference-${n + 1}`;
        row.append(...cells(list[n], n).map((text) => element("td", "", text)));
        body.append(row);
      }
      left.remove();
    }));
  }

  new ResizeObserver(measure).observe(stage);
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(query).addEventListener("change", measure);
  filter();
  if (!fromFragment()) {
    if (data.differences.length) chooseDifference(0, false);
    else if (data.failures.length) choose(data.failures[0], -1, -1, false);
  }
})();
