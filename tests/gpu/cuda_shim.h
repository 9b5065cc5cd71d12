// CUDA's built-ins for a C++ compiler: kernels run on the CPU, block by block, thread by thread.
//
// The threads of a block are fibers, so a barrier is a real one: a thread that reaches it waits until
// all others have. A barrier that not every thread reaches, which hangs or corrupts on a GPU, is an
// error here. A thread that meets no barrier runs through at once, and its fiber takes the next one.

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmath>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define CUDA_SHIM 1
#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static  // one block runs at a time

struct three {
    unsigned x, y, z;
};
static three threadIdx, blockIdx, blockDim, gridDim;

namespace shim {

enum State { runs, at_block_barrier, at_warp_barrier, done };

struct Fiber {
    ucontext_t context;
    char* stack;
    int thread;
    void* fake_stack;
};

struct Block {
    void (*kernel)(void**);
    void** arguments;
    int threads, next;
    std::vector<State> states;   // of every thread
    std::vector<Fiber*> fibers;  // that runs it
    std::vector<Fiber*> idle;
    ucontext_t scheduler;
    void* scheduler_fake_stack;
    const void* scheduler_stack;
    size_t scheduler_size;
    Fiber* current;
    const char* error;
};

static Block block;
static const size_t stack_bytes = 256 * 1024;
static double exchanged[1024];

inline void place_thread(int thread) {
    threadIdx.x = thread % blockDim.x;
    threadIdx.y = thread / blockDim.x % blockDim.y;
    threadIdx.z = thread / (blockDim.x * blockDim.y);
}

inline void to_scheduler(Fiber* fiber) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&fiber->fake_stack, block.scheduler_stack, block.scheduler_size);
#endif
    swapcontext(&fiber->context, &block.scheduler);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fiber->fake_stack, nullptr, nullptr);
#endif
}

// What a fiber does all its life: one thread after the other, as long as there are any.
inline void live() {
    Fiber* fiber = block.current;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &block.scheduler_stack, &block.scheduler_size);
#endif
    for (;;) {
        while (block.next < block.threads) {
            int thread = fiber->thread = block.next++;
            block.states[thread] = runs;
            block.fibers[thread] = fiber;
            place_thread(thread);
            block.kernel(block.arguments);
            block.states[thread] = done;
        }
        block.idle.push_back(fiber);
        to_scheduler(fiber);
    }
}

inline void resume(Fiber* fiber) {
    block.current = fiber;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&block.scheduler_fake_stack, fiber->stack, stack_bytes);
#endif
    swapcontext(&block.scheduler, &fiber->context);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(block.scheduler_fake_stack, nullptr, nullptr);
#endif
}

inline Fiber* idle_fiber() {
    if (!block.idle.empty()) {
        Fiber* fiber = block.idle.back();
        block.idle.pop_back();
        return fiber;
    }
    Fiber* fiber = new Fiber();
    fiber->stack = (char*)mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = stack_bytes;
    makecontext(&fiber->context, live, 0);
    return fiber;
}

inline void release(int from, int to) {
    for (int thread = from; thread < to; ++thread) {
        block.states[thread] = runs;
        place_thread(thread);
        resume(block.fibers[thread]);
    }
}

inline bool all(int from, int to, State state) {
    for (int thread = from; thread < to; ++thread) {
        if (block.states[thread] != state) return false;
    }
    return true;
}

// Run the threads of one block; false if they wait for each other forever.
inline bool run_block() {
    block.next = 0;
    while (block.next < block.threads) resume(idle_fiber());
    while (!all(0, block.threads, done)) {
        bool moved = false;
        if (all(0, block.threads, at_block_barrier)) {
            release(0, block.threads);
            moved = true;
        }
        for (int first = 0; first < block.threads; first += 32) {
            int end = first + 32 < block.threads ? first + 32 : block.threads;
            if (all(first, end, at_warp_barrier)) {
                release(first, end);
                moved = true;
            }
        }
        if (!moved) return false;
    }
    return true;
}

inline void wait(State kind) {
    Fiber* fiber = block.current;
    block.states[fiber->thread] = kind;
    to_scheduler(fiber);
}

// Launch a kernel; returns what went wrong, or null. `sizes` are those of the grid, then the block.
inline const char* launch(const unsigned* sizes, void (*kernel)(void**), void** arguments) {
    gridDim = {sizes[0], sizes[1], sizes[2]};
    blockDim = {sizes[3], sizes[4], sizes[5]};
    block.kernel = kernel;
    block.arguments = arguments;
    block.threads = sizes[3] * sizes[4] * sizes[5];
    block.states.assign(block.threads, done);
    block.fibers.assign(block.threads, nullptr);
    for (unsigned z = 0; z < gridDim.z; ++z) {
        for (unsigned y = 0; y < gridDim.y; ++y) {
            for (unsigned x = 0; x < gridDim.x; ++x) {
                blockIdx = {x, y, z};
                if (!run_block()) return "a barrier that not all threads of the block reach";
            }
        }
    }
    return nullptr;
}

// What the compiler takes a parameter for: NumPy's characters, `*` behind those of an array.
template <class T> struct Code;
#define SHIM_CODE(type, text)                                                        \
    template <> struct Code<type> { static const char* of() { return text; } };      \
    template <> struct Code<type*> { static const char* of() { return text "*"; } }; \
    template <> struct Code<const type*> { static const char* of() { return text "*"; } };
SHIM_CODE(float, "f4")
SHIM_CODE(double, "f8")
SHIM_CODE(int, "i4")
SHIM_CODE(unsigned, "u4")
SHIM_CODE(long long, "i8")
SHIM_CODE(bool, "b1")

}  // namespace shim

#define __syncthreads() shim::wait(shim::at_block_barrier)

template <class T> T __shfl_xor_sync(unsigned mask, T value, int lane) {
    int thread = shim::block.current->thread;
    shim::exchanged[thread] = (double)value;
    shim::wait(shim::at_warp_barrier);
    T found = (T)shim::exchanged[thread ^ lane];
    shim::wait(shim::at_warp_barrier);
    return found;
}

template <class T> T atomicAdd(T* place, T value) {
    T before = *place;
    *place = before + value;
    return before;
}

inline float __int_as_float(int bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return (uint64_t)a * b >> 32; }

// CUDA's mathematical functions know both types; C's names mean double alone.
using std::ceil;
using std::cos;
using std::erf;
using std::exp;
using std::expm1;
using std::fabs;
using std::floor;
using std::fmax;
using std::fmin;
using std::log;
using std::log1p;
using std::pow;
using std::sin;
using std::sqrt;
using std::tanh;

// The conversions of half precision, which are instructions of the GPU.
inline unsigned short half_bits(float value) {
    _Float16 half = (_Float16)value;
    unsigned short bits;
    memcpy(&bits, &half, sizeof bits);
    return bits;
}
inline float half_value(unsigned short bits) {
    _Float16 half;
    memcpy(&half, &bits, sizeof half);
    return half;
}
