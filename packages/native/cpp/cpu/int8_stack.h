#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/int8_kernels.h"
#include "cpu/stack.h"
#include "cpu/thread_pool.h"
#include "head/spec.h"

namespace headstart::cpu {

// One layer of a stack in 8 bits: a same-padded 3x3 convolution, and maybe a 2x2 max pool. Its
// results are levels, of which `zero_point` stands for zero; what is below is cut, which makes the
// ReLU.
struct Int8Layer {
  std::vector<std::int8_t> kernel;  // [3, 3, inputs, filters]
  std::vector<std::int32_t> bias;   // [filters], in units of the sums
  std::vector<float> scale;         // [filters]: from sums to levels
  std::uint8_t zero_point = 0;
  bool pool = false;
};

// A chain of convolutions over images in 8 bits: levels are unsigned, kernels signed, sums exact in
// 32 bits and rounded once (B. Jacob et al., "Quantization and training of neural networks for
// efficient integer-arithmetic-only inference", CVPR 2018). Computed as ONNX defines QLinearConv,
// so that results are the same bits on every processor, for any number of threads and of images.
class Int8Stack final : public Stack {
 public:
  // Where a layer looks beyond its input's edge, there is the level for zero: `zero_point` of the
  // pixels, or of the layer before. Results are (level - zero point) * scale. Filters are a
  // multiple of 16, sides even where a pool follows. Throws Error (invalid_argument).
  Int8Stack(std::size_t height, std::size_t width, std::uint8_t zero_point,
            const std::vector<Int8Layer>& layers, float scale, unsigned threads);

  void run(const std::uint8_t* images, std::size_t count, float* to) override;
  const Shape& input() const noexcept override { return input_; }
  const Shape& output() const noexcept override { return output_; }
  std::size_t bytes() const noexcept override;

 private:
  struct Convolution {
    Shape input;
    Shape output;  // after the pool
    bool pool;
    std::uint8_t in_zero;
    std::uint8_t out_zero;
    Buffer<std::int8_t> kernel;  // [panels, 3, 3 * inputs / 4, panel, 4]
    std::vector<std::int32_t> bias;
    std::vector<float> scale;
  };

  void prepare(const Int8Layer& layer, std::uint8_t in_zero);
  void fill_image(const std::uint8_t* image, std::uint8_t* to);
  void fill_edge(const Convolution& layer, std::uint8_t* map);
  void run_layer(const Convolution& layer, const std::uint8_t* from, std::size_t count,
                 std::uint8_t* to);
  void run_rows(const Convolution& layer, const std::uint8_t* from, std::size_t begin,
                std::size_t rows, std::uint8_t* to, unsigned worker);
  void to_floats(const std::uint8_t* levels, std::size_t count, float* to);

  Shape input_;
  Shape output_;
  float scale_;
  ThreadPool pool_;
  const Int8Kernels& kernels_;
  std::vector<Convolution> layers_;
  // Layers that run image by image: later ones run on all at once, as their kernels are large.
  std::size_t one_by_one_ = 0;
  Buffer<std::uint8_t> activations_[2];
  Buffer<std::uint8_t> gathered_;
  Scratch<std::uint8_t> scratch_;
  Scratch<const std::uint8_t*> windows_;
  Scratch<std::uint8_t*> outs_;
};

}  // namespace headstart::cpu
