#include "cpu/left_rows.h"

namespace headstart::cpu {
namespace {

// The bits of two bfloat16 numbers are read as one word.
const Word* words_of(const std::uint16_t* halves) { return reinterpret_cast<const Word*>(halves); }

}  // namespace

void LeftRows::prepare(const Compute& compute, const Input& x, std::size_t pixels,
                       std::size_t channels) {
  if (compute.precision == Precision::fp32) {
    samples_.assign(x.rows.begin(), x.rows.end());
    stride_ = channels;
    return;
  }
  const bool rounded_already = !x.bfloat16_rows.empty();
  const std::size_t samples = rounded_already ? x.bfloat16_rows.size() : x.rows.size();
  const std::size_t padded = round_up(channels, 2);
  stride_ = padded / 2;
  samples_.resize(samples);
  if (rounded_already && padded == channels) {
    for (std::size_t n = 0; n < samples; ++n) samples_[n] = words_of(x.bfloat16_rows[n]);
    return;
  }
  std::uint16_t* copy = rounded_.require(samples * pixels * padded);
  compute.pool.run(samples, [&](std::size_t n) {
    std::uint16_t* to = copy + n * pixels * padded;
    for (std::size_t p = 0; p < pixels; ++p, to += padded) {
      if (rounded_already) {
        std::copy_n(x.bfloat16_rows[n] + p * channels, channels, to);
      } else {
        compute.kernels.float_to_bfloat16(x.rows[n] + p * channels, to, channels);
      }
      if (padded != channels) to[channels] = 0;
    }
  });
  for (std::size_t n = 0; n < samples; ++n) samples_[n] = words_of(copy + n * pixels * padded);
}

void LeftRows::prepare(const Compute& compute, const float* x, std::size_t samples,
                       std::size_t pixels, std::size_t channels) {
  rows_.resize(samples);
  for (std::size_t n = 0; n < samples; ++n) rows_[n] = x + n * pixels * channels;
  prepare(compute, {rows_, {}}, pixels, channels);
}

void GradientRows::prepare(const Compute& compute, const float* d_y, std::size_t samples,
                           std::size_t pixels, std::size_t channels) {
  const bool pairs = compute.precision == Precision::bf16;
  pixels_ = pixels;
  stride_ = round_up(channels, channels <= compute.kernels.lanes ? compute.kernels.lanes
                                                                 : compute.kernels.panel);
  if (!pairs && stride_ == channels) {
    data_ = d_y;
    return;
  }
  const std::size_t rows = pairs ? ceil_div(samples, 2) : samples;
  Word* copy = copy_.require(rows * pixels * stride_);
  data_ = copy;
  if (pairs) rounded_.require(compute.pool.threads(), 2 * channels);
  compute.pool.run(rows, [&](std::size_t s, unsigned worker) {
    for (std::size_t p = 0; p < pixels; ++p) {
      Word* to = copy + (s * pixels + p) * stride_;
      std::fill(to + channels, to + stride_, 0.0f);
      if (!pairs) {
        std::copy_n(d_y + (s * pixels + p) * channels, channels, to);
        continue;
      }
      std::uint16_t* lower = rounded_.of(worker);
      std::uint16_t* upper = lower + channels;
      const bool has_upper = 2 * s + 1 < samples;
      const float* from = d_y + (2 * s * pixels + p) * channels;
      compute.kernels.float_to_bfloat16(from, lower, channels);
      if (has_upper) {
        compute.kernels.float_to_bfloat16(from + pixels * channels, upper, channels);
      }
      compute.kernels.pair_bfloat16(lower, has_upper ? upper : nullptr, to, channels);
    }
  });
}

}  // namespace headstart::cpu
