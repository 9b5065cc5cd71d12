// What follows a product of matrices: bias and relu in place, and the gradient of the relu.

extern "C" __global__ void finish(real* y, const real* bias, int has_bias, int relu, int width,
                                  place count) {
    FOR_EACH(i, count) {
        wide v = y[i];
        if (has_bias) v += (wide)bias[i % width];
        y[i] = relu && v < 0 ? (wide)0 : v;
    }
}

extern "C" __global__ void where_positive(const real* g, const real* y, real* dx, place count) {
    FOR_EACH(i, count) dx[i] = (wide)g[i] * ((wide)y[i] > 0 ? (wide)1 : (wide)0);
}
