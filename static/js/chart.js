// Draws the table of a chart as stacked bars, in the colours of its head.

let plot;

const find = (selector) => document.querySelector(`[data-chart]${selector}`);
const words = (row) => [...row.cells].map((cell) => cell.textContent.trim());
const amounts = (row) => [...row.cells].slice(1, -1).map((cell) => +cell.querySelector("data")?.value || 0);

const options = (box, head, texts) => {
  const { color: stroke, borderTopColor: line, font } = getComputedStyle(box);
  const axis = { stroke, font, ticks: { stroke: line }, grid: { stroke: line } };
  const [label, ...models] = words(head).slice(0, -1).map((label, at) => ({
    label,
    width: 0,
    points: { show: false },
    paths: uPlot.paths.bars({ size: [0.8, 64] }),
    fill: at && getComputedStyle(head.querySelector(`.k${at}`)).backgroundColor,
    value: (u, v, s, row) => texts[row]?.[at] ?? "",
  }));
  return {
    width: box.clientWidth,
    height: 280,
    series: [label, ...models.reverse()],
    scales: {
      x: { time: false, range: (u, a, b) =>
        [Math.round(a) - 0.5, Math.min(Math.round(b), texts.length - 1) + 0.5] },
      y: { range: (u, a, b) => [0, b || 1] },
    },
    axes: [
      { ...axis, space: 90, values: (u, at) => at.map((row) => texts[row]?.[0]) },
      { ...axis, size: 64, values: (u, at) => at.map((sum) => `$${+sum.toFixed(6)}`) },
    ],
  };
};

const draw = () => {
  const old = plot;
  plot = old?.destroy();
  const box = find(""), table = find(" + details table");
  if (!table) return;
  const rows = [...table.tBodies[0].rows];
  let sums = rows.map(() => 0);
  const stack = amounts(rows[0]).map((_, at) =>
    (sums = rows.map((row, place) => sums[place] + amounts(row)[at])));
  const data = [[...rows.keys()], ...stack.reverse()];
  plot = new uPlot(options(box, table.tHead.rows[0], rows.map(words)), data, box);
  const x = old?.scales.x;
  if (old?.data[0].length === rows.length) plot.setScale("x", { ...x, max: x.max - 0.5 });
};

const redraw = () => {
  const box = find("");
  if (box !== plot?.root.parentNode || box.clientWidth !== plot.width) draw();
};
document.addEventListener("htmx:afterSwap", redraw);
document.addEventListener("theme", draw);
matchMedia("(prefers-color-scheme: dark)").onchange = draw;
addEventListener("resize", redraw);
draw();
