// What is done to a row of floats, LANES at a time; ROW(name) names the instruction set's function.

/// eˣ: see `exponential` in Tensors/Exponential.swift.
KERNEL vector exponential(vector x) {
    x = chosen(x < -87, (vector)(-87.0f), x);
    x = chosen(x > 88, (vector)(88.0f), x);
    const vector magic = 12582912.0f + 127;
    vector shifted = x * 1.44269504f + magic;
    vector whole = shifted - magic;
    vector rest = (x - whole * 0.693359375f) - whole * -2.1219444e-4f;
    vector power = 0.0013814613181613216f;
    power = power * rest + 0.0083687098231077089f;
    power = power * rest + 0.041668387362842112f;
    power = power * rest + 0.16666520689843886f;
    power = power * rest + 0.49999993451700658f;
    power = power * rest + 1;
    power = power * rest + 1;
    return power * (vector)((integers)shifted << 23);
}

/// x · Φ(x): see `applyGELU` in Tensors/GELU.swift.
KERNEL vector gelu(vector x) {
    vector distance = chosen(x < 0, -x, x) * 0.70710677f;
    vector t = chosen(distance > 5e7f, (vector)(5e7f), distance);
    vector numerator = 0.031853232959209443f;
    numerator = numerator * t + 0.22478472546755385f;
    numerator = numerator * t + 0.72236148165020697f;
    numerator = numerator * t + 1.2296495477205689f;
    numerator = numerator * t + 1;
    vector denominator = 0.056457542704192142f;
    denominator = denominator * t + 0.39845105371009637f;
    denominator = denominator * t + 1.3081012717217768f;
    denominator = denominator * t + 2.3831056613434258f;
    denominator = denominator * t + 2.3580290518714344f;
    denominator = denominator * t + 1;
    vector tail = x * 0.5f * exponential(x * x * -0.5f) * numerator / denominator;
    return chosen(x > 0, x - tail, tail);
}

KERNEL float total(vector x) {
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += x[lane];
    return sum;
}

__attribute__((target(TARGET))) float ROW(maximum)(const float *x, long count) {
    vector largest = -__builtin_inff();
    long i = 0;
    for (; i + LANES <= count; i += LANES) largest = chosen(load(x + i) > largest, load(x + i), largest);
    float result = -__builtin_inff();
    for (int lane = 0; lane < LANES; lane++) result = largest[lane] > result ? largest[lane] : result;
    for (; i < count; i++) result = x[i] > result ? x[i] : result;
    return result;
}

__attribute__((target(TARGET))) float ROW(exponentiate)(float *x, long count, float maximum) {
    vector sum = 0.0f;
    long i = 0;
    for (; i + LANES <= count; i += LANES) {
        vector power = exponential(load(x + i) - maximum);
        store(x + i, power);
        sum += power;
    }
    float result = total(sum);
    if (i < count) {
        vector tail = -__builtin_inff();
        memcpy(&tail, x + i, (count - i) * sizeof(float));
        tail = exponential(tail - maximum);
        memcpy(x + i, &tail, (count - i) * sizeof(float));
        for (int lane = 0; lane < count - i; lane++) result += tail[lane];
    }
    return result;
}

__attribute__((target(TARGET))) void ROW(gelu)(float *x, long count) {
    long i = 0;
    for (; i + LANES <= count; i += LANES) store(x + i, gelu(load(x + i)));
    if (i < count) {
        vector tail = 0.0f;
        memcpy(&tail, x + i, (count - i) * sizeof(float));
        tail = gelu(tail);
        memcpy(x + i, &tail, (count - i) * sizeof(float));
    }
}

__attribute__((target(TARGET))) void ROW(normalise)(const float *x, float *y, long count, const float *weight,
                                                    const float *bias, float epsilon) {
    const long whole = count / LANES * LANES;
    vector sums = 0.0f, squares = 0.0f;
    for (long i = 0; i < whole; i += LANES) sums += load(x + i);
    float sum = total(sums);
    for (long i = whole; i < count; i++) sum += x[i];
    const float mean = sum / count;
    for (long i = 0; i < whole; i += LANES) squares += (load(x + i) - mean) * (load(x + i) - mean);
    float square = total(squares);
    for (long i = whole; i < count; i++) square += (x[i] - mean) * (x[i] - mean);
    const float scale = 1 / __builtin_sqrtf(square / count + epsilon);
    for (long i = 0; i < whole; i += LANES)
        store(y + i, (load(x + i) - mean) * scale * load(weight + i) + load(bias + i));
    for (long i = whole; i < count; i++) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

/// To bfloat16, to the nearest, of two as near to the even one; a NaN stays one.
__attribute__((target(TARGET))) void ROW(narrow)(const float *x, uint16_t *y, long count) {
    for (long i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
        y[i] = (bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded;
    }
}
