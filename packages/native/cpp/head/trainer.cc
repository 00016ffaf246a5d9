#include "head/trainer.h"

#include <algorithm>
#include <span>
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

void end_if(const std::atomic<bool>& abort) {
  if (abort.load(std::memory_order_relaxed)) {
    throw Error(ErrorCode::aborted, "The operation was aborted.");
  }
}

template <class T>
std::span<const T> part(const std::vector<T>& values, std::size_t begin, std::size_t count) {
  return std::span<const T>(values).subspan(begin, std::min(count, values.size() - begin));
}

Batch batch_at(const FeatureStore& store, const Samples& samples, std::size_t begin,
               std::size_t batch_size) {
  return {&store, part(samples.rows, begin, batch_size), part(samples.labels, begin, batch_size)};
}

class Totals {
 public:
  void add(const BatchSums& sums, std::size_t samples) {
    loss_ += sums.loss;
    correct_ += sums.correct;
    samples_ += samples;
    ++steps_;
  }

  Metrics mean() const {
    if (samples_ == 0) return {};
    const double count = static_cast<double>(samples_);
    return {loss_ / count, static_cast<double>(correct_) / count, samples_, steps_};
  }

 private:
  double loss_ = 0;
  std::size_t correct_ = 0;
  std::size_t samples_ = 0;
  std::size_t steps_ = 0;
};

}  // namespace

HeadTrainer::HeadTrainer(Plan plan, std::vector<HeadOptions> heads, std::unique_ptr<Engine> engine)
    : plan_(std::move(plan)), engine_(std::move(engine)) {
  std::vector<float> values(plan_.parameter_floats);
  for (HeadOptions& options : heads) {
    initialize(plan_, options.seed, values);
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
  for (const Samples& one : samples) check_samples(store, one);
  std::vector<Totals> totals(heads_.size());
  std::vector<HeadStep> steps;
  std::vector<BatchSums> sums(heads_.size());
  for (std::size_t begin = 0;; begin += batch_size) {
    end_if(abort);
    steps.clear();
    for (std::size_t h = 0; h < heads_.size(); ++h) {
      if (begin >= samples[h].rows.size()) continue;
      const Head& head = heads_[h];
      steps.push_back({h,
                       batch_at(store, samples[h], begin, batch_size),
                       head.options.class_weights,
                       {head.options.seed, head.step},
                       adam_step(head.options.adam, head.step + 1)});
    }
    if (steps.empty()) break;
    engine_->train(steps, std::span(sums).first(steps.size()));
    for (std::size_t i = 0; i < steps.size(); ++i) {
      ++heads_[steps[i].head].step;
      totals[steps[i].head].add(sums[i], steps[i].batch.rows.size());
    }
  }
  std::vector<Metrics> metrics;
  for (const Totals& total : totals) metrics.push_back(total.mean());
  return metrics;
}

Metrics HeadTrainer::evaluate(const FeatureStore& store, std::size_t head, const Samples& samples,
                              std::size_t batch_size, const std::atomic<bool>& abort) {
  check_store(store);
  check_samples(store, samples);
  Totals totals;
  for (std::size_t begin = 0; begin < samples.rows.size(); begin += batch_size) {
    end_if(abort);
    const Batch batch = batch_at(store, samples, begin, batch_size);
    totals.add(engine_->evaluate(head, batch), batch.rows.size());
  }
  return totals.mean();
}

std::vector<float> HeadTrainer::predict(const FeatureStore& store, std::size_t head,
                                        const std::vector<std::int32_t>& rows,
                                        std::size_t batch_size, const std::atomic<bool>& abort) {
  check_store(store);
  check_indices(rows, store.length(), "row");
  std::vector<float> probabilities(rows.size() * plan_.classes);
  for (std::size_t begin = 0; begin < rows.size(); begin += batch_size) {
    end_if(abort);
    const Batch batch{&store, part(rows, begin, batch_size), {}};
    engine_->predict(
        head, batch,
        std::span(probabilities).subspan(begin * plan_.classes, batch.rows.size() * plan_.classes));
  }
  return probabilities;
}

double HeadTrainer::gradients(const FeatureStore& store, std::size_t head, const Samples& samples,
                              bool dropout, std::vector<float>& gradients) {
  check_store(store);
  check_samples(store, samples);
  if (samples.rows.empty()) throw invalid_argument("There must be at least one row.");
  const Head& state = heads_.at(head);
  const Batch batch = batch_at(store, samples, 0, samples.rows.size());
  std::optional<DropoutDraw> draw;
  if (dropout) draw = DropoutDraw{state.options.seed, state.step};
  gradients.assign(plan_.parameter_floats, 0.0f);
  const BatchSums sums =
      engine_->gradients(head, batch, state.options.class_weights, draw, gradients);
  return sums.loss / static_cast<double>(samples.rows.size());
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
