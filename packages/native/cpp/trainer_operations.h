// The operations of a trainer that take a while, as promises.
#pragma once

#include <memory>
#include <vector>

#include "head/feature_store.h"
#include "trainer_wrap.h"

namespace headstart {

using SharedTrainer = std::shared_ptr<TrainerState>;
using SharedStore = std::shared_ptr<const FeatureStore>;

// Each marks the trainer busy until its promise is settled.
Napi::Promise start_train_steps(Napi::Env env, SharedTrainer trainer, SharedStore store,
                                std::vector<Samples> samples, std::size_t batch_size);
Napi::Promise start_evaluate(Napi::Env env, SharedTrainer trainer, SharedStore store,
                             std::vector<Samples> samples, std::size_t batch_size);
Napi::Promise start_predict(Napi::Env env, SharedTrainer trainer, SharedStore store,
                            std::size_t head, std::vector<std::int32_t> rows,
                            std::size_t batch_size);
Napi::Promise start_gradients(Napi::Env env, SharedTrainer trainer, SharedStore store,
                              std::size_t head, Samples samples, bool dropout);

}  // namespace headstart
