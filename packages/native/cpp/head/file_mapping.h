#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace headstart {

// A part of a file, read-only in memory: pages come from the system's cache as they are touched.
class FileMapping {
 public:
  FileMapping() = default;
  // Bytes [offset, offset + size). Throws Error (invalid_argument) naming the file, also where the
  // file is shorter or the system has no such mappings.
  static FileMapping open(const std::string& path, std::uint64_t offset, std::size_t size);

  FileMapping(FileMapping&& other) noexcept { swap(other); }
  FileMapping& operator=(FileMapping&& other) noexcept {
    swap(other);
    return *this;
  }
  ~FileMapping();

  const std::byte* data() const noexcept { return base_ ? base_ + skipped_ : nullptr; }

 private:
  void swap(FileMapping& other) noexcept;

  std::byte* base_ = nullptr;
  std::size_t mapped_ = 0;
  std::size_t skipped_ = 0;  // a mapping begins at a page
};

}  // namespace headstart
