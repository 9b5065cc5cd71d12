// An LSTM or a GRU, by the equations and names of lstm.py and gru.py in kernels/shared/rnn. A step
// is computed by a thread for each unit of each sample: `z` (of a GRU `h_part`) is the product of the
// state, `projection` (`x_part`) that of the input, both (batch, gates * units). The gates that the
// backward pass reads lie one after the other: (gates, batch, units).
//
// All steps in one launch: samples do not meet, so a block takes one through the whole sequence and
// makes the products with the state itself; arrays have the time axis in front. Sizes of shared
// memory bound the units. One loop forward and one backward serve both networks: a struct for each
// says how many gates there are and what a unit does in a step.
#define MOST_UNITS 512

static __device__ wide sigmoid(wide z) { return 1 / (exp(-z) + 1); }
static __device__ wide sigmoid_slope(wide y) { return y - y * y; }
static __device__ wide tanh_slope(wide y) { return 1 - y * y; }

// The gates of z: i, f, g, o; those kept: i, f, o, g. `z` and `projection` begin at the unit's i.
template <class Number>
static __device__ void lstm_unit(const Number* z, const real* projection, real* gates,
                                 const real* c_prev, real* c, real* tanh_c, real* h, int units,
                                 place at, place count) {
    wide i = sigmoid((wide)z[0] + (wide)projection[0]);
    wide f = sigmoid((wide)z[units] + (wide)projection[units]);
    wide g = tanh((wide)z[2 * units] + (wide)projection[2 * units]);
    wide o = sigmoid((wide)z[3 * units] + (wide)projection[3 * units]);
    wide state = f * (wide)c_prev[at] + i * g, tanh_state = tanh(state);
    gates[at] = i;
    gates[count + at] = f;
    gates[2 * count + at] = o;
    gates[3 * count + at] = g;
    c[at] = state;
    tanh_c[at] = tanh_state;
    h[at] = o * tanh_state;
}

extern "C" __global__ void lstm_step(const real* z, const real* projection, real* gates,
                                     const real* c_prev, real* c, real* tanh_c, real* h,
                                     int units, place count) {
    FOR_EACH(at, count) {
        place first = at / units * 4 * units + at % units;
        lstm_unit(z + first, projection + first, gates, c_prev, c, tanh_c, h, units, at, count);
    }
}

// Writes dz_i, dz_f, dz_g, dz_o from `dz` on, `units` apart, and dc_prev, which may be dc.
static __device__ void lstm_unit_backward(const real* gates, const real* c_prev,
                                          const real* tanh_c, const real* dh, const real* dc,
                                          real* dz, real* dc_prev, int units, place at,
                                          place count) {
    wide i = gates[at], f = gates[count + at], o = gates[2 * count + at];
    wide g = gates[3 * count + at], tanh_state = tanh_c[at], dstate = dh[at];
    wide dcell = tanh_slope(tanh_state) * o * dstate + (wide)dc[at];
    dz[0] = sigmoid_slope(i) * (dcell * g);
    dz[units] = sigmoid_slope(f) * (dcell * (wide)c_prev[at]);
    dz[2 * units] = tanh_slope(g) * (dcell * i);
    dz[3 * units] = sigmoid_slope(o) * (dstate * tanh_state);
    dc_prev[at] = dcell * f;
}

extern "C" __global__ void lstm_step_backward(const real* gates, const real* c_prev,
                                              const real* tanh_c, const real* dh, const real* dc,
                                              real* dz, real* dc_prev, int units, place count) {
    FOR_EACH(at, count) {
        place first = at / units * 4 * units + at % units;
        lstm_unit_backward(gates, c_prev, tanh_c, dh, dc, dz + first, dc_prev, units, at, count);
    }
}

// The gates z, r, g, as those kept; `h_g` is the state's part of the candidate. `h_part` and
// `x_part` begin at the unit's z, without the state's bias, which is given by unit.
template <class Number>
static __device__ void gru_unit(const Number* h_part, const real* x_part, const real* state_bias,
                                real* gates, const real* h_prev, real* h_g, real* h,
                                int has_bias, int units, place at, place count) {
    wide of_state[3];
    for (int part = 0; part < 3; ++part) {
        of_state[part] = h_part[part * units];
        if (has_bias) of_state[part] += (wide)state_bias[part * units + at % units];
    }
    wide z = sigmoid(of_state[0] + (wide)x_part[0]);
    wide r = sigmoid(of_state[1] + (wide)x_part[units]);
    wide g = tanh((wide)x_part[2 * units] + r * of_state[2]);
    gates[at] = z;
    gates[count + at] = r;
    gates[2 * count + at] = g;
    h_g[at] = of_state[2];
    h[at] = ((wide)h_prev[at] - g) * z + g;
}

extern "C" __global__ void gru_step(const real* h_part, const real* x_part, const real* state_bias,
                                    real* gates, const real* h_prev, real* h_g, real* h,
                                    int has_bias, int units, place count) {
    FOR_EACH(at, count) {
        place first = at / units * 3 * units + at % units;
        gru_unit(h_part + first, x_part + first, state_bias, gates, h_prev, h_g, h, has_bias, units,
                 at, count);
    }
}

// Writes da_z, da_r, da_g from `da_x` on, da_z, da_r, da_g * r from `da_h` on, `units` apart, and
// to `carried`, which may be dh, what goes to the state before the step directly: dh * z.
static __device__ void gru_unit_backward(const real* gates, const real* h_g, const real* h_prev,
                                         const real* dh, real* da_x, real* da_h, real* carried,
                                         int units, place at, place count) {
    wide z = gates[at], r = gates[count + at], g = gates[2 * count + at];
    wide dstate = dh[at], direct = dstate * z;
    wide da_g = (dstate - direct) * tanh_slope(g);
    wide da_r = da_g * (wide)h_g[at] * sigmoid_slope(r);
    wide da_z = ((wide)h_prev[at] - g) * dstate * sigmoid_slope(z);
    da_x[0] = da_z;
    da_x[units] = da_r;
    da_x[2 * units] = da_g;
    da_h[0] = da_z;
    da_h[units] = da_r;
    da_h[2 * units] = da_g * r;
    carried[at] = direct;
}

extern "C" __global__ void gru_step_backward(const real* gates, const real* h_g,
                                             const real* h_prev, const real* dh, real* da_x,
                                             real* da_h, real* carried, int units, place count) {
    FOR_EACH(at, count) {
        place first = at / units * 3 * units + at % units;
        gru_unit_backward(gates, h_g, h_prev, dh, da_x + first, da_h + first, carried, units, at,
                          count);
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

// The same with a matrix (gates * units, units): each gate's share apart, (gates, units).
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

// All steps: a block makes the sums of a sample's state, then each thread its units.
// `now` is where a step begins in an array (steps, batch, units), `first` where the sample does in
// a step; `hs` holds the states before and after every step.
template <class Step>
static __device__ void take_steps(Step step, const real* kernel, real* hs, int steps, int units,
                                  place batch) {
    __shared__ wide h[MOST_UNITS], sums[Step::gate_count * MOST_UNITS];
    place count = batch * units;
    FOR_EACH_ROW(sample, batch) {
        place first = sample * units;
        for (int t = 0; t < steps; ++t) {
            place now = t * count;
            FOR_EACH_IN_ROW(unit, units) h[unit] = hs[now + first + unit];
            __syncthreads();
            multiply(h, kernel, sums, units, Step::gate_count * units);
            __syncthreads();
            FOR_EACH_IN_ROW(unit, units) {
                step.forward(sums + unit, hs + now, now, first, unit, units, count);
            }
        }
    }
}

// Back through all steps; changes dh from the gradient with respect to the last state to that with
// respect to the first. `transposed` is the transposed recurrent kernel, `dy` the gradient with
// respect to the outputs, if `has_output`.
template <class Step>
static __device__ void take_steps_back(Step step, const real* transposed, const real* dy, real* dh,
                                       int has_output, int steps, int units, place batch) {
    __shared__ wide dsums[Step::gate_count * MOST_UNITS], shares[Step::gate_count * MOST_UNITS];
    place count = batch * units;
    FOR_EACH_ROW(sample, batch) {
        place first = sample * units;
        for (int t = steps - 1; t >= 0; --t) {
            place now = t * count;
            FOR_EACH_IN_ROW(unit, units) {
                place at = first + unit;
                if (has_output) dh[at] = (wide)dh[at] + (wide)dy[now + at];
                const real* written = step.backward(dh, now, first, unit, units, count);
                for (int part = 0; part < Step::gate_count; ++part) {
                    dsums[part * units + unit] = written[part * units];
                }
            }
            __syncthreads();
            multiply_gates(dsums, transposed, shares, Step::gate_count, units);
            __syncthreads();
            FOR_EACH_IN_ROW(unit, units) step.add_up(shares + unit, dh + first + unit, units);
        }
    }
}

struct LstmForward {
    static constexpr int gate_count = 4;
    const real* projection;
    real *gates, *cs, *tanh_c;

    __device__ void forward(const wide* z, real* hs, place now, place first, place unit, int units,
                            place count) {
        lstm_unit(z, projection + 4 * (now + first) + unit, gates + 4 * now, cs + now,
                  cs + now + count, tanh_c + now, hs + count, units, first + unit, count);
    }
};

struct LstmBackward {
    static constexpr int gate_count = 4;
    const real *gates, *cs, *tanh_c;
    real *dc, *dz;

    __device__ const real* backward(const real* dh, place now, place first, place unit, int units,
                                    place count) {
        real* to = dz + 4 * (now + first) + unit;
        lstm_unit_backward(gates + 4 * now, cs + now, tanh_c + now, dh, dc, to, dc, units,
                           first + unit, count);
        return to;
    }
    __device__ void add_up(const wide* shares, real* dh, int units) {
        dh[0] = (shares[0] + shares[units]) + (shares[2 * units] + shares[3 * units]);
    }
};

struct GruForward {
    static constexpr int gate_count = 3;
    const real *x_part, *state_bias;
    real *gates, *h_gs;
    int has_bias;

    __device__ void forward(const wide* h_part, real* hs, place now, place first, place unit,
                            int units, place count) {
        gru_unit(h_part, x_part + 3 * (now + first) + unit, state_bias, gates + 3 * now, hs,
                 h_gs + now, hs + count, has_bias, units, first + unit, count);
    }
};

struct GruBackward {
    static constexpr int gate_count = 3;
    const real *gates, *h_gs, *hs;
    real *da_x, *da_h;

    __device__ const real* backward(real* dh, place now, place first, place unit, int units,
                                    place count) {
        place from = 3 * (now + first) + unit;
        gru_unit_backward(gates + 3 * now, h_gs + now, hs + now, dh, da_x + from, da_h + from, dh,
                          units, first + unit, count);
        return da_h + from;
    }
    __device__ void add_up(const wide* shares, real* dh, int units) {
        dh[0] = (wide)dh[0] + (shares[0] + shares[units] + shares[2 * units]);
    }
};

extern "C" __global__ void lstm_steps(const real* projection, const real* kernel, real* gates,
                                      real* cs, real* tanh_c, real* hs, int steps, int units,
                                      place batch) {
    take_steps(LstmForward{projection, gates, cs, tanh_c}, kernel, hs, steps, units, batch);
}

// Changes dc, too, from the gradient with respect to the last cell state to that w.r.t. the first.
extern "C" __global__ void lstm_steps_backward(const real* gates, const real* cs,
                                               const real* tanh_c, const real* transposed,
                                               const real* dy, real* dh, real* dc, real* dz,
                                               int has_output, int steps, int units, place batch) {
    take_steps_back(LstmBackward{gates, cs, tanh_c, dc, dz}, transposed, dy, dh, has_output, steps,
                    units, batch);
}

extern "C" __global__ void gru_steps(const real* x_part, const real* kernel,
                                     const real* state_bias, real* gates, real* h_gs, real* hs,
                                     int has_bias, int steps, int units, place batch) {
    take_steps(GruForward{x_part, state_bias, gates, h_gs, has_bias}, kernel, hs, steps, units,
               batch);
}

extern "C" __global__ void gru_steps_backward(const real* gates, const real* h_gs, const real* hs,
                                              const real* transposed, const real* dy, real* dh,
                                              real* da_x, real* da_h, int has_output, int steps,
                                              int units, place batch) {
    take_steps_back(GruBackward{gates, h_gs, hs, da_x, da_h}, transposed, dy, dh, has_output, steps,
                    units, batch);
}
