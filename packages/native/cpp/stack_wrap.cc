#include "stack_wrap.h"

#include <span>
#include <utility>

#include "arguments.h"
#include "cpu/conv_stack.h"
#include "cpu/engine.h"
#include "napi_errors.h"
#include "type_tags.h"

namespace headstart {
namespace {

// 2^31 bytes of images are more than any batch needs.
constexpr std::uint64_t max_images = 65536;

std::vector<cpu::StackLayer> read_layers(const Napi::Array& list) {
  std::vector<cpu::StackLayer> layers;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Object layer = read_object(list.Get(i), "layer");
    layers.push_back({read_floats(layer.Get("kernel"), "kernel"),
                      read_floats(layer.Get("bias"), "bias"),
                      read_boolean(layer.Get("pool"), "pool")});
  }
  return layers;
}

unsigned read_threads(const Napi::Value& value) {
  const auto threads = static_cast<unsigned>(read_integer(value, "threads", 0, 256));
  return threads == 0 ? cpu::default_threads() : threads;
}

// Arguments: height, width, scale, shift, layers, threads.
std::unique_ptr<cpu::ConvStack> make_conv_stack(const Napi::CallbackInfo& info) {
  return std::make_unique<cpu::ConvStack>(
      read_side(info[0], "height"), read_side(info[1], "width"), read_floats(info[2], "scale"),
      read_floats(info[3], "shift"), read_layers(read_array(info[4], "layers")),
      read_threads(info[5]));
}

}  // namespace

void StackWrap::define(Napi::Env env, Napi::Object exports) {
  exports.Set("ConvStack",
              DefineClass(env, "ConvStack",
                          {
                              InstanceMethod<&StackWrap::run>("run"),
                              InstanceMethod<&StackWrap::dispose>("dispose"),
                              InstanceAccessor<&StackWrap::output_shape>("outputShape"),
                              InstanceAccessor<&StackWrap::byte_length>("byteLength"),
                          }));
}

StackWrap::StackWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    stack_ = make_conv_stack(info);
    napi_type_tag_object(info.Env(), info.This(), &stack_tag);
    report_memory(info.Env());
  });
}

void StackWrap::Finalize(Napi::BasicEnv env) {
  stack_.reset();
  report_memory(env);
}

void StackWrap::report_memory(Napi::BasicEnv env) noexcept {
  const auto now = static_cast<std::int64_t>(stack_ ? stack_->bytes() : 0);
  std::int64_t total = 0;
  napi_adjust_external_memory(env, now - reported_, &total);
  reported_ = now;
}

cpu::ConvStack& StackWrap::stack(const Napi::CallbackInfo& info) {
  if (!has_tag(info.This(), stack_tag)) {
    throw invalid_argument("The receiver is not a stack.");
  }
  if (!stack_) throw Error(ErrorCode::disposed, "The stack was disposed of.");
  return *stack_;
}

Napi::Value StackWrap::run(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    cpu::ConvStack& own = stack(info);
    const std::size_t count = read_integer(info[1], "count", 1, max_images);
    const std::span<const std::uint8_t> images = read_bytes(info[0], "images");
    if (images.size() != count * own.input().size()) {
      throw invalid_argument("The images have not the size of " + to_string(own.input()) + ".");
    }
    Napi::Float32Array features = Napi::Float32Array::New(info.Env(), count * own.output().size());
    own.run(images.data(), count, features.Data());
    report_memory(info.Env());
    return features;
  });
}

Napi::Value StackWrap::output_shape(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Shape& shape = stack(info).output();
    Napi::Array sides = Napi::Array::New(info.Env(), 3);
    sides.Set(0u, static_cast<double>(shape.height));
    sides.Set(1u, static_cast<double>(shape.width));
    sides.Set(2u, static_cast<double>(shape.channels));
    return sides;
  });
}

Napi::Value StackWrap::byte_length(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    stack(info);
    return Napi::Number::New(info.Env(), static_cast<double>(reported_));
  });
}

void StackWrap::dispose(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    if (!has_tag(info.This(), stack_tag)) {
      throw invalid_argument("The receiver is not a stack.");
    }
    Finalize(info.Env());
  });
}

}  // namespace headstart
