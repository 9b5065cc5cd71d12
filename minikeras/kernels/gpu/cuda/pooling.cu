// Pooling, a thread for each element of the result; the equations are in kernels/cpu/pooling.py.
// Gradients gather what each input cell gets, so that nothing is added atomically and sums have one
// order.

extern "C" __global__ void max_pool(const real* x, real* y, int channels, PARAMETERS_OF_GRID,
                                    place count) {
    Grid grid = GRID;
    FOR_EACH(i, count) {
        Cell cell = cell_of(i, grid.outputs, channels);
        wide largest = -infinity();
        FOR_EACH_TAP(grid, tap) {
            place row = row_read(grid, cell, tap);
            if (row >= 0) largest = fmax(largest, (wide)x[row * channels + cell.channel]);
        }
        y[i] = largest;
    }
}

extern "C" __global__ void max_pool_index(const real* x, const real* y, int* index, int channels,
                                          PARAMETERS_OF_GRID, place count) {
    Grid grid = GRID;
    int taps = grid.window[0] * grid.window[1] * grid.window[2];
    FOR_EACH(i, count) {
        Cell cell = cell_of(i, grid.outputs, channels);
        wide largest = y[i];
        int first = taps;
        FOR_EACH_TAP(grid, tap) {
            place row = row_read(grid, cell, tap);
            bool equal = row >= 0 && (wide)x[row * channels + cell.channel] == largest;
            if (equal && first == taps) first = tap[3];
        }
        index[i] = first;
    }
}

extern "C" __global__ void pool_gather(const real* x, const int* index, real* y, int channels,
                                       PARAMETERS_OF_GRID, place count) {
    Grid grid = GRID;
    int taps = grid.window[0] * grid.window[1] * grid.window[2];
    FOR_EACH(i, count) {
        int number = index[i];
        place row = -1;
        if (number >= 0 && number < taps) {
            int last = number / grid.window[2];
            int tap[3] = {last / grid.window[1], last % grid.window[1], number % grid.window[2]};
            row = row_read(grid, cell_of(i, grid.outputs, channels), tap);
        }
        y[i] = row < 0 ? (wide)0 : (wide)x[row * channels + i % channels];
    }
}

extern "C" __global__ void pool_scatter(const real* g, const int* index, real* dx, int channels,
                                        PARAMETERS_OF_GRID, place count) {
    Grid grid = GRID;
    FOR_EACH(i, count) {
        Cell cell = cell_of(i, grid.sizes, channels);
        wide total = 0;
        FOR_EACH_TAP(grid, tap) {
            place row = row_that_reads(grid, cell, tap);
            if (row < 0) continue;
            place from = row * channels + cell.channel;
            if (index[from] == tap[3]) total += (wide)g[from];
        }
        dx[i] = total;
    }
}

// How many cells of a window along one axis lie inside the array.
static __device__ int cells_inside(const Grid& grid, int axis, int output) {
    int first = output * grid.strides[axis] - grid.lows[axis], count = 0;
    for (int tap = 0; tap < grid.window[axis]; ++tap) {
        int at = first + tap * grid.rates[axis];
        count += at >= 0 && at < grid.sizes[axis];
    }
    return count;
}

extern "C" __global__ void avg_pool(const real* x, real* y, int channels, PARAMETERS_OF_GRID,
                                    place count) {
    Grid grid = GRID;
    FOR_EACH(i, count) {
        Cell cell = cell_of(i, grid.outputs, channels);
        wide total = 0;
        int cells = 0;
        FOR_EACH_TAP(grid, tap) {
            place row = row_read(grid, cell, tap);
            if (row < 0) continue;
            total += (wide)x[row * channels + cell.channel];
            ++cells;
        }
        y[i] = total / (cells ? cells : 1);
    }
}

extern "C" __global__ void avg_pool_grad(const real* g, real* dx, int channels,
                                         PARAMETERS_OF_GRID, place count) {
    Grid grid = GRID;
    FOR_EACH(i, count) {
        Cell cell = cell_of(i, grid.sizes, channels);
        wide total = 0;
        FOR_EACH_TAP(grid, tap) {
            place row = row_that_reads(grid, cell, tap);
            if (row < 0) continue;
            Cell output = cell_of(row, grid.outputs, 1);
            int cells = 1;
            for (int axis = 0; axis < 3; ++axis) {
                cells *= cells_inside(grid, axis, output.at[axis]);
            }
            total += (wide)g[row * channels + cell.channel] / cells;
        }
        dx[i] = total;
    }
}
