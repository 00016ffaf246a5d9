// Tags that tell our objects from all others, so that a wrong receiver or argument is an error and
// not a crash. Random numbers, made once with `openssl rand -hex 16`.
#pragma once

#include "napi_setup.h"

namespace headstart {

inline constexpr napi_type_tag feature_store_tag = {0x6d0b5e2f9a4c1783, 0xb1e8a47720f35dc6};
inline constexpr napi_type_tag trainer_tag = {0x2f81c9d6e35a4b07, 0x93d0f7186ac25be4};
inline constexpr napi_type_tag stack_tag = {0x8acf5ad7c8e2cbd0, 0x4589a0b1d329abdf};

inline bool has_tag(const Napi::Value& value, const napi_type_tag& tag) {
  bool has = false;
  return value.IsObject() &&
         napi_check_object_type_tag(value.Env(), value, &tag, &has) == napi_ok && has;
}

}  // namespace headstart
