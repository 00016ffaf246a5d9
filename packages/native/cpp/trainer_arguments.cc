#include "trainer_arguments.h"

#include <algorithm>
#include <cmath>

#include "arguments.h"
#include "cpu/engine.h"
#include "cuda/engine.h"

namespace headstart {
namespace {

LayerKind read_kind(const std::string& type) {
  if (type == "conv2d") return LayerKind::conv2d;
  if (type == "max_pool2d") return LayerKind::max_pool2d;
  if (type == "global_average_pool2d") return LayerKind::global_average_pool2d;
  if (type == "flatten") return LayerKind::flatten;
  if (type == "dropout") return LayerKind::dropout;
  if (type == "dense") return LayerKind::dense;
  throw invalid_argument("There is no layer of type \"" + type + "\".");
}

LayerSpec read_layer(const Napi::Value& value) {
  const Napi::Object layer = read_object(value, "layer");
  LayerSpec spec;
  spec.kind = read_kind(read_string(layer.Get("type"), "layer.type"));
  spec.name = read_string(layer.Get("name"), "layer.name");
  spec.relu = read_boolean(layer.Get("relu"), "layer.relu");
  spec.rate = read_finite(layer.Get("rate"), "layer.rate");
  if (spec.rate < 0 || spec.rate >= 1) throw invalid_argument("layer.rate must be in 0 … 1.");
  const bool sized = spec.kind == LayerKind::conv2d || spec.kind == LayerKind::dense;
  spec.size = read_integer(layer.Get("size"), "layer.size", sized ? 1 : 0, 1 << 20);
  if (spec.kind == LayerKind::conv2d) {
    spec.kernel_size = read_integer(layer.Get("kernelSize"), "layer.kernelSize", 1, 3);
    if (spec.kernel_size == 2) throw invalid_argument("layer.kernelSize must be 1 or 3.");
  }
  return spec;
}

double read_fraction(const Napi::Object& object, const char* name) {
  const double value = read_finite(object.Get(name), name);
  if (value < 0 || value >= 1) throw invalid_argument(std::string(name) + " must be in 0 … 1.");
  return value;
}

double read_positive(const Napi::Object& object, const char* name, bool or_zero) {
  const double value = read_finite(object.Get(name), name);
  if (value < 0 || (value == 0 && !or_zero)) {
    throw invalid_argument(std::string(name) + " must not be negative.");
  }
  return value;
}

OptimizerOptions read_optimizer(const Napi::Object& head) {
  const Napi::Object optimizer = read_object(head.Get("optimizer"), "optimizer");
  const std::string type = read_string(optimizer.Get("type"), "optimizer.type");
  OptimizerOptions options;
  if (type == "adam") {
    options.kind = OptimizerKind::adam;
  } else if (type == "sgd") {
    options.kind = OptimizerKind::sgd;
  } else if (type == "rmsprop") {
    options.kind = OptimizerKind::rmsprop;
  } else {
    throw invalid_argument("There is no optimizer \"" + type + "\".");
  }
  options.beta1 = read_fraction(optimizer, "beta1");
  options.beta2 = read_fraction(optimizer, "beta2");
  options.rho = read_fraction(optimizer, "rho");
  options.momentum = read_fraction(optimizer, "momentum");
  options.epsilon = read_positive(optimizer, "epsilon", false);
  options.nesterov = read_boolean(optimizer.Get("nesterov"), "nesterov");
  options.weight_decay = read_positive(head, "weightDecay", true);
  return options;
}

HeadOptions read_head_options(const Napi::Value& value, std::size_t classes) {
  const Napi::Object head = read_object(value, "head");
  HeadOptions options;
  options.seed = read_integer(head.Get("seed"), "seed", 0, (std::uint64_t{1} << 53) - 1);
  options.learning_rate = read_positive(head, "learningRate", true);
  options.optimizer = read_optimizer(head);
  options.l2 = read_positive(head, "l2", true);
  options.label_smoothing = read_fraction(head, "labelSmoothing");
  if (!head.Get("dropout").IsUndefined()) options.dropout = read_fraction(head, "dropout");
  options.class_weights = read_floats(head.Get("classWeights"), "classWeights");
  const auto valid = [](float weight) { return std::isfinite(weight) && weight >= 0; };
  if (options.class_weights.size() != classes ||
      !std::all_of(options.class_weights.begin(), options.class_weights.end(), valid)) {
    throw invalid_argument("classWeights must hold one finite number >= 0 a class.");
  }
  return options;
}

Precision read_precision(const std::string& name) {
  if (name == "fp32") return Precision::fp32;
  if (name == "tf32") return Precision::tf32;
  if (name == "bf16") return Precision::bf16;
  throw invalid_argument("There is no compute \"" + name + "\".");
}

// A tensor's shape and numbers must be exactly those of the parameter.
void read_tensor(const Napi::Object& tensors, const Parameter& parameter,
                 std::vector<float>& values) {
  const Napi::Value value = tensors.Get(parameter.name);
  if (!value.IsObject()) throw invalid_argument("The tensor " + parameter.name + " is missing.");
  const Napi::Object tensor = value.As<Napi::Object>();
  const Napi::Array shape = read_array(tensor.Get("shape"), "shape");
  bool same = shape.Length() == parameter.shape.size();
  std::string wanted;
  for (std::size_t i = 0; i < parameter.shape.size(); ++i) {
    wanted += (i == 0 ? "" : ", ") + std::to_string(parameter.shape[i]);
    same = same && read_integer(shape.Get(static_cast<std::uint32_t>(i)), "shape", 0,
                                std::uint64_t{1} << 31) == parameter.shape[i];
  }
  const std::vector<float> data = read_floats(tensor.Get("data"), parameter.name.c_str());
  if (!same || data.size() != parameter.size) {
    throw invalid_argument("The tensor " + parameter.name + " must have the shape [" + wanted +
                           "].");
  }
  std::copy(data.begin(), data.end(),
            values.begin() + static_cast<std::ptrdiff_t>(parameter.offset));
}

}  // namespace

HeadTrainer make_trainer(const Napi::Value& value) {
  const Napi::Object config = read_object(value, "config");
  const std::string backend = read_string(config.Get("backend"), "backend");
  const Napi::Array sides = read_array(config.Get("inputShape"), "inputShape");
  const Shape input{read_side(sides.Get(0u), "inputShape"), read_side(sides.Get(1u), "inputShape"),
                    read_side(sides.Get(2u), "inputShape")};
  const std::size_t classes = read_integer(config.Get("classes"), "classes", 1, 1 << 20);
  const Napi::Array layer_list = read_array(config.Get("layers"), "layers");
  std::vector<LayerSpec> layers;
  for (std::uint32_t i = 0; i < layer_list.Length(); ++i) {
    layers.push_back(read_layer(layer_list.Get(i)));
  }
  Plan plan = make_plan(input, layers, classes);
  const Napi::Array head_list = read_array(config.Get("heads"), "heads");
  std::vector<HeadOptions> heads;
  for (std::uint32_t i = 0; i < head_list.Length(); ++i) {
    heads.push_back(read_head_options(head_list.Get(i), classes));
  }
  if (heads.empty()) throw invalid_argument("There must be at least one head.");
  const auto threads =
      static_cast<unsigned>(read_integer(config.Get("threads"), "threads", 0, 256));
  const Precision precision = read_precision(read_string(config.Get("compute"), "compute"));
  std::unique_ptr<Engine> engine = backend == "cuda"
                                       ? cuda::make_engine(plan, heads, precision)
                                       : cpu::make_engine(plan, heads, threads, precision);
  return HeadTrainer(std::move(plan), std::move(heads), std::move(engine));
}

std::vector<Samples> read_samples(const Napi::Value& batches, std::size_t heads) {
  const Napi::Array list = read_array(batches, "batches");
  if (list.Length() != heads) throw invalid_argument("batches must hold one entry a head.");
  std::vector<Samples> samples;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Object batch = read_object(list.Get(i), "batch");
    Samples& one = samples.emplace_back();
    one.rows = read_int32s(batch.Get("rows"), "rows");
    one.labels = read_int32s(batch.Get("labels"), "labels");
    const Napi::Value rates = batch.Get("learningRates");
    if (rates.IsUndefined()) continue;
    one.learning_rates = read_doubles(rates, "learningRates");
    for (const double rate : one.learning_rates) {
      if (!std::isfinite(rate) || rate < 0) {
        throw invalid_argument("learningRates must hold finite numbers >= 0.");
      }
    }
  }
  return samples;
}

Napi::Object write_tensors(Napi::Env env, const Plan& plan, const std::vector<float>& values) {
  Napi::Object tensors = Napi::Object::New(env);
  for (const Parameter& parameter : plan.parameters) {
    Napi::Array shape = Napi::Array::New(env, parameter.shape.size());
    for (std::size_t i = 0; i < parameter.shape.size(); ++i) {
      shape.Set(static_cast<std::uint32_t>(i), static_cast<double>(parameter.shape[i]));
    }
    Napi::Float32Array data = Napi::Float32Array::New(env, parameter.size);
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(parameter.offset), parameter.size,
                data.Data());
    Napi::Object tensor = Napi::Object::New(env);
    tensor.Set("shape", shape);
    tensor.Set("data", data);
    tensors.Set(parameter.name, tensor);
  }
  return tensors;
}

std::vector<float> read_tensors(const Napi::Value& value, const Plan& plan) {
  const Napi::Object tensors = read_object(value, "tensors");
  std::vector<float> values(plan.parameter_floats);
  for (const Parameter& parameter : plan.parameters) read_tensor(tensors, parameter, values);
  const Napi::Array names = tensors.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = read_string(names.Get(i), "name");
    const auto known = [&name](const Parameter& parameter) { return parameter.name == name; };
    if (!std::any_of(plan.parameters.begin(), plan.parameters.end(), known)) {
      throw invalid_argument("The head has no tensor " + name + ".");
    }
  }
  return values;
}

}  // namespace headstart
