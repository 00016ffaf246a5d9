#include "cpu/sparse_kernel_gradient.h"

namespace headstart::cpu {
namespace {

constexpr std::size_t taps = 9;
// Input channels of one task: a multiple of every vector's length.
constexpr std::size_t task_channels = 16;
// Samples whose elements share a list: enough to make lists long, few enough for the first-level
// cache.
constexpr std::size_t group_samples = 4;

std::size_t windows(const Shape& map) { return ceil_div(map.height, 2) * ceil_div(map.width, 2); }

}  // namespace

SparseKernelGradient::SparseKernelGradient(const PlannedLayer& layer)
    : map_(layer.input),
      inputs_(layer.input.channels),
      filters_(layer.output.channels),
      // One more is written, though not counted.
      capacity_(group_samples * windows(layer.input) + 1) {}

bool SparseKernelGradient::suits(const PlannedLayer& layer) noexcept {
  const Shape& map = layer.input;
  const std::size_t pairs = (3 * map.height - 2) * (3 * map.width - 2);
  return layer.spec.kind == LayerKind::conv2d && layer.spec.kernel_size == 3 &&
         layer.feeds_max_pool && 2 * taps * windows(map) < pairs;
}

void SparseKernelGradient::run(const Compute& compute, const Input& x, const float* d_y,
                               float* d_kernel) {
  const std::size_t samples = std::max(x.rows.size(), x.bfloat16_rows.size());
  list_elements(compute, samples, d_y);
  const std::size_t groups = ceil_div(samples, group_samples);
  const std::size_t sums_floats = filters_ * taps * task_channels;
  const std::size_t pixels = (map_.height + 2) * (map_.width + 2);
  const std::size_t group_floats = group_samples * pixels * task_channels;
  scratch_.require(compute.pool.threads(), sums_floats + group_floats);
  compute.pool.run(ceil_div(inputs_, task_channels), [&](std::size_t task, unsigned worker) {
    const std::size_t channel = task * task_channels;
    const std::size_t channels = std::min(task_channels, inputs_ - channel);
    float* sums = scratch_.of(worker);
    float* close = sums + sums_floats;
    std::fill_n(sums, sums_floats + group_floats, 0.0f);
    for (std::size_t group = 0; group < groups; ++group) {
      const std::size_t begin = group * group_samples;
      gather(compute.kernels, x, begin, std::min(begin + group_samples, samples), channel, channels,
             close);
      compute.kernels.sparse_taps(
          {close, (map_.width + 2) * task_channels, elements_.data() + group * filters_ * capacity_,
           capacity_, counts_.data() + group * filters_, filters_, task_channels, sums});
    }
    for (std::size_t tap = 0; tap < taps; ++tap) {
      for (std::size_t c = 0; c < channels; ++c) {
        float* to = d_kernel + (tap * inputs_ + channel + c) * filters_;
        for (std::size_t f = 0; f < filters_; ++f) {
          to[f] = sums[(f * taps + tap) * task_channels + c];
        }
      }
    }
  });
}

void SparseKernelGradient::list_elements(const Compute& compute, std::size_t samples,
                                         const float* d_y) {
  const std::size_t groups = ceil_div(samples, group_samples);
  SparseElement* lists = elements_.require(groups * filters_ * capacity_);
  std::uint32_t* counts = counts_.require(groups * filters_);
  compute.pool.run(groups, [&](std::size_t group) {
    SparseElement* list = lists + group * filters_ * capacity_;
    std::uint32_t* count = counts + group * filters_;
    std::fill_n(count, filters_, 0u);
    const std::size_t begin = group * group_samples;
    const std::size_t end = std::min(begin + group_samples, samples);
    const float* from = d_y + begin * map_.pixels() * filters_;
    for (std::size_t s = 0; s < end - begin; ++s) {
      for (std::size_t y = 0; y < map_.height; ++y) {
        for (std::size_t x = 0; x < map_.width; ++x, from += filters_) {
          // Of the pixel above and to the left, as that is where the kernel begins.
          const auto offset = static_cast<std::uint32_t>(
              ((s * (map_.height + 2) + y) * (map_.width + 2) + x) * task_channels);
          for (std::size_t f = 0; f < filters_; ++f) {
            list[f * capacity_ + count[f]] = {offset, from[f]};
            count[f] += from[f] != 0.0f;
          }
        }
      }
    }
  });
}

// to: [group_samples, H + 2, W + 2, task_channels]; writes only what is within the rim.
void SparseKernelGradient::gather(const Kernels& kernels, const Input& x, std::size_t begin,
                                  std::size_t end, std::size_t channel, std::size_t channels,
                                  float* to) const {
  const std::size_t last = std::max(x.rows.size(), x.bfloat16_rows.size()) - 1;
  for (std::size_t s = begin; s < end;
       ++s, to += (map_.height + 2) * (map_.width + 2) * task_channels) {
    for (std::size_t i = 0; i < map_.height; ++i) {
      float* row = to + ((i + 1) * (map_.width + 2) + 1) * task_channels;
      for (std::size_t j = 0; j < map_.width; ++j, row += task_channels) {
        const std::size_t at = (i * map_.width + j) * inputs_ + channel;
        if (x.rows.empty()) {
          __builtin_prefetch(x.bfloat16_rows[std::min(s + group_samples, last)] + at);
          kernels.bfloat16_to_float(x.bfloat16_rows[s] + at, row, channels);
        } else {
          __builtin_prefetch(x.rows[std::min(s + group_samples, last)] + at);
          std::copy_n(x.rows[s] + at, channels, row);
        }
      }
    }
  }
}

}  // namespace headstart::cpu
