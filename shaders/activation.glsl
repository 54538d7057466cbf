// SPDX-License-Identifier: LGPL-2.1-or-later
// The activations, numbered as EffvkActivation. ACTIVATION is a specialization constant of the
// including shader; one that has two defines a second function. The exponents are bounded so that
// nothing becomes a subnormal number, which slows a CPU down a hundredfold; the bound changes no
// result by more than 1e-15.

const float LARGEST_EXPONENT = 40.0;

vec4 sigmoid(vec4 v)
{
    vec4 d = 1.0 + exp(min(-v, LARGEST_EXPONENT));
#if TEXEL
    // A CPU's division takes as long as ten products, so two share one: 1/a = b/(ab). The bound
    // keeps ab below 2^116.
    return d.yxwz * (1.0 / (d.xz * d.yw)).xxyy;
#else
    return 1.0 / d;
#endif
}

// v * sigmoid(v) is SiLU, then ReLU6 and ReLU.
#define DEFINE_ACTIVATE(activate, ACTIVATION) \
    vec4 activate(vec4 v)                                                                          \
    {                                                                                              \
        if (ACTIVATION == 1)                                                                       \
            return v * sigmoid(v);                                                                 \
        if (ACTIVATION == 2)                                                                       \
            return clamp(v, 0.0, 6.0);                                                             \
        if (ACTIVATION == 3)                                                                       \
            return max(v, 0.0);                                                                    \
        return v;                                                                                  \
    }

DEFINE_ACTIVATE(activate, ACTIVATION)
