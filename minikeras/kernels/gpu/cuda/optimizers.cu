// Update rules of optimizers in place, a whole rule in one launch; the formulas stand in
// kernels/shared/optimizers.py, and the order of operations is theirs, so that steps round alike.
// `square` (or `magnitude`) takes the place of the squared (or absolute) gradient if there is one.

static __device__ wide larger(wide a, wide b) { return b > a || b != b ? b : a; }

extern "C" __global__ void sgd(real* p, const real* g, wide lr, place count) {
    FOR_EACH(i, count) p[i] = (wide)p[i] - (wide)g[i] * lr;
}

extern "C" __global__ void sgd_momentum(real* p, const real* g, real* m, wide lr, wide momentum,
                                        int nesterov, place count) {
    FOR_EACH(i, count) {
        wide step = (wide)g[i] * lr, velocity = (wide)m[i] * momentum - step;
        m[i] = velocity;
        p[i] = (wide)p[i] + (nesterov ? velocity * momentum - step : velocity);
    }
}

extern "C" __global__ void adagrad(real* p, const real* g, real* total, wide lr, wide epsilon,
                                   const real* square, int has_square, place count) {
    FOR_EACH(i, count) {
        wide d = g[i], sum = (wide)total[i] + (has_square ? (wide)square[i] : d * d);
        total[i] = sum;
        p[i] = (wide)p[i] - d * lr / sqrt(sum + epsilon);
    }
}

extern "C" __global__ void adam(real* p, const real* g, real* m, real* v, wide alpha,
                                wide share_1, wide share_2, wide epsilon, real* largest,
                                int has_largest, const real* square, int has_square,
                                place count) {
    FOR_EACH(i, count) {
        wide d = g[i], mean = m[i], spread = v[i];
        mean += (d - mean) * share_1;
        spread += ((has_square ? (wide)square[i] : d * d) - spread) * share_2;
        m[i] = mean;
        v[i] = spread;
        if (has_largest) {
            spread = larger((wide)largest[i], spread);
            largest[i] = spread;
        }
        p[i] = (wide)p[i] - mean * alpha / (sqrt(spread) + epsilon);
    }
}

extern "C" __global__ void rmsprop(real* p, const real* g, real* v, wide lr, wide rho, wide share,
                                   wide epsilon, real* mean, int has_mean, real* velocity,
                                   int has_velocity, wide momentum, const real* square,
                                   int has_square, place count) {
    FOR_EACH(i, count) {
        wide d = g[i];
        wide spread = (wide)v[i] * rho + (has_square ? (wide)square[i] : d * d) * share;
        v[i] = spread;
        if (has_mean) {
            wide centre = (wide)mean[i] * rho + d * share;
            mean[i] = centre;
            spread -= centre * centre;
        }
        wide step = d * lr / sqrt(spread + epsilon);
        if (has_velocity) {
            step = (wide)velocity[i] * momentum + step;
            velocity[i] = step;
        }
        p[i] = (wide)p[i] - step;
    }
}

extern "C" __global__ void adadelta(real* p, const real* g, real* mean, real* delta_mean, wide lr,
                                    wide rho, wide share, wide epsilon, const real* square,
                                    int has_square, place count) {
    FOR_EACH(i, count) {
        wide d = g[i], before = delta_mean[i];
        wide spread = (wide)mean[i] * rho + (has_square ? (wide)square[i] : d * d) * share;
        mean[i] = spread;
        wide step = sqrt(before + epsilon) * d / sqrt(spread + epsilon);
        wide step_square = has_square
                               ? (wide)square[i] * (before + epsilon) / (spread + epsilon)
                               : step * step;
        delta_mean[i] = before * rho + step_square * share;
        p[i] = (wide)p[i] - step * lr;
    }
}

extern "C" __global__ void adamax(real* p, const real* g, real* m, real* u, wide lr, wide share,
                                  wide beta_2, wide left, wide epsilon, const real* magnitude,
                                  int has_magnitude, place count) {
    FOR_EACH(i, count) {
        wide d = g[i], mean = m[i];
        mean += (d - mean) * share;
        wide most = larger((wide)u[i] * beta_2, has_magnitude ? (wide)magnitude[i] : fabs(d));
        m[i] = mean;
        u[i] = most;
        p[i] = (wide)p[i] - mean * lr / ((most + epsilon) * left);
    }
}

extern "C" __global__ void nadam(real* p, const real* g, real* m, real* v, wide lr, wide share_1,
                                 wide share_2, wide m_over, wide m_under, wide g_over,
                                 wide g_under, wide left, wide epsilon, const real* square,
                                 int has_square, place count) {
    FOR_EACH(i, count) {
        wide d = g[i], mean = m[i], spread = v[i];
        mean += (d - mean) * share_1;
        spread += ((has_square ? (wide)square[i] : d * d) - spread) * share_2;
        m[i] = mean;
        v[i] = spread;
        wide step = (mean * m_over / m_under + d * g_over / g_under) * lr;
        p[i] = (wide)p[i] - step / (sqrt(spread / left) + epsilon);
    }
}

extern "C" __global__ void ftrl(real* p, const real* g, real* total, real* linear, wide lr,
                                wide power, wide l1, wide l2, wide shrinkage, const real* square,
                                int has_square, place count) {
    FOR_EACH(i, count) {
        wide d = g[i], weight = p[i], sum = total[i];
        wide before = pow(sum, power);
        sum += has_square ? (wide)square[i] : d * d;
        wide after = pow(sum, power);
        wide slope = (wide)linear[i] + ((d + weight * shrinkage) - (after - before) / lr * weight);
        total[i] = sum;
        linear[i] = slope;
        wide bounded = slope < -l1 ? -l1 : slope > l1 ? l1 : slope;
        p[i] = (bounded - slope) / (after / lr + (l2 + l2));
    }
}

extern "C" __global__ void lion(real* p, const real* g, real* m, wide lr, wide beta_1, wide beta_2,
                                place count) {
    FOR_EACH(i, count) {
        wide d = g[i], mean = m[i], blend = mean * beta_1 + d * (1 - beta_1);
        wide sign = blend > 0 ? (wide)1 : blend < 0 ? (wide)-1 : blend;
        p[i] = (wide)p[i] - sign * lr;
        m[i] = mean * beta_2 + d * (1 - beta_2);
    }
}
