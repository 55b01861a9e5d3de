/** Columns of numbers with a bound on their length, for a run of any length. */

const MOST = 1_000;

export class Series {
  /**
   * @param {string[]} names of the columns, the first of which only grows
   * @param {string[]} rates: when it is full, two neighbours become one row with the greater value of each column, so
   *   that no spike is lost; but with the mean of these, weighted by how many rows went into each, because the greater
   *   of two rates is more than there was
   */
  constructor(names, rates) {
    this.names = names;
    this.means = names.map((name) => rates.includes(name));
    this.rows = [];
  }

  /** @param {Object<string, ?number>} row what is missing or null is a gap */
  push(row) {
    this.rows.push(this.made(row));
    if (this.rows.length > MOST) this.thin();
  }

  /**
   * Put rows where the last lines begin, before what they have already.
   * @param {Object<string, ?number>[]} rows
   */
  prepend(rows) {
    const begin = this.rows.findLastIndex(isGap) + 1;
    this.rows.splice(begin, 0, ...rows.map((row) => this.made(row)));
    for (let before = Infinity; this.rows.length > MOST && this.rows.length < before;) {
      before = this.rows.length;
      this.thin();
    }
  }

  /** End the lines here; the next row begins new ones. */
  gap() {
    if (this.rows.length) this.rows.push(this.made({}));
  }

  /** @returns {?Object<string, number>} the latest row; null where the last line has none */
  last() {
    const row = this.rows.at(-1);
    if (!row || isGap(row)) return null;
    return Object.fromEntries(this.names.map((name, place) => [name, row.values[place]]));
  }

  /** @returns {Object<string, number[]>} */
  columns() {
    return Object.fromEntries(this.names.map((name, place) => [name, this.rows.map(({ values }) => values[place])]));
  }

  made(row) {
    return { values: this.names.map((name) => row[name] ?? NaN), weight: 1 };
  }

  thin() {
    const kept = [];
    for (let index = 0; index < this.rows.length; index += 2) {
      const [one, other] = [this.rows[index], this.rows[index + 1]];
      if (!other) kept.push(one);
      else if (isGap(one) || isGap(other)) kept.push(one, other);
      else kept.push(this.merged(one, other));
    }
    this.rows = kept;
  }

  merged(one, other) {
    const weight = one.weight + other.weight;
    const values = one.values.map((value, place) => {
      const next = other.values[place];
      if (Number.isNaN(value) || Number.isNaN(next)) return Number.isNaN(value) ? next : value;
      return this.means[place] ? (value * one.weight + next * other.weight) / weight : Math.max(value, next);
    });
    return { values, weight };
  }
}

function isGap({ values }) {
  return Number.isNaN(values[0]);
}
