#include "cpu/engine.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "cpu/available_threads.h"
#include "cpu/head_pass.h"
#include "cpu/zeros.h"
#include "head/error.h"

namespace headstart::cpu {
namespace {

// One head's state, each [plan.parameter_floats] or empty.
struct HeadState {
  std::span<float> weights;
  std::span<float> first_moment;
  std::span<float> second_moment;

  std::span<float> array(State state) const {
    switch (state) {
      case State::weights:
        return weights;
      case State::first_moment:
        return first_moment;
      case State::second_moment:
        break;
    }
    return second_moment;
  }
};

Compute compute_with(ThreadPool& pool, Precision precision) {
  const Kernels& kernels = best_kernels();
  if (precision == Precision::fp32) return {pool, kernels, precision, kernels.fp32};
  if (precision == Precision::tf32) {
    throw Error(ErrorCode::device_unavailable, "Processors do not multiply in tf32: use fp32.");
  }
  const Products* products = bf16_products(kernels);
  if (!products) {
    throw Error(ErrorCode::device_unavailable,
                "This processor does not multiply bfloat16 numbers (AVX512_BF16): use fp32.");
  }
  return {pool, kernels, precision, *products};
}

template <class T>
std::span<const T> part(std::span<const T> values, std::size_t begin, std::size_t count) {
  return values.subspan(begin, std::min(count, values.size() - begin));
}

// Heads are independent. Where there are at least as many as threads, each is computed by one
// thread, with memory of that thread; else, and where few are left over, one after the other, each
// by all threads. Results are the same bits either way.
class CpuEngine final : public Engine {
 public:
  CpuEngine(const Plan& plan, std::span<const HeadOptions> heads, unsigned threads,
            Precision precision)
      : plan_(plan), pool_(threads), together_(plan_, compute_with(pool_, precision)) {
    const std::size_t size = round_up(plan_.parameter_floats, 16);
    std::size_t arrays = 0;
    for (const HeadOptions& head : heads) {
      arrays += 1 + head.optimizer.has_first_moment() + head.optimizer.has_second_moment();
    }
    states_ = Zeros(arrays * size);
    float* next = states_.data();
    const auto take = [&](bool needed) -> std::span<float> {
      if (!needed) return {};
      return {std::exchange(next, next + size), plan_.parameter_floats};
    };
    // Weights lie together: moments take no memory before their heads are trained.
    heads_.resize(heads.size());
    for (HeadState& head : heads_) head.weights = take(true);
    for (std::size_t h = 0; h < heads.size(); ++h) {
      const OptimizerOptions& optimizer = heads[h].optimizer;
      heads_[h].first_moment = take(optimizer.has_first_moment());
      heads_[h].second_moment = take(optimizer.has_second_moment());
    }
    if (heads.size() < threads || threads < 2) return;
    for (unsigned i = 0; i < threads; ++i) {
      apart_.push_back(std::make_unique<HeadPass>(plan_, compute_with(alone_, precision)));
    }
  }

  void train(const FeatureStore& store, std::span<const HeadRun> runs, std::size_t batch_size,
             std::span<Sums> sums, const std::atomic<bool>& abort) override {
    for_heads(runs, [&](HeadPass& pass, std::size_t i) {
      train_head(pass, store, runs[i], batch_size, sums[i], abort);
    });
  }

  void evaluate(const FeatureStore& store, std::span<const HeadRows> rows, std::size_t batch_size,
                std::span<Sums> sums, const std::atomic<bool>& abort) override {
    for_heads(rows, [&](HeadPass& pass, std::size_t i) {
      const HeadRows& one = rows[i];
      const float* weights = heads_[one.head].weights.data();
      const std::size_t at_once = std::min(batch_size, rows_at_once());
      for (std::size_t begin = 0; begin < one.rows.size(); begin += at_once) {
        end_if(abort);
        const Batch batch{&store, part(one.rows, begin, at_once),
                          part(one.labels, begin, at_once)};
        pass.evaluate(weights, batch, *one.options, sums[i]);
      }
      sums[i].loss += pass.penalty(weights, one.options->l2) * static_cast<double>(one.rows.size());
    });
  }

  void predict(std::size_t head, const Batch& batch, std::span<float> probabilities) override {
    const float* weights = heads_.at(head).weights.data();
    for (std::size_t begin = 0; begin < batch.rows.size(); begin += rows_at_once()) {
      together_.predict(weights, {batch.store, part(batch.rows, begin, rows_at_once()), {}},
                        probabilities.data() + begin * plan_.classes);
    }
  }

  Sums gradients(std::size_t head, const Batch& batch, const HeadOptions& options,
                 const std::optional<DropoutDraw>& dropout, std::span<float> gradients) override {
    Sums sums;
    const float* found = together_.differentiate(heads_.at(head).weights.data(), batch, options,
                                                 dropout, sums);
    std::copy_n(found, gradients.size(), gradients.begin());
    return sums;
  }

  void read(std::size_t head, State state, std::span<float> values) override {
    const std::span<float> array = heads_.at(head).array(state);
    std::fill(values.begin(), values.end(), 0.0f);
    std::copy_n(array.begin(), std::min(array.size(), values.size()), values.begin());
  }

  void write(std::size_t head, State state, std::span<const float> values) override {
    const std::span<float> array = heads_.at(head).array(state);
    std::copy_n(values.begin(), std::min(array.size(), values.size()), array.begin());
  }

  std::size_t memory_bytes() const override {
    std::size_t bytes = together_.memory_bytes();
    for (const auto& pass : apart_) bytes += pass->memory_bytes();
    for (const HeadState& head : heads_) {
      bytes += sizeof(float) * (head.weights.size() + head.first_moment.size() +
                                head.second_moment.size());
    }
    return bytes;
  }

 private:
  // Rows of large features pass the layers in groups: what a layer makes of a group stays in the
  // caches, and needs no fresh memory.
  std::size_t rows_at_once() const {
    constexpr std::size_t floats = std::size_t{1} << 21;
    return std::max(floats / plan_.input.size(), std::size_t{16});
  }

  static void add(Sums& sums, const Sums& more) {
    sums.loss += more.loss;
    sums.correct += more.correct;
    sums.samples += more.samples;
    sums.steps += more.steps;
  }

  // How many of the heads with samples are computed apart: where a few are left over, a round of
  // those would leave most threads without one.
  std::size_t count_apart(std::size_t heads) const {
    if (apart_.empty() || heads < 2) return 0;
    const std::size_t over = heads % apart_.size();
    return 2 * over <= apart_.size() ? heads - over : heads;
  }

  // Calls body(pass, i) for each of the items that has rows. Tasks of a pool must not throw: the
  // first error is kept, and heads that were not begun are left out.
  template <class Item, class Body>
  void for_heads(std::span<const Item> items, const Body& body) {
    std::vector<std::size_t> active;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!items[i].rows.empty()) active.push_back(i);
    }
    const std::size_t apart = count_apart(active.size());
    std::vector<std::exception_ptr> errors(apart);
    std::atomic<bool> failed{false};
    pool_.run(apart, [&](std::size_t i, unsigned worker) {
      if (failed.load(std::memory_order_relaxed)) return;
      try {
        body(*apart_[worker], active[i]);
      } catch (...) {
        errors[i] = std::current_exception();
        failed.store(true, std::memory_order_relaxed);
      }
    });
    for (const std::exception_ptr& error : errors) {
      if (error) std::rethrow_exception(error);
    }
    for (std::size_t i = apart; i < active.size(); ++i) body(together_, active[i]);
  }

  void train_head(HeadPass& pass, const FeatureStore& store, const HeadRun& run,
                  std::size_t batch_size, Sums& sums, const std::atomic<bool>& abort) {
    const HeadOptions& options = *run.options;
    const HeadState& head = heads_[run.head];
    for (std::size_t begin = 0; begin < run.rows.size(); begin += batch_size) {
      end_if(abort);
      const std::size_t done = begin / batch_size;
      const std::uint32_t step = run.first_step + static_cast<std::uint32_t>(done);
      const Batch batch{&store, part(run.rows, begin, batch_size),
                        part(run.labels, begin, batch_size)};
      const double rate =
          run.learning_rates.empty() ? options.learning_rate : run.learning_rates[done];
      const HeadUpdate update{head.weights.data(), head.first_moment.data(),
                              head.second_moment.data(),
                              update_step(options.optimizer, rate, step + 1)};
      add(sums, pass.train(update, batch, options, {options.seed, step, options.dropout}));
    }
  }

  Plan plan_;
  ThreadPool pool_;
  ThreadPool alone_{1};
  HeadPass together_;
  std::vector<std::unique_ptr<HeadPass>> apart_;  // one a worker
  Zeros states_;
  std::vector<HeadState> heads_;
};

}  // namespace

unsigned default_threads() { return std::min(available_threads(), 16u); }

std::string describe() {
  const unsigned threads = default_threads();
  return std::string("CPU, ") + best_kernels().name + ", " + std::to_string(threads) +
         (threads == 1 ? " thread" : " threads");
}

bool has_bf16() { return bf16_products(best_kernels()) != nullptr; }

std::unique_ptr<Engine> make_engine(const Plan& plan, std::span<const HeadOptions> heads,
                                    unsigned threads, Precision precision) {
  return std::make_unique<CpuEngine>(plan, heads, threads == 0 ? default_threads() : threads,
                                     precision);
}

}  // namespace headstart::cpu
