#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

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

}  // namespace headstart::cpu
