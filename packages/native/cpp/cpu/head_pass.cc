#include "cpu/head_pass.h"

namespace headstart::cpu {

HeadPass::HeadPass(const Plan& plan, const Compute& compute) : plan_(plan), compute_(compute) {
  for (const PlannedLayer& planned : plan.layers) {
    if (auto layer = make_layer(planned, compute.precision)) layers_.push_back(std::move(layer));
  }
  while (!layers_[first_trained_]->plan().has_parameters()) ++first_trained_;
  for (std::size_t l = first_trained_; l < layers_.size(); ++l) {
    widest_ = std::max(widest_, layers_[l]->plan().output.size());
  }
  reads_bfloat16_ = layers_[0]->takes_bfloat16();
  outputs_ = std::vector<Buffer<float>>(layers_.size());
  rows_.resize(layers_.size());
}

void HeadPass::evaluate(const float* parameters, const Batch& batch, const HeadOptions& options,
                        Sums& sums) {
  const Pass pass{compute_, batch.rows.size(), parameters, nullptr, std::nullopt};
  loss_.add(compute_, forward(pass, batch), plan_.classes, batch.labels,
            {{}, options.label_smoothing}, nullptr, sums);
}

void HeadPass::predict(const float* parameters, const Batch& batch, float* probabilities) {
  const Pass pass{compute_, batch.rows.size(), parameters, nullptr, std::nullopt};
  softmax(compute_, forward(pass, batch), plan_.classes, probabilities);
}

const float* HeadPass::differentiate(const float* parameters, const Batch& batch,
                                     const HeadOptions& options,
                                     const std::optional<DropoutDraw>& dropout, Sums& sums) {
  const Pass pass{compute_, batch.rows.size(), parameters, zeroed_gradients(), dropout};
  sums = backpropagate(pass, batch, options);
  return gradients_.data();
}

Sums HeadPass::train(const HeadUpdate& update, const Batch& batch, const HeadOptions& options,
                     const DropoutDraw& dropout) {
  const Layer& first = *layers_[first_trained_];
  // The penalty's gradient is added to a whole one.
  const bool in_pass = options.l2 == 0 && first.updates_kernel();
  const Pass pass{compute_, batch.rows.size(),          update.weights, zeroed_gradients(),
                  dropout,  in_pass ? &update : nullptr};
  const Sums sums = backpropagate(pass, batch, options);
  if (!in_pass) {
    update_range(update, 0, plan_.parameter_floats);
    return sums;
  }
  const PlannedLayer& done = first.plan();
  const Shape& in = done.input;
  update_range(update, 0, done.kernel_offset);
  update_range(update, done.kernel_offset + in.size() * done.output.channels,
               plan_.parameter_floats);
  return sums;
}

void HeadPass::update_range(const HeadUpdate& update, std::size_t begin, std::size_t end) {
  constexpr std::size_t task_floats = 16384;
  compute_.pool.run(ceil_div(end - begin, task_floats), [&](std::size_t task) {
    const std::size_t from = begin + task * task_floats;
    update.apply(compute_.kernels, from, std::min(task_floats, end - from),
                 gradients_.data() + from);
  });
}

// The gaps between parameters are never written again.
float* HeadPass::zeroed_gradients() {
  if (!gradients_.data()) {
    std::fill_n(gradients_.require(plan_.parameter_floats), plan_.parameter_floats, 0.0f);
  }
  return gradients_.data();
}

Sums HeadPass::backpropagate(const Pass& pass, const Batch& batch, const HeadOptions& options) {
  const std::span<const float> logits = forward(pass, batch);
  float* d_y = d_outputs_[0].require(widest_ * pass.samples);
  float* d_x = d_outputs_[1].require(widest_ * pass.samples);
  Sums sums{0, 0, 0, 1};
  loss_.add(compute_, logits, plan_.classes, batch.labels,
            {options.class_weights, options.label_smoothing}, d_y, sums);
  // Nothing before the first layer with parameters wants a gradient.
  for (std::size_t l = layers_.size(); l-- > first_trained_;) {
    layers_[l]->backward(pass, input_of(l), outputs_[l].data(), d_y,
                         l == first_trained_ ? nullptr : d_x);
    std::swap(d_y, d_x);
  }
  sums.loss += penalize(pass.parameters, options.l2, pass.gradients) *
               static_cast<double>(pass.samples);
  return sums;
}

Input HeadPass::input_of(std::size_t layer) const {
  if (layer == 0 && reads_bfloat16_) return {{}, bfloat16_rows_};
  return {rows_[layer], {}};
}

// Points the first layer's rows at the batch: into the store, or at its numbers converted to what
// the layer takes.
void HeadPass::read_batch(const Batch& batch) {
  const FeatureStore& store = *batch.store;
  const Kernels& kernels = compute_.kernels;
  const std::size_t count = batch.rows.size();
  const std::size_t size = store.shape().size();
  const FeatureType type = store.type();
  const auto row = [&](std::size_t n) { return static_cast<std::size_t>(batch.rows[n]); };
  if (reads_bfloat16_) {
    bfloat16_rows_.resize(count);
    if (type == FeatureType::bfloat16) {
      for (std::size_t n = 0; n < count; ++n) bfloat16_rows_[n] = store.row_halves(row(n));
      return;
    }
    std::uint16_t* to = rounded_.require(count * size);
    if (type == FeatureType::float16) widened_.require(compute_.pool.threads(), size);
    compute_.pool.run(count, [&](std::size_t n, unsigned worker) {
      const float* from = nullptr;
      if (type == FeatureType::float32) {
        from = store.row_float32(row(n));
      } else {
        kernels.half_to_float(store.row_halves(row(n)), widened_.of(worker), size);
        from = widened_.of(worker);
      }
      kernels.float_to_bfloat16(from, to + n * size, size);
    });
    for (std::size_t n = 0; n < count; ++n) bfloat16_rows_[n] = to + n * size;
    return;
  }
  rows_[0].resize(count);
  if (type == FeatureType::float32) {
    for (std::size_t n = 0; n < count; ++n) rows_[0][n] = store.row_float32(row(n));
    return;
  }
  const auto convert =
      type == FeatureType::float16 ? kernels.half_to_float : kernels.bfloat16_to_float;
  float* to = converted_.require(count * size);
  compute_.pool.run(
      count, [&](std::size_t n) { convert(store.row_halves(row(n)), to + n * size, size); });
  for (std::size_t n = 0; n < count; ++n) rows_[0][n] = to + n * size;
}

// The logits, [N, classes]. Keeps every layer's input and output for the way back.
std::span<const float> HeadPass::forward(const Pass& pass, const Batch& batch) {
  read_batch(batch);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const std::size_t size = layers_[l]->plan().output.size();
    float* y = outputs_[l].require(pass.samples * size);
    layers_[l]->forward(pass, input_of(l), y);
    if (l + 1 == layers_.size()) break;
    rows_[l + 1].resize(pass.samples);
    for (std::size_t n = 0; n < pass.samples; ++n) rows_[l + 1][n] = y + n * size;
  }
  return {outputs_.back().data(), pass.samples * plan_.classes};
}

double HeadPass::penalize(const float* parameters, double l2, float* gradients) const {
  if (l2 == 0) return 0;
  const auto twice = static_cast<float>(2 * l2);
  double squares = 0;
  for (const Parameter& parameter : plan_.parameters) {
    if (parameter.fan_in == 0) continue;
    for (std::size_t i = parameter.offset; i < parameter.offset + parameter.size; ++i) {
      squares += static_cast<double>(parameters[i]) * parameters[i];
      if (gradients) gradients[i] += twice * parameters[i];
    }
  }
  return l2 * squares;
}

std::size_t HeadPass::memory_bytes() const {
  std::size_t bytes = gradients_.bytes() + converted_.bytes() + rounded_.bytes() +
                      widened_.bytes() + d_outputs_[0].bytes() + d_outputs_[1].bytes();
  for (const Buffer<float>& output : outputs_) bytes += output.bytes();
  for (const auto& layer : layers_) bytes += layer->scratch_bytes();
  return bytes;
}

}  // namespace headstart::cpu
