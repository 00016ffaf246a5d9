#pragma once

#include <vector>

#include "head/trainer.h"
#include "napi_setup.h"

namespace headstart {

// Makes the trainer that a NativeTrainerConfig (src/native-module.ts) describes.
HeadTrainer make_trainer(const Napi::Value& config);

std::vector<Samples> read_samples(const Napi::Value& batches, std::size_t heads);

// One head's parameters by name, each { shape, data }, and back. Throws Error (invalid_argument)
// naming the tensor that is missing, of another shape, or unknown.
Napi::Object write_tensors(Napi::Env env, const Plan& plan, const std::vector<float>& values);
std::vector<float> read_tensors(const Napi::Value& tensors, const Plan& plan);

}  // namespace headstart
