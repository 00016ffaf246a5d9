#pragma once

#include <string>

namespace headstart::cuda {

struct Probe {
  bool found = false;         // a device that this build could use
  std::string description;    // of the device, or of what is missing: for people
  bool tensor_cores = false;  // that this build uses: compute capability 8.0 or newer
};

// Never throws for a missing device or driver. Makes no context on the device.
Probe probe();

}  // namespace headstart::cuda
