#include "cuda/runtime.h"

#include <string>

#include "head/error.h"

namespace headstart::cuda {

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  // Some errors end everything that this process has on the GPU: every later call then fails.
  const bool lost = cudaFree(nullptr) != cudaSuccess;
  const std::string reason = cudaGetErrorString(status);
  if (status == cudaErrorMemoryAllocation) {
    throw Error(ErrorCode::out_of_memory, std::string("The GPU has no memory left (") + what +
                                              "): train fewer heads at once, or use the CPU.");
  }
  throw Error(
      ErrorCode::device_failed,
      std::string("The GPU failed in ") + what + ": " + reason +
          (lost ? ". Nothing more can be computed on it by this process: start it again." : "."));
}

std::string count_of(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void require_memory(std::size_t bytes, const std::string& purpose) {
  if (bytes == 0) return;
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  if (bytes <= free) return;
  throw Error(
      ErrorCode::out_of_memory,
      "The GPU has too little memory for " + purpose + ": " + std::to_string(bytes) +
          " bytes are needed, " + std::to_string(free) + " of " + std::to_string(total) +
          " are free. Train fewer heads at once, keep features in float16, or use the CPU.");
}

Stream make_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  return Stream(stream);
}

Event make_event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreate");
  return Event(event);
}

}  // namespace headstart::cuda
