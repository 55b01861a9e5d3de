/** Values that an axis names: 1, 2 or 5 of a power of ten apart, written in full and with nothing that rounding left. */

const STEPS = [1, 2, 5, 10];

/**
 * @param {number} start
 * @param {number} end
 * @param {number} most how many there may be, 2 or more
 * @param {string} unit stands behind each
 * @returns {{at: number, label: string}[]}
 */
export function ticks(start, end, most, unit = "") {
  if (!(end > start)) return [];
  const least = (end - start) / most;
  const power = Math.floor(Math.log10(least));
  const step = STEPS.find((each) => each * 10 ** power >= least * 0.9999);
  const decimals = Math.max(0, -power - (step === 10 ? 1 : 0));
  const first = Math.ceil(start / (step * 10 ** power) - 1e-9) + 0; // never -0
  const found = [];
  for (let count = first; ; count += 1) {
    // Divided by a whole number, or 3 × 0.2 would be 0.6000000000000001.
    const at = power < 0 ? count * step / 10 ** -power : count * step * 10 ** power;
    if (at > end) return found;
    const words = at.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    found.push({ at, label: unit ? `${words} ${unit}` : words });
  }
}
