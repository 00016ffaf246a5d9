// Goes through everything that the trainer does on the CPU, at awkward sizes, to be run under
// valgrind and the sanitizers (scripts/check-native.mjs). Exits with 1 where a result depends on
// the number of threads, or what should be refused is not.
//
//   headstart_exercise [few]     few: with few samples and heads, for what is a hundred times
//   slower
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

#include "cpu/conv_stack.h"
#include "cpu/engine.h"
#include "head/error.h"
#include "head/philox.h"
#include "head/trainer.h"

namespace headstart {
namespace {

int failures = 0;

void expect(bool holds, const std::string& what) {
  if (holds) return;
  std::printf("failed: %s\n", what.c_str());
  ++failures;
}

LayerSpec layer(LayerKind kind, const char* name = "", std::size_t size = 0,
                std::size_t kernel_size = 1, bool relu = false, double rate = 0) {
  LayerSpec spec;
  spec.kind = kind;
  spec.name = name;
  spec.size = size;
  spec.kernel_size = kernel_size;
  spec.relu = relu;
  spec.rate = rate;
  return spec;
}

struct Case {
  std::string name;
  Shape input;
  std::size_t samples;
  std::size_t classes;
  std::vector<LayerSpec> layers;
};

std::vector<LayerSpec> conv_layers(std::size_t filters, std::size_t classes) {
  return {layer(LayerKind::conv2d, "a", filters, 3, true),
          layer(LayerKind::max_pool2d),
          layer(LayerKind::dropout, "", 0, 1, false, 0.25),
          layer(LayerKind::conv2d, "b", filters + 3, 3, true),
          layer(LayerKind::conv2d, "c", 5, 1, false),
          layer(LayerKind::max_pool2d),
          layer(LayerKind::flatten),
          layer(LayerKind::dense, "d", 9, 1, true),
          layer(LayerKind::dense, "e", classes)};
}

std::vector<LayerSpec> linear_layers(std::size_t classes) {
  return {layer(LayerKind::global_average_pool2d), layer(LayerKind::dense, "a", classes)};
}

std::vector<Case> cases() {
  return {
      {"one of everything", {1, 1, 1}, 1, 1, {layer(LayerKind::dense, "a", 1)}},
      {"linear", {1, 1, 33}, 257, 3, linear_layers(3)},
      {"many classes", {3, 3, 7}, 31, 1000, linear_layers(1000)},
      {"few channels", {5, 5, 3}, 31, 3, conv_layers(7, 3)},
      {"wide channels", {7, 7, 129}, 37, 3, conv_layers(66, 3)},
      {"a large map", {14, 14, 130}, 3, 2, conv_layers(64, 2)},
      {"a map that is not square", {4, 9, 300}, 3, 3, conv_layers(30, 3)},
  };
}

FeatureStore make_store(const Case& one, FeatureType type) {
  FeatureStore store(one.input, one.samples, type);
  RandomWords words(RandomStream(1, 7, 0, 0, 0));
  std::vector<float> row(one.input.size());
  std::vector<std::uint16_t> halves(one.input.size());
  for (std::size_t i = 0; i < one.samples; ++i) {
    for (float& value : row) value = static_cast<float>(words.next_uniform());
    if (type == FeatureType::float16) {
      for (std::uint16_t& half : halves) {
        half = static_cast<std::uint16_t>(words.next_below(0x3C00));
      }
      store.append(halves.data(), halves.size());
    } else if (type == FeatureType::bfloat16) {
      store.append_rounded(row.data(), row.size());
    } else {
      store.append(row.data(), row.size());
    }
  }
  return store;
}

std::vector<HeadOptions> make_heads(std::size_t count, std::size_t classes) {
  std::vector<HeadOptions> heads(count);
  for (std::size_t i = 0; i < count; ++i) {
    HeadOptions& head = heads[i];
    head.seed = i;
    head.optimizer.kind = static_cast<OptimizerKind>(i % 3);
    head.optimizer.momentum = i % 2 == 1 ? 0.9 : 0;
    head.optimizer.weight_decay = 0.001;
    head.l2 = i % 2 == 1 ? 0.01 : 0;
    head.label_smoothing = 0.1;
    head.class_weights.assign(classes, 1.5f);
  }
  return heads;
}

// Everything that a head ends with, on so many threads.
std::vector<std::vector<float>> train(const Case& one, const FeatureStore& store,
                                      std::size_t head_count, unsigned threads,
                                      Precision precision) {
  const Plan plan = make_plan(one.input, one.layers, one.classes);
  const std::vector<HeadOptions> heads = make_heads(head_count, one.classes);
  HeadTrainer trainer(plan, heads, cpu::make_engine(plan, heads, threads, precision));
  Samples samples;
  for (std::size_t i = 0; i < one.samples; ++i) {
    samples.rows.push_back(static_cast<std::int32_t>(i));
    samples.labels.push_back(static_cast<std::int32_t>(i % one.classes));
  }
  const std::vector<Samples> all(head_count, samples);
  const std::atomic<bool> abort{false};
  trainer.train_steps(store, all, 13, abort);
  trainer.evaluate(store, all, 7, abort);
  std::vector<std::vector<float>> results;
  for (std::size_t head = 0; head < head_count; ++head) {
    results.push_back(trainer.read(head, State::weights));
    results.push_back(trainer.read(head, State::first_moment));
    results.push_back(trainer.predict(store, head, samples.rows, 32, abort));
    std::vector<float> gradients;
    trainer.gradients(store, head, samples, true, gradients);
    results.push_back(gradients);
  }
  return results;
}

void check_threads(const Case& one, bool few, FeatureType type, Precision precision) {
  const FeatureStore store = make_store(one, type);
  const std::vector<unsigned> thread_counts = few ? std::vector{2u} : std::vector{2u, 3u};
  for (const std::size_t heads : {std::size_t{1}, std::size_t{few ? 2u : 5u}}) {
    const auto alone = train(one, store, heads, 1, precision);
    for (const unsigned threads : thread_counts) {
      expect(train(one, store, heads, threads, precision) == alone,
             one.name + ": the same bits for " + std::to_string(threads) + " threads");
    }
  }
}

void check_abort() {
  const Case one = cases()[4];
  const FeatureStore store = make_store(one, FeatureType::float32);
  const Plan plan = make_plan(one.input, one.layers, one.classes);
  for (const std::size_t count : {std::size_t{1}, std::size_t{4}}) {
    const std::vector<HeadOptions> heads = make_heads(count, one.classes);
    HeadTrainer trainer(plan, heads, cpu::make_engine(plan, heads, 2, Precision::fp32));
    Samples samples;
    samples.rows.assign(100'000, 1);
    samples.labels.assign(100'000, 1);
    std::atomic<bool> abort{false};
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      abort = true;
    });
    bool aborted = false;
    try {
      trainer.train_steps(store, std::vector<Samples>(count, samples), 4, abort);
    } catch (const Error& error) {
      aborted = error.code() == ErrorCode::aborted;
    }
    other.join();
    expect(aborted, "an abort ends a run");
  }
}

template <class Body>
void expect_refused(const std::string& what, const Body& body) {
  try {
    body();
  } catch (const Error&) {
    return;
  }
  expect(false, what + " is refused");
}

void check_refusals() {
  const Case one = cases()[1];
  const FeatureStore store = make_store(one, FeatureType::float32);
  const Plan plan = make_plan(one.input, one.layers, one.classes);
  const std::vector<HeadOptions> heads = make_heads(1, one.classes);
  HeadTrainer trainer(plan, heads, cpu::make_engine(plan, heads, 2, Precision::fp32));
  const std::atomic<bool> abort{false};
  const auto with = [&](Samples samples) {
    return [&trainer, &store, &abort, samples] { trainer.train_steps(store, {samples}, 8, abort); };
  };
  expect_refused("a row that is not there", with({{257}, {0}, {}}));
  expect_refused("a label that is no class", with({{0}, {3}, {}}));
  expect_refused("too few labels", with({{0, 1}, {0}, {}}));
  expect_refused("too many rates", with({{0}, {0}, {1, 1}}));
  expect_refused("a layer that does not fit",
                 [] { make_plan({7, 7, 3}, {layer(LayerKind::dense, "a", 2)}, 2); });
  expect_refused("a file that is not there", [] {
    FeatureStore::map("/nonexistent/file", 0, {1, 1, 1}, 1, FeatureType::float32);
  });
}

}  // namespace
}  // namespace headstart

namespace headstart {
namespace {

// Images one by one in the first, and at once in the second.
void check_same(cpu::ConvStack& one, cpu::ConvStack& other) {
  constexpr std::size_t images = 3;
  std::vector<std::uint8_t> pixels(images * one.input().size());
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 7);
  std::vector<float> alone(images * one.output().size());
  std::vector<float> at_once(alone.size());
  other.run(pixels.data(), images, at_once.data());
  for (std::size_t i = 0; i < images; ++i) {
    one.run(pixels.data() + i * one.input().size(), 1, alone.data() + i * one.output().size());
  }
  expect(alone == at_once, "a stack gives the same bits");
}

// A stack whose tiles hang over, by one and by three threads, alone and at once: the same bits.
void check_stack() {
  std::printf("a stack of convolutions\n");
  const auto layer = [](std::size_t inputs, std::size_t filters, bool pool) {
    cpu::StackLayer made{std::vector<float>(9 * inputs * filters), std::vector<float>(filters),
                         pool};
    for (std::size_t i = 0; i < made.kernel.size(); ++i) {
      made.kernel[i] = static_cast<float>(i % 13) * 0.01f - 0.06f;
    }
    return made;
  };
  const std::vector<cpu::StackLayer> layers = {layer(3, 48, false), layer(48, 128, true),
                                               layer(128, 144, true)};
  cpu::ConvStack one(12, 20, {1, 2, 3}, {-1, -2, -3}, layers, 1);
  cpu::ConvStack three(12, 20, {1, 2, 3}, {-1, -2, -3}, layers, 3);
  check_same(one, three);
}

}  // namespace
}  // namespace headstart

int main(int count, char** arguments) {
  using namespace headstart;
  const bool few = count == 2 && std::string(arguments[1]) == "few";
  for (Case one : cases()) {
    if (few) one.samples = std::min(one.samples, std::size_t{15});
    std::printf("%s\n", one.name.c_str());
    std::fflush(stdout);
    for (const FeatureType type :
         {FeatureType::float32, FeatureType::float16, FeatureType::bfloat16}) {
      check_threads(one, few, type, Precision::fp32);
      if (cpu::has_bf16()) check_threads(one, few, type, Precision::bf16);
    }
  }
  check_abort();
  check_refusals();
  check_stack();
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
