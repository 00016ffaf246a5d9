#include "cuda/device_code.cuh"
#include "cuda/loss.h"

namespace headstart::cuda {
namespace {

constexpr unsigned warp = 32;
constexpr unsigned block_warps = 8;
constexpr unsigned all_lanes = 0xFFFFFFFFu;

inline __device__ float warp_max(float value) {
  for (unsigned lane = warp / 2; lane > 0; lane /= 2) {
    const float other = __shfl_xor_sync(all_lanes, value, lane);
    value = other > value ? other : value;
  }
  return value;
}

// In the same order on every lane, as addition commutes.
inline __device__ float warp_sum(float value) {
  for (unsigned lane = warp / 2; lane > 0; lane /= 2) {
    value += __shfl_xor_sync(all_lanes, value, lane);
  }
  return value;
}

struct Exponentials {
  float largest;
  float sum;  // of e^(logit - largest)
};

inline __device__ Exponentials exponentials(const float* row, unsigned classes, unsigned lane) {
  float largest = row[0];
  for (unsigned k = lane; k < classes; k += warp) largest = row[k] > largest ? row[k] : largest;
  largest = warp_max(largest);
  float sum = 0;
  for (unsigned k = lane; k < classes; k += warp) sum += expf(row[k] - largest);
  return {largest, warp_sum(sum)};
}

// One block a head, one warp a sample at a time.
__global__ void loss_kernel(Loss loss) {
  const unsigned head = blockIdx.z;
  const HeadStep& step = step_of(loss.steps, head);
  if (step.count == 0) return;
  const HeadFacts& facts = loss.steps.facts[head];
  const unsigned lane = threadIdx.x % warp;
  const auto classes = static_cast<float>(loss.classes);
  double* losses = loss.losses + static_cast<std::size_t>(head) * loss.samples;
  std::uint8_t* correct = loss.correct + static_cast<std::size_t>(head) * loss.samples;
  for (unsigned n = threadIdx.x / warp; n < step.count; n += block_warps) {
    const std::size_t at = head * loss.logits_stride + static_cast<std::size_t>(n) * loss.classes;
    const float* row = loss.logits + at;
    const auto label = static_cast<unsigned>(loss.labels[facts.rows_begin + step.first + n]);
    const float weight =
        loss.class_weights ? loss.class_weights[head * loss.classes + label] : 1.0f;
    const Exponentials e = exponentials(row, loss.classes, lane);
    const float even = facts.label_smoothing / classes;
    const float share = weight / static_cast<float>(step.count);
    float all = 0;
    float better = 0;  // classes that beat the label; a not-a-number beats all
    for (unsigned k = lane; k < loss.classes; k += warp) {
      all += row[k] - e.largest;
      const bool beaten = k < label ? !(row[k] < row[label]) : !(row[k] <= row[label]);
      better += beaten ? 1.0f : 0.0f;
      if (!loss.d_logits) continue;
      const float target = k == label ? 1 - facts.label_smoothing + even : even;
      loss.d_logits[head * loss.d_logits_stride + static_cast<std::size_t>(n) * loss.classes + k] =
          share * (expf(row[k] - e.largest) / e.sum - target);
    }
    all = warp_sum(all);
    better = warp_sum(better);
    if (lane != 0) continue;
    const float target = (1 - facts.label_smoothing) * (row[label] - e.largest) + even * all;
    losses[n] = static_cast<double>(weight) * (static_cast<double>(logf(e.sum)) - target);
    correct[n] = better == 0 ? 1 : 0;
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  // One after the other onto the sum so far: the same bits however samples are cut into batches.
  double sum = loss.sums[head].loss;
  unsigned count = 0;
  for (unsigned n = 0; n < step.count; ++n) {
    sum += losses[n];
    count += correct[n];
  }
  loss.sums[head].loss = sum;
  loss.sums[head].correct += count;
  loss.sums[head].samples += step.count;
}

__global__ void softmax_kernel(Steps steps, float* logits, std::size_t stride, unsigned classes) {
  const unsigned head = blockIdx.z;
  const unsigned n = blockIdx.x * block_warps + threadIdx.x / warp;
  if (n >= step_of(steps, head).count) return;
  float* row = logits + head * stride + static_cast<std::size_t>(n) * classes;
  const unsigned lane = threadIdx.x % warp;
  const Exponentials e = exponentials(row, classes, lane);
  for (unsigned k = lane; k < classes; k += warp) row[k] = expf(row[k] - e.largest) / e.sum;
}

}  // namespace

void add_loss(const Loss& loss, cudaStream_t stream) {
  launch(loss_kernel, dim3(1, 1, loss.steps.heads), warp * block_warps, stream, loss);
}

void softmax(const Steps& steps, float* logits, std::size_t stride, unsigned classes,
             unsigned samples, cudaStream_t stream) {
  launch(softmax_kernel, dim3(ceil_div(samples, block_warps), 1, steps.heads), warp * block_warps,
         stream, steps, logits, stride, classes);
}

}  // namespace headstart::cuda
