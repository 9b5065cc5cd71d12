// An LSTM or a GRU. A step is computed by a thread for each unit of each sample: `z` holds the
// product of the state, `projection` that of the input, both (batch, gates * units). The gates that
// the backward pass reads lie one behind the other: (gates, batch, units).
//
// All steps in one launch: samples do not meet, so a block takes one through the whole sequence and
// makes the products with the state itself; arrays have the time axis in front. Sizes of shared
// memory bound the units.
#define MOST_UNITS 512

static __device__ wide gate(wide z) { return 1 / (exp(-z) + 1); }
static __device__ wide gate_slope(wide y) { return y - y * y; }
static __device__ wide tanh_slope(wide y) { return 1 - y * y; }

// The gates of z: input, forget, cell, output; those kept: input, forget, output, cell.
// `z` and `projection` begin at the unit's first gate.
template <class Number>
static __device__ void lstm_unit(const Number* z, const real* projection, real* gates,
                                 const real* c, real* next_c, real* bent, real* next_h, int units,
                                 place at, place count) {
    wide i = gate((wide)z[0] + (wide)projection[0]);
    wide f = gate((wide)z[units] + (wide)projection[units]);
    wide g = tanh((wide)z[2 * units] + (wide)projection[2 * units]);
    wide o = gate((wide)z[3 * units] + (wide)projection[3 * units]);
    wide state = f * (wide)c[at] + i * g, curved = tanh(state);
    gates[at] = i;
    gates[count + at] = f;
    gates[2 * count + at] = o;
    gates[3 * count + at] = g;
    next_c[at] = state;
    bent[at] = curved;
    next_h[at] = o * curved;
}

extern "C" __global__ void lstm_step(const real* z, const real* projection, real* gates,
                                     const real* c, real* next_c, real* bent, real* next_h,
                                     int units, place count) {
    FOR_EACH(at, count) {
        place first = at / units * 4 * units + at % units;
        lstm_unit(z + first, projection + first, gates, c, next_c, bent, next_h, units, at, count);
    }
}

// The product of a row, (rows), with a matrix (rows, columns), by the threads of a block.
static __device__ void multiply(const wide* x, const real* matrix, wide* y, int rows, int columns) {
    FOR_EACH_IN_ROW(column, columns) {
        wide total = 0;
        for (int row = 0; row < rows; ++row) {
            total += x[row] * (wide)matrix[(place)row * columns + column];
        }
        y[column] = total;
    }
}

// The same with a matrix (gates * units, units): each gate's share by itself, (gates, units).
static __device__ void multiply_gates(const wide* x, const real* matrix, wide* shares, int gates,
                                      int units) {
    FOR_EACH_IN_ROW(i, gates * units) {
        int first = (int)i / units * units, unit = (int)i % units;
        wide total = 0;
        for (int row = first; row < first + units; ++row) {
            total += x[row] * (wide)matrix[(place)row * units + unit];
        }
        shares[i] = total;
    }
}

extern "C" __global__ void lstm_steps(const real* projection, const real* kernel, real* gates,
                                      real* cs, real* bent, real* hs, int steps, int units,
                                      place batch) {
    __shared__ wide h[MOST_UNITS], z[4 * MOST_UNITS];
    place count = batch * units;
    FOR_EACH_ROW(sample, batch) {
        place first = sample * units;
        for (int t = 0; t < steps; ++t) {
            place now = t * count;
            FOR_EACH_IN_ROW(unit, units) h[unit] = hs[now + first + unit];
            __syncthreads();
            multiply(h, kernel, z, units, 4 * units);
            __syncthreads();
            FOR_EACH_IN_ROW(unit, units) {
                lstm_unit(z + unit, projection + 4 * (now + first) + unit, gates + 4 * now,
                          cs + now, cs + now + count, bent + now, hs + now + count, units,
                          first + unit, count);
            }
        }
    }
}

static __device__ void lstm_unit_backward(const real* gates, const real* c, const real* bent,
                                          const real* dh, const real* dc, real* dz,
                                          real* earlier_c, int units, place at, place count) {
    wide i = gates[at], f = gates[count + at], o = gates[2 * count + at];
    wide g = gates[3 * count + at], curved = bent[at], by_h = dh[at];
    wide by_c = tanh_slope(curved) * o * by_h + (wide)dc[at];
    dz[0] = gate_slope(i) * (by_c * g);
    dz[units] = gate_slope(f) * (by_c * (wide)c[at]);
    dz[2 * units] = tanh_slope(g) * (by_c * i);
    dz[3 * units] = gate_slope(o) * (by_h * curved);
    earlier_c[at] = by_c * f;
}

extern "C" __global__ void lstm_step_backward(const real* gates, const real* c, const real* bent,
                                              const real* dh, const real* dc, real* dz,
                                              real* earlier_c, int units, place count) {
    FOR_EACH(at, count) {
        place first = at / units * 4 * units + at % units;
        lstm_unit_backward(gates, c, bent, dh, dc, dz + first, earlier_c, units, at, count);
    }
}

// Changes dh and dc from the gradients after the last step to those before the first.
extern "C" __global__ void lstm_steps_backward(const real* gates, const real* cs, const real* bent,
                                               const real* transposed, const real* by_output,
                                               real* dh, real* dc, real* dz, int has_output,
                                               int steps, int units, place batch) {
    __shared__ wide slopes[4 * MOST_UNITS], shares[4 * MOST_UNITS];
    place count = batch * units;
    FOR_EACH_ROW(sample, batch) {
        place first = sample * units;
        for (int t = steps - 1; t >= 0; --t) {
            place now = t * count;
            real* to = dz + 4 * (now + first);
            FOR_EACH_IN_ROW(unit, units) {
                place at = first + unit;
                if (has_output) dh[at] = (wide)dh[at] + (wide)by_output[now + at];
                lstm_unit_backward(gates + 4 * now, cs + now, bent + now, dh, dc, to + unit, dc,
                                   units, at, count);
                for (int part = 0; part < 4; ++part) {
                    slopes[part * units + unit] = to[part * units + unit];
                }
            }
            __syncthreads();
            multiply_gates(slopes, transposed, shares, 4, units);
            __syncthreads();
            FOR_EACH_IN_ROW(unit, units) {
                dh[first + unit] = (shares[unit] + shares[units + unit]) +
                                   (shares[2 * units + unit] + shares[3 * units + unit]);
            }
        }
    }
}

// The gates update, reset, candidate; `proposal` is the state's part of the candidate.
template <class Number>
static __device__ void gru_unit(const Number* z, const real* projection, const real* state_bias,
                                real* gates, const real* h, real* proposal, real* next_h,
                                int has_bias, int units, place at, place count) {
    wide of_state[3];
    for (int part = 0; part < 3; ++part) {
        of_state[part] = z[part * units];
        if (has_bias) of_state[part] += (wide)state_bias[part * units + at % units];
    }
    wide update = gate(of_state[0] + (wide)projection[0]);
    wide reset = gate(of_state[1] + (wide)projection[units]);
    wide candidate = tanh((wide)projection[2 * units] + reset * of_state[2]);
    gates[at] = update;
    gates[count + at] = reset;
    gates[2 * count + at] = candidate;
    proposal[at] = of_state[2];
    next_h[at] = ((wide)h[at] - candidate) * update + candidate;
}

extern "C" __global__ void gru_step(const real* z, const real* projection, const real* state_bias,
                                    real* gates, const real* h, real* proposal, real* next_h,
                                    int has_bias, int units, place count) {
    FOR_EACH(at, count) {
        place first = at / units * 3 * units + at % units;
        gru_unit(z + first, projection + first, state_bias, gates, h, proposal, next_h, has_bias,
                 units, at, count);
    }
}

extern "C" __global__ void gru_steps(const real* projection, const real* kernel,
                                     const real* state_bias, real* gates, real* proposals,
                                     real* hs, int has_bias, int steps, int units, place batch) {
    __shared__ wide h[MOST_UNITS], z[3 * MOST_UNITS];
    place count = batch * units;
    FOR_EACH_ROW(sample, batch) {
        place first = sample * units;
        for (int t = 0; t < steps; ++t) {
            place now = t * count;
            FOR_EACH_IN_ROW(unit, units) h[unit] = hs[now + first + unit];
            __syncthreads();
            multiply(h, kernel, z, units, 3 * units);
            __syncthreads();
            FOR_EACH_IN_ROW(unit, units) {
                gru_unit(z + unit, projection + 3 * (now + first) + unit, state_bias,
                         gates + 3 * now, hs + now, proposals + now, hs + now + count, has_bias,
                         units, first + unit, count);
            }
        }
    }
}

// `dx` are the gradients by the input's products, `drecurrent` those by the state's; `passed` is
// what the state passed on unchanged.
static __device__ void gru_unit_backward(const real* gates, const real* proposal, const real* h,
                                         const real* dh, real* dx, real* drecurrent, real* passed,
                                         int units, place at, place count) {
    wide update = gates[at], reset = gates[count + at], candidate = gates[2 * count + at];
    wide by_h = dh[at], stays = by_h * update;
    wide by_candidate = (by_h - stays) * tanh_slope(candidate);
    wide by_reset = by_candidate * (wide)proposal[at] * gate_slope(reset);
    wide by_update = ((wide)h[at] - candidate) * by_h * gate_slope(update);
    dx[0] = by_update;
    dx[units] = by_reset;
    dx[2 * units] = by_candidate;
    drecurrent[0] = by_update;
    drecurrent[units] = by_reset;
    drecurrent[2 * units] = by_candidate * reset;
    passed[at] = stays;
}

extern "C" __global__ void gru_step_backward(const real* gates, const real* proposal,
                                             const real* h, const real* dh, real* dx,
                                             real* drecurrent, real* passed, int units,
                                             place count) {
    FOR_EACH(at, count) {
        place first = at / units * 3 * units + at % units;
        gru_unit_backward(gates, proposal, h, dh, dx + first, drecurrent + first, passed, units, at,
                          count);
    }
}

// Changes dh from the gradient after the last step to that before the first.
extern "C" __global__ void gru_steps_backward(const real* gates, const real* proposals,
                                              const real* hs, const real* transposed,
                                              const real* by_output, real* dh, real* dx,
                                              real* drecurrent, int has_output, int steps,
                                              int units, place batch) {
    __shared__ wide slopes[3 * MOST_UNITS], shares[3 * MOST_UNITS];
    place count = batch * units;
    FOR_EACH_ROW(sample, batch) {
        place first = sample * units;
        for (int t = steps - 1; t >= 0; --t) {
            place now = t * count, row = 3 * (now + first);
            FOR_EACH_IN_ROW(unit, units) {
                place at = first + unit;
                if (has_output) dh[at] = (wide)dh[at] + (wide)by_output[now + at];
                gru_unit_backward(gates + 3 * now, proposals + now, hs + now, dh, dx + row + unit,
                                  drecurrent + row + unit, dh, units, at, count);
                for (int part = 0; part < 3; ++part) {
                    slopes[part * units + unit] = drecurrent[row + part * units + unit];
                }
            }
            __syncthreads();
            multiply_gates(slopes, transposed, shares, 3, units);
            __syncthreads();
            FOR_EACH_IN_ROW(unit, units) {
                dh[first + unit] = (wide)dh[first + unit] + (shares[unit] +
                                   shares[units + unit] + shares[2 * units + unit]);
            }
        }
    }
}
