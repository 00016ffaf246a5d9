// What a backend fills. All arithmetic on features, parameters and gradients happens behind this
// interface; what is to be done, and with which numbers, is decided before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "head/adam.h"
#include "head/feature_store.h"

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
};

// One head's part of a training step.
struct HeadStep {
  std::size_t head = 0;
  Batch batch;
  std::span<const float> class_weights;  // [classes]
  DropoutDraw dropout;
  AdamStep update;
};

// Sums over a batch. A sample with a not-a-number logit counts as wrong.
struct BatchSums {
  double loss = 0;  // of weight * cross-entropy
  std::size_t correct = 0;
};

enum class State { weights, first_moment, second_moment };

// Holds the state of all heads and computes on it. One thread at a time calls it. The gradient of a
// batch is that of its mean loss: of the sum of weight * cross-entropy, divided by N.
class Engine {
 public:
  virtual ~Engine() = default;

  // One forward, backward and update of each head given; sums[i] belongs to steps[i].
  virtual void train(std::span<const HeadStep> steps, std::span<BatchSums> sums) = 0;

  // Without dropout and weights.
  virtual BatchSums evaluate(std::size_t head, const Batch& batch) = 0;

  // probabilities: [N, classes].
  virtual void predict(std::size_t head, const Batch& batch, std::span<float> probabilities) = 0;

  // gradients: [plan.parameter_floats], laid out as the parameters. Changes no state.
  virtual BatchSums gradients(std::size_t head, const Batch& batch,
                              std::span<const float> class_weights,
                              const std::optional<DropoutDraw>& dropout,
                              std::span<float> gradients) = 0;

  // values: [plan.parameter_floats].
  virtual void read(std::size_t head, State state, std::span<float> values) = 0;
  virtual void write(std::size_t head, State state, std::span<const float> values) = 0;

  // Host memory that it holds, in bytes.
  virtual std::size_t memory_bytes() const = 0;
};

}  // namespace headstart
