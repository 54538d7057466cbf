// SPDX-License-Identifier: LGPL-2.1-or-later
// The activations, numbered as EffvkActivation. ACTIVATION is a specialization constant of the
// including shader. The exponents are bounded so that nothing becomes a subnormal number, which slows a
// CPU down a hundredfold; the bound changes no result by more than 1e-15.

const float LARGEST_EXPONENT = 40.0;

vec4 sigmoid(vec4 v)
{
    return 1.0 / (1.0 + exp(min(-v, LARGEST_EXPONENT)));
}

vec4 activate(vec4 v)
{
    if (ACTIVATION == 1) // SiLU
        return v / (1.0 + exp(min(-v, LARGEST_EXPONENT)));
    if (ACTIVATION == 2) // ReLU6
        return clamp(v, 0.0, 6.0);
    return v;
}
