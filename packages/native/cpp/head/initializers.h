#pragma once

#include <cstdint>
#include <span>

#include "head/spec.h"

namespace headstart {

// First values of one head's parameters: Glorot-uniform kernels (X. Glorot, Y. Bengio, AISTATS
// 2010: limit sqrt(6 / (fan_in + fan_out))), zero biases. Parameter p draws from the stream
// (seed, init, counter (p, 0, 0)). parameters has plan.parameter_floats elements.
void initialize(const Plan& plan, std::uint64_t seed, std::span<float> parameters);

}  // namespace headstart
