// The layers of a head as data, and the plan made from them: every shape and every parameter's
// place. A plan knows no values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace headstart {

// One sample: height, width, channels, channels innermost (NHWC).
struct Shape {
  std::size_t height = 1;
  std::size_t width = 1;
  std::size_t channels = 1;

  std::size_t pixels() const noexcept { return height * width; }
  std::size_t size() const noexcept { return height * width * channels; }
};

std::string to_string(const Shape& shape);

enum class LayerKind { conv2d, max_pool2d, global_average_pool2d, flatten, dropout, dense };

struct LayerSpec {
  LayerKind kind = LayerKind::flatten;
  std::string name;             // conv2d, dense
  std::size_t size = 0;         // filters or units
  std::size_t kernel_size = 1;  // conv2d: 1 or 3
  bool relu = false;            // conv2d, dense
  double rate = 0;              // dropout, 0 <= rate < 1
};

struct Parameter {
  std::string name;  // "conv2d/kernel"
  std::vector<std::size_t> shape;
  std::size_t offset = 0;  // in floats, within the head's parameters
  std::size_t size = 0;
  // Glorot's fans; both 0 for a bias, which starts at zero.
  std::size_t fan_in = 0;
  std::size_t fan_out = 0;
};

struct PlannedLayer {
  LayerSpec spec;
  std::size_t index = 0;  // its place in the list: names its dropout stream
  Shape input;
  Shape output;
  std::size_t kernel_offset = 0;  // conv2d: [k, k, in, out]; dense: [in, out]
  std::size_t bias_offset = 0;    // [out]
  bool feeds_max_pool = false;    // its output goes to a max_pool2d layer, and nowhere else

  bool has_parameters() const noexcept {
    return spec.kind == LayerKind::conv2d || spec.kind == LayerKind::dense;
  }
};

struct Plan {
  Shape input;
  std::size_t classes = 0;
  std::vector<PlannedLayer> layers;
  std::vector<Parameter> parameters;
  // Floats of one head's parameters, gaps for alignment included. Gaps are zero and stay so.
  std::size_t parameter_floats = 0;
};

// Throws Error (invalid_argument) that names the layer and says what does not fit.
Plan make_plan(const Shape& input, const std::vector<LayerSpec>& layers, std::size_t classes);

}  // namespace headstart
