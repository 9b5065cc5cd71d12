// Dropout: the mask from the counter-based generator, and its use.

// One block of Philox 4x32-10 (Salmon et al., 2011); the words are those of arrays/philox.py.
static __device__ void philox(unsigned* words, unsigned key_0, unsigned key_1) {
    for (int round = 0; round < 10; ++round) {
        unsigned low_0 = 0xD2511F53u * words[0], high_0 = __umulhi(0xD2511F53u, words[0]);
        unsigned low_1 = 0xCD9E8D57u * words[2], high_1 = __umulhi(0xCD9E8D57u, words[2]);
        words[0] = high_1 ^ words[1] ^ key_0;
        words[1] = low_1;
        words[2] = high_0 ^ words[3] ^ key_1;
        words[3] = low_0;
        key_0 += 0x9E3779B9u;
        key_1 += 0xBB67AE85u;
    }
}

// A thread makes one block of the stream: four uniform numbers, or two of double precision. They
// are integers over 2**bits; `rate` comes as such an integer too, so the comparison is exact.
extern "C" __global__ void dropout_mask(bool* keep, unsigned key_0, unsigned key_1,
                                        unsigned high_0, unsigned high_1, long long least,
                                        place blocks, place count) {
    FOR_EACH(i, blocks) {
        unsigned words[4] = {(unsigned)i, (unsigned)((unsigned long long)i >> 32), high_0, high_1};
        philox(words, key_0, key_1);
#if REAL_BYTES == 8
        for (int j = 0; j < 2; ++j) {
            long long mantissa = ((long long)(words[2 * j] & 0xFFFFF) << 32) | words[2 * j + 1];
            if (2 * i + j < count) keep[2 * i + j] = mantissa >= least;
        }
#else
        unsigned mask = REAL_BYTES == 4 ? 0x7FFFFF : 0x3FF;
        for (int j = 0; j < 4; ++j) {
            if (4 * i + j < count) keep[4 * i + j] = (words[j] & mask) >= least;
        }
#endif
    }
}

extern "C" __global__ void apply_mask(const real* x, const bool* keep, real* y, wide scale,
                                place count) {
    FOR_EACH(i, count) y[i] = keep[i] ? (wide)x[i] * scale : (wide)0;
}
