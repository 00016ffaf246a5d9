#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/compute.h"
#include "cpu/thread_pool.h"
#include "head/spec.h"

namespace headstart::cpu {

// One layer of a stack: a same-padded 3x3 convolution with ReLU, and maybe a 2x2 max pool.
struct StackLayer {
  std::vector<float> kernel;  // [3, 3, inputs, filters]
  std::vector<float> bias;    // [filters]
  bool pool = false;
};

// A chain of convolutions over images, in float32 and forward only: what VGG16 is without its top.
//
// Convolutions are computed by minimal filtering F(4x4, 3x3) (A. Lavin, S. Gray, "Fast algorithms
// for convolutional neural networks", 2016): 6x6 pixels and the kernel are each mapped to 36
// points; products at the points, summed over channels, are mapped back to 4x4 pixels. 36
// multiplications take the place of 144. The first layer, of three channels, is a plain matrix
// product.
//
// Results are the same bits for any number of threads and of images at once.
class ConvStack final {
 public:
  // Pixels become value * scale + shift, by channel. Filters are a multiple of 16, sides are even
  // where a pool follows. Throws Error (invalid_argument).
  ConvStack(std::size_t height, std::size_t width, const std::vector<float>& scale,
            const std::vector<float>& shift, const std::vector<StackLayer>& layers,
            unsigned threads);

  // images: [count, *input()]. to: [count, *output()].
  void run(const std::uint8_t* images, std::size_t count, float* to);

  const Shape& input() const noexcept { return input_; }
  const Shape& output() const noexcept { return output_; }
  std::size_t bytes() const noexcept;

 private:
  struct Convolution {
    Shape input;
    Shape output;  // after the pool
    std::vector<float> bias;
    bool pool;
    // Tiles down and across.
    std::size_t down;
    std::size_t across;
    Buffer<float> points;  // [36, panels, inputs, panel]
  };

  void prepare_first(const StackLayer& layer);
  void prepare(const StackLayer& layer);
  void pack(const float* points, std::size_t inputs, std::size_t filters, float* to) const;
  void run_first(const std::uint8_t* image, float* to);
  void run_layer(const Convolution& layer, const float* from, std::size_t count, float* to);
  void run_tiles(const Convolution& layer, const float* from, std::size_t begin, std::size_t tiles,
                 float* to, unsigned worker);

  Shape input_;
  Shape output_;
  float scale_[3];
  float shift_[3];
  ThreadPool pool_;
  const Kernels& kernels_;
  // The first layer as a product: [panels, 27, panel].
  Buffer<float> first_kernel_;
  std::vector<float> first_bias_;
  std::vector<Convolution> layers_;
  // Layers that run image by image: later ones run on all at once, as their kernels are large.
  std::size_t one_by_one_ = 0;
  std::vector<float> zeros_;
  Buffer<float> pixels_;  // one image with a border of zeros
  Buffer<float> activations_[2];
  Buffer<float> gathered_;
  Scratch<float> scratch_;
};

}  // namespace headstart::cpu
