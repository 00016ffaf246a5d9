#include "feature_store_wrap.h"

#include "arguments.h"
#include "napi_errors.h"
#include "type_tags.h"

namespace headstart {
namespace {

void check_receiver(const Napi::CallbackInfo& info) {
  if (!has_tag(info.This(), feature_store_tag)) {
    throw invalid_argument("The receiver is not a FeatureStore.");
  }
}

Error disposed() { return Error(ErrorCode::disposed, "The feature store was disposed of."); }

}  // namespace

Napi::Function FeatureStoreWrap::define(Napi::Env env) {
  return DefineClass(env, "FeatureStore",
                     {
                         InstanceMethod<&FeatureStoreWrap::append>("append"),
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
    const bool half = read_string(info[4], "dtype") == "float16";
    store_ = std::make_shared<FeatureStore>(shape, capacity,
                                            half ? FeatureType::float16 : FeatureType::float32);
    napi_type_tag_object(info.Env(), info.This(), &feature_store_tag);
  });
}

void FeatureStoreWrap::Finalize(Napi::BasicEnv env) {
  if (store_) {
    Napi::MemoryManagement::AdjustExternalMemory(env, -static_cast<int64_t>(store_->bytes()));
  }
}

void FeatureStoreWrap::append(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    check_receiver(info);
    if (!store_) throw disposed();
    const bool half = store_->type() == FeatureType::float16;
    if (!is_typed_array(info[0], half ? napi_uint16_array : napi_float32_array)) {
      throw invalid_argument(half ? "Expected a Uint16Array for rows."
                                  : "Expected a Float32Array for rows.");
    }
    const auto rows = info[0].As<Napi::TypedArray>();
    const std::size_t before = store_->bytes();
    const auto* bytes = static_cast<const std::byte*>(rows.ArrayBuffer().Data());
    store_->append(bytes + rows.ByteOffset(), rows.ElementLength());
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(),
                                                 static_cast<int64_t>(store_->bytes() - before));
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
