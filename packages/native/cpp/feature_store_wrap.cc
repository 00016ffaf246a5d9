#include "feature_store_wrap.h"

#include "arguments.h"
#include "cuda/device_rows.h"
#include "napi_errors.h"
#include "type_tags.h"

namespace headstart {
namespace {

void check_receiver(const Napi::CallbackInfo& info) {
  if (!has_tag(info.This(), feature_store_tag)) {
    throw invalid_argument("The receiver is not a FeatureStore.");
  }
}

FeatureType read_type(const std::string& name) {
  if (name == "float32") return FeatureType::float32;
  if (name == "float16") return FeatureType::float16;
  if (name == "bfloat16") return FeatureType::bfloat16;
  throw invalid_argument("There is no dtype \"" + name + "\".");
}

Error disposed() { return Error(ErrorCode::disposed, "The feature store was disposed of."); }

}  // namespace

Napi::Function FeatureStoreWrap::define(Napi::Env env) {
  return DefineClass(env, "FeatureStore",
                     {
                         InstanceMethod<&FeatureStoreWrap::append>("append"),
                         InstanceMethod<&FeatureStoreWrap::find_invalid_row>("findInvalidRow"),
                         InstanceMethod<&FeatureStoreWrap::dispose>("dispose"),
                         InstanceAccessor<&FeatureStoreWrap::length>("length"),
                         InstanceAccessor<&FeatureStoreWrap::byte_length>("byteLength"),
                     });
}

std::shared_ptr<const FeatureStore> FeatureStoreWrap::share(const Napi::Value& value) {
  if (!has_tag(value, feature_store_tag)) throw invalid_argument("Expected a FeatureStore.");
  const FeatureStoreWrap* wrap = Unwrap(value.As<Napi::Object>());
  if (!wrap->store_) throw disposed();
  return wrap->store_;
}

FeatureStoreWrap::FeatureStoreWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    const Shape shape{read_side(info[0], "height"), read_side(info[1], "width"),
                      read_side(info[2], "channels")};
    const std::size_t capacity = read_integer(info[3], "capacity", 0, 0x7FFFFFFF);
    const FeatureType type = read_type(read_string(info[4], "dtype"));
    if (info[5].IsUndefined()) {
      const bool on_device = read_string(info[7], "device") == "cuda";
      store_ = on_device ? std::make_shared<FeatureStore>(shape, capacity, type, cuda::make_rows)
                         : std::make_shared<FeatureStore>(shape, capacity, type);
    } else {
      const std::string path = read_string(info[5], "path");
      const std::uint64_t offset = read_integer(info[6], "offset", 0, (std::uint64_t{1} << 53) - 1);
      store_ =
          std::make_shared<FeatureStore>(FeatureStore::map(path, offset, shape, capacity, type));
    }
    napi_type_tag_object(info.Env(), info.This(), &feature_store_tag);
  });
}

void FeatureStoreWrap::Finalize(Napi::BasicEnv env) {
  if (store_) {
    Napi::MemoryManagement::AdjustExternalMemory(env, -static_cast<int64_t>(store_->owned_bytes()));
  }
}

void FeatureStoreWrap::append(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    check_receiver(info);
    if (!store_) throw disposed();
    const FeatureType type = store_->type();
    const bool rounds =
        type == FeatureType::bfloat16 && is_typed_array(info[0], napi_float32_array);
    const bool floats = type == FeatureType::float32 || rounds;
    if (!is_typed_array(info[0], floats ? napi_float32_array : napi_uint16_array)) {
      throw invalid_argument(floats ? "Expected a Float32Array for rows."
                                    : "Expected a Uint16Array for rows.");
    }
    const std::size_t before = store_->owned_bytes();
    // Not by way of the array's buffer, which may be shared between threads.
    if (floats) {
      const auto rows = info[0].As<Napi::Float32Array>();
      if (rounds) {
        store_->append_rounded(rows.Data(), rows.ElementLength());
      } else {
        store_->append(rows.Data(), rows.ElementLength());
      }
    } else {
      const auto rows = info[0].As<Napi::Uint16Array>();
      store_->append(rows.Data(), rows.ElementLength());
    }
    Napi::MemoryManagement::AdjustExternalMemory(
        info.Env(), static_cast<int64_t>(store_->owned_bytes() - before));
  });
}

Napi::Value FeatureStoreWrap::find_invalid_row(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    check_receiver(info);
    if (!store_) throw disposed();
    const std::uint64_t most = 0x7FFFFFFF;
    const auto row = store_->find_invalid_row(read_integer(info[0], "begin", 0, most),
                                              read_integer(info[1], "count", 0, most));
    return Napi::Number::New(info.Env(), row ? static_cast<double>(*row) : -1.0);
  });
}

void FeatureStoreWrap::dispose(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    check_receiver(info);
    Finalize(info.Env());
    store_.reset();
  });
}

Napi::Value FeatureStoreWrap::length(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    check_receiver(info);
    return Napi::Number::New(info.Env(), store_ ? static_cast<double>(store_->length()) : 0.0);
  });
}

Napi::Value FeatureStoreWrap::byte_length(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    check_receiver(info);
    return Napi::Number::New(info.Env(), store_ ? static_cast<double>(store_->bytes()) : 0.0);
  });
}

}  // namespace headstart
