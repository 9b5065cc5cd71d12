// One step of an LSTM or a GRU, a thread for each unit of each sample. Products with kernels have
// been made: `z` holds that of the state, `projection` that of the input, both (batch, gates *
// units). The gates that the backward pass reads lie one behind the other: (gates, batch, units).

static __device__ wide gate(wide z) { return 1 / (exp(-z) + 1); }
static __device__ wide gate_slope(wide y) { return y - y * y; }
static __device__ wide tanh_slope(wide y) { return 1 - y * y; }

// The gates of z: input, forget, cell, output; those kept: input, forget, output, cell.
extern "C" __global__ void lstm_step(const real* z, const real* projection, real* gates,
                                     const real* c, real* next_c, real* bent, real* next_h,
                                     int units, place count) {
    FOR_EACH(at, count) {
        place first = at / units * 4 * units + at % units;
        wide i = gate((wide)z[first] + (wide)projection[first]);
        wide f = gate((wide)z[first + units] + (wide)projection[first + units]);
        wide g = tanh((wide)z[first + 2 * units] + (wide)projection[first + 2 * units]);
        wide o = gate((wide)z[first + 3 * units] + (wide)projection[first + 3 * units]);
        wide state = f * (wide)c[at] + i * g, curved = tanh(state);
        gates[at] = i;
        gates[count + at] = f;
        gates[2 * count + at] = o;
        gates[3 * count + at] = g;
        next_c[at] = state;
        bent[at] = curved;
        next_h[at] = o * curved;
    }
}

extern "C" __global__ void lstm_step_backward(const real* gates, const real* c, const real* bent,
                                              const real* dh, const real* dc, real* dz,
                                              real* earlier_c, int units, place count) {
    FOR_EACH(at, count) {
        wide i = gates[at], f = gates[count + at], o = gates[2 * count + at];
        wide g = gates[3 * count + at], curved = bent[at], by_h = dh[at];
        wide by_c = tanh_slope(curved) * o * by_h + (wide)dc[at];
        place first = at / units * 4 * units + at % units;
        dz[first] = gate_slope(i) * (by_c * g);
        dz[first + units] = gate_slope(f) * (by_c * (wide)c[at]);
        dz[first + 2 * units] = tanh_slope(g) * (by_c * i);
        dz[first + 3 * units] = gate_slope(o) * (by_h * curved);
        earlier_c[at] = by_c * f;
    }
}

// The gates update, reset, candidate; `proposal` is the state's part of the candidate.
extern "C" __global__ void gru_step(const real* z, const real* projection, const real* state_bias,
                                    real* gates, const real* h, real* proposal, real* next_h,
                                    int has_bias, int units, place count) {
    FOR_EACH(at, count) {
        int unit = (int)(at % units);
        place first = at / units * 3 * units + unit;
        wide of_state[3];
        for (int part = 0; part < 3; ++part) {
            of_state[part] = z[first + part * units];
            if (has_bias) of_state[part] += (wide)state_bias[part * units + unit];
        }
        wide update = gate(of_state[0] + (wide)projection[first]);
        wide reset = gate(of_state[1] + (wide)projection[first + units]);
        wide candidate = tanh((wide)projection[first + 2 * units] + reset * of_state[2]);
        gates[at] = update;
        gates[count + at] = reset;
        gates[2 * count + at] = candidate;
        proposal[at] = of_state[2];
        next_h[at] = ((wide)h[at] - candidate) * update + candidate;
    }
}

// `dx` are the gradients by the input's products, `drecurrent` those by the state's; `passed` is
// what the state passed on unchanged.
extern "C" __global__ void gru_step_backward(const real* gates, const real* proposal,
                                             const real* h, const real* dh, real* dx,
                                             real* drecurrent, real* passed, int units,
                                             place count) {
    FOR_EACH(at, count) {
        wide update = gates[at], reset = gates[count + at], candidate = gates[2 * count + at];
        wide by_h = dh[at], stays = by_h * update;
        wide by_candidate = (by_h - stays) * tanh_slope(candidate);
        wide by_reset = by_candidate * (wide)proposal[at] * gate_slope(reset);
        wide by_update = ((wide)h[at] - candidate) * by_h * gate_slope(update);
        place first = at / units * 3 * units + at % units;
        dx[first] = by_update;
        dx[first + units] = by_reset;
        dx[first + 2 * units] = by_candidate;
        drecurrent[first] = by_update;
        drecurrent[first + units] = by_reset;
        drecurrent[first + 2 * units] = by_candidate * reset;
        passed[at] = stays;
    }
}
