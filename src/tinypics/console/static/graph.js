// The workflow as a graph: boxes in rows, as the server placed them, with the path of one execution highlighted.

import { s } from "./dom.js";
import { duration } from "./format.js";

const WIDE = 164,
  HIGH = 52,
  GAP = 28,
  STEP = 104,
  EDGE = 12;

/** An SVG of `workflow` (nodes and edges of /api/workflow); `update` highlights the path of `visits`. */
export function graph(workflow) {
  const columns = Math.max(...workflow.nodes.map((node) => node.column)) + 1;
  const rows = Math.max(...workflow.nodes.map((node) => node.row)) + 1;
  const width = columns * (WIDE + GAP) - GAP + 2 * EDGE;
  const height = rows * STEP - (STEP - HIGH) + 2 * EDGE;
  const boxes = new Map(workflow.nodes.map((node) => [node.name, box(node)]));
  const at = new Map(
    workflow.nodes.map((node) => [node.name, { x: EDGE + node.column * (WIDE + GAP), y: EDGE + node.row * STEP }]),
  );
  const edges = workflow.edges.filter((edge) => at.has(edge.end)).map((edge) => ({ ...edge, element: line(edge, at) }));
  for (const [name, element] of boxes)
    element.group.setAttribute("transform", `translate(${at.get(name).x} ${at.get(name).y})`);
  const marker = s(
    "marker",
    {
      id: "arrow",
      viewBox: "0 0 8 8",
      refX: 7,
      refY: 4,
      markerWidth: 7,
      markerHeight: 7,
      orient: "auto-start-reverse",
    },
    s("path", { d: "M0 0L8 4L0 8z" }),
  );
  const lit = s(
    "marker",
    {
      id: "arrow-lit",
      viewBox: "0 0 8 8",
      refX: 7,
      refY: 4,
      markerWidth: 7,
      markerHeight: 7,
      orient: "auto-start-reverse",
    },
    s("path", { d: "M0 0L8 4L0 8z" }),
  );
  const title = s("title", {}, "The workflow");
  const picture = s(
    "svg",
    { class: "graph", viewBox: `0 0 ${width} ${height}`, width, height, role: "img" },
    title,
    s("defs", {}, marker, lit),
    edges.map((edge) => edge.element),
    [...boxes.values()].map((each) => each.group),
  );
  return { element: picture, update: (visits, running) => light({ boxes, edges, title }, visits, running) };
}

function box(node) {
  const detail = s("text", { x: WIDE / 2, y: 38, class: "detail" }, node.type);
  const group = s(
    "g",
    { class: `node ${node.type.toLowerCase()}`, "data-state": node.name },
    s("title", {}, node.comment || node.name),
    s("rect", { width: WIDE, height: HIGH, rx: 12 }),
    s("text", { x: WIDE / 2, y: 21, class: "name" }, node.name),
    detail,
  );
  return { group, detail };
}

function line(edge, at) {
  const from = at.get(edge.start),
    to = at.get(edge.end);
  const x1 = from.x + WIDE / 2,
    y1 = from.y + HIGH,
    x2 = to.x + WIDE / 2,
    y2 = to.y;
  return s(
    "path",
    { class: `edge ${edge.kind}`, d: way([x1, y1], [x2, y2], [...at.values()]), "marker-end": "url(#arrow)" },
    s("title", {}, `${edge.start} to ${edge.end}${edge.label ? `: ${edge.label}` : ""}`),
  );
}

/** The path of an edge: down, beside the boxes between its ends, or around them if it leads back. */
function way([x1, y1], [x2, y2], boxes) {
  const end = `${x2} ${y2 - 2}`;
  const middle = (y1 + y2) / 2;
  if (y2 <= y1) return `M${x1} ${y1}V${y1 + 12}H${x2 + WIDE}V${y2 - 12}H${end.replace(" ", "V")}`;
  const between = boxes.filter((box) => box.y > y1 && box.y + HIGH < y2);
  const inTheWay = between.some((box) => box.x < Math.max(x1, x2) && box.x + WIDE > Math.min(x1, x2));
  if (!inTheWay) return `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${end}`;
  const lane = Math.min(x1, x2) - WIDE / 2 - EDGE + 3;
  return `M${x1} ${y1}C${x1} ${y1 + 26} ${lane} ${y1 + 8} ${lane} ${y1 + 44}V${y2 - 44}C${lane} ${y2 - 8} ${x2} ${y2 - 30} ${end}`;
}

function light({ boxes, edges, title }, visits, running) {
  const passed = new Set(visits.slice(1).map((visit, index) => `${visits[index].state}\n${visit.state}`));
  for (const edge of edges) {
    const on = passed.has(`${edge.start}\n${edge.end}`);
    edge.element.classList.toggle("lit", on);
    edge.element.setAttribute("marker-end", on ? "url(#arrow-lit)" : "url(#arrow)");
    if (on) boxes.values().next().value.group.before(edge.element); // above other edges, below the boxes
  }
  for (const [name, { group, detail }] of boxes) {
    const stays = visits.filter((visit) => visit.state === name);
    const last = stays.at(-1);
    const now = running && last && last.ms === null;
    group.classList.toggle("lit", stays.length > 0);
    group.classList.toggle("busy", Boolean(now));
    group.classList.toggle(
      "ill",
      stays.some((visit) => visit.failed || visit.errors.length),
    );
    if (!last) continue;
    const retries = stays.reduce((sum, visit) => sum + visit.retries, 0);
    const took = stays.reduce((sum, visit) => sum + (visit.ms ?? 0), 0);
    detail.textContent = now
      ? retries
        ? `working, attempt ${retries + 1}`
        : "working"
      : `${duration(took)}${retries ? `, ${retries} ${retries === 1 ? "retry" : "retries"}` : ""}`;
  }
  title.textContent = `The workflow. This execution came through ${visits.map((visit) => visit.state).join(", ") || "no state yet"}.`;
}
