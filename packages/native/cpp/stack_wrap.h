#pragma once

#include <memory>

#include "cpu/conv_stack.h"
#include "napi_setup.h"

namespace headstart {

// JavaScript's hold on a stack of convolutions. Its calls block: it is for a thread that has nothing
// else to do.
class StackWrap final : public Napi::ObjectWrap<StackWrap> {
 public:
  static void define(Napi::Env env, Napi::Object exports);

  explicit StackWrap(const Napi::CallbackInfo& info);
  void Finalize(Napi::BasicEnv env) override;

 private:
  cpu::ConvStack& stack(const Napi::CallbackInfo& info);
  void report_memory(Napi::BasicEnv env) noexcept;

  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value output_shape(const Napi::CallbackInfo& info);
  Napi::Value byte_length(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  std::unique_ptr<cpu::ConvStack> stack_;
  std::int64_t reported_ = 0;
};

}  // namespace headstart
