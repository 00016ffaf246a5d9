#include "cuda/device_code.cuh"
#include "cuda/finish.h"
#include "head/philox.h"

namespace headstart::cuda {
namespace {

constexpr int block_threads = 256;
constexpr std::uint8_t stopped = 255;

inline __device__ std::size_t thread_index() {
  return static_cast<std::size_t>(blockIdx.x) * block_threads + threadIdx.x;
}

inline __device__ float sum_parts(const float* part, std::size_t split_stride, unsigned splits) {
  float sum = *part;
  for (unsigned s = 1; s < splits; ++s) sum += part[s * split_stride];
  return sum;
}

template <class T>
__device__ float number_at(const Finish& f, unsigned head, const HeadStep& step, unsigned sample,
                           std::size_t element) {
  if (f.parts == nullptr) {
    return to_float(sample_at<T>(f.x, f.steps, head, step, sample)[element]);
  }
  const float* part = f.parts + head * f.parts_stride + sample * f.input_size() + element;
  return sum_parts(part, f.split_stride, f.splits);
}

// Word `element` of a dropout layer's stream; see DropoutDraw.
inline __device__ std::uint32_t dropout_word(const HeadFacts& facts, const HeadStep& step,
                                             std::uint32_t layer, std::size_t element) {
  const PhiloxBlock block =
      philox4x32_10({static_cast<std::uint32_t>(element / 4), layer, step.dropout_step, 0},
                    {facts.key[0], facts.key[1]});
  // An index would put the block in memory.
  switch (element % 4) {
    case 0:
      return block[0];
    case 1:
      return block[1];
    case 2:
      return block[2];
    default:
      return block[3];
  }
}

inline __device__ DropoutNumbers dropout_of(const Finish& f, const HeadFacts& facts) {
  if (facts.own_dropout) return {facts.dropout_threshold, facts.dropout_scale};
  return f.rate;
}

// Where a number of the output is: its window's first pixel, and its channel.
struct Place {
  unsigned y;
  unsigned x;
  unsigned channel;
};

inline __device__ Place place_of(const Finish& f, std::size_t element) {
  const auto pixel = static_cast<unsigned>(element / f.channels);
  const unsigned across = f.pooled(f.width);
  const unsigned step = f.max_pool ? 2 : 1;
  return {pixel / across * step, pixel % across * step,
          static_cast<unsigned>(element % f.channels)};
}

template <class T>
__global__ void finish_forward_kernel(Finish f) {
  const unsigned head = blockIdx.z;
  const HeadStep& step = step_of(f.steps, head);
  const std::size_t index = thread_index();
  const std::size_t size = f.output_size();
  if (index >= step.count * size) return;
  const auto sample = static_cast<unsigned>(index / size);
  const Place at = place_of(f, index % size);
  const unsigned side = f.max_pool ? 2 : 1;
  float best = 0;
  std::uint8_t choice = stopped;
  for (unsigned i = 0; i < side && at.y + i < f.height; ++i) {
    for (unsigned j = 0; j < side && at.x + j < f.width; ++j) {
      const std::size_t element =
          (static_cast<std::size_t>(at.y + i) * f.width + at.x + j) * f.channels + at.channel;
      float value = number_at<T>(f, head, step, sample, element);
      if (f.bias) value += f.bias[head * f.bias_stride + at.channel];
      if (f.relu && value < 0) value = 0;
      // The first of the largest; a not-a-number is kept.
      if (choice == stopped || value > best || is_nan(value)) {
        best = value;
        choice = static_cast<std::uint8_t>(i * 2 + j);
      }
    }
  }
  if (f.relu && best == 0) choice = stopped;
  if (f.dropout) {
    const HeadFacts& facts = f.steps.facts[head];
    const DropoutNumbers rate = dropout_of(f, facts);
    if (rate.threshold > 0) {
      const bool kept = dropout_word(facts, step, f.layer, index) >= rate.threshold;
      best = kept ? best * rate.scale : 0;
      if (!kept) choice = stopped;
    }
  }
  f.y[head * f.y_stride + index] = best;
  f.choices[head * f.y_stride + index] = choice;
}

__global__ void finish_backward_kernel(Finish f, Parts d_y, float* d_x, std::size_t d_x_stride) {
  const unsigned head = blockIdx.z;
  const HeadStep& step = step_of(f.steps, head);
  const std::size_t index = thread_index();
  const std::size_t size = f.output_size();
  if (index >= step.count * size) return;
  float gradient = sum_parts(d_y.data + head * d_y.stride + index, d_y.split_stride, d_y.splits);
  if (f.dropout) {
    const DropoutNumbers rate = dropout_of(f, f.steps.facts[head]);
    if (rate.threshold > 0) gradient *= rate.scale;
  }
  const std::uint8_t choice = f.choices[head * f.y_stride + index];
  const Place at = place_of(f, index % size);
  const unsigned side = f.max_pool ? 2 : 1;
  float* to = d_x + head * d_x_stride + index / size * f.input_size();
  for (unsigned i = 0; i < side && at.y + i < f.height; ++i) {
    for (unsigned j = 0; j < side && at.x + j < f.width; ++j) {
      to[(static_cast<std::size_t>(at.y + i) * f.width + at.x + j) * f.channels + at.channel] =
          choice == i * 2 + j ? gradient : 0;
    }
  }
}

template <class T>
__global__ void average_forward_kernel(Finish f) {
  const unsigned head = blockIdx.z;
  const HeadStep& step = step_of(f.steps, head);
  const std::size_t index = thread_index();
  if (index >= static_cast<std::size_t>(step.count) * f.channels) return;
  const auto sample = static_cast<unsigned>(index / f.channels);
  const unsigned pixels = f.height * f.width;
  float sum = 0;
  for (unsigned p = 0; p < pixels; ++p) {
    sum += number_at<T>(f, head, step, sample,
                        static_cast<std::size_t>(p) * f.channels + index % f.channels);
  }
  f.y[head * f.y_stride + index] = sum / static_cast<float>(pixels);
}

__global__ void average_backward_kernel(Finish f, Parts d_y, float* d_x, std::size_t d_x_stride) {
  const unsigned head = blockIdx.z;
  const HeadStep& step = step_of(f.steps, head);
  const std::size_t index = thread_index();
  const std::size_t size = f.input_size();
  if (index >= step.count * size) return;
  const std::size_t from = index / size * f.channels + index % f.channels;
  const float sum = sum_parts(d_y.data + head * d_y.stride + from, d_y.split_stride, d_y.splits);
  d_x[head * d_x_stride + index] = sum / static_cast<float>(f.height * f.width);
}

// 32 columns by 8 lines; each line sums every eighth row, then the lines are added in order.
constexpr unsigned sum_columns = 32;
constexpr unsigned sum_lines = 8;

__global__ void sum_rows_kernel(Steps steps, const float* d_y, std::size_t d_y_stride,
                                unsigned pixels, unsigned columns, float* out,
                                std::size_t out_stride) {
  __shared__ float lines[sum_lines][sum_columns];
  const unsigned head = blockIdx.z;
  const unsigned rows = step_of(steps, head).count * pixels;
  const unsigned line = threadIdx.x / sum_columns;
  const unsigned column = blockIdx.x * sum_columns + threadIdx.x % sum_columns;
  float sum = 0;
  if (column < columns) {
    const float* from = d_y + head * d_y_stride + column;
    for (unsigned row = line; row < rows; row += sum_lines) {
      sum += from[static_cast<std::size_t>(row) * columns];
    }
  }
  lines[line][threadIdx.x % sum_columns] = sum;
  __syncthreads();
  if (line != 0 || column >= columns || rows == 0) return;
  for (unsigned i = 1; i < sum_lines; ++i) sum += lines[i][threadIdx.x];
  out[head * out_stride + column] = sum;
}

dim3 grid_of(const Finish& f, std::size_t numbers) {
  return dim3(ceil_div(numbers, block_threads), 1, f.steps.heads);
}

template <class Body>
void with_input(const Finish& f, const Body& body) {
  if (f.parts != nullptr || f.x.type == NumberType::float32) return body(float{});
  if (f.x.type == NumberType::float16) return body(Half{});
  body(Bfloat16{});
}

}  // namespace

void finish_forward(const Finish& finish, unsigned samples, cudaStream_t stream) {
  with_input(finish, [&](auto number) {
    launch(finish_forward_kernel<decltype(number)>, grid_of(finish, samples * finish.output_size()),
           block_threads, stream, finish);
  });
}

void finish_backward(const Finish& finish, const Parts& d_y, float* d_x, std::size_t d_x_stride,
                     unsigned samples, cudaStream_t stream) {
  launch(finish_backward_kernel, grid_of(finish, samples * finish.output_size()), block_threads,
         stream, finish, d_y, d_x, d_x_stride);
}

void average_forward(const Finish& finish, unsigned samples, cudaStream_t stream) {
  with_input(finish, [&](auto number) {
    launch(average_forward_kernel<decltype(number)>,
           grid_of(finish, std::size_t{samples} * finish.channels), block_threads, stream, finish);
  });
}

void average_backward(const Finish& finish, const Parts& d_y, float* d_x, std::size_t d_x_stride,
                      unsigned samples, cudaStream_t stream) {
  launch(average_backward_kernel, grid_of(finish, samples * finish.input_size()), block_threads,
         stream, finish, d_y, d_x, d_x_stride);
}

void sum_rows(const Steps& steps, const float* d_y, std::size_t d_y_stride, unsigned pixels,
              unsigned columns, float* out, std::size_t out_stride, cudaStream_t stream) {
  launch(sum_rows_kernel, dim3(ceil_div(columns, sum_columns), 1, steps.heads),
         sum_columns * sum_lines, stream, steps, d_y, d_y_stride, pixels, columns, out, out_stride);
}

}  // namespace headstart::cuda
