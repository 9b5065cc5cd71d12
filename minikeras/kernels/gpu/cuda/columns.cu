// The windows of images as the rows of a matrix, and back. A matrix of each group of channels lies
// behind the other: (groups, batch * outputs, taps * channels of the group).

extern "C" __global__ void im2col(const real* x, real* columns, int groups, int channels,
                                  place rows, PARAMETERS_OF_GRID, place count) {
    Grid grid = GRID;
    FOR_EACH(i, count) {
        int channel = (int)(i % channels), tap[3];
        place rest = i / channels;
        for (int axis = 2; axis >= 0; --axis) {
            tap[axis] = (int)(rest % grid.window[axis]);
            rest /= grid.window[axis];
        }
        int group = (int)(rest / rows);
        place row = row_read(grid, cell_of(rest % rows, grid.outputs, 1), tap);
        columns[i] = row < 0 ? (wide)0 : (wide)x[(row * groups + group) * channels + channel];
    }
}

// Each input cell gathers its share from the windows that read it: nothing is added atomically.
extern "C" __global__ void col2im(const real* columns, real* x, int groups, int channels,
                                  place rows, PARAMETERS_OF_GRID, place count) {
    Grid grid = GRID;
    int taps = grid.window[0] * grid.window[1] * grid.window[2];
    FOR_EACH(i, count) {
        Cell cell = cell_of(i, grid.sizes, groups * channels);
        int group = cell.channel / channels, channel = cell.channel % channels;
        wide total = 0;
        FOR_EACH_TAP(grid, tap) {
            place row = row_that_reads(grid, cell, tap);
            if (row < 0) continue;
            place from = ((group * rows + row) * taps + tap[3]) * channels + channel;
            total += (wide)columns[from];
        }
        x[i] = total;
    }
}
