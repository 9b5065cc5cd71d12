// Adding rows into a table at places that may repeat. The places come sorted, with the rows' numbers
// beside them: a thread adds up one column of all rows of one place, in the order of their arrival.
// Nothing is atomic, so sums round alike on every run, and as on the CPU.

extern "C" __global__ void scatter_add_rows(real* table, const long long* places,
                                            const long long* order, const real* rows, int width,
                                            place sorted, place count) {
    FOR_EACH(i, count) {
        place first = i / width, column = i % width;
        long long at = places[first];
        if (first > 0 && places[first - 1] == at) continue;  // another thread's
        wide total = table[at * width + column];
        for (place j = first; j < sorted && places[j] == at; ++j) {
            total += (wide)rows[order[j] * width + column];
        }
        table[at * width + column] = total;
    }
}
