#include "head/spec.h"

#include <set>

#include "head/error.h"

namespace headstart {
namespace {

// Keeps every product of sizes far from overflow: 2^31 floats are 8 GB for one sample or head.
constexpr std::size_t max_floats = std::size_t{1} << 31;
constexpr std::size_t parameter_alignment = 16;

std::size_t checked_product(std::size_t a, std::size_t b, const std::string& what) {
  if (a != 0 && b > max_floats / a) {
    throw invalid_argument(what + " would have more than 2147483648 numbers.");
  }
  return a * b;
}

void check_sample(const Shape& shape, const std::string& what) {
  const std::size_t pixels = checked_product(shape.height, shape.width, what);
  checked_product(pixels, shape.channels, what);
}

std::string describe(const PlannedLayer& layer) {
  const std::string place = "layers[" + std::to_string(layer.index) + "]";
  return layer.spec.name.empty() ? place : place + " \"" + layer.spec.name + "\"";
}

class Planner {
 public:
  Planner(const Shape& input, std::size_t classes) {
    plan_.input = input;
    plan_.classes = classes;
    check_sample(input, "inputShape " + to_string(input));
  }

  void add(const LayerSpec& spec) {
    PlannedLayer layer;
    layer.spec = spec;
    layer.index = plan_.layers.size();
    layer.input = plan_.layers.empty() ? plan_.input : plan_.layers.back().output;
    layer.output = output_of(layer);
    check_sample(layer.output, "The output of " + describe(layer));
    if (layer.has_parameters()) add_parameters(layer);
    if (spec.kind == LayerKind::max_pool2d && !plan_.layers.empty()) {
      plan_.layers.back().feeds_max_pool = true;
    }
    plan_.layers.push_back(layer);
  }

  Plan finish() {
    if (plan_.layers.empty()) throw invalid_argument("A head needs at least one layer.");
    const PlannedLayer& last = plan_.layers.back();
    if (last.spec.kind != LayerKind::dense || last.spec.relu || last.spec.size != plan_.classes) {
      throw invalid_argument("The last layer must be a linear dense layer of " +
                             std::to_string(plan_.classes) + " units, one a class.");
    }
    return std::move(plan_);
  }

 private:
  static Shape output_of(const PlannedLayer& layer) {
    const Shape& in = layer.input;
    switch (layer.spec.kind) {
      case LayerKind::conv2d:
        return {in.height, in.width, layer.spec.size};
      case LayerKind::max_pool2d:
        return {(in.height + 1) / 2, (in.width + 1) / 2, in.channels};
      case LayerKind::global_average_pool2d:
        return {1, 1, in.channels};
      case LayerKind::flatten:
        return {1, 1, in.size()};
      case LayerKind::dropout:
        return in;
      case LayerKind::dense:
        if (in.pixels() != 1) {
          throw invalid_argument("The dense layer " + describe(layer) +
                                 " takes a vector, not the map " + to_string(in) +
                                 ": put a flatten or global_average_pool2d layer before it.");
        }
        return {1, 1, layer.spec.size};
    }
    throw invalid_argument("Unknown kind of layer.");
  }

  void add_parameters(PlannedLayer& layer) {
    const LayerSpec& spec = layer.spec;
    if (!names_.insert(spec.name).second) {
      throw invalid_argument("Two layers are named \"" + spec.name + "\".");
    }
    const std::size_t in = layer.input.channels;
    const std::size_t taps =
        spec.kind == LayerKind::conv2d ? spec.kernel_size * spec.kernel_size : 1;
    Parameter kernel;
    kernel.name = spec.name + "/kernel";
    kernel.shape = spec.kind == LayerKind::conv2d
                       ? std::vector{spec.kernel_size, spec.kernel_size, in, spec.size}
                       : std::vector{in, spec.size};
    kernel.fan_in = taps * in;
    kernel.fan_out = taps * spec.size;
    Parameter bias;
    bias.name = spec.name + "/bias";
    bias.shape = {spec.size};
    layer.kernel_offset = place(kernel);
    layer.bias_offset = place(bias);
  }

  std::size_t place(Parameter parameter) {
    const std::string what = "The parameter " + parameter.name;
    parameter.size = 1;
    for (const std::size_t side : parameter.shape) {
      parameter.size = checked_product(parameter.size, side, what);
    }
    parameter.offset = plan_.parameter_floats;
    const std::size_t end = parameter.offset + parameter.size;
    plan_.parameter_floats =
        (end + parameter_alignment - 1) / parameter_alignment * parameter_alignment;
    checked_product(plan_.parameter_floats, 1, "The head");
    plan_.parameters.push_back(std::move(parameter));
    return plan_.parameters.back().offset;
  }

  Plan plan_;
  std::set<std::string> names_;
};

}  // namespace

std::string to_string(const Shape& shape) {
  return std::to_string(shape.height) + "x" + std::to_string(shape.width) + "x" +
         std::to_string(shape.channels);
}

Plan make_plan(const Shape& input, const std::vector<LayerSpec>& layers, std::size_t classes) {
  Planner planner(input, classes);
  for (const LayerSpec& layer : layers) planner.add(layer);
  return planner.finish();
}

}  // namespace headstart
