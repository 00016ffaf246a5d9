#include "trainer_operations.h"

#include <algorithm>
#include <optional>

#include "promise_worker.h"
#include "trainer_arguments.h"

namespace headstart {
namespace {

// One object a head.
Napi::Value write_metrics(Napi::Env env, const std::vector<Metrics>& metrics, bool with_steps) {
  Napi::Array list = Napi::Array::New(env, metrics.size());
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("loss", metrics[i].loss);
    object.Set("accuracy", metrics[i].accuracy);
    object.Set("samples", static_cast<double>(metrics[i].samples));
    if (with_steps) object.Set("steps", static_cast<double>(metrics[i].steps));
    list.Set(static_cast<std::uint32_t>(i), object);
  }
  return list;
}

// Compute makes plain data on the operation's thread, Write makes JavaScript's value of it.
template <class Compute, class Write>
class TrainerOperation final : public PromiseWorker {
 public:
  using Data = decltype(std::declval<Compute&>()(std::declval<TrainerState&>()));

  TrainerOperation(Napi::Env env, SharedTrainer trainer, Compute compute, Write write)
      : PromiseWorker(env),
        trainer_(std::move(trainer)),
        compute_(std::move(compute)),
        write_(std::move(write)) {
    trainer_->busy = true;
    trainer_->abort.store(false, std::memory_order_relaxed);
  }

 protected:
  void execute() override { data_.emplace(compute_(*trainer_)); }
  Napi::Value result(Napi::Env env) override { return write_(env, *data_); }
  void finished(Napi::BasicEnv env) noexcept override {
    trainer_->busy = false;
    trainer_->report_memory(env, trainer_->disposed);
  }
  void abort() noexcept override { trainer_->abort.store(true, std::memory_order_relaxed); }

 private:
  SharedTrainer trainer_;
  Compute compute_;
  Write write_;
  std::optional<Data> data_;
};

template <class Compute, class Write>
Napi::Promise start(Napi::Env env, SharedTrainer trainer, Compute compute, Write write) {
  using Operation = TrainerOperation<Compute, Write>;
  return PromiseWorker::start(
      env,
      std::make_unique<Operation>(env, std::move(trainer), std::move(compute), std::move(write)));
}

}  // namespace

Napi::Promise start_train_steps(Napi::Env env, SharedTrainer trainer, SharedStore store,
                                std::vector<Samples> samples, std::size_t batch_size) {
  return start(
      env, std::move(trainer),
      [store = std::move(store), samples = std::move(samples), batch_size](TrainerState& state) {
        return state.trainer.train_steps(*store, samples, batch_size, state.abort);
      },
      [](Napi::Env to, const std::vector<Metrics>& metrics) {
        return write_metrics(to, metrics, true);
      });
}

Napi::Promise start_evaluate(Napi::Env env, SharedTrainer trainer, SharedStore store,
                             std::vector<Samples> samples, std::size_t batch_size) {
  return start(
      env, std::move(trainer),
      [store = std::move(store), samples = std::move(samples), batch_size](TrainerState& state) {
        return state.trainer.evaluate(*store, samples, batch_size, state.abort);
      },
      [](Napi::Env to, const std::vector<Metrics>& metrics) {
        return write_metrics(to, metrics, false);
      });
}

Napi::Promise start_predict(Napi::Env env, SharedTrainer trainer, SharedStore store,
                            std::size_t head, std::vector<std::int32_t> rows,
                            std::size_t batch_size) {
  return start(
      env, std::move(trainer),
      [store = std::move(store), head, rows = std::move(rows), batch_size](TrainerState& state) {
        return state.trainer.predict(*store, head, rows, batch_size, state.abort);
      },
      [](Napi::Env to, const std::vector<float>& probabilities) -> Napi::Value {
        Napi::Float32Array array = Napi::Float32Array::New(to, probabilities.size());
        std::copy(probabilities.begin(), probabilities.end(), array.Data());
        return array;
      });
}

Napi::Promise start_gradients(Napi::Env env, SharedTrainer trainer, SharedStore store,
                              std::size_t head, Samples samples, bool dropout) {
  struct Data {
    double loss = 0;
    std::vector<float> gradients;
    const Plan* plan = nullptr;
  };
  return start(
      env, std::move(trainer),
      [store = std::move(store), head, samples = std::move(samples), dropout](TrainerState& state) {
        Data data;
        data.loss = state.trainer.gradients(*store, head, samples, dropout, data.gradients);
        data.plan = &state.trainer.plan();
        return data;
      },
      [](Napi::Env to, const Data& data) -> Napi::Value {
        Napi::Object object = Napi::Object::New(to);
        object.Set("loss", data.loss);
        object.Set("gradients", write_tensors(to, *data.plan, data.gradients));
        return object;
      });
}

}  // namespace headstart
