// The windows of images as the rows of a matrix, and the transpose of that. The matrices of the
// groups of channels lie one after the other: (groups, batch * outputs, taps * channels of a group).
//
//     columns[o, (t, c)] = x[i(o, t), c],  i(o, t) = o * stride - low + t * dilation     im2col
//     dx[i, c] = sum over o, t with i(o, t) = i of dcolumns[o, (t, c)]                   col2im

extern "C" __global__ void im2col(const real* x, real* columns, int groups, int channels,
                                  place rows, PARAMETERS_OF_GRID) {
    Grid grid = GRID;
    int taps = grid.window[0] * grid.window[1] * grid.window[2];
    FOR_EACH_ROW_OF_CHANNELS(r, rows) {
        Cell output = cell_of(r, grid.outputs, 1);
        FOR_EACH_TAP(grid, tap) {
            place row = row_read(grid, output, tap);
            for (int group = 0; group < groups; ++group) {
                const real* from = x + (row * groups + group) * channels;
                real* to = columns + (((place)group * rows + r) * taps + tap[3]) * channels;
                FOR_EACH_IN_ROW(c, channels) to[c] = row < 0 ? (wide)0 : (wide)from[c];
            }
        }
    }
}

// Each input cell gathers its share from the windows that read it: nothing is added atomically.
extern "C" __global__ void col2im(const real* columns, real* x, int groups, int channels,
                                  place rows, place cells, PARAMETERS_OF_GRID) {
    Grid grid = GRID;
    int taps = grid.window[0] * grid.window[1] * grid.window[2];
    FOR_EACH_ROW_OF_CHANNELS(i, cells) {
        Cell cell = cell_of(i, grid.sizes, 1);
        for (int group = 0; group < groups; ++group) {
            FOR_EACH_IN_ROW(c, channels) {
                wide total = 0;
                FOR_EACH_TAP(grid, tap) {
                    place row = row_that_reads(grid, cell, tap);
                    if (row < 0) continue;
                    total += (wide)columns[((group * rows + row) * taps + tap[3]) * channels + c];
                }
                x[(i * groups + group) * channels + c] = total;
            }
        }
    }
}
