#include "cuda/probe.h"

#include <cuda_runtime.h>

namespace headstart::cuda {
namespace {

// The oldest compute capability for which CMakeLists.txt builds.
constexpr int oldest_major = 7;
constexpr int oldest_minor = 5;

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

Probe missing(const std::string& reason) { return {false, reason, false}; }

std::string reason_of(cudaError_t status) {
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  if (driver == 0) return "no NVIDIA driver is installed";
  if (status == cudaErrorInsufficientDriver) {
    return "the NVIDIA driver supports CUDA " + version_text(driver) + ", but this build needs " +
           version_text(runtime) + ": update the driver";
  }
  if (status == cudaErrorNoDevice) return "there is no NVIDIA device";
  return std::string("the CUDA runtime says: ") + cudaGetErrorString(status);
}

std::string describe(const cudaDeviceProp& device, int count) {
  int driver = 0;
  cudaDriverGetVersion(&driver);
  std::string text = std::string(device.name) + ", " + std::to_string(device.totalGlobalMem >> 20) +
                     " MiB, compute capability " + std::to_string(device.major) + "." +
                     std::to_string(device.minor) + ", driver for CUDA " + version_text(driver);
  if (count > 1) text += " (the first of " + std::to_string(count) + " devices)";
  return text;
}

}  // namespace

Probe probe() {
  int count = 0;
  const cudaError_t counted = cudaGetDeviceCount(&count);
  if (counted != cudaSuccess || count == 0) {
    cudaGetLastError();
    return missing(reason_of(counted == cudaSuccess ? cudaErrorNoDevice : counted));
  }
  cudaDeviceProp device{};
  const cudaError_t read = cudaGetDeviceProperties(&device, 0);
  if (read != cudaSuccess) {
    cudaGetLastError();
    return missing(reason_of(read));
  }
  const bool old =
      device.major < oldest_major || (device.major == oldest_major && device.minor < oldest_minor);
  if (old) {
    return missing(describe(device, count) + ", is older than compute capability " +
                   std::to_string(oldest_major) + "." + std::to_string(oldest_minor));
  }
  return {true, describe(device, count), device.major >= 8};
}

}  // namespace headstart::cuda
