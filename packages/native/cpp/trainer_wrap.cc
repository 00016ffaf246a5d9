#include "trainer_wrap.h"

#include "arguments.h"
#include "feature_store_wrap.h"
#include "napi_errors.h"
#include "trainer_arguments.h"
#include "trainer_operations.h"
#include "type_tags.h"

namespace headstart {
namespace {

constexpr std::uint64_t max_batch = 65536;
constexpr std::uint64_t max_step = 0x7FFFFFFF;

void check_receiver(const Napi::CallbackInfo& info) {
  if (!has_tag(info.This(), trainer_tag)) throw invalid_argument("The receiver is not a Trainer.");
}

State read_state(const Napi::Value& value) {
  const std::string name = read_string(value, "state");
  if (name == "weights") return State::weights;
  if (name == "m") return State::first_moment;
  if (name == "v") return State::second_moment;
  throw invalid_argument("There is no state \"" + name + "\".");
}

bool has_state(const OptimizerOptions& optimizer, State state) {
  switch (state) {
    case State::weights:
      return true;
    case State::first_moment:
      return optimizer.has_first_moment();
    case State::second_moment:
      break;
  }
  return optimizer.has_second_moment();
}

Samples read_labelled(const Napi::Value& rows, const Napi::Value& labels) {
  return {read_int32s(rows, "rows"), read_int32s(labels, "labels"), {}};
}

}  // namespace

void TrainerState::report_memory(Napi::BasicEnv env, bool gone) noexcept {
  const int64_t now = gone ? 0 : static_cast<int64_t>(trainer.memory_bytes());
  int64_t total = 0;
  napi_adjust_external_memory(env, now - reported, &total);
  reported = now;
}

Napi::Function TrainerWrap::define(Napi::Env env) {
  return DefineClass(env, "Trainer",
                     {
                         InstanceMethod<&TrainerWrap::train_steps>("trainSteps"),
                         InstanceMethod<&TrainerWrap::evaluate>("evaluate"),
                         InstanceMethod<&TrainerWrap::predict>("predict"),
                         InstanceMethod<&TrainerWrap::gradients>("gradients"),
                         InstanceMethod<&TrainerWrap::abort>("abort"),
                         InstanceMethod<&TrainerWrap::get_tensors>("getTensors"),
                         InstanceMethod<&TrainerWrap::set_tensors>("setTensors"),
                         InstanceMethod<&TrainerWrap::get_step>("getStep"),
                         InstanceMethod<&TrainerWrap::set_step>("setStep"),
                         InstanceMethod<&TrainerWrap::set_learning_rate>("setLearningRate"),
                         InstanceMethod<&TrainerWrap::dispose>("dispose"),
                     });
}

TrainerWrap::TrainerWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    state_ = std::make_shared<TrainerState>(make_trainer(info[0]));
    napi_type_tag_object(info.Env(), info.This(), &trainer_tag);
    state_->report_memory(info.Env(), false);
  });
}

// An operation that still runs has its own hold on the state and reports when it ends.
void TrainerWrap::Finalize(Napi::BasicEnv env) {
  if (!state_) return;
  state_->disposed = true;
  if (!state_->busy) state_->report_memory(env, true);
}

TrainerState& TrainerWrap::idle(const Napi::CallbackInfo& info) {
  check_receiver(info);
  if (!state_) throw Error(ErrorCode::disposed, "The trainer was disposed of.");
  if (state_->busy) {
    throw Error(ErrorCode::busy,
                "The trainer is busy: wait for the operation before, or abort it.");
  }
  return *state_;
}

std::size_t TrainerWrap::read_head(const Napi::Value& value) {
  return read_integer(value, "head", 0, state_->trainer.heads() - 1);
}

Napi::Value TrainerWrap::train_steps(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto samples = read_samples(info[1], idle(info).trainer.heads());
    idle(info);
    return start_train_steps(info.Env(), state_, FeatureStoreWrap::share(info[0]), std::move(samples),
                             read_integer(info[2], "batchSize", 1, max_batch));
  });
}

Napi::Value TrainerWrap::evaluate(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto samples = read_samples(info[1], idle(info).trainer.heads());
    idle(info);
    return start_evaluate(info.Env(), state_, FeatureStoreWrap::share(info[0]), std::move(samples),
                          read_integer(info[2], "batchSize", 1, max_batch));
  });
}

Napi::Value TrainerWrap::predict(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    idle(info);
    return start_predict(info.Env(), state_, FeatureStoreWrap::share(info[0]), read_head(info[1]),
                         read_int32s(info[2], "rows"),
                         read_integer(info[3], "batchSize", 1, max_batch));
  });
}

Napi::Value TrainerWrap::gradients(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    idle(info);
    return start_gradients(info.Env(), state_, FeatureStoreWrap::share(info[0]), read_head(info[1]),
                           read_labelled(info[2], info[3]), read_boolean(info[4], "dropout"));
  });
}

void TrainerWrap::abort(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    check_receiver(info);
    if (state_) state_->abort.store(true, std::memory_order_relaxed);
  });
}

Napi::Value TrainerWrap::get_tensors(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    HeadTrainer& trainer = idle(info).trainer;
    const std::size_t head = read_head(info[0]);
    const State state = read_state(info[1]);
    if (!has_state(trainer.options(head).optimizer, state)) return Napi::Object::New(info.Env());
    return write_tensors(info.Env(), trainer.plan(), trainer.read(head, state));
  });
}

void TrainerWrap::set_tensors(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    idle(info);
    const SharedTrainer kept = state_;
    HeadTrainer& trainer = kept->trainer;
    const std::size_t head = read_head(info[0]);
    const State state = read_state(info[1]);
    if (has_state(trainer.options(head).optimizer, state)) {
      const std::vector<float> values = read_tensors(info[2], trainer.plan());
      idle(info);
      trainer.write(head, state, values);
    } else if (read_object(info[2], "tensors").GetPropertyNames().Length() > 0) {
      throw invalid_argument("The optimizer of this head has no such moment: give no tensors.");
    }
  });
}

Napi::Value TrainerWrap::get_step(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const HeadTrainer& trainer = idle(info).trainer;
    return Napi::Number::New(info.Env(), trainer.step(read_head(info[0])));
  });
}

void TrainerWrap::set_step(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    HeadTrainer& trainer = idle(info).trainer;
    trainer.set_step(read_head(info[0]),
                     static_cast<std::uint32_t>(read_integer(info[1], "step", 0, max_step)));
  });
}

void TrainerWrap::set_learning_rate(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    HeadTrainer& trainer = idle(info).trainer;
    trainer.set_learning_rate(read_head(info[0]), read_finite(info[1], "learningRate"));
  });
}

void TrainerWrap::dispose(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    check_receiver(info);
    if (!state_) return;
    state_->abort.store(true, std::memory_order_relaxed);
    Finalize(info.Env());
    state_.reset();
  });
}

}  // namespace headstart
