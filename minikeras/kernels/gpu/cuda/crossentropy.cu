// Softmax over the rows of a matrix, and the cross-entropies with their gradients.

// What the functions of a row share: the largest number, and the logarithm's and quotient's sum.
struct Row {
    wide largest, total;
};
static __device__ Row row_of(const real* x, int width) {
    Row row;
    wide largest = -infinity();
    FOR_EACH_IN_ROW(i, width) largest = fmax(largest, (wide)x[i]);
    row.largest = largest_of_block(largest);
    wide total = 0;
    FOR_EACH_IN_ROW(i, width) total += exp((wide)x[i] - row.largest);
    row.total = sum_of_block(total);
    return row;
}

extern "C" __global__ void softmax(const real* x, real* y, int width, place rows) {
    FOR_EACH_ROW(r, rows) {
        const real* from = x + r * width;
        Row row = row_of(from, width);
        FOR_EACH_IN_ROW(i, width) {
            y[r * width + i] = exp((wide)from[i] - row.largest) / row.total;
        }
    }
}

extern "C" __global__ void log_softmax(const real* x, real* y, int width, place rows) {
    FOR_EACH_ROW(r, rows) {
        const real* from = x + r * width;
        Row row = row_of(from, width);
        wide logarithm = log(row.total);
        FOR_EACH_IN_ROW(i, width) {
            y[r * width + i] = ((wide)from[i] - row.largest) - logarithm;
        }
    }
}

extern "C" __global__ void sparse(const real* logits, const long long* target, real* loss,
                                  real* saved, int save, int width, place rows) {
    FOR_EACH_ROW(r, rows) {
        const real* from = logits + r * width;
        Row row = row_of(from, width);
        if (threadIdx.x == 0) {
            long long right = target[r];
            bool is_class = right >= 0 && right < width;
            loss[r] = is_class ? log(row.total) - ((wide)from[right] - row.largest)
                               : not_a_number();
        }
        if (!save) continue;
        FOR_EACH_IN_ROW(i, width) {
            saved[r * width + i] = exp((wide)from[i] - row.largest) / row.total;
        }
    }
}

extern "C" __global__ void sparse_backward(const real* g, const real* saved,
                                           const long long* target, real* dx, int width,
                                           place count) {
    FOR_EACH(i, count) {
        place row = i / width;
        long long right = target[row] % width;
        if (right < 0) right += width;
        wide p = saved[i];
        dx[i] = (right == i % width ? p - 1 : p) * (wide)g[row];
    }
}

extern "C" __global__ void categorical(const real* target, const real* logits, real* loss,
                                       real* saved, int save, int width, place rows) {
    FOR_EACH_ROW(r, rows) {
        const real* from = logits + r * width;
        Row row = row_of(from, width);
        wide total = 0, logarithm = log(row.total);
        FOR_EACH_IN_ROW(i, width) {
            wide shifted = (wide)from[i] - row.largest;
            total += (logarithm - shifted) * (wide)target[r * width + i];
            if (save) saved[r * width + i] = exp(shifted) / row.total;
        }
        total = sum_of_block(total);
        if (threadIdx.x == 0) loss[r] = total;
    }
}

extern "C" __global__ void categorical_backward(const real* g, const real* saved,
                                                const real* target, real* dx, int width,
                                                place count) {
    FOR_EACH(i, count) dx[i] = ((wide)saved[i] - (wide)target[i]) * (wide)g[i / width];
}

extern "C" __global__ void binary(const real* target, const real* logits, real* loss, real* saved,
                                  int save, place count) {
    FOR_EACH(i, count) {
        wide x = logits[i], power = exp(-fabs(x));
        loss[i] = ((x > 0 || x != x ? x : (wide)0) - x * (wide)target[i]) + log1p(power);
        if (save) saved[i] = power;
    }
}

extern "C" __global__ void binary_backward(const real* g, const real* target, const real* logits,
                                           const real* saved, real* dx, place count) {
    FOR_EACH(i, count) {
        wide power = saved[i];
        wide p = ((wide)logits[i] >= 0 ? (wide)1 : power) / (power + 1);
        dx[i] = (p - (wide)target[i]) * (wide)g[i];
    }
}
