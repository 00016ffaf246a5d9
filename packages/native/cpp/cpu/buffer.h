#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

namespace headstart::cpu {

// Memory at 64-byte boundaries that only grows; growing loses the contents.
template <class T>
class Buffer {
 public:
  T* require(std::size_t count) {
    if (count > capacity_) {
      data_.reset();
      capacity_ = 0;
      const std::size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
      data_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
      if (!data_) throw std::bad_alloc();
      capacity_ = count;
    }
    return data_.get();
  }

  T* data() const noexcept { return data_.get(); }
  std::size_t bytes() const noexcept { return capacity_ * sizeof(T); }

 private:
  struct Free {
    void operator()(T* data) const noexcept { std::free(data); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t capacity_ = 0;
};

// One buffer for each worker of a pool.
template <class T>
class Scratch {
 public:
  void require(unsigned workers, std::size_t count) {
    if (buffers_.size() < workers) buffers_.resize(workers);
    for (Buffer<T>& buffer : buffers_) buffer.require(count);
  }

  T* of(unsigned worker) const noexcept { return buffers_[worker].data(); }

  std::size_t bytes() const noexcept {
    std::size_t sum = 0;
    for (const Buffer<T>& buffer : buffers_) sum += buffer.bytes();
    return sum;
  }

 private:
  std::vector<Buffer<T>> buffers_;
};

}  // namespace headstart::cpu
