// What all kernels share. In front of this text stand REAL_BYTES and PLACE_BYTES (see launch.py).

#if REAL_BYTES == 2
#ifndef CUDA_SHIM
static __device__ unsigned short half_bits(float value) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
static __device__ float half_value(unsigned short bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}
#endif
// Half precision, stored only: every number is computed in float and rounded once.
struct half_t {
    unsigned short bits;
    __device__ half_t(float value) : bits(half_bits(value)) {}
    __device__ operator float() const { return half_value(bits); }
};
typedef half_t real;
typedef float wide;
#elif REAL_BYTES == 4
typedef float real;
typedef float wide;
#else
typedef double real;
typedef double wide;
#endif

#if PLACE_BYTES == 4
typedef int place;
#else
typedef long long place;
#endif

// Every element is taken once, however many blocks there are.
#define FOR_EACH(i, count)                                                   \
    for (place i = (place)blockIdx.x * blockDim.x + threadIdx.x; i < (count); \
         i += (place)gridDim.x * blockDim.x)

// Every row is taken by one block, and its elements by the threads of that block.
#define FOR_EACH_ROW(row, rows) for (place row = blockIdx.x; row < (rows); row += gridDim.x)
#define FOR_EACH_IN_ROW(i, width) for (place i = threadIdx.x; i < (width); i += blockDim.x)

// The sum of a number of every thread, the same in all of them. A block is whole warps; the lanes
// of each add up by halves, then every thread adds the warps in one order.
template <class Number>
static __device__ Number sum_of_block(Number value) {
    __shared__ Number of_warp[32];
    for (int hop = 16; hop > 0; hop /= 2) value += __shfl_xor_sync(0xffffffff, value, hop);
    int warps = blockDim.x / 32;
    if (warps == 1) return value;
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
    __syncthreads();
    value = 0;
    for (int warp = 0; warp < warps; ++warp) value += of_warp[warp];
    __syncthreads();  // nobody writes of_warp again before all have read it
    return value;
}

// The largest of a number of every thread; NaN counts as smaller than any number.
static __device__ wide largest_of_block(wide value) {
    __shared__ wide of_warp[32];
    for (int hop = 16; hop > 0; hop /= 2) {
        value = fmax(value, __shfl_xor_sync(0xffffffff, value, hop));
    }
    int warps = blockDim.x / 32;
    if (warps == 1) return value;
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
    __syncthreads();
    for (int warp = 0; warp < warps; ++warp) value = fmax(value, of_warp[warp]);
    __syncthreads();
    return value;
}

static __device__ wide infinity() { return (wide)__int_as_float(0x7f800000); }
static __device__ wide not_a_number() { return (wide)__int_as_float(0x7fc00000); }

// The windows of a convolution or pooling over three axes; those that an array lacks have size 1.
// Output cell o of a window reads the input cells o * stride - low + tap * rate.
struct Grid {
    int sizes[3], outputs[3], window[3], strides[3], lows[3], rates[3];
};
#define PARAMETERS_OF_GRID                                                                    \
    int size_0, int size_1, int size_2, int output_0, int output_1, int output_2,             \
    int window_0, int window_1, int window_2, int stride_0, int stride_1, int stride_2,       \
    int low_0, int low_1, int low_2, int rate_0, int rate_1, int rate_2
#define GRID                                                                                  \
    { {size_0, size_1, size_2}, {output_0, output_1, output_2},                               \
      {window_0, window_1, window_2}, {stride_0, stride_1, stride_2},                         \
      {low_0, low_1, low_2}, {rate_0, rate_1, rate_2} }

// Rows of channels by blocks of threads (channels, rows): where a row lies is found out once for
// several channels, which the threads side by side take.
#define FOR_EACH_ROW_OF_CHANNELS(row, rows)                                                 \
    for (place row = (place)blockIdx.x * blockDim.y + threadIdx.y; row < (rows);            \
         row += (place)gridDim.x * blockDim.y)

// The taps of a window in row-major order, numbered from 0.
#define FOR_EACH_TAP(grid, tap)                                                \
    for (int tap[4] = {0, 0, 0, 0}; tap[0] < grid.window[0]; ++tap[0])         \
        for (tap[1] = 0; tap[1] < grid.window[1]; ++tap[1])                    \
            for (tap[2] = 0; tap[2] < grid.window[2]; ++tap[2], ++tap[3])

// An element of a channels-last array, by the place where it lies.
struct Cell {
    place batch;
    int at[3], channel;
};
static __device__ Cell cell_of(place i, const int* sizes, int channels) {
    Cell cell;
    cell.channel = (int)(i % channels);
    i /= channels;
    for (int axis = 2; axis >= 0; --axis) {
        cell.at[axis] = 0;
        if (sizes[axis] == 1) continue;  // divisions take longest of all
        cell.at[axis] = (int)(i % sizes[axis]);
        i /= sizes[axis];
    }
    cell.batch = i;
    return cell;
}

// Where the cell lies that a tap of an output's window reads, without its channel: the index of the
// row of channels. -1 in the padding.
static __device__ place row_read(const Grid& grid, const Cell& output, const int* tap) {
    place row = output.batch;
    for (int axis = 0; axis < 3; ++axis) {
        int at = output.at[axis] * grid.strides[axis] - grid.lows[axis] +
                 tap[axis] * grid.rates[axis];
        if (at < 0 || at >= grid.sizes[axis]) return -1;
        row = row * grid.sizes[axis] + at;
    }
    return row;
}

// The other way round: the row of the output that reads an input cell by that tap, or -1.
static __device__ place row_that_reads(const Grid& grid, const Cell& input, const int* tap) {
    place row = input.batch;
    for (int axis = 0; axis < 3; ++axis) {
        int at = input.at[axis] + grid.lows[axis] - tap[axis] * grid.rates[axis];
        if (at < 0) return -1;
        if (grid.strides[axis] != 1) {
            if (at % grid.strides[axis]) return -1;
            at /= grid.strides[axis];
        }
        if (at >= grid.outputs[axis]) return -1;
        row = row * grid.outputs[axis] + at;
    }
    return row;
}
