// ==== Numbers and arrays ==========================================================================

const DIGITS = 4, DIGITS_FLOAT32 = 9, DIGITS_FLOAT64 = 13;

/** A number with so many digits, halves rounded away from zero. Whole numbers that are indices or
 *  counts are printed as they are; others keep their zeros, so that columns line up. */
function printed(value, digits = DIGITS, whole = false) {
  if (typeof value === "boolean") return value ? "1" : "0";
  if (whole && Number.isInteger(value)) return String(value);
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= digits) return `${mantissa}e${exponent}`;
  return placed(mantissa, exponent);
}

/** Move the point of `d.ddd` by an exponent. No second rounding, as `toFixed` would do. */
function placed(mantissa, exponent) {
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1), rest = digits.slice(exponent + 1);
  return sign + whole + (rest ? `.${rest}` : "");
}

const bits = new DataView(new ArrayBuffer(4));

/** The place of a float32 number among all of them, in order. */
function order(value) {
  bits.setFloat32(0, value);
  const raw = bits.getInt32(0);
  return raw >= 0 ? raw : -(raw & 0x7fffffff);
}

/** How many float32 steps lie between two numbers. */
function apart(a, b) {
  if (Number.isNaN(a) || Number.isNaN(b)) {
    return Number.isNaN(a) === Number.isNaN(b) ? 0 : 2 ** 32;
  }
  return Math.abs(order(a) - order(b));
}

function at(place) {
  return place.length ? `[${place.join(", ")}]` : "";
}

/** An array of the document. Its numbers are decoded when they are first asked for. */
class Values {
  constructor(name, { shape, dtype, data, left_out }) {
    Object.assign(this, { name, shape, dtype, encoded: data, leftOut: left_out });
    this.size = shape.reduce((product, size) => product * size, 1);
    this.whole = dtype !== "float32";
    this.strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((p, size) => p * size, 1));
  }

  get data() {
    const numbers = this.encoded === undefined ? null : decoded(this.encoded, this.dtype);
    Object.defineProperty(this, "data", { value: numbers });
    return numbers;
  }

  /** Where a cell lies in `data`, -1 if it is no cell of the array. */
  flat(place) {
    let sum = 0;
    for (let axis = 0; axis < this.shape.length; axis++) {
      const index = place[axis];
      if (!Number.isInteger(index) || index < 0 || index >= this.shape[axis]) return -1;
      sum += index * this.strides[axis];
    }
    return place.length === this.shape.length ? sum : -1;
  }

  /** The indices of the cell that lies at a place in `data`. */
  place(flat) {
    return this.strides.map((stride, axis) => Math.floor(flat / stride) % this.shape[axis]);
  }

  at(place) {
    return this.data[this.flat(place)];
  }

  /** The largest size of a finite number. */
  get largest() {
    let most = 0;
    for (const value of this.data) {
      if (Number.isFinite(value) && Math.abs(value) > most) most = Math.abs(value);
    }
    Object.defineProperty(this, "largest", { value: most });
    return most;
  }
}

function decoded(text, dtype) {
  const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
  if (dtype === "bool") return bytes;
  return dtype === "int32" ? new Int32Array(bytes.buffer) : new Float32Array(bytes.buffer);
}
