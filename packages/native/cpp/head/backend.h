// What a backend fills. All arithmetic on features, parameters and gradients happens behind this
// interface; what is to be done, and with which numbers, is decided before it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "head/feature_store.h"
#include "head/options.h"

namespace headstart {

// Samples of one step: labels[i] belongs to store row rows[i]. Both have N >= 1 elements (labels
// may be empty for a prediction), were checked to be in range, and outlive the call.
struct Batch {
  const FeatureStore* store = nullptr;
  std::span<const std::int32_t> rows;
  std::span<const std::int32_t> labels;
};

// Dropout layer l of this step draws from the stream (seed, dropout, counter (l, step, 0)): element
// e of [N, h, w, c], counted in row-major order, is dropped where word e < rate * 2^32.
struct DropoutDraw {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::optional<double> rate;  // instead of each layer's own
};

// Sums over samples. A sample with a not-a-number logit counts as wrong.
struct Sums {
  double loss = 0;  // with class weights, smoothing and the L2 penalty of each sample's step
  std::size_t correct = 0;
  std::size_t samples = 0;
  std::size_t steps = 0;
};

// One head's part of a unit of training: consecutive batches of the rows, the last may be short.
// Step i (from 0) is update number first_step + i + 1 and draws dropout as step first_step + i.
struct HeadRun {
  std::size_t head = 0;
  std::span<const std::int32_t> rows;
  std::span<const std::int32_t> labels;
  std::span<const double> learning_rates;  // one a step, or none: the option's
  std::uint32_t first_step = 0;
  const HeadOptions* options = nullptr;
};

// One head's labelled rows to be measured.
struct HeadRows {
  std::size_t head = 0;
  std::span<const std::int32_t> rows;
  std::span<const std::int32_t> labels;
  const HeadOptions* options = nullptr;
};

enum class State { weights, first_moment, second_moment };

// Holds the state of all heads and computes on it. One thread at a time calls it. The gradient of a
// batch is that of its mean loss: of the sum of weight * cross-entropy divided by N, plus the L2
// penalty. Heads are independent: a result does not depend on which others are in the call.
class Engine {
 public:
  virtual ~Engine() = default;

  // Trains each head through its batches; sums[i] belongs to runs[i] and counts steps as they are
  // done, so that it is true also where abort, seen between steps, ends the call with Error
  // (aborted).
  virtual void train(const FeatureStore& store, std::span<const HeadRun> runs,
                     std::size_t batch_size, std::span<Sums> sums,
                     const std::atomic<bool>& abort) = 0;

  // Without dropout and class weights. sums[i] belongs to rows[i].
  virtual void evaluate(const FeatureStore& store, std::span<const HeadRows> rows,
                        std::size_t batch_size, std::span<Sums> sums,
                        const std::atomic<bool>& abort) = 0;

  // probabilities: [N, classes].
  virtual void predict(std::size_t head, const Batch& batch, std::span<float> probabilities) = 0;

  // gradients: [plan.parameter_floats], laid out as the parameters. Changes no state.
  virtual Sums gradients(std::size_t head, const Batch& batch, const HeadOptions& options,
                         const std::optional<DropoutDraw>& dropout, std::span<float> gradients) = 0;

  // values: [plan.parameter_floats]. A moment that the optimizer has not reads as zeros, and what
  // is written to it is lost.
  virtual void read(std::size_t head, State state, std::span<float> values) = 0;
  virtual void write(std::size_t head, State state, std::span<const float> values) = 0;

  // Whether it reads stores that are in the device's memory alone.
  virtual bool reads_device_rows() const noexcept { return false; }

  // Memory that it holds, the host's and the device's, in bytes.
  virtual std::size_t memory_bytes() const = 0;
};

}  // namespace headstart
