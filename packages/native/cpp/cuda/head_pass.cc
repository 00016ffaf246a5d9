#include "cuda/head_pass.h"

#include <utility>

namespace headstart::cuda {
namespace {

template <class T>
T* at(const Work& work, std::size_t offset) {
  return reinterpret_cast<T*>(work.memory + offset);
}

unsigned narrow(std::size_t value) { return static_cast<unsigned>(value); }

}  // namespace

HeadPass::HeadPass(const Plan& plan, std::vector<Stage> stages, const ParameterRange* ranges,
                   Math math)
    : stages_(std::move(stages)),
      ranges_(ranges),
      range_count_(narrow(plan.parameters.size())),
      classes_(narrow(plan.classes)),
      parameter_floats_(plan.parameter_floats),
      math_(math) {
  while (!stages_[first_trained_].product) ++first_trained_;
}

void HeadPass::train(const Work& work, cudaStream_t stream) const {
  differentiate(work, nullptr, stream);
}

void HeadPass::evaluate(const Work& work, cudaStream_t stream) const {
  forward(work, stream);
  add_loss(work, nullptr, stream);
}

const float* HeadPass::predict(const Work& work, cudaStream_t stream) const {
  forward(work, stream);
  float* logits = activations(stages_.size() - 1, work);
  softmax(work.steps, logits, std::size_t{work.samples} * classes_, classes_, work.samples, stream);
  return logits;
}

void HeadPass::differentiate(const Work& work, float* gradients, cudaStream_t stream) const {
  forward(work, stream);
  add_loss(work, at<float>(work, work.layout->differences[0]), stream);
  backward(work, stream);
  update(update_of(work, gradients), stream);
}

float* HeadPass::activations(std::size_t stage, const Work& work) const {
  return at<float>(work, work.layout->stages[stage].y);
}

Source HeadPass::input_of(std::size_t stage, const Work& work) const {
  if (stage == 0) return work.features;
  const std::size_t size = stages_[stage].input.size();
  return {activations(stage - 1, work), NumberType::float32, nullptr, work.samples * size, size};
}

Product HeadPass::product_of(const Stage& stage, const Work& work) const {
  Product product{};
  product.steps = work.steps;
  product.shape = stage.product->shape;
  product.weights = work.weights + stage.product->kernel_offset;
  product.weights_stride = parameter_floats_;
  return product;
}

Finish HeadPass::finish_of(std::size_t index, const Work& work) const {
  const Stage& stage = stages_[index];
  Finish finish{};
  finish.steps = work.steps;
  finish.height = narrow(stage.finished.height);
  finish.width = narrow(stage.finished.width);
  finish.channels = narrow(stage.finished.channels);
  finish.relu = stage.relu;
  finish.max_pool = stage.max_pool;
  if (stage.dropout) {
    finish.dropout = work.dropout;
    finish.rate = stage.dropout->rate;
    finish.layer = stage.dropout->layer;
  }
  if (stage.product) {
    finish.parts = at<float>(work, work.layout->parts);
    finish.splits = stage.product->forward_splits;
    finish.split_stride = work.samples * stage.finished.size();
    finish.parts_stride = finish.splits * finish.split_stride;
    finish.bias = work.weights + stage.product->bias_offset;
    finish.bias_stride = parameter_floats_;
  } else {
    finish.x = input_of(index, work);
  }
  finish.y = activations(index, work);
  finish.choices = at<std::uint8_t>(work, work.layout->stages[index].choices);
  finish.y_stride = work.samples * stage.output.size();
  return finish;
}

Update HeadPass::update_of(const Work& work, float* collected) const {
  Update update{};
  update.steps = work.steps;
  update.count = narrow(parameter_floats_);
  update.ranges = ranges_;
  update.range_count = range_count_;
  update.weights = work.weights;
  update.first_moment = work.first_moment;
  update.second_moment = work.second_moment;
  update.gradients = at<float>(work, work.layout->gradients);
  update.gradients_stride = work.layout->gradient_splits * parameter_floats_;
  update.collected = collected;
  return update;
}

void HeadPass::forward(const Work& work, cudaStream_t stream) const {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const Stage& stage = stages_[i];
    const Finish finish = finish_of(i, work);
    if (stage.average) {
      average_forward(finish, work.samples, stream);
      continue;
    }
    if (stage.product) {
      Product product = product_of(stage, work);
      product.splits = stage.product->forward_splits;
      product.x = input_of(i, work);
      product.out = at<float>(work, work.layout->parts);
      product.out_stride = finish.parts_stride;
      product.split_stride = finish.split_stride;
      forward_product(product, math_, work.samples, stream);
    }
    finish_forward(finish, work.samples, stream);
  }
}

void HeadPass::add_loss(const Work& work, float* d_logits, cudaStream_t stream) const {
  Loss loss{};
  loss.steps = work.steps;
  loss.classes = classes_;
  loss.logits = activations(stages_.size() - 1, work);
  loss.logits_stride = std::size_t{work.samples} * classes_;
  loss.labels = work.labels;
  loss.class_weights = work.class_weights;
  loss.d_logits = d_logits;
  loss.d_logits_stride = work.layout->widest;
  loss.losses = at<double>(work, work.layout->losses);
  loss.correct = at<std::uint8_t>(work, work.layout->correct);
  loss.samples = work.samples;
  loss.sums = work.sums;
  cuda::add_loss(loss, stream);
  add_penalty(update_of(work, nullptr), work.sums, stream);
}

// From the gradient by the logits in differences[0].
void HeadPass::backward(const Work& work, cudaStream_t stream) const {
  const StepMemory& layout = *work.layout;
  float* d_y = at<float>(work, layout.differences[0]);
  float* other = at<float>(work, layout.differences[1]);
  Parts parts{d_y, layout.widest, 0, 1};
  for (std::size_t i = stages_.size(); i-- > first_trained_;) {
    const Stage& stage = stages_[i];
    const Finish finish = finish_of(i, work);
    if (stage.average) {
      average_backward(finish, parts, other, layout.widest, work.samples, stream);
      std::swap(d_y, other);
    } else if (i + 1 < stages_.size() || !stage.only_bias()) {
      finish_backward(finish, parts, other, layout.widest, work.samples, stream);
      std::swap(d_y, other);
    }
    parts = {d_y, layout.widest, 0, 1};
    if (!stage.product) continue;
    Product product = product_of(stage, work);
    product.x = input_of(i, work);
    product.d_y = d_y;
    product.d_y_stride = layout.widest;
    product.splits = stage.product->kernel_gradient_splits;
    product.out = at<float>(work, layout.gradients) + stage.product->kernel_offset;
    product.out_stride = layout.gradient_splits * parameter_floats_;
    product.split_stride = parameter_floats_;
    kernel_gradient(product, math_, stream);
    sum_rows(work.steps, d_y, layout.widest, product.shape.pixels(), product.shape.filters,
             at<float>(work, layout.gradients) + stage.product->bias_offset, product.out_stride,
             stream);
    if (i == first_trained_) break;
    product.splits = stage.product->input_gradient_splits;
    product.out = at<float>(work, layout.parts);
    product.split_stride = work.samples * stage.input.size();
    product.out_stride = product.splits * product.split_stride;
    input_gradient(product, math_, work.samples, stream);
    parts = {product.out, product.out_stride, product.split_stride, product.splits};
  }
}

}  // namespace headstart::cuda
