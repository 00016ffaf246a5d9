// Stands for the CUDA part where the addon was built without the CUDA toolkit.
#include "cuda/device_rows.h"
#include "cuda/engine.h"
#include "cuda/probe.h"
#include "head/error.h"

namespace headstart::cuda {

Probe probe() {
  return {false, "this build has no CUDA part: nvcc was not found when it was built", false};
}

void require_device() {
  throw Error(ErrorCode::device_unavailable, "CUDA is not available: " + probe().description + ".");
}

std::unique_ptr<Engine> make_engine(const Plan&, std::span<const HeadOptions>, Precision) {
  require_device();
  return nullptr;
}

std::unique_ptr<DeviceRows> make_rows(std::size_t) {
  require_device();
  return nullptr;
}

}  // namespace headstart::cuda
