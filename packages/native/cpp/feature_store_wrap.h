#pragma once

#include <memory>

#include "head/feature_store.h"
#include "napi_setup.h"

namespace headstart {

// JavaScript's hold on a feature store. Operations share the store itself, so that disposing of it
// in the middle of one is safe.
class FeatureStoreWrap final : public Napi::ObjectWrap<FeatureStoreWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  // The store of an argument. Throws Error (invalid_argument or disposed).
  static std::shared_ptr<const FeatureStore> share(const Napi::Value& value);

  explicit FeatureStoreWrap(const Napi::CallbackInfo& info);
  void Finalize(Napi::BasicEnv env) override;

 private:
  void append(const Napi::CallbackInfo& info);
  Napi::Value find_invalid_row(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);
  Napi::Value length(const Napi::CallbackInfo& info);
  Napi::Value byte_length(const Napi::CallbackInfo& info);

  std::shared_ptr<FeatureStore> store_;
};

}  // namespace headstart
