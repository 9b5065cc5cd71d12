// Depthwise convolution: each channel has `multiplier` filters of its own, which see it alone. With
// i(o, t) = o * stride - low + t * dilation the cell that tap t of output o reads, and filter
// f = c * multiplier + m:
//
//     y[o, f]       = sum over t of x[i(o, t), c] * kernel[t, f]
//     dx[i, c]      = sum over m, and over o, t with i(o, t) = i, of g[o, f] * kernel[t, f]
//     dkernel[t, f] = sum over o of x[i(o, t), c] * g[o, f]         (o counts all images' outputs)

extern "C" __global__ void depthwise(const real* x, const real* kernel, real* y, int channels,
                                     int multiplier, PARAMETERS_OF_GRID, place count) {
    Grid grid = GRID;
    int filters = channels * multiplier;
    FOR_EACH(i, count) {
        Cell cell = cell_of(i, grid.outputs, filters);
        wide total = 0;
        FOR_EACH_TAP(grid, tap) {
            place row = row_read(grid, cell, tap);
            if (row < 0) continue;
            wide value = x[row * channels + cell.channel / multiplier];
            total += value * (wide)kernel[tap[3] * filters + cell.channel];
        }
        y[i] = total;
    }
}

extern "C" __global__ void depthwise_input_grad(const real* g, const real* kernel, real* dx,
                                                int channels, int multiplier, PARAMETERS_OF_GRID,
                                                place count) {
    Grid grid = GRID;
    int filters = channels * multiplier;
    FOR_EACH(i, count) {
        Cell cell = cell_of(i, grid.sizes, channels);
        wide total = 0;
        FOR_EACH_TAP(grid, tap) {
            place row = row_that_reads(grid, cell, tap);
            if (row < 0) continue;
            for (int filter = 0; filter < multiplier; ++filter) {
                int of = cell.channel * multiplier + filter;
                total += (wide)g[row * filters + of] * (wide)kernel[tap[3] * filters + of];
            }
        }
        dx[i] = total;
    }
}

// dkernel in parts (slabs, taps, filters), which the caller adds up: blocks (filters, taps, slabs)
// of 32 filters by 8 threads, each of which adds up some of the slab's outputs.
extern "C" __global__ void depthwise_kernel_grad(const real* x, const real* g, wide* parts,
                                                 int channels, int multiplier,
                                                 PARAMETERS_OF_GRID, place rows, place slab) {
    Grid grid = GRID;
    __shared__ wide of_thread[8][32];
    int filters = channels * multiplier;
    int filter = blockIdx.x * 32 + threadIdx.x, number = blockIdx.y, last = number / grid.window[2];
    int tap[3] = {last / grid.window[1], last % grid.window[1], number % grid.window[2]};
    place first = blockIdx.z * slab, end = first + slab < rows ? first + slab : rows;
    wide total = 0;
    if (filter < filters) {
        for (place output = first + threadIdx.y; output < end; output += 8) {
            place row = row_read(grid, cell_of(output, grid.outputs, 1), tap);
            if (row < 0) continue;
            total += (wide)x[row * channels + filter / multiplier] *
                     (wide)g[output * filters + filter];
        }
    }
    of_thread[threadIdx.y][threadIdx.x] = total;
    __syncthreads();
    if (threadIdx.y == 0 && filter < filters) {
        for (int other = 1; other < 8; ++other) total += of_thread[other][threadIdx.x];
        parts[((place)blockIdx.z * gridDim.y + number) * filters + filter] = total;
    }
}
