#pragma once

#include <memory>
#include <string>

#include "head/backend.h"
#include "head/spec.h"

namespace headstart::cpu {

// available_threads(), at most 16.
unsigned default_threads();

// "CPU, AVX-512, 2 threads".
std::string describe();

// Whether this processor multiplies bfloat16 numbers.
bool has_bf16();

// The CPU backend for heads of one plan. threads = 0: default_threads(). Throws Error
// (device_unavailable) for a precision that the processor has not.
std::unique_ptr<Engine> make_engine(const Plan& plan, std::span<const HeadOptions> heads,
                                    unsigned threads, Precision precision);

}  // namespace headstart::cpu
