// The scores of attention, a block for each target of each head; products with queries, keys and
// values are made before and after. Scores lie as (batch, heads, targets, sources). A bias or a mask
// that was broadcast to that shape comes with its steps along the four axes, 0 where it is one cell.

// Replaces scores by their softmax. A source that may not be seen gets the score `hidden` at most; a
// target that sees nothing is noted as blind, and sees all sources alike.
extern "C" __global__ void attention_weights(real* scores, const real* bias, const bool* mask,
                                             bool* blind, wide hidden, int has_bias, int has_mask,
                                             int causal, place bias_0, place bias_1, place bias_2,
                                             place bias_3, place mask_0, place mask_1,
                                             place mask_2, place mask_3, int heads, int targets,
                                             int sources, place rows) {
    FOR_EACH_ROW(r, rows) {
        place target = r % targets, head = r / targets % heads, sample = r / targets / heads;
        real* row = scores + r * sources;
        place of_bias = sample * bias_0 + head * bias_1 + target * bias_2;
        place of_mask = sample * mask_0 + head * mask_1 + target * mask_2;
        wide largest = -infinity();
        FOR_EACH_IN_ROW(s, sources) {
            wide score = row[s];
            if (has_bias) score += (wide)bias[of_bias + s * bias_3];
            bool seen = !(causal && s > target) && !(has_mask && !mask[of_mask + s * mask_3]);
            if (!seen) score = fmin(score, hidden);
            row[s] = score;
            largest = fmax(largest, score);
        }
        largest = largest_of_block(largest);
        wide total = 0;
        FOR_EACH_IN_ROW(s, sources) {
            wide power = exp((wide)row[s] - largest);
            row[s] = power;
            total += power;
        }
        total = sum_of_block(total);
        FOR_EACH_IN_ROW(s, sources) row[s] = (wide)row[s] / total;
        if (threadIdx.x == 0) blind[r] = has_mask && largest <= hidden;
    }
}

// Turns the gradients w.r.t. the weights into those w.r.t. the scores; a blind target has none.
extern "C" __global__ void attention_slopes(real* slopes, const real* weights, const bool* blind,
                                            int sources, place rows) {
    FOR_EACH_ROW(r, rows) {
        wide total = 0;
        FOR_EACH_IN_ROW(s, sources) {
            total += (wide)slopes[r * sources + s] * (wide)weights[r * sources + s];
        }
        total = sum_of_block(total);
        FOR_EACH_IN_ROW(s, sources) {
            wide slope = ((wide)slopes[r * sources + s] - total) * (wide)weights[r * sources + s];
            slopes[r * sources + s] = blind[r] ? (wide)0 : slope;
        }
    }
}
