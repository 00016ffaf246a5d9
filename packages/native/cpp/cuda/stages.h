// A head's layers as the kernels compute them: what follows a product is part of its stage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cuda/product.h"
#include "cuda/step.h"
#include "cuda/update.h"
#include "head/spec.h"

namespace headstart::cuda {

// A product, if it has one, then bias, ReLU, max pool and dropout, in this order, each there or
// not; or else the mean of every channel.
struct Stage {
  struct ProductPart {
    ProductShape shape;
    unsigned forward_splits;
    unsigned input_gradient_splits;
    unsigned kernel_gradient_splits;
    std::size_t kernel_offset;
    std::size_t bias_offset;
  };
  struct DropoutPart {
    DropoutNumbers rate;
    std::uint32_t layer;
  };

  std::optional<ProductPart> product;
  bool average = false;
  bool relu = false;
  bool max_pool = false;
  std::optional<DropoutPart> dropout;
  Shape input;
  Shape finished;  // what the bias is added to
  Shape output;

  // The gradient by what the product gives is that by the result.
  bool only_bias() const noexcept { return !relu && !max_pool && !dropout; }
};

DropoutNumbers dropout_numbers(double rate);

// At least one stage has a product; the last does, and gives the logits.
std::vector<Stage> make_stages(const Plan& plan);

// In the order of their places.
std::vector<ParameterRange> make_ranges(const std::vector<Stage>& stages);

}  // namespace headstart::cuda
