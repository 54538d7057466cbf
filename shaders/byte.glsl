// SPDX-License-Identifier: LGPL-2.1-or-later

// 0..1 as the nearest of 256 levels.
vec4 round_to_byte(vec4 v)
{
    return floor(clamp(v, 0.0, 1.0) * 255.0 + 0.5) / 255.0;
}

// 0..255
vec4 unpack_bytes(uint word)
{
    int i = int(word);
    return vec4(ivec4(i, i >> 8, i >> 16, i >> 24) & 255);
}
