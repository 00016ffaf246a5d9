#include "cuda/device_code.cuh"
#include "cuda/update.h"

namespace headstart::cuda {
namespace {

constexpr unsigned block_threads = 256;

// What UpdateStep says. m and v are left alone where the optimizer has none.
inline __device__ void apply(const UpdateStep& step, float g, float& w, float& m, float& v) {
  if (step.decay != 0.0f) w -= w * step.decay;
  switch (step.kind) {
    case OptimizerKind::adam:
      m += (g - m) * step.one_minus_keep1;
      v += (g * g - v) * step.one_minus_keep2;
      w -= step.rate * m / (sqrtf(v) + step.epsilon);
      return;
    case OptimizerKind::sgd: {
      const float push = g * step.rate;
      if (step.keep1 == 0.0f) {
        w -= push;
        return;
      }
      m = m * step.keep1 - push;
      w += step.nesterov ? m * step.keep1 - push : m;
      return;
    }
    case OptimizerKind::rmsprop: {
      v = step.keep2 * v + step.one_minus_keep2 * (g * g);
      const float push = step.rate * g / sqrtf(v + step.epsilon);
      if (step.keep1 == 0.0f) {
        w -= push;
        return;
      }
      m = step.keep1 * m + push;
      w -= m;
      return;
    }
  }
}

__global__ void update_kernel(Update u) {
  const unsigned head = blockIdx.z;
  const HeadStep& step = step_of(u.steps, head);
  const unsigned i = blockIdx.x * block_threads + threadIdx.x;
  if (step.count == 0 || i >= u.count) return;
  unsigned range = 0;
  while (range < u.range_count && i >= u.ranges[range].end) ++range;
  // The gaps between parameters are zero and stay so.
  if (range == u.range_count || i < u.ranges[range].begin) return;
  const float* part = u.gradients + head * u.gradients_stride + i;
  float gradient = *part;
  for (unsigned s = 1; s < u.ranges[range].splits; ++s) {
    gradient += part[static_cast<std::size_t>(s) * u.count];
  }
  const std::size_t at = static_cast<std::size_t>(head) * u.count + i;
  float weight = u.weights[at];
  const float l2 = u.steps.facts[head].l2;
  if (u.ranges[range].kernel && l2 != 0.0f) gradient += 2 * l2 * weight;
  if (u.collected) {
    u.collected[at] = gradient;
    return;
  }
  float first = u.first_moment[at];
  float second = u.second_moment[at];
  apply(step.update, gradient, weight, first, second);
  u.weights[at] = weight;
  u.first_moment[at] = first;
  u.second_moment[at] = second;
}

__global__ void penalty_kernel(Update u, DeviceSums* sums) {
  __shared__ double squares[block_threads];
  const unsigned head = blockIdx.z;
  const HeadStep& step = step_of(u.steps, head);
  const float l2 = u.steps.facts[head].l2;
  const bool idle = step.count == 0 || l2 == 0.0f;
  const float* weights = u.weights + static_cast<std::size_t>(head) * u.count;
  double sum = 0;
  for (unsigned range = 0; range < u.range_count && !idle; ++range) {
    if (!u.ranges[range].kernel) continue;
    for (unsigned i = u.ranges[range].begin + threadIdx.x; i < u.ranges[range].end;
         i += block_threads) {
      sum += static_cast<double>(weights[i]) * weights[i];
    }
  }
  squares[threadIdx.x] = sum;
  __syncthreads();
  for (unsigned half = block_threads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) squares[threadIdx.x] += squares[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0 && !idle) {
    sums[head].loss += static_cast<double>(l2) * squares[0] * step.count;
  }
}

__global__ void advance_kernel(std::uint32_t* counter, std::uint32_t by, bool reset) {
  *counter = reset ? by : *counter + by;
}

}  // namespace

void update(const Update& update, cudaStream_t stream) {
  launch(update_kernel, dim3(ceil_div(update.count, block_threads), 1, update.steps.heads),
         block_threads, stream, update);
}

void add_penalty(const Update& update, DeviceSums* sums, cudaStream_t stream) {
  launch(penalty_kernel, dim3(1, 1, update.steps.heads), block_threads, stream, update, sums);
}

void advance(std::uint32_t* counter, std::uint32_t by, bool reset, cudaStream_t stream) {
  launch(advance_kernel, dim3(1), 1u, stream, counter, by, reset);
}

}  // namespace headstart::cuda
