#include "head/trainer.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "head/error.h"
#include "head/initializers.h"

namespace headstart {
namespace {

void check_indices(const std::vector<std::int32_t>& values, std::size_t limit, const char* what) {
  const auto wrong = std::find_if(values.begin(), values.end(), [limit](std::int32_t value) {
    return value < 0 || static_cast<std::size_t>(value) >= limit;
  });
  if (wrong != values.end()) {
    throw invalid_argument(std::string("A ") + what + " is " + std::to_string(*wrong) +
                           ", but there are " + std::to_string(limit) + ".");
  }
}

Metrics mean(const Sums& sums) {
  if (sums.samples == 0) return {};
  const double count = static_cast<double>(sums.samples);
  return {sums.loss / count, static_cast<double>(sums.correct) / count, sums.samples, sums.steps};
}

std::vector<Metrics> means(const std::vector<Sums>& sums) {
  std::vector<Metrics> metrics;
  for (const Sums& one : sums) metrics.push_back(mean(one));
  return metrics;
}

}  // namespace

HeadTrainer::HeadTrainer(Plan plan, std::vector<HeadOptions> heads, std::unique_ptr<Engine> engine)
    : plan_(std::move(plan)), engine_(std::move(engine)) {
  std::vector<float> values(plan_.parameter_floats);
  // Searches make hundreds of heads of one seed, which start from the same weights.
  std::optional<std::uint64_t> drawn;
  for (HeadOptions& options : heads) {
    if (drawn != options.seed) initialize(plan_, options.seed, values);
    drawn = options.seed;
    engine_->write(heads_.size(), State::weights, values);
    heads_.push_back({std::move(options), 0});
  }
}

void HeadTrainer::check_store(const FeatureStore& store) const {
  const Shape& has = store.shape();
  const Shape& wants = plan_.input;
  if (has.height != wants.height || has.width != wants.width || has.channels != wants.channels) {
    throw invalid_argument("The store holds " + to_string(has) + " features, but the head takes " +
                           to_string(wants) + ".");
  }
  if (store.on_device() && !engine_->reads_device_rows()) {
    throw invalid_argument(
        "The store is in the memory of the GPU: a trainer on the CPU cannot read it.");
  }
}

void HeadTrainer::check_samples(const FeatureStore& store, const Samples& samples) const {
  if (samples.rows.size() != samples.labels.size()) {
    throw invalid_argument("There must be as many labels as rows.");
  }
  check_indices(samples.rows, store.length(), "row");
  check_indices(samples.labels, plan_.classes, "label");
}

std::vector<Metrics> HeadTrainer::train_steps(const FeatureStore& store,
                                              const std::vector<Samples>& samples,
                                              std::size_t batch_size,
                                              const std::atomic<bool>& abort) {
  check_store(store);
  std::vector<HeadRun> runs;
  for (std::size_t h = 0; h < heads_.size(); ++h) {
    const Samples& one = samples[h];
    check_samples(store, one);
    const std::size_t steps = (one.rows.size() + batch_size - 1) / batch_size;
    if (!one.learning_rates.empty() && one.learning_rates.size() != steps) {
      throw invalid_argument("There must be one learning rate a step: " + std::to_string(steps) +
                             ".");
    }
    const Head& head = heads_[h];
    runs.push_back({h, one.rows, one.labels, one.learning_rates, head.step, &head.options});
  }
  std::vector<Sums> sums(heads_.size());
  const auto count_steps = [&] {
    for (std::size_t h = 0; h < heads_.size(); ++h) {
      heads_[h].step += static_cast<std::uint32_t>(sums[h].steps);
    }
  };
  try {
    engine_->train(store, runs, batch_size, sums, abort);
  } catch (...) {
    count_steps();
    throw;
  }
  count_steps();
  return means(sums);
}

std::vector<Metrics> HeadTrainer::evaluate(const FeatureStore& store,
                                           const std::vector<Samples>& samples,
                                           std::size_t batch_size, const std::atomic<bool>& abort) {
  check_store(store);
  std::vector<HeadRows> rows;
  for (std::size_t h = 0; h < heads_.size(); ++h) {
    check_samples(store, samples[h]);
    rows.push_back({h, samples[h].rows, samples[h].labels, &heads_[h].options});
  }
  std::vector<Sums> sums(heads_.size());
  engine_->evaluate(store, rows, batch_size, sums, abort);
  return means(sums);
}

std::vector<float> HeadTrainer::predict(const FeatureStore& store, std::size_t head,
                                        const std::vector<std::int32_t>& rows,
                                        std::size_t batch_size, const std::atomic<bool>& abort) {
  check_store(store);
  check_indices(rows, store.length(), "row");
  std::vector<float> probabilities(rows.size() * plan_.classes);
  const std::span<const std::int32_t> all(rows);
  const std::span<float> out(probabilities);
  for (std::size_t begin = 0; begin < rows.size(); begin += batch_size) {
    end_if(abort);
    const std::size_t count = std::min(batch_size, rows.size() - begin);
    engine_->predict(head, {&store, all.subspan(begin, count), {}},
                     out.subspan(begin * plan_.classes, count * plan_.classes));
  }
  return probabilities;
}

double HeadTrainer::gradients(const FeatureStore& store, std::size_t head, const Samples& samples,
                              bool dropout, std::vector<float>& gradients) {
  check_store(store);
  check_samples(store, samples);
  if (samples.rows.empty()) throw invalid_argument("There must be at least one row.");
  const Head& state = heads_.at(head);
  const HeadOptions& options = state.options;
  std::optional<DropoutDraw> draw;
  if (dropout) draw = DropoutDraw{options.seed, state.step, options.dropout};
  gradients.assign(plan_.parameter_floats, 0.0f);
  return mean(engine_->gradients(head, {&store, samples.rows, samples.labels}, options, draw,
                                 gradients))
      .loss;
}

std::vector<float> HeadTrainer::read(std::size_t head, State state) {
  std::vector<float> values(plan_.parameter_floats);
  engine_->read(head, state, values);
  return values;
}

void HeadTrainer::write(std::size_t head, State state, const std::vector<float>& values) {
  engine_->write(head, state, values);
}

}  // namespace headstart
