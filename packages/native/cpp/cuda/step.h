// What kernels know of a step: plain data, the same on host and device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "head/optimizer.h"

namespace headstart::cuda {

// One head's part of one step. A head that rests has no samples.
struct HeadStep {
  UpdateStep update;
  std::uint32_t first;  // of the head's rows
  std::uint32_t count;  // N
  std::uint32_t dropout_step;
};

// One head's part in all steps.
struct HeadFacts {
  std::uint32_t key[2];      // of its dropout streams
  std::uint32_t rows_begin;  // of its rows and labels among those of all heads
  bool own_dropout;          // the two below replace each layer's
  std::uint32_t dropout_threshold;
  float dropout_scale;
  float l2;
  float label_smoothing;
};

// Step *base + index of a table [steps, heads].
struct Steps {
  const HeadStep* table;
  const HeadFacts* facts;
  const std::uint32_t* base;
  std::uint32_t index;
  std::uint32_t heads;
};

enum class NumberType { float32, float16, bfloat16 };

// Samples [N, size]: activations, each head's behind those of the head before; or rows of features,
// which all heads share.
struct Source {
  const void* data;
  NumberType type;
  const std::int32_t* rows;  // features only
  std::size_t head_stride;   // activations only; in numbers
  std::size_t size;
};

// Sums over samples of one head, as headstart::Sums.
struct DeviceSums {
  double loss;
  unsigned long long correct;
  unsigned long long samples;
};

// How products are multiplied: float32; operands rounded to TensorFloat-32 or bfloat16 on tensor
// cores, summed in float32.
enum class Math { fp32, tf32, bf16 };

// A rate of dropout as a word's threshold, and what it scales by.
struct DropoutNumbers {
  std::uint32_t threshold;
  float scale;
};

}  // namespace headstart::cuda
