#pragma once

#include <memory>
#include <span>

#include "head/backend.h"
#include "head/spec.h"

namespace headstart::cuda {

// Throws Error (device_unavailable) that says what is missing.
void require_device();

// The CUDA backend for heads of one plan, on the first device that CUDA_VISIBLE_DEVICES leaves.
// Throws Error (device_unavailable), also for a precision that the device has not, and
// (out_of_memory).
std::unique_ptr<Engine> make_engine(const Plan& plan, std::span<const HeadOptions> heads,
                                    Precision precision);

}  // namespace headstart::cuda
