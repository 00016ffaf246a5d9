#pragma once

#include <atomic>
#include <memory>

#include "head/trainer.h"
#include "napi_setup.h"

namespace headstart {

// A trainer and who uses it: shared by JavaScript's object and the operation that runs.
struct TrainerState {
  explicit TrainerState(HeadTrainer made) : trainer(std::move(made)) {}

  HeadTrainer trainer;
  std::atomic<bool> abort{false};
  bool busy = false;      // JavaScript thread only
  bool disposed = false;  // JavaScript thread only
  int64_t reported = 0;   // bytes told to V8; JavaScript thread only

  // Tells V8 how much memory there is now.
  void report_memory(Napi::BasicEnv env, bool gone) noexcept;
};

class TrainerWrap final : public Napi::ObjectWrap<TrainerWrap> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit TrainerWrap(const Napi::CallbackInfo& info);
  void Finalize(Napi::BasicEnv env) override;

 private:
  Napi::Value train_steps(const Napi::CallbackInfo& info);
  Napi::Value evaluate(const Napi::CallbackInfo& info);
  Napi::Value predict(const Napi::CallbackInfo& info);
  Napi::Value gradients(const Napi::CallbackInfo& info);
  void abort(const Napi::CallbackInfo& info);
  Napi::Value get_tensors(const Napi::CallbackInfo& info);
  void set_tensors(const Napi::CallbackInfo& info);
  Napi::Value get_step(const Napi::CallbackInfo& info);
  void set_step(const Napi::CallbackInfo& info);
  void set_learning_rate(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  // The state, if it is there and no operation runs. Throws Error (disposed or busy). To be asked
  // again after objects were read: their getters are JavaScript, which may have done anything.
  TrainerState& idle(const Napi::CallbackInfo& info);
  std::size_t read_head(const Napi::Value& value);

  std::shared_ptr<TrainerState> state_;
};

}  // namespace headstart
