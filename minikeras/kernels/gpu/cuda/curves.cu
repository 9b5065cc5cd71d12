// Activation functions that are short formulas, and the gradients w.r.t. their arguments; see
// kernels/shared/curves.py.

static __device__ wide logistic(wide x) { return 1 / (exp(-x) + 1); }
static __device__ wide ramp(wide x) {
    return log1p(exp(-fabs(x))) + (x > 0 || x != x ? x : (wide)0);
}
static __device__ wide hard(wide x) { return (x < -3 ? (wide)0 : x > 3 ? (wide)6 : x + 3) / 6; }
static __device__ wide hard_slope(wide x) { return x > -3 && x < 3 ? (wide)1 / 6 : (wide)0; }
// The share of the normal distribution below x.
static __device__ wide below(wide x) {
    return (erf(x * (wide)0.70710678118654752) + 1) * (wide)0.5;
}

extern "C" __global__ void softsign(const real* x, real* y, place count) {
    FOR_EACH(i, count) y[i] = (wide)x[i] / (fabs((wide)x[i]) + 1);
}

extern "C" __global__ void softsign_backward(const real* g, const real* x, real* dx, place count) {
    FOR_EACH(i, count) {
        wide root = fabs((wide)x[i]) + 1;
        dx[i] = (wide)g[i] / (root * root);
    }
}

extern "C" __global__ void log_sigmoid(const real* x, real* y, place count) {
    FOR_EACH(i, count) y[i] = -ramp(-(wide)x[i]);
}

extern "C" __global__ void log_sigmoid_backward(const real* g, const real* x, real* dx,
                                                place count) {
    FOR_EACH(i, count) dx[i] = (wide)g[i] * logistic(-(wide)x[i]);
}

extern "C" __global__ void hard_sigmoid(const real* x, real* y, place count) {
    FOR_EACH(i, count) y[i] = hard(x[i]);
}

extern "C" __global__ void hard_sigmoid_backward(const real* g, const real* x, real* dx,
                                                 place count) {
    FOR_EACH(i, count) dx[i] = (wide)g[i] * hard_slope(x[i]);
}

extern "C" __global__ void hard_silu(const real* x, real* y, place count) {
    FOR_EACH(i, count) y[i] = (wide)x[i] * hard(x[i]);
}

extern "C" __global__ void hard_silu_backward(const real* g, const real* x, real* dx,
                                              place count) {
    FOR_EACH(i, count) dx[i] = (wide)g[i] * (hard(x[i]) + (wide)x[i] * hard_slope(x[i]));
}

extern "C" __global__ void mish(const real* x, real* y, place count) {
    FOR_EACH(i, count) y[i] = (wide)x[i] * tanh(ramp(x[i]));
}

extern "C" __global__ void mish_backward(const real* g, const real* x, real* dx, place count) {
    FOR_EACH(i, count) {
        wide v = x[i], t = tanh(ramp(v));
        dx[i] = (wide)g[i] * (t + v * (1 - t * t) * logistic(v));
    }
}

extern "C" __global__ void erf_gelu(const real* x, real* y, place count) {
    FOR_EACH(i, count) y[i] = (wide)x[i] * below(x[i]);
}

extern "C" __global__ void erf_gelu_backward(const real* g, const real* x, real* dx, place count) {
    FOR_EACH(i, count) {
        wide v = x[i], density = exp(v * v * (wide)-0.5) * (wide)0.39894228040143268;
        dx[i] = (wide)g[i] * (below(v) + v * density);
    }
}

extern "C" __global__ void error_function(const real* x, real* y, place count) {
    FOR_EACH(i, count) y[i] = erf((wide)x[i]);
}
