#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "head/backend.h"
#include "head/options.h"
#include "head/spec.h"

namespace headstart {

struct Samples {
  std::vector<std::int32_t> rows;
  std::vector<std::int32_t> labels;
  std::vector<double> learning_rates;  // training only: one a step, or none
};

struct Metrics {
  double loss = 0;  // mean over the samples; 0 without samples
  double accuracy = 0;
  std::size_t samples = 0;
  std::size_t steps = 0;
};

// M heads over one store: which samples, which step number, which stream, which rate. Knows no
// device. Not for two threads at once.
class HeadTrainer {
 public:
  // Takes the heads' first weights from their seeds.
  HeadTrainer(Plan plan, std::vector<HeadOptions> heads, std::unique_ptr<Engine> engine);

  const Plan& plan() const noexcept { return plan_; }
  std::size_t heads() const noexcept { return heads_.size(); }
  const HeadOptions& options(std::size_t head) const { return heads_.at(head).options; }

  // Steps of batch_size samples, the last of a head may be short; a head without samples rests.
  // Between steps, abort ends it with Error (aborted).
  std::vector<Metrics> train_steps(const FeatureStore& store, const std::vector<Samples>& samples,
                                   std::size_t batch_size, const std::atomic<bool>& abort);

  // One entry a head; one without samples gives zeros.
  std::vector<Metrics> evaluate(const FeatureStore& store, const std::vector<Samples>& samples,
                                std::size_t batch_size, const std::atomic<bool>& abort);

  // [rows, classes].
  std::vector<float> predict(const FeatureStore& store, std::size_t head,
                             const std::vector<std::int32_t>& rows, std::size_t batch_size,
                             const std::atomic<bool>& abort);

  // Fills [plan.parameter_floats] and gives the mean loss; dropout as the next step would draw it.
  double gradients(const FeatureStore& store, std::size_t head, const Samples& samples,
                   bool dropout, std::vector<float>& gradients);

  std::vector<float> read(std::size_t head, State state);
  void write(std::size_t head, State state, const std::vector<float>& values);
  std::uint32_t step(std::size_t head) const { return heads_.at(head).step; }
  void set_step(std::size_t head, std::uint32_t step) { heads_.at(head).step = step; }
  void set_learning_rate(std::size_t head, double rate) {
    heads_.at(head).options.learning_rate = rate;
  }
  std::size_t memory_bytes() const { return engine_->memory_bytes(); }

 private:
  struct Head {
    HeadOptions options;
    std::uint32_t step = 0;  // updates done
  };

  void check_store(const FeatureStore& store) const;
  void check_samples(const FeatureStore& store, const Samples& samples) const;

  Plan plan_;
  std::vector<Head> heads_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace headstart
