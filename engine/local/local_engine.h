#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "engine/engine.h"

namespace engine {

enum class Device { kAuto, kCpu, kCuda, kReference };

/// How a CPU multiplies. kFast: bf16 products and int8 indexer keys where the processor has them (measured
/// against f32 in docs/performance.md), kInt8: weights and activations in int8, which needs about half the memory
/// and bandwidth of kFast and is a little less exact, kExact: f32 throughout.
enum class Arithmetic { kFast, kInt8, kExact };

struct LocalEngineOptions {
  Device device = Device::kAuto;   // kAuto: CUDA where there is one that fits, else the CPU
  int n_threads = 0;               // 0: one per physical core
  Arithmetic arithmetic = Arithmetic::kFast;
  std::int64_t context_length = 0; // 0: the model's own, at most 131072
  std::int64_t prefill_chunk = 0;  // tokens; 0: sized so that a stop is seen within 0.2 s
  std::filesystem::path prefix_folder;  // where prefix states are kept between starts; empty: nowhere
};

/// Loading progress in 0..1 with what is being read.
using LoadObserver = std::function<void(double fraction, const std::string& what)>;

/// The engine on this machine: loads a model folder (config.json, tokenizer.json, safetensors) or a
/// GGUF file. Errors name the file, the tensor or the key, and what is supported.
Result<std::unique_ptr<Engine>> open_local_engine(const std::filesystem::path& model, const LocalEngineOptions& options,
                                                  const LoadObserver& observer = {}, std::stop_token stop = {});

}  // namespace engine
