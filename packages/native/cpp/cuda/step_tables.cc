#include "cuda/step_tables.h"

#include <algorithm>
#include <cstring>

#include "cuda/stages.h"
#include "head/optimizer.h"
#include "head/philox.h"

namespace headstart::cuda {
namespace {

constexpr std::size_t alignment = 256;

std::size_t aligned(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

HeadFacts facts_of(const TableHead& head, std::size_t rows_begin) {
  HeadFacts facts{};
  facts.rows_begin = static_cast<std::uint32_t>(rows_begin);
  facts.l2 = static_cast<float>(head.options->l2);
  facts.label_smoothing = static_cast<float>(head.options->label_smoothing);
  if (!head.dropout) return facts;
  const PhiloxKey key =
      stream_key(head.dropout->seed, static_cast<std::uint8_t>(RandomDomain::dropout));
  facts.key[0] = key[0];
  facts.key[1] = key[1];
  if (head.dropout->rate) {
    const DropoutNumbers numbers = dropout_numbers(*head.dropout->rate);
    facts.own_dropout = true;
    facts.dropout_threshold = numbers.threshold;
    facts.dropout_scale = numbers.scale;
  }
  return facts;
}

HeadStep step_of(const TableHead& head, std::size_t step, std::size_t batch_size) {
  HeadStep one{};
  const std::size_t first = step * batch_size;
  if (first >= head.rows.size()) return one;
  const HeadOptions& options = *head.options;
  const std::uint32_t number =
      (head.dropout ? head.dropout->step : 0) + static_cast<std::uint32_t>(step);
  const double rate =
      head.learning_rates.empty() ? options.learning_rate : head.learning_rates[step];
  one.update = update_step(options.optimizer, rate, number + 1);
  one.first = static_cast<std::uint32_t>(first);
  one.count = static_cast<std::uint32_t>(std::min(batch_size, head.rows.size() - first));
  one.dropout_step = number;
  return one;
}

void fill_class_weights(std::span<const TableHead> heads, std::size_t classes, float* weights) {
  for (const TableHead& head : heads) {
    const std::vector<float>& own = head.options->class_weights;
    if (head.weighs_classes && !own.empty()) {
      std::copy(own.begin(), own.end(), weights);
    } else {
      std::fill_n(weights, classes, 1.0f);
    }
    weights += classes;
  }
}

}  // namespace

void StepTables::fill(std::span<const TableHead> heads, std::size_t batch_size,
                      std::size_t multiple, std::size_t classes, cudaStream_t stream) {
  std::size_t rows = 0;
  std::size_t steps = 0;
  bool weighs = false;
  for (const TableHead& head : heads) {
    rows += head.rows.size();
    steps = std::max(steps, steps_of(head.rows.size(), batch_size));
    weighs = weighs || (head.weighs_classes && !head.options->class_weights.empty());
  }
  steps = (steps + multiple - 1) / multiple * multiple;

  const std::size_t facts_at = aligned(steps * heads.size() * sizeof(HeadStep));
  const std::size_t rows_at = facts_at + aligned(heads.size() * sizeof(HeadFacts));
  const std::size_t labels_at = rows_at + aligned(rows * sizeof(std::int32_t));
  const std::size_t weights_at = labels_at + aligned(rows * sizeof(std::int32_t));
  const std::size_t bytes =
      weights_at + aligned(weighs ? heads.size() * classes * sizeof(float) : 0);

  require_memory(device_.missing(bytes), "the rows of an epoch");
  std::byte* device = device_.require(bytes);
  if (host_bytes_ < bytes) {
    host_bytes_ = 0;
    host_.reset();
    host_.emplace(bytes);
    host_bytes_ = bytes;
  }
  auto* host = static_cast<std::byte*>(host_->data());
  auto* table = reinterpret_cast<HeadStep*>(host);
  auto* facts = reinterpret_cast<HeadFacts*>(host + facts_at);
  auto* all_rows = reinterpret_cast<std::int32_t*>(host + rows_at);
  auto* all_labels = reinterpret_cast<std::int32_t*>(host + labels_at);
  std::size_t begin = 0;
  for (std::size_t h = 0; h < heads.size(); ++h) {
    const TableHead& head = heads[h];
    facts[h] = facts_of(head, begin);
    for (std::size_t s = 0; s < steps; ++s)
      table[s * heads.size() + h] = step_of(head, s, batch_size);
    std::copy(head.rows.begin(), head.rows.end(), all_rows + begin);
    std::copy(head.labels.begin(), head.labels.end(), all_labels + begin);
    begin += head.rows.size();
  }
  if (weighs) fill_class_weights(heads, classes, reinterpret_cast<float*>(host + weights_at));
  check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream),
        "copying the rows of an epoch to the GPU");
  addresses_ = {reinterpret_cast<const HeadStep*>(device),
                reinterpret_cast<const HeadFacts*>(device + facts_at),
                reinterpret_cast<const std::int32_t*>(device + rows_at),
                reinterpret_cast<const std::int32_t*>(device + labels_at),
                weighs ? reinterpret_cast<const float*>(device + weights_at) : nullptr};
}

}  // namespace headstart::cuda
