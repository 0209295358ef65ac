// The drawing of the workflow, with the path of one execution highlighted.

import { svgFile } from "./dom.js";

/**
 * The drawing, and a function that highlights the path of `visits`. Null if the deployed workflow differs from the
 * drawing: `states` has its states, each with those that may follow.
 */
export async function workflowDrawing(states) {
  const element = await svgFile("/static/workflow.svg");
  const boxes = new Map([...element.querySelectorAll("[data-state]")].map((box) => [box.dataset.state, box]));
  const edges = new Map(
    [...element.querySelectorAll("[data-from]")].map((path) => [edge(path.dataset.from, path.dataset.to), path]),
  );
  const deployed = Object.entries(states).flatMap(([name, next]) => [name, ...next.map((other) => edge(name, other))]);
  const drawn = [...boxes.keys(), ...edges.keys()];
  if (deployed.sort().join("\n") !== drawn.sort().join("\n")) return null;
  element.classList.add("workflow");
  return { element, highlightPath: (visits) => highlightPath({ element, boxes, edges }, visits) };
}

function edge(from, to) {
  return `${from} → ${to}`;
}

function highlightPath({ element, boxes, edges }, visits) {
  const states = visits.map((visit) => visit.state);
  const taken = new Set(states.slice(1).map((state, index) => edge(states[index], state)));
  for (const [name, path] of edges) path.classList.toggle("visited", taken.has(name));
  for (const [name, box] of boxes) {
    const own = visits.filter((visit) => visit.state === name);
    box.classList.toggle("visited", own.length > 0);
    box.classList.toggle("busy", own.at(-1)?.ms === null);
    box.classList.toggle(
      "bad",
      own.some((visit) => visit.failed || visit.answered || visit.errors.length),
    );
  }
  element.querySelector("title").textContent =
    `The workflow. This execution visited ${states.join(", ") || "no state yet"}.`;
}
