#include "cpu/zeros.h"

#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace headstart::cpu {
namespace {

void* aligned(void* base, std::uintptr_t boundary) {
  const auto address = reinterpret_cast<std::uintptr_t>(base);
  return reinterpret_cast<void*>((address + boundary - 1) / boundary * boundary);
}

}  // namespace

#if defined(__linux__)

Zeros::Zeros(std::size_t count) {
  constexpr std::size_t page = std::size_t{2} << 20;
  const std::size_t used = (count * sizeof(float) + page - 1) / page * page;
  bytes_ = used + page;
  base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base_ == MAP_FAILED) {
    base_ = nullptr;
    throw std::bad_alloc();
  }
  void* data = aligned(base_, page);
  // Advice: without it there are small pages.
  madvise(data, used, MADV_HUGEPAGE);
  data_ = static_cast<float*>(data);
}

Zeros::~Zeros() {
  if (base_) munmap(base_, bytes_);
}

#else

Zeros::Zeros(std::size_t count) {
  constexpr std::size_t line = 64;
  bytes_ = count * sizeof(float) + line;
  base_ = std::calloc(bytes_, 1);
  if (!base_) throw std::bad_alloc();
  data_ = static_cast<float*>(aligned(base_, line));
}

Zeros::~Zeros() { std::free(base_); }

#endif

}  // namespace headstart::cpu
