#pragma once

#include <cstddef>
#include <memory>

#include "head/feature_store.h"

namespace headstart::cuda {

// Throws Error (out_of_memory) naming needed and free bytes, (device_failed), or
// (device_unavailable) where there is no device.
std::unique_ptr<DeviceRows> make_rows(std::size_t bytes);

}  // namespace headstart::cuda
