// CUDA's objects with owners, and its errors as Error.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>
#include <utility>

namespace headstart::cuda {

// Throws Error (out_of_memory), or Error (device_failed) with what CUDA says about `what`.
void check(cudaError_t status, const char* what);

// "1 head", "2 heads".
std::string count_of(std::size_t count, const char* what);

// Throws Error (out_of_memory) naming what is needed and what is free, unless so many bytes are.
void require_memory(std::size_t bytes, const std::string& purpose);

// An owner that closes what it holds; what closing says is of no use to anyone.
template <class Handle, auto close>
class Owned {
 public:
  Owned() = default;
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    if (handle_) close(handle_);
    handle_ = std::exchange(other.handle_, nullptr);
    return *this;
  }
  ~Owned() {
    if (handle_) close(handle_);
  }

  Handle get() const noexcept { return handle_; }
  explicit operator bool() const noexcept { return handle_ != nullptr; }

 private:
  Handle handle_ = nullptr;
};

using Stream = Owned<cudaStream_t, cudaStreamDestroy>;
using Event = Owned<cudaEvent_t, cudaEventDestroy>;
using GraphExec = Owned<cudaGraphExec_t, cudaGraphExecDestroy>;

Stream make_stream();
Event make_event();

inline void free_device(void* data) { cudaFree(data); }
inline void free_pinned(void* data) { cudaFreeHost(data); }

// Memory of the device that only grows; growing loses the contents.
template <class T>
class DeviceBuffer {
 public:
  T* require(std::size_t count) {
    if (count > capacity_) {
      clear();
      void* data = nullptr;
      check(cudaMalloc(&data, count * sizeof(T)), "cudaMalloc");
      memory_ = Owned<void*, free_device>(data);
      capacity_ = count;
    }
    return data();
  }

  void clear() noexcept {
    memory_ = {};
    capacity_ = 0;
  }

  T* data() const noexcept { return static_cast<T*>(memory_.get()); }
  std::size_t bytes() const noexcept { return capacity_ * sizeof(T); }
  // Bytes more that require(count) would take.
  std::size_t missing(std::size_t count) const noexcept {
    return count > capacity_ ? (count - capacity_) * sizeof(T) : 0;
  }

 private:
  Owned<void*, free_device> memory_;
  std::size_t capacity_ = 0;
};

// Host memory that the device reads while the host goes on.
class PinnedBuffer {
 public:
  explicit PinnedBuffer(std::size_t bytes) {
    void* data = nullptr;
    check(cudaMallocHost(&data, bytes), "cudaMallocHost");
    memory_ = Owned<void*, free_pinned>(data);
  }

  void* data() const noexcept { return memory_.get(); }

 private:
  Owned<void*, free_pinned> memory_;
};

}  // namespace headstart::cuda
