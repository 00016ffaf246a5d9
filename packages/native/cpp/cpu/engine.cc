#include "cpu/engine.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "cpu/layer.h"
#include "cpu/loss.h"

namespace headstart::cpu {
namespace {

// One head's state, each [plan.parameter_floats].
struct HeadState {
  std::vector<float> weights;
  std::vector<float> first_moment;
  std::vector<float> second_moment;
};

// The heads share the layers' scratch memory and are computed one after the other, each by all
// threads.
class CpuEngine final : public Engine {
 public:
  CpuEngine(const Plan& plan, std::size_t heads, unsigned threads)
      : plan_(plan), pool_(threads), compute_{pool_, best_kernels()} {
    for (const PlannedLayer& layer : plan_.layers) layers_.push_back(make_layer(layer));
    outputs_ = std::vector<Buffer<float>>(layers_.size());
    while (first_trained_ < layers_.size() && !plan_.layers[first_trained_].has_parameters()) {
      ++first_trained_;
    }
    const std::vector<float> zeros(plan_.parameter_floats);
    // The gaps between parameters are never written again.
    std::copy(zeros.begin(), zeros.end(), gradients_.require(zeros.size()));
    heads_.assign(heads, HeadState{zeros, zeros, zeros});
  }

  void train(std::span<const HeadStep> steps, std::span<BatchSums> sums) override {
    float* gradients = gradients_.data();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const HeadStep& step = steps[i];
      sums[i] = differentiate(step.head, step.batch, step.class_weights, step.dropout, gradients);
      update(heads_[step.head], gradients, step.update);
    }
  }

  BatchSums evaluate(std::size_t head, const Batch& batch) override {
    return cross_entropy(forward(head, batch, std::nullopt), plan_.classes, batch.labels, {},
                         nullptr);
  }

  void predict(std::size_t head, const Batch& batch, std::span<float> probabilities) override {
    softmax(forward(head, batch, std::nullopt), plan_.classes, probabilities.data());
  }

  BatchSums gradients(std::size_t head, const Batch& batch, std::span<const float> class_weights,
                      const std::optional<DropoutDraw>& dropout,
                      std::span<float> gradients) override {
    return differentiate(head, batch, class_weights, dropout, gradients.data());
  }

  void read(std::size_t head, State state, std::span<float> values) override {
    std::copy_n(array(head, state).begin(), values.size(), values.begin());
  }

  void write(std::size_t head, State state, std::span<const float> values) override {
    std::copy_n(values.begin(), values.size(), array(head, state).begin());
  }

  std::size_t memory_bytes() const override {
    std::size_t bytes = heads_.size() * 3 * plan_.parameter_floats * sizeof(float);
    bytes +=
        gradients_.bytes() + converted_.bytes() + d_outputs_[0].bytes() + d_outputs_[1].bytes();
    for (const Buffer<float>& output : outputs_) bytes += output.bytes();
    for (const auto& layer : layers_) bytes += layer->scratch_bytes();
    return bytes;
  }

 private:
  std::vector<float>& array(std::size_t head, State state) {
    HeadState& one = heads_.at(head);
    switch (state) {
      case State::weights:
        return one.weights;
      case State::first_moment:
        return one.first_moment;
      case State::second_moment:
        break;
    }
    return one.second_moment;
  }

  Pass pass_of(std::size_t head, const Batch& batch, const std::optional<DropoutDraw>& dropout,
               float* gradients) {
    return {compute_, batch.rows.size(), heads_.at(head).weights.data(), gradients, dropout};
  }

  // Points inputs_[0] at the batch: into the store, or at its numbers converted to float32.
  void read_batch(const Batch& batch) {
    const FeatureStore& store = *batch.store;
    const std::size_t count = batch.rows.size();
    std::vector<const float*>& rows = inputs_[0];
    rows.resize(count);
    if (store.type() == FeatureType::float32) {
      for (std::size_t n = 0; n < count; ++n) {
        rows[n] = store.row_float32(static_cast<std::size_t>(batch.rows[n]));
      }
      return;
    }
    const std::size_t size = store.shape().size();
    float* to = converted_.require(count * size);
    pool_.run(count, [&](std::size_t n) {
      const auto row = static_cast<std::size_t>(batch.rows[n]);
      compute_.kernels.half_to_float(store.row_float16(row), to + n * size, size);
    });
    for (std::size_t n = 0; n < count; ++n) rows[n] = to + n * size;
  }

  // The logits, [N, classes]. Keeps every layer's input and output for the way back.
  std::span<const float> forward(std::size_t head, const Batch& batch,
                                 const std::optional<DropoutDraw>& dropout) {
    const Pass pass = pass_of(head, batch, dropout, nullptr);
    inputs_.resize(layers_.size() + 1);
    read_batch(batch);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const std::size_t size = plan_.layers[l].output.size();
      float* y = outputs_[l].require(pass.samples * size);
      layers_[l]->forward(pass, inputs_[l], y);
      inputs_[l + 1].resize(pass.samples);
      for (std::size_t n = 0; n < pass.samples; ++n) inputs_[l + 1][n] = y + n * size;
    }
    return {outputs_.back().data(), pass.samples * plan_.classes};
  }

  BatchSums differentiate(std::size_t head, const Batch& batch,
                          std::span<const float> class_weights,
                          const std::optional<DropoutDraw>& dropout, float* gradients) {
    const std::span<const float> logits = forward(head, batch, dropout);
    float* d_y = d_outputs_[0].require(widest() * batch.rows.size());
    float* d_x = d_outputs_[1].require(widest() * batch.rows.size());
    const BatchSums sums = cross_entropy(logits, plan_.classes, batch.labels, class_weights, d_y);
    const Pass pass = pass_of(head, batch, dropout, gradients);
    // Nothing before the first layer with parameters wants a gradient.
    for (std::size_t l = layers_.size(); l-- > first_trained_;) {
      layers_[l]->backward(pass, inputs_[l], outputs_[l].data(), d_y,
                           l == first_trained_ ? nullptr : d_x);
      std::swap(d_y, d_x);
    }
    return sums;
  }

  // The largest sample whose gradient is computed.
  std::size_t widest() const {
    std::size_t widest = 0;
    for (std::size_t l = first_trained_; l < layers_.size(); ++l) {
      widest = std::max(widest, plan_.layers[l].output.size());
    }
    return widest;
  }

  void update(HeadState& head, const float* gradients, const AdamStep& step) {
    constexpr std::size_t task_floats = 16384;
    const std::size_t count = plan_.parameter_floats;
    pool_.run(ceil_div(count, task_floats), [&](std::size_t task) {
      const std::size_t begin = task * task_floats;
      compute_.kernels.adam({head.weights.data() + begin, head.first_moment.data() + begin,
                             head.second_moment.data() + begin, gradients + begin,
                             std::min(task_floats, count - begin), step.rate, step.one_minus_beta1,
                             step.one_minus_beta2, step.epsilon});
    });
  }

  Plan plan_;
  ThreadPool pool_;
  Compute compute_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::size_t first_trained_ = 0;
  std::vector<HeadState> heads_;
  Buffer<float> gradients_;
  Buffer<float> converted_;
  Buffer<float> d_outputs_[2];
  std::vector<Buffer<float>> outputs_;
  std::vector<std::vector<const float*>> inputs_{1};
};

}  // namespace

unsigned default_threads() { return std::clamp(std::thread::hardware_concurrency(), 1u, 16u); }

std::string describe() {
  const unsigned threads = default_threads();
  return std::string("CPU, ") + best_kernels().name + ", " + std::to_string(threads) +
         (threads == 1 ? " thread" : " threads");
}

std::unique_ptr<Engine> make_engine(const Plan& plan, std::size_t heads, unsigned threads) {
  return std::make_unique<CpuEngine>(plan, heads, threads == 0 ? default_threads() : threads);
}

}  // namespace headstart::cpu
