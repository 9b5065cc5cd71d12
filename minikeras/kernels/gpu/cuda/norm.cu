// Normalization: layer and group normalization share their kernels, as does that by the root mean
// square, which has no centre; batch normalization has its own. With z the normalized numbers,
// h = g * gamma, and means over what is normalized together:
//
//     y = z * gamma + beta,  z = (x - mean(x)) * inverse,  inverse = 1 / sqrt(variance(x) + epsilon)
//     dx = (h - mean(h) - z * mean(h * z)) * inverse
//     dgamma = sum of g * z,  dbeta = sum of g,  over everything that shares the factor
//
// (without a centre, mean(x) and mean(h) are left out; see the files of
// kernels/shared/normalization).

// A row is what is normalized together: a group of the channels of a sample, at all its positions.
// The array is (samples, positions, groups, group_width), and `inner` neighbours share a factor.
struct Group {
    place first;
    int width, group_width, line, number, inner;
    __device__ place at(int i) const {
        return first + (place)(i / group_width) * line + i % group_width;
    }
    __device__ int factor(int i) const { return (number * group_width + i % group_width) / inner; }
};
static __device__ Group group_of(place row, int width, int groups, int group_width, int inner) {
    int number = (int)(row % groups), line = groups * group_width;
    place first = row / groups * groups * width + (place)number * group_width;
    return {first, width, group_width, line, number, inner};
}
// A row in one piece, all of whose numbers have factors of their own: so it is in layer
// normalization, which is that of one group at one position. It saves the divisions.
struct Line {
    place first;
    int width;
    __device__ place at(int i) const { return first + i; }
    __device__ int factor(int i) const { return i; }
};
static __device__ bool is_line(int width, int groups, int group_width, int inner) {
    return groups == 1 && width == group_width && inner == 1;
}

template <class Row>
static __device__ void normalize(const Row& row, const real* x, const real* gamma,
                                 const real* beta, real* y, real* mean, real* inverse,
                                 wide epsilon, int has_gamma, int has_beta, int centred) {
    wide total = 0, squares = 0;
    if (centred) {
        FOR_EACH_IN_ROW(i, row.width) total += (wide)x[row.at(i)];
        total = sum_of_block(total);
    }
    wide centre = total / row.width;
    FOR_EACH_IN_ROW(i, row.width) {
        wide distance = (wide)x[row.at(i)] - centre;
        squares += distance * distance;
    }
    wide factor = 1 / sqrt(sum_of_block(squares) / row.width + epsilon);
    FOR_EACH_IN_ROW(i, row.width) {
        wide z = ((wide)x[row.at(i)] - centre) * factor;
        if (has_gamma) z *= (wide)gamma[row.factor(i)];
        if (has_beta) z += (wide)beta[row.factor(i)];
        y[row.at(i)] = z;
    }
    if (threadIdx.x == 0) {
        *mean = centre;
        *inverse = factor;
    }
}

template <class Row>
static __device__ void input_gradient(const Row& row, const real* g, const real* x,
                                      const real* gamma, wide centre, wide factor, real* dx,
                                      int has_gamma, int centred) {
    wide total = 0, moment = 0;
    FOR_EACH_IN_ROW(i, row.width) {
        wide h = (wide)g[row.at(i)] * (has_gamma ? (wide)gamma[row.factor(i)] : (wide)1);
        total += h;
        moment += h * (((wide)x[row.at(i)] - centre) * factor);
    }
    total = centred ? sum_of_block(total) / row.width : (wide)0;
    moment = sum_of_block(moment) / row.width;
    FOR_EACH_IN_ROW(i, row.width) {
        wide h = (wide)g[row.at(i)] * (has_gamma ? (wide)gamma[row.factor(i)] : (wide)1);
        wide z = ((wide)x[row.at(i)] - centre) * factor;
        dx[row.at(i)] = (h - (z * moment + total)) * factor;
    }
}

extern "C" __global__ void normalize_rows(const real* x, const real* gamma, const real* beta,
                                          real* y, real* mean, real* inverse, wide epsilon,
                                          int has_gamma, int has_beta, int centred, int groups,
                                          int group_width, int inner, int width, place rows) {
    FOR_EACH_ROW(r, rows) {
        if (is_line(width, groups, group_width, inner)) {
            normalize(Line{r * width, width}, x, gamma, beta, y, mean + r, inverse + r, epsilon,
                      has_gamma, has_beta, centred);
        } else {
            normalize(group_of(r, width, groups, group_width, inner), x, gamma, beta, y, mean + r,
                      inverse + r, epsilon, has_gamma, has_beta, centred);
        }
    }
}

extern "C" __global__ void normalize_rows_input_grad(const real* g, const real* x,
                                                     const real* gamma, const real* mean,
                                                     const real* inverse, real* dx, int has_gamma,
                                                     int centred, int groups, int group_width,
                                                     int inner, int width, place rows) {
    FOR_EACH_ROW(r, rows) {
        if (is_line(width, groups, group_width, inner)) {
            input_gradient(Line{r * width, width}, g, x, gamma, mean[r], inverse[r], dx,
                           has_gamma, centred);
        } else {
            input_gradient(group_of(r, width, groups, group_width, inner), g, x, gamma, mean[r],
                           inverse[r], dx, has_gamma, centred);
        }
    }
}

// Sums down the columns of a matrix come in parts, one for each slab of rows, which the caller or
// the next kernel adds up. Blocks (columns, slabs) have 32 columns by 8 threads; a warp reads 32
// numbers that lie side by side. The eight threads of a column meet in shared memory.
#define FOR_EACH_OF_SLAB(row, rows, slab)                                     \
    for (place row = blockIdx.y * (slab) + threadIdx.y,                       \
               end = min_place(blockIdx.y * (slab) + (slab), rows);           \
         row < end; row += 8)
static __device__ place min_place(place a, place b) { return a < b ? a : b; }

static __device__ void add_eight(wide& total) {
    __shared__ wide of_thread[8][32];
    of_thread[threadIdx.y][threadIdx.x] = total;
    __syncthreads();
    total = 0;
    for (int other = 0; other < 8; ++other) total += of_thread[other][threadIdx.x];
    __syncthreads();
}

// dgamma and dbeta of each column of a matrix (samples * positions, groups * group_width): the mean
// and deviation of an element are those of its sample and its group.
extern "C" __global__ void factor_grad(const real* g, const real* x, const real* mean,
                                       const real* inverse, wide* dgamma, wide* dbeta,
                                       int groups, int group_width, int positions, int width,
                                       place rows, place slab) {
    int column = blockIdx.x * 32 + threadIdx.x;
    wide gamma = 0, beta = 0;
    if (column < width) {
        int group = column / group_width;
        FOR_EACH_OF_SLAB(r, rows, slab) {
            wide upstream = g[r * width + column];
            place of = r / positions * groups + group;
            wide distance = (wide)x[r * width + column] - (wide)mean[of];
            gamma += upstream * (distance * (wide)inverse[of]);
            beta += upstream;
        }
    }
    add_eight(gamma);
    add_eight(beta);
    if (threadIdx.y == 0 && column < width) {
        dgamma[blockIdx.y * (place)width + column] = gamma;
        dbeta[blockIdx.y * (place)width + column] = beta;
    }
}

// Sums of each channel (squared = 0), or of squared distances from its mean (squared = 1).
extern "C" __global__ void channel_sums(const real* x, const real* mean, double* parts,
                                        int squared, int channels, place rows, place slab) {
    int channel = blockIdx.x * 32 + threadIdx.x;
    wide total = 0;
    if (channel < channels) {
        wide centre = squared ? (wide)mean[channel] : (wide)0;
        FOR_EACH_OF_SLAB(r, rows, slab) {
            wide distance = (wide)x[r * channels + channel] - centre;
            total += squared ? distance * distance : distance;
        }
    }
    add_eight(total);
    if (threadIdx.y == 0 && channel < channels) {
        parts[blockIdx.y * (place)channels + channel] = total;
    }
}

// The sum of a channel's parts; a block takes a channel, and its threads the parts.
static __device__ double added_up(const double* parts, int slabs, int channels, int channel) {
    double total = 0;
    FOR_EACH_IN_ROW(slab, slabs) total += parts[slab * channels + channel];
    return sum_of_block(total);
}

extern "C" __global__ void channel_means(const double* parts, real* mean, int slabs, double rows,
                                         place channels) {
    FOR_EACH_ROW(c, channels) {
        double total = added_up(parts, slabs, channels, c);
        if (threadIdx.x == 0) mean[c] = (wide)(total / rows);
    }
}

extern "C" __global__ void channel_factors(const double* parts, const real* gamma, real* variance,
                                           double* inverse, real* scale, int has_gamma, int slabs,
                                           double rows, double epsilon, place channels) {
    FOR_EACH_ROW(c, channels) {
        double v = added_up(parts, slabs, channels, c) / rows;
        if (threadIdx.x) continue;
        double factor = 1 / sqrt(v + epsilon);
        variance[c] = (wide)v;
        inverse[c] = factor;
        scale[c] = (wide)(has_gamma ? factor * (double)(wide)gamma[c] : factor);
    }
}

extern "C" __global__ void batch_norm(const real* x, const real* mean, const real* scale,
                                      const real* beta, real* y, int has_beta, int channels,
                                      place count) {
    FOR_EACH(i, count) {
        int c = (int)(i % channels);
        wide z = ((wide)x[i] - (wide)mean[c]) * (wide)scale[c];
        y[i] = has_beta ? z + (wide)beta[c] : z;
    }
}

// The sums of each channel that the gradients are made of: of g, and of g times the distance.
extern "C" __global__ void channel_gradient_sums(const real* g, const real* x, const real* mean,
                                                 double* totals, double* moments, int channels,
                                                 place rows, place slab) {
    int channel = blockIdx.x * 32 + threadIdx.x;
    wide total = 0, moment = 0;
    if (channel < channels) {
        wide centre = mean[channel];
        FOR_EACH_OF_SLAB(r, rows, slab) {
            wide upstream = g[r * channels + channel];
            total += upstream;
            moment += ((wide)x[r * channels + channel] - centre) * upstream;
        }
    }
    add_eight(total);
    add_eight(moment);
    if (threadIdx.y == 0 && channel < channels) {
        totals[blockIdx.y * (place)channels + channel] = total;
        moments[blockIdx.y * (place)channels + channel] = moment;
    }
}

// dgamma and dbeta, and the factors of dx = a * g + b * (x - mean) + c.
extern "C" __global__ void channel_gradients(const double* totals, const double* moments,
                                             const real* gamma, const double* inverse,
                                             const real* dmean, const real* dvariance,
                                             real* dgamma, real* dbeta, real* factors,
                                             int has_gamma, int slabs, double rows,
                                             place channels) {
    FOR_EACH_ROW(i, channels) {
        double total = added_up(totals, slabs, channels, i);
        double moment = added_up(moments, slabs, channels, i);
        if (threadIdx.x) continue;
        double a = has_gamma ? inverse[i] * (double)(wide)gamma[i] : inverse[i];
        double b = 2 * (double)(wide)dvariance[i] - a * (inverse[i] * inverse[i]) * moment;
        double c = (double)(wide)dmean[i] - a * total;
        dgamma[i] = (wide)(moment * inverse[i]);
        dbeta[i] = (wide)total;
        factors[i] = (wide)a;
        factors[channels + i] = (wide)(b / rows);
        factors[2 * channels + i] = (wide)(c / rows);
    }
}

extern "C" __global__ void batch_norm_input_grad(const real* g, const real* x, const real* mean,
                                                 const real* factors, real* dx, int channels,
                                                 place count) {
    FOR_EACH(i, count) {
        int c = (int)(i % channels);
        wide distance = (wide)x[i] - (wide)mean[c];
        dx[i] = distance * (wide)factors[channels + c] + (wide)g[i] * (wide)factors[c] +
                (wide)factors[2 * channels + c];
    }
}
