#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "device_functions.h"

using Operation = std::function<void()>;

struct EmulatedGraph {
  std::vector<Operation> operations;
};

struct EmulatedStream {
  std::deque<Operation> waiting;
  std::uint64_t enqueued = 0;
  std::uint64_t done = 0;
  EmulatedGraph* captured = nullptr;
};

struct EmulatedEvent {
  EmulatedStream* stream = nullptr;
  std::uint64_t after = 0;
};

namespace {

std::size_t number_from(const char* name, std::size_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::stoull(text) : otherwise;
}

// One device for all threads of the process; every call holds the mutex.
struct Device {
  std::recursive_mutex mutex;
  std::map<void*, std::size_t> memory;
  std::size_t used = 0;
  std::map<const char*, std::size_t> pinned;
  std::set<EmulatedStream*> streams;
  cudaError_t last = cudaSuccess;
  bool lost = false;
  std::uint64_t kernels = 0;
};

Device& device() {
  static Device* one = new Device;  // outlives whatever is freed at the end of the process
  return *one;
}

std::size_t total_memory() {
  return number_from("HEADSTART_EMULATED_MEMORY", std::size_t{1} << 30);
}

cudaError_t result(cudaError_t status) {
  if (device().lost) status = cudaErrorIllegalAddress;
  if (status != cudaSuccess) device().last = status;
  return status;
}

void enqueue(EmulatedStream* stream, Operation operation) {
  if (stream->captured) {
    stream->captured->operations.push_back(std::move(operation));
    return;
  }
  stream->waiting.push_back(std::move(operation));
  ++stream->enqueued;
}

void run_until(EmulatedStream* stream, std::uint64_t count) {
  while (stream->done < count && !stream->waiting.empty()) {
    const Operation operation = std::move(stream->waiting.front());
    stream->waiting.pop_front();
    ++stream->done;
    if (!device().lost) operation();
  }
}

bool is_pinned(const void* data, std::size_t bytes) {
  const auto& pinned = device().pinned;
  const char* at = static_cast<const char*>(data);
  auto next = pinned.upper_bound(at);
  if (next == pinned.begin()) return false;
  --next;
  return at + bytes <= next->first + next->second;
}

using Lock = std::lock_guard<std::recursive_mutex>;

}  // namespace

namespace headstart::emulated {

void enqueue_kernel(cudaStream_t stream, dim3 grid, unsigned threads, std::function<void()> body) {
  const Lock lock(device().mutex);
  const bool fits = grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.y < 65536 && grid.z < 65536 &&
                    threads > 0 && threads <= 1024;
  if (!fits) {
    result(cudaErrorInvalidValue);
    return;
  }
  enqueue(stream, [=, body = std::move(body)] {
    if (++device().kernels == number_from("HEADSTART_EMULATED_FAULT", 0)) {
      device().lost = true;
      return;
    }
    run_grid(grid, threads, body);
  });
}

}  // namespace headstart::emulated

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    default:
      return "unknown error";
  }
}

cudaError_t cudaGetLastError() {
  const Lock lock(device().mutex);
  const cudaError_t last = device().lost ? cudaErrorIllegalAddress : device().last;
  device().last = cudaSuccess;
  return last;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::strcpy(properties->name, "emulated device");
  properties->totalGlobalMem = total_memory();
  properties->major = 9;
  properties->minor = 0;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  const Lock lock(device().mutex);
  if (bytes > total_memory() || device().used > total_memory() - bytes) {
    return result(cudaErrorMemoryAllocation);
  }
  *data = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!*data) return result(cudaErrorMemoryAllocation);
  std::memset(*data, 0xFF, bytes);
  device().memory[*data] = bytes;
  device().used += bytes;
  return result(cudaSuccess);
}

// As CUDA's, it waits for all work.
cudaError_t cudaFree(void* data) {
  const Lock lock(device().mutex);
  if (!data) return result(cudaSuccess);
  for (EmulatedStream* stream : device().streams) run_until(stream, stream->enqueued);
  const auto found = device().memory.find(data);
  if (found == device().memory.end()) return result(cudaErrorInvalidValue);
  device().used -= found->second;
  device().memory.erase(found);
  std::free(data);
  return result(cudaSuccess);
}

cudaError_t cudaMallocHost(void** data, std::size_t bytes) {
  const Lock lock(device().mutex);
  *data = std::malloc(bytes);
  if (!*data) return result(cudaErrorMemoryAllocation);
  device().pinned[static_cast<const char*>(*data)] = bytes;
  return result(cudaSuccess);
}

cudaError_t cudaFreeHost(void* data) {
  const Lock lock(device().mutex);
  for (EmulatedStream* stream : device().streams) run_until(stream, stream->enqueued);
  device().pinned.erase(static_cast<const char*>(data));
  std::free(data);
  return result(cudaSuccess);
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Lock lock(device().mutex);
  *total = total_memory();
  *free = *total > device().used ? *total - device().used : 0;
  return result(cudaSuccess);
}

// Memory that is not pinned is read at once.
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const Lock lock(device().mutex);
  if (kind == cudaMemcpyHostToDevice && !is_pinned(from, bytes)) {
    const char* data = static_cast<const char*>(from);
    enqueue(stream, [to, copy = std::vector<char>(data, data + bytes)] {
      if (!copy.empty()) std::memcpy(to, copy.data(), copy.size());
    });
  } else {
    enqueue(stream, [=] {
      if (bytes > 0) std::memcpy(to, from, bytes);
    });
  }
  return result(cudaSuccess);
}

cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream) {
  const Lock lock(device().mutex);
  enqueue(stream, [=] { std::memset(data, value, bytes); });
  return result(cudaSuccess);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const Lock lock(device().mutex);
  *stream = new EmulatedStream;
  device().streams.insert(*stream);
  return result(cudaSuccess);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Lock lock(device().mutex);
  run_until(stream, stream->enqueued);
  device().streams.erase(stream);
  delete stream;
  return result(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Lock lock(device().mutex);
  run_until(stream, stream->enqueued);
  return result(cudaSuccess);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new EmulatedEvent;
  return result(cudaSuccess);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return result(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Lock lock(device().mutex);
  *event = {stream, stream->enqueued};
  return result(cudaSuccess);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Lock lock(device().mutex);
  if (event->stream) run_until(event->stream, event->after);
  return result(cudaSuccess);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  const Lock lock(device().mutex);
  stream->captured = new EmulatedGraph;
  return result(cudaSuccess);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Lock lock(device().mutex);
  *graph = std::exchange(stream->captured, nullptr);
  return result(cudaSuccess);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return result(cudaSuccess);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* ready, cudaGraph_t graph, unsigned long long) {
  *ready = new EmulatedGraph(*graph);
  return result(cudaSuccess);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready) {
  delete ready;
  return result(cudaSuccess);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t stream) {
  const Lock lock(device().mutex);
  for (const Operation& operation : ready->operations) enqueue(stream, operation);
  return result(cudaSuccess);
}
