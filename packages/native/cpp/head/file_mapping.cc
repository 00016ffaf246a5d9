#include "head/file_mapping.h"

#include <utility>

#include "head/error.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#endif

namespace headstart {

void FileMapping::swap(FileMapping& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(mapped_, other.mapped_);
  std::swap(skipped_, other.skipped_);
}

#if defined(_WIN32)

FileMapping FileMapping::open(const std::string& path, std::uint64_t, std::size_t) {
  throw invalid_argument("The file " + path + " cannot be mapped on this system: read it instead.");
}

FileMapping::~FileMapping() = default;

#else

namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const noexcept { return value_; }

 private:
  int value_;
};

Error failed(const std::string& path) {
  return invalid_argument("The file " + path +
                          " cannot be mapped: " + std::generic_category().message(errno) + ".");
}

}  // namespace

FileMapping FileMapping::open(const std::string& path, std::uint64_t offset, std::size_t size) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (file.value() < 0 || ::fstat(file.value(), &status) != 0) throw failed(path);
  const auto length = static_cast<std::uint64_t>(status.st_size);
  if (offset > length || size > length - offset) {
    throw invalid_argument("The file " + path + " is " + std::to_string(length) +
                           " bytes long, but its features should end at byte " +
                           std::to_string(offset + size) + ".");
  }
  FileMapping mapping;
  if (size == 0) return mapping;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  mapping.skipped_ = offset % page;
  mapping.mapped_ = size + mapping.skipped_;
  void* base = ::mmap(nullptr, mapping.mapped_, PROT_READ, MAP_SHARED, file.value(),
                      static_cast<off_t>(offset - mapping.skipped_));
  if (base == MAP_FAILED) throw failed(path);
  mapping.base_ = static_cast<std::byte*>(base);
  return mapping;
}

FileMapping::~FileMapping() {
  if (base_) ::munmap(base_, mapped_);
}

#endif

}  // namespace headstart
