/** One line or one row of bars of a chart. */
export interface ChartSeries {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Text for a place on the x axis; the number by default. */
  readonly xText?: (x: number) => string;
  /** For figures that differ by factors. */
  readonly isLogarithmic?: boolean;
}

const WIDTH = 720;
const HEIGHT = 260;
const MARGIN = { top: 28, right: 16, bottom: 40, left: 64 };
const PLOT_WIDTH = WIDTH - MARGIN.left - MARGIN.right;
const PLOT_HEIGHT = HEIGHT - MARGIN.top - MARGIN.bottom;
/** Okabe and Ito: told apart by colour-blind readers too. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#8c6d31'];
const TICKS = 5;
const ROW = 20;

/** A line for each series, as an inline SVG. Points that are no numbers are left out; empty when none are left. */
export function lineChart(series: readonly ChartSeries[], options: LineChartOptions): string {
  const { title, xLabel, yLabel, xText = short, isLogarithmic = false } = options;
  const isDrawable = ([x, y]: readonly [number, number]): boolean =>
    Number.isFinite(x) && Number.isFinite(y) && (!isLogarithmic || y > 0);
  const drawn = series
    .map((each) => ({ ...each, points: each.points.filter(isDrawable) }))
    .filter(({ points }) => points.length > 0);
  const all = drawn.flatMap(({ points }) => points);
  if (all.length === 0) return '';
  const scale = (y: number): number => (isLogarithmic ? Math.log10(y) : y);
  const [left, right] = extent(all.map(([x]) => x));
  const [low, high] = extent(
    all.map(([, y]) => scale(y)),
    !isLogarithmic,
  );
  const xOf = (x: number): number => MARGIN.left + ((x - left) / (right - left)) * PLOT_WIDTH;
  const yOf = (y: number): number =>
    MARGIN.top + PLOT_HEIGHT - ((scale(y) - low) / (high - low)) * PLOT_HEIGHT;
  const ticks = Array.from({ length: TICKS + 1 }, (_, index) => low + ((high - low) * index) / TICKS);
  const xs = [...new Set(all.map(([x]) => x))].sort((a, b) => a - b);
  const places =
    xs.length <= TICKS + 1
      ? xs
      : Array.from({ length: TICKS + 1 }, (_, index) => left + ((right - left) * index) / TICKS);
  const grid = ticks.map((tick) => {
    const value = isLogarithmic ? 10 ** tick : tick;
    const y = yOf(value).toFixed(1);
    return `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y}" y2="${y}"/><text x="${MARGIN.left - 6}" y="${y}" text-anchor="end" dy="4">${short(value)}</text>`;
  });
  const bottom = HEIGHT - MARGIN.bottom + 16;
  const xTexts = places.map(
    (x) => `<text x="${xOf(x).toFixed(1)}" y="${bottom}" text-anchor="middle">${escapeHtml(xText(x))}</text>`,
  );
  const lines = drawn.map(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? '';
    const path = points.map(([x, y]) => `${xOf(x).toFixed(1)},${yOf(y).toFixed(1)}`).join(' ');
    const dots = points
      .map(
        ([x, y]) =>
          `<circle cx="${xOf(x).toFixed(1)}" cy="${yOf(y).toFixed(1)}" r="2.5" fill="${colour}"><title>${escapeHtml(`${name}: ${xText(x)}, ${short(y)}`)}</title></circle>`,
      )
      .join('');
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>${dots}`;
  });
  const svg = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}"><text class="title" x="${MARGIN.left}" y="16">${escapeHtml(title)}</text>${grid.join('')}${xTexts.join('')}<text x="${MARGIN.left + PLOT_WIDTH / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escapeHtml(xLabel)}</text><text transform="translate(14 ${MARGIN.top + PLOT_HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text>${lines.join('')}</svg>`;
  return `<figure>${svg}${legend(drawn.map(({ name }) => name))}</figure>`;
}

/** A bar for each value, as an inline SVG. */
export function barChart(
  title: string,
  unit: string,
  bars: readonly (readonly [name: string, value: number])[],
): string {
  const drawn = bars.filter(([, value]) => Number.isFinite(value));
  if (drawn.length === 0) return '';
  const most = Math.max(...drawn.map(([, value]) => value), Number.MIN_VALUE);
  const height = MARGIN.top + drawn.length * ROW + 8;
  const from = 300;
  const rows = drawn.map(([name, value], index) => {
    const y = MARGIN.top + index * ROW;
    const width = Math.max(1, (value / most) * (WIDTH - from - 90));
    return `<text x="${from - 8}" y="${y + 13}" text-anchor="end">${escapeHtml(name)}</text><rect x="${from}" y="${y + 2}" width="${width.toFixed(1)}" height="${ROW - 5}" fill="${COLOURS[0]}"/><text x="${(from + width + 6).toFixed(1)}" y="${y + 13}">${short(value)}</text>`;
  });
  return `<figure><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)}"><text class="title" x="8" y="16">${escapeHtml(`${title}, ${unit}`)}</text>${rows.join('')}</svg></figure>`;
}

/** Text as it may stand in HTML and in attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Three digits; thousands apart. */
export function short(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return Math.abs(rounded) >= 1000 ? rounded.toLocaleString('en') : String(rounded);
}

function legend(names: readonly string[]): string {
  const items = names.map(
    (name, index) =>
      `<li><span style="background:${COLOURS[index % COLOURS.length]}"></span>${escapeHtml(name)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

/** Never empty; from zero where that is asked for. */
function extent(values: readonly number[], fromZero = false): [number, number] {
  const low = Math.min(...values, ...(fromZero ? [0] : []));
  const high = Math.max(...values);
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}
