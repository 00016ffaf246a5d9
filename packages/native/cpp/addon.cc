// What the addon exports; see NativeModule in src/native-module.ts. No global state: several worker
// threads load it at once.
#include <numeric>
#include <string>
#include <utility>

#include "arguments.h"
#include "checked_rows.h"
#include "cpu/available_threads.h"
#include "cpu/engine.h"
#include "cuda/probe.h"
#include "encoded_rows.h"
#include "feature_store_wrap.h"
#include "head/philox.h"
#include "image_functions.h"
#include "napi_errors.h"
#include "stack_wrap.h"
#include "task_pool.h"
#include "trainer_wrap.h"

namespace headstart {
namespace {

// The first `count` of the names.
Napi::Array list_strings(Napi::Env env, std::uint32_t count,
                         std::initializer_list<const char*> names) {
  Napi::Array list = Napi::Array::New(env);
  for (std::uint32_t i = 0; i < count; ++i) list.Set(i, names.begin()[i]);
  return list;
}

Napi::Value list_backends(Napi::Env env) {
  Napi::Object cpu = Napi::Object::New(env);
  cpu.Set("name", "cpu");
  cpu.Set("available", true);
  cpu.Set("description", cpu::describe());
  cpu.Set("compute", list_strings(env, cpu::has_bf16() ? 2 : 1, {"fp32", "bf16"}));
  const cuda::Probe probe = cuda::probe();
  const std::uint32_t kinds = probe.found ? (probe.tensor_cores ? 3 : 1) : 0;
  Napi::Object cuda = Napi::Object::New(env);
  cuda.Set("name", "cuda");
  cuda.Set("available", probe.found);
  cuda.Set("compute", list_strings(env, kinds, {"fp32", "tf32", "bf16"}));
  cuda.Set("description", probe.found ? "CUDA, " + probe.description : "CUDA");
  if (!probe.found) cuda.Set("reason", probe.description);
  Napi::Array list = Napi::Array::New(env);
  list.Set(0u, cpu);
  list.Set(1u, cuda);
  return list;
}

Napi::Value backends(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return list_backends(info.Env()); });
}

// Arguments: seed, domain, c1, c2, c3.
RandomWords read_stream(const Napi::CallbackInfo& info) {
  const auto word = [&](std::size_t i, const char* name, std::uint64_t max) {
    return static_cast<std::uint32_t>(read_integer(info[i], name, 0, max));
  };
  return RandomWords(RandomStream(read_integer(info[0], "seed", 0, (std::uint64_t{1} << 53) - 1),
                                  static_cast<std::uint8_t>(word(1, "domain", 255)),
                                  word(2, "counter", 0xFFFFFFFF), word(3, "counter", 0xFFFFFFFF),
                                  word(4, "counter", 0xFFFFFFFF)));
}

std::size_t read_count(const Napi::CallbackInfo& info) {
  return read_integer(info[5], "count", 0, 0x7FFFFFFF);
}

Napi::Value uniforms(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    RandomWords words = read_stream(info);
    Napi::Float64Array values = Napi::Float64Array::New(info.Env(), read_count(info));
    for (std::size_t i = 0; i < values.ElementLength(); ++i) values[i] = words.next_uniform();
    return values;
  });
}

Napi::Value permutation(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    RandomWords words = read_stream(info);
    Napi::Int32Array values = Napi::Int32Array::New(info.Env(), read_count(info));
    std::int32_t* begin = values.Data();
    std::iota(begin, begin + values.ElementLength(), 0);
    for (std::size_t i = values.ElementLength(); i > 1; --i) {
      std::swap(begin[i - 1], begin[words.next_below(static_cast<std::uint32_t>(i))]);
    }
    return values;
  });
}

// Argument: the folder that holds proc/ and sys/.
Napi::Value available_threads(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return Napi::Number::New(info.Env(), cpu::available_threads(read_string(info[0], "root")));
  });
}

Napi::Object initialize_addon(Napi::Env env, Napi::Object exports) {
  TaskPool* pool = TaskPool::make(env);
  exports.Set("backends", Napi::Function::New<backends>(env, "backends"));
  exports.Set("uniforms", Napi::Function::New<uniforms>(env, "uniforms"));
  exports.Set("readCheckedRows", Napi::Function::New<read_checked_rows>(env, "readCheckedRows"));
  exports.Set("encodeRows", Napi::Function::New<encode_rows>(env, "encodeRows", pool));
  exports.Set("permutation", Napi::Function::New<permutation>(env, "permutation"));
  exports.Set("availableThreads",
              Napi::Function::New<available_threads>(env, "availableThreads"));
  exports.Set("FeatureStore", FeatureStoreWrap::define(env));
  define_image_functions(env, exports, pool);
  StackWrap::define(env, exports);
  exports.Set("Trainer", TrainerWrap::define(env));
  return exports;
}

}  // namespace
}  // namespace headstart

namespace {
Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  return headstart::initialize_addon(env, exports);
}
}  // namespace

NODE_API_MODULE(headstart, initialize)
