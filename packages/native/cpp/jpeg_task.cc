#include "jpeg_task.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "image/jpeg.h"
#include "napi_errors.h"
#include "operation.h"
#include "rendering.h"
#include "task_pool.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

// Of OpenSSL, which Node exports for addons (https://nodejs.org/api/addons.html).
extern "C" {
const void* EVP_sha256(void);
int EVP_Digest(const void* data, std::size_t count, unsigned char* digest, unsigned int* size,
               const void* type, void* engine);
}

namespace headstart {
namespace {

constexpr std::size_t digest_bytes = 32;
using Digest = std::array<std::uint8_t, digest_bytes>;

// Larger files are left to others.
constexpr std::size_t most_bytes = 64 << 20;

std::optional<Digest> sha256(const std::uint8_t* bytes, std::size_t length) {
  Digest digest;
  if (EVP_Digest(bytes, length, digest.data(), nullptr, EVP_sha256(), nullptr) != 1) return {};
  return digest;
}

// Memory of a thread that is used again: what is new is cleared by the system, page by page.
class Scratch {
 public:
  std::uint8_t* room(std::size_t length) {
    if (length > length_) {
      clear();
      bytes_.reset(new std::uint8_t[length]);
      length_ = length;
    }
    return bytes_.get();
  }

  // Keeps no more than what common pictures need.
  void trim() {
    if (length_ > (8 << 20)) clear();
  }

 private:
  void clear() {
    bytes_.reset();
    length_ = 0;
  }

  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t length_ = 0;
};

using Bytes = std::span<const std::uint8_t>;

#if !defined(_WIN32)
bool read_all(int file, std::uint8_t* data, std::size_t count) {
  while (count > 0) {
    const ssize_t got = ::read(file, data, count);
    if (got <= 0) return false;
    data += got;
    count -= static_cast<std::size_t>(got);
  }
  return true;
}

// The bytes of a regular file that may be a JPEG; nothing where they cannot be had. Of others no more is
// read than shows it, as somebody else reads them.
Bytes read_file(const std::string& path, Scratch& scratch) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return {};
  Bytes bytes;
  struct stat about;
  if (::fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 &&
      static_cast<std::size_t>(about.st_size) <= most_bytes) {
    const auto length = static_cast<std::size_t>(about.st_size);
    const std::size_t mark = std::min(length, image::least_jpeg_bytes);
    std::uint8_t* data = scratch.room(length);
    if (read_all(file, data, mark) && image::may_be_jpeg(data, mark) &&
        read_all(file, data + mark, length - mark)) {
      bytes = {data, length};
    }
  }
  ::close(file);
  return bytes;
}
#else
Bytes read_file(const std::string&, Scratch&) { return {}; }
#endif

struct Job {
  Rendering rendering;
  std::string path;  // where empty, the bytes are given
  Bytes given;
  std::optional<Digest> expected;
  std::size_t max_pixels = 0;
  bool ignore_profiles = false;
  std::vector<std::uint8_t> ignored;  // digests of profiles, one after another

  // False where the file is left to others.
  bool run() {
    static thread_local Scratch file, picture;
    const bool done = run(file, picture);
    file.trim();
    picture.trim();
    return done;
  }

 private:
  bool run(Scratch& file, Scratch& picture) {
    const Bytes bytes = path.empty() ? given : read_file(path, file);
    const auto target = [&](image::Size size) -> std::uint8_t* {
      // Now, as nobody needs to know it of a file that is left alone.
      if (expected && sha256(bytes.data(), bytes.size()) != expected) return nullptr;
      std::uint8_t* pixels = picture.room(3 * size.height * size.width);
      rendering.source = size;
      rendering.pixels = pixels;
      return pixels;
    };
    if (!image::decode_jpeg(bytes.data(), bytes.size(), limits(), target)) return false;
    rendering.part = {0, 0, rendering.source.height, rendering.source.width};
    rendering.run();
    return true;
  }

  image::JpegLimits limits() const {
    image::JpegLimits limits;
    limits.max_pixels = max_pixels;
    limits.reduced_from = 4 * std::max(rendering.size.height, rendering.size.width);
    limits.ignores_profile = [this](const std::uint8_t* profile, std::size_t length) {
      if (ignore_profiles) return true;
      if (ignored.empty()) return false;
      const std::optional<Digest> digest = sha256(profile, length);
      for (std::size_t at = 0; digest && at < ignored.size(); at += digest_bytes) {
        if (std::memcmp(ignored.data() + at, digest->data(), digest_bytes) == 0) return true;
      }
      return false;
    };
    return limits;
  }
};

class JpegTask : public Operation {
 public:
  JpegTask(Napi::Env env, Job job, const Napi::Object& arguments)
      : Operation(env),
        job_(std::move(job)),
        target_(Napi::Persistent(arguments.Get("target").As<Napi::Object>())) {
    const Napi::Value file = arguments.Get("file");
    if (file.IsObject()) bytes_ = Napi::Persistent(file.As<Napi::Object>());
  }

 protected:
  void execute() override { done_ = job_.run(); }
  Napi::Value result(Napi::Env env) override { return Napi::Boolean::New(env, done_); }

 private:
  Job job_;
  bool done_ = false;
  Napi::ObjectReference target_, bytes_;
};

Job read_job(const Napi::Object& arguments) {
  Job job;
  job.rendering = read_views_of_picture(arguments);
  const Napi::Value file = arguments.Get("file");
  if (file.IsString()) {
    job.path = read_string(file, "file");
  } else {
    job.given = read_bytes(file, "file");
  }
  const Napi::Value sha256 = arguments.Get("sha256");
  if (!sha256.IsUndefined()) {
    const Bytes bytes = read_bytes(sha256, "sha256");
    if (bytes.size() != digest_bytes) throw invalid_argument("Expected 32 bytes for sha256.");
    std::copy(bytes.begin(), bytes.end(), job.expected.emplace().begin());
  }
  job.max_pixels = read_integer(arguments.Get("maxPixels"), "maxPixels", 1, std::uint64_t{1} << 40);
  job.ignore_profiles = read_boolean(arguments.Get("ignoreProfiles"), "ignoreProfiles");
  const Bytes ignored = read_bytes(arguments.Get("ignoredProfiles"), "ignoredProfiles");
  if (ignored.size() % digest_bytes != 0) {
    throw invalid_argument("Expected 32 bytes for each of ignoredProfiles.");
  }
  job.ignored.assign(ignored.begin(), ignored.end());
  return job;
}

}  // namespace

Napi::Value render_jpeg(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object arguments = read_object(info[0], "rendering");
    auto task = std::make_unique<JpegTask>(info.Env(), read_job(arguments), arguments);
    return static_cast<TaskPool*>(info.Data())->start(std::move(task));
  });
}

}  // namespace headstart
