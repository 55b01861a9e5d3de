/** Columns of numbers with a bound on their length, for a run of any length. */

const MOST = 1_000;

export class Series {
  /**
   * @param {string[]} names of the columns
   * @param {string} by the column that decides what stays: when it is full, of each two neighbours the one with the
   *   larger value is kept, so that a spike stays visible. Nothing is averaged.
   */
  constructor(names, by) {
    this.names = names;
    this.by = by;
    this.rows = [];
  }

  /** @param {Object<string, ?number>} row what is missing or null is a gap */
  push(row) {
    this.rows.push(this.names.map((name) => row[name] ?? NaN));
    if (this.rows.length > MOST) this.thin();
  }

  /** End the lines here; the next row begins new ones. */
  gap() {
    if (this.rows.length) this.rows.push(this.names.map(() => NaN));
  }

  /** @returns {Object<string, number[]>} */
  columns() {
    return Object.fromEntries(this.names.map((name, place) => [name, this.rows.map((row) => row[place])]));
  }

  thin() {
    const place = this.names.indexOf(this.by);
    const kept = [];
    for (let index = 0; index < this.rows.length; index += 2) {
      const [one, other] = [this.rows[index], this.rows[index + 1]];
      const apart = !other || Number.isNaN(one[0]) || Number.isNaN(other[0]);
      if (apart) kept.push(...(other ? [one, other] : [one]));
      else kept.push(other[place] > one[place] ? other : one);
    }
    this.rows = kept;
  }
}
