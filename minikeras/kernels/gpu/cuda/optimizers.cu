// Update rules of optimizers in place, a whole rule in one launch; the equations and their names stand
// in kernels/shared/optimizers.py, and the order of operations is that of the code there, so that
// steps round alike. What depends on the step alone is given. `square` (or `magnitude`) takes the
// place of the squared (or absolute) gradient if there is one.

static __device__ wide larger(wide a, wide b) { return b > a || b != b ? b : a; }

extern "C" __global__ void sgd(real* w, const real* g, wide lr, place count) {
    FOR_EACH(i, count) w[i] = (wide)w[i] - (wide)g[i] * lr;
}

extern "C" __global__ void sgd_momentum(real* w, const real* g, real* v, wide lr, wide momentum,
                                        int nesterov, place count) {
    FOR_EACH(i, count) {
        wide step = (wide)g[i] * lr, v_i = (wide)v[i] * momentum - step;
        v[i] = v_i;
        w[i] = (wide)w[i] + (nesterov ? v_i * momentum - step : v_i);
    }
}

extern "C" __global__ void adagrad(real* w, const real* g, real* v, wide lr, wide epsilon,
                                   const real* square, int has_square, place count) {
    FOR_EACH(i, count) {
        wide g_i = g[i], v_i = (wide)v[i] + (has_square ? (wide)square[i] : g_i * g_i);
        v[i] = v_i;
        w[i] = (wide)w[i] - g_i * lr / sqrt(v_i + epsilon);
    }
}

extern "C" __global__ void adam(real* w, const real* g, real* m, real* v, wide alpha,
                                wide one_minus_beta_1, wide one_minus_beta_2, wide epsilon,
                                real* v_max, int has_max, const real* square, int has_square,
                                place count) {
    FOR_EACH(i, count) {
        wide g_i = g[i], m_i = m[i], v_i = v[i];
        m_i += (g_i - m_i) * one_minus_beta_1;
        v_i += ((has_square ? (wide)square[i] : g_i * g_i) - v_i) * one_minus_beta_2;
        m[i] = m_i;
        v[i] = v_i;
        if (has_max) {
            v_i = larger((wide)v_max[i], v_i);
            v_max[i] = v_i;
        }
        w[i] = (wide)w[i] - m_i * alpha / (sqrt(v_i) + epsilon);
    }
}

extern "C" __global__ void rmsprop(real* w, const real* g, real* v, wide lr, wide rho,
                                   wide one_minus_rho, wide epsilon, real* m, int has_mean, real* b,
                                   int has_velocity, wide momentum, const real* square,
                                   int has_square, place count) {
    FOR_EACH(i, count) {
        wide g_i = g[i];
        wide v_i = (wide)v[i] * rho + (has_square ? (wide)square[i] : g_i * g_i) * one_minus_rho;
        v[i] = v_i;
        if (has_mean) {
            wide m_i = (wide)m[i] * rho + g_i * one_minus_rho;
            m[i] = m_i;
            v_i -= m_i * m_i;
        }
        wide step = g_i * lr / sqrt(v_i + epsilon);
        if (has_velocity) {
            step = (wide)b[i] * momentum + step;
            b[i] = step;
        }
        w[i] = (wide)w[i] - step;
    }
}

extern "C" __global__ void adadelta(real* w, const real* g, real* v, real* d, wide lr, wide rho,
                                    wide one_minus_rho, wide epsilon, const real* square,
                                    int has_square, place count) {
    FOR_EACH(i, count) {
        wide g_i = g[i], d_i = d[i];
        wide v_i = (wide)v[i] * rho + (has_square ? (wide)square[i] : g_i * g_i) * one_minus_rho;
        v[i] = v_i;
        wide step = sqrt(d_i + epsilon) * g_i / sqrt(v_i + epsilon);
        wide step_square = has_square ? (wide)square[i] * (d_i + epsilon) / (v_i + epsilon)
                                      : step * step;
        d[i] = d_i * rho + step_square * one_minus_rho;
        w[i] = (wide)w[i] - step * lr;
    }
}

extern "C" __global__ void adamax(real* w, const real* g, real* m, real* u, wide lr,
                                  wide one_minus_beta_1, wide beta_2, wide bias_correction_1,
                                  wide epsilon, const real* magnitude, int has_magnitude,
                                  place count) {
    FOR_EACH(i, count) {
        wide g_i = g[i], m_i = m[i];
        m_i += (g_i - m_i) * one_minus_beta_1;
        wide u_i = larger((wide)u[i] * beta_2, has_magnitude ? (wide)magnitude[i] : fabs(g_i));
        m[i] = m_i;
        u[i] = u_i;
        w[i] = (wide)w[i] - m_i * lr / ((u_i + epsilon) * bias_correction_1);
    }
}

// m_hat = m * m_over / m_under + g * g_over / g_under.
extern "C" __global__ void nadam(real* w, const real* g, real* m, real* v, wide lr,
                                 wide one_minus_beta_1, wide one_minus_beta_2, wide m_over,
                                 wide m_under, wide g_over, wide g_under, wide bias_correction_2,
                                 wide epsilon, const real* square, int has_square, place count) {
    FOR_EACH(i, count) {
        wide g_i = g[i], m_i = m[i], v_i = v[i];
        m_i += (g_i - m_i) * one_minus_beta_1;
        v_i += ((has_square ? (wide)square[i] : g_i * g_i) - v_i) * one_minus_beta_2;
        m[i] = m_i;
        v[i] = v_i;
        wide m_hat = m_i * m_over / m_under + g_i * g_over / g_under;
        w[i] = (wide)w[i] - m_hat * lr / (sqrt(v_i / bias_correction_2) + epsilon);
    }
}

extern "C" __global__ void ftrl(real* w, const real* g, real* n, real* z, wide lr, wide power,
                                wide l1, wide l2, wide shrinkage, const real* square,
                                int has_square, place count) {
    FOR_EACH(i, count) {
        wide g_i = g[i], w_i = w[i], n_i = n[i];
        wide before = pow(n_i, power);
        n_i += has_square ? (wide)square[i] : g_i * g_i;
        wide after = pow(n_i, power);
        wide z_i = (wide)z[i] + ((g_i + w_i * shrinkage) - (after - before) / lr * w_i);
        n[i] = n_i;
        z[i] = z_i;
        wide clipped = z_i < -l1 ? -l1 : z_i > l1 ? l1 : z_i;
        w[i] = (clipped - z_i) / (after / lr + (l2 + l2));
    }
}

extern "C" __global__ void lion(real* w, const real* g, real* m, wide lr, wide beta_1, wide beta_2,
                                place count) {
    FOR_EACH(i, count) {
        wide g_i = g[i], m_i = m[i], blend = m_i * beta_1 + g_i * (1 - beta_1);
        wide sign = blend > 0 ? (wide)1 : blend < 0 ? (wide)-1 : blend;
        w[i] = (wide)w[i] - sign * lr;
        m[i] = m_i * beta_2 + g_i * (1 - beta_2);
    }
}
