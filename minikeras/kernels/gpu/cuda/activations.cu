// Activation functions and their gradients, element by element; no exponential overflows.

static __device__ wide logistic(wide x) {
    wide power = exp(-fabs(x));
    return (x >= 0 ? (wide)1 : power) / (power + 1);
}

extern "C" __global__ void softplus(const real* x, real* y, place count) {
    FOR_EACH(i, count) {
        wide v = x[i];
        y[i] = log1p(exp(-fabs(v))) + (v > 0 || v != v ? v : (wide)0);
    }
}

extern "C" __global__ void sigmoid(const real* x, real* y, place count) {
    FOR_EACH(i, count) y[i] = logistic(x[i]);
}

extern "C" __global__ void silu(const real* x, real* y, real* saved, place count, int save) {
    FOR_EACH(i, count) {
        wide v = x[i], s = logistic(v);
        y[i] = v * s;
        if (save) saved[i] = s;
    }
}

extern "C" __global__ void silu_backward(const real* g, const real* x, const real* saved, real* dx,
                                         place count) {
    FOR_EACH(i, count) {
        wide s = saved[i];
        dx[i] = ((1 - s) * (wide)x[i] + 1) * s * (wide)g[i];
    }
}

extern "C" __global__ void gelu(const real* x, real* y, real* saved, wide scale, wide cubic,
                                place count, int save) {
    FOR_EACH(i, count) {
        wide v = x[i], t = tanh((v * v * cubic + 1) * v * scale);
        y[i] = (t + 1) * v * (wide)0.5;
        if (save) saved[i] = t;
    }
}

// `square` is three times the scale and the cubic factor of the forward pass.
extern "C" __global__ void gelu_backward(const real* g, const real* x, const real* saved, real* dx,
                                         wide scale, wide square, place count) {
    FOR_EACH(i, count) {
        wide v = x[i], t = saved[i];
        wide slope = (v * v * square + scale) * v;
        dx[i] = (slope * (t * t - 1) - t - 1) * (wide)-0.5 * (wide)g[i];
    }
}

// Slopes in terms of the value of the function, times the gradient of the output.
extern "C" __global__ void sigmoid_slope(const real* t, const real* dt, real* dx, place count) {
    FOR_EACH(i, count) dx[i] = (1 - (wide)t[i]) * (wide)t[i] * (wide)dt[i];
}

extern "C" __global__ void tanh_slope(const real* t, const real* dt, real* dx, place count) {
    FOR_EACH(i, count) dx[i] = (1 - (wide)t[i] * (wide)t[i]) * (wide)dt[i];
}

extern "C" __global__ void leaky_slope(const real* x, const real* dy, real* dx, wide below,
                                       place count) {
    FOR_EACH(i, count) dx[i] = (wide)x[i] > 0 ? (wide)dy[i] : (wide)dy[i] * below;
}

extern "C" __global__ void exponential_slope(const real* y, const real* dy, real* dx, wide scale,
                                             wide shift, place count) {
    FOR_EACH(i, count) dx[i] = (wide)dy[i] * ((wide)y[i] < 0 ? (wide)y[i] + shift : scale);
}

extern "C" __global__ void softplus_slope(const real* x, const real* dy, real* dx, place count) {
    FOR_EACH(i, count) dx[i] = (wide)dy[i] * logistic(x[i]);
}

extern "C" __global__ void between_slope(const real* y, const real* dy, real* dx, wide low,
                                         wide high, place count) {
    FOR_EACH(i, count) {
        bool inside = (wide)y[i] > low && (wide)y[i] < high;
        dx[i] = (wide)dy[i] * (inside ? (wide)1 : (wide)0);
    }
}

// Slopes that are infinite at zero: where dy is 0, so is the gradient, not NaN.
static __device__ wide unless_zero(wide dy, wide dx) { return dy == 0 ? (wide)0 : dx; }

extern "C" __global__ void sqrt_slope(const real* y, const real* dy, real* dx, place count) {
    FOR_EACH(i, count) dx[i] = unless_zero(dy[i], (wide)dy[i] * (wide)0.5 / (wide)y[i]);
}

extern "C" __global__ void rsqrt_slope(const real* y, const real* dy, real* dx, place count) {
    FOR_EACH(i, count) {
        wide v = y[i];
        dx[i] = unless_zero(dy[i], v * v * v * (wide)-0.5 * (wide)dy[i]);
    }
}

extern "C" __global__ void reciprocal_slope(const real* y, const real* dy, real* dx, place count) {
    FOR_EACH(i, count) {
        wide v = y[i];
        dx[i] = unless_zero(dy[i], -((wide)dy[i] * v * v));
    }
}

extern "C" __global__ void relu6(const real* x, real* y, place count) {
    FOR_EACH(i, count) {
        wide v = x[i];
        y[i] = v < 0 ? (wide)0 : v > 6 ? (wide)6 : v;
    }
}

extern "C" __global__ void leaky_relu(const real* x, real* y, wide slope, place count) {
    FOR_EACH(i, count) {
        wide v = x[i];
        y[i] = v > 0 ? v : v * slope;
    }
}

// scale * x above zero, scale * alpha * (exp(x) - 1) below.
extern "C" __global__ void elu(const real* x, real* y, wide scale, wide alpha, place count) {
    FOR_EACH(i, count) {
        wide v = x[i];
        y[i] = scale * (v > 0 ? v : alpha * expm1(v));
    }
}
