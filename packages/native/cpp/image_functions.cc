#include "image_functions.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "image/resample.h"
#include "image/views.h"
#include "napi_errors.h"

namespace headstart {
namespace {

constexpr std::uint64_t max_side = 1 << 24;

// A picture and what is made of it, as plain data; the arrays are held until it is done.
struct Rendering {
  const std::uint8_t* pixels = nullptr;
  image::Size source{};
  image::Box part{};
  image::Filter filter{};
  image::Size size{};
  image::Box placed{};
  std::vector<image::View> views;
  std::uint8_t* target = nullptr;

  // Each view [size.height, size.width, 3], one after another.
  void run() const {
    const std::size_t bytes = 3 * size.height * size.width;
    const bool first_is_plain = views.front().is_plain();
    // Where the first view is the plain image, it is made in its place.
    std::vector<std::uint8_t> own(first_is_plain ? 0 : bytes);
    std::uint8_t* plain = first_is_plain ? target : own.data();
    if (placed.height != size.height || placed.width != size.width) {
      std::fill(plain, plain + bytes, std::uint8_t{0});
    }
    image::resample(pixels, source, part, filter, {placed.height, placed.width},
                    plain + 3 * (placed.top * size.width + placed.left), 3 * size.width);
    for (std::size_t v = first_is_plain ? 1 : 0; v < views.size(); ++v) {
      image::apply_view(plain, size, views[v], target + v * bytes);
    }
  }
};

class RenderWorker : public Napi::AsyncWorker {
 public:
  RenderWorker(Napi::Env env, Rendering rendering, Napi::Value pixels, Napi::Value target)
      : AsyncWorker(env, "headstart"),
        deferred_(env),
        rendering_(std::move(rendering)),
        pixels_(Napi::Persistent(pixels.As<Napi::Object>())),
        target_(Napi::Persistent(target.As<Napi::Object>())) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { rendering_.run(); }
  void OnOK() override { deferred_.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  Rendering rendering_;
  Napi::ObjectReference pixels_, target_;
};

image::Size read_size(const Napi::Object& object, const char* height, const char* width) {
  return {read_integer(object.Get(height), height, 1, max_side),
          read_integer(object.Get(width), width, 1, max_side)};
}

// [top, left, height, width], within a size.
image::Box read_box(const Napi::Value& value, const char* name, image::Size whole) {
  const Napi::Array list = read_array(value, name);
  const auto number = [&](std::uint32_t i, std::uint64_t min, std::uint64_t max) {
    return read_integer(list.Get(i), name, min, max);
  };
  const std::size_t top = number(0, 0, whole.height - 1), left = number(1, 0, whole.width - 1);
  return {top, left, number(2, 1, whole.height - top), number(3, 1, whole.width - left)};
}

image::Filter read_filter(const Napi::Value& value) {
  const std::string name = read_string(value, "filter");
  if (name == "bilinear") return image::Filter::bilinear;
  if (name == "bicubic") return image::Filter::bicubic;
  if (name == "lanczos") return image::Filter::lanczos;
  throw invalid_argument("Expected bilinear, bicubic or lanczos for filter.");
}

// Nine numbers a view, in the order of image::View.
std::vector<image::View> read_views(const Napi::Value& value) {
  const std::vector<double> numbers = read_doubles(value, "views");
  std::vector<image::View> views;
  for (std::size_t i = 0; i + 9 <= numbers.size(); i += 9) {
    const double* n = numbers.data() + i;
    views.push_back({n[0] != 0, n[1], n[2], n[3] != 0, n[4], n[5], n[6], n[7], n[8]});
  }
  if (views.empty() || 9 * views.size() != numbers.size()) {
    throw invalid_argument("Expected nine numbers for each of views.");
  }
  return views;
}

std::uint8_t* read_bytes(const Napi::Value& value, const char* name, std::size_t length) {
  if (!is_typed_array(value, napi_uint8_array)) {
    throw invalid_argument(std::string("Expected a Uint8Array for ") + name + ".");
  }
  auto bytes = value.As<Napi::Uint8Array>();
  if (bytes.ElementLength() != length) {
    throw invalid_argument(std::string("Expected ") + std::to_string(length) + " bytes for " + name +
                           ".");
  }
  return bytes.Data();
}

Rendering read_rendering(const Napi::Object& job) {
  Rendering rendering;
  rendering.source = read_size(job, "sourceHeight", "sourceWidth");
  rendering.size = read_size(job, "height", "width");
  rendering.part = read_box(job.Get("part"), "part", rendering.source);
  rendering.placed = read_box(job.Get("placed"), "placed", rendering.size);
  rendering.filter = read_filter(job.Get("filter"));
  rendering.views = read_views(job.Get("views"));
  rendering.pixels = read_bytes(job.Get("pixels"), "pixels",
                                3 * rendering.source.height * rendering.source.width);
  rendering.target =
      read_bytes(job.Get("target"), "target",
                 3 * rendering.size.height * rendering.size.width * rendering.views.size());
  return rendering;
}

Napi::Value render_views(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object job = read_object(info[0], "rendering");
    auto* worker =
        new RenderWorker(info.Env(), read_rendering(job), job.Get("pixels"), job.Get("target"));
    const Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
  });
}

void render_views_now(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { read_rendering(read_object(info[0], "rendering")).run(); });
}

}  // namespace

void define_image_functions(Napi::Env env, Napi::Object exports) {
  exports.Set("renderViews", Napi::Function::New<render_views>(env, "renderViews"));
  exports.Set("renderViewsNow",
              Napi::Function::New<render_views_now>(env, "renderViewsNow"));
}

}  // namespace headstart
