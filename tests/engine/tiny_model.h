#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/forward/transformer.h"
#include "engine/model/checkpoint.h"
#include "engine/model/config.h"
#include "engine/model/tensor_file.h"
#include "engine/model/weights.h"

/// A model of tests/golden on one backend, with what transformers recorded for it.
class TinyModel {
 public:
  /// `backend` is "cpu", "reference" or a kind of tests/kernels/kernel_support.h. Ends the test program with the reason when it cannot be loaded.
  TinyModel(const std::string& name, const std::string& backend, std::int64_t chunk = 128);
  /// The same, with weights from elsewhere.
  TinyModel(const std::string& name, const std::string& backend, const engine::Checkpoint& checkpoint);

  /// Recorded values.
  std::vector<float> floats(const std::string& tensor) const;
  std::vector<std::int32_t> integers(const std::string& tensor) const;

  /// Runs `tokens` in steps of `chunk` from position `first`; logits of every row, [n, n_vocab].
  std::vector<float> run(std::span<const std::int32_t> tokens, std::int64_t first, std::int64_t chunk,
                         const engine::StepOptions& options = {});

  static std::filesystem::path folder(const std::string& name);

  engine::ModelConfig config;
  std::unique_ptr<kernels::Backend> backend;
  engine::Weights weights;
  std::unique_ptr<engine::Transformer> transformer;
  std::unique_ptr<engine::KeyStore> keys;

 private:
  void load(const engine::Checkpoint& checkpoint, std::int64_t chunk);
  std::unique_ptr<engine::TensorFile> expected_;
};

std::unique_ptr<kernels::Backend> make_backend(const std::string& name);

/// Largest absolute difference; infinite when the lengths differ or a value is no number.
float largest_difference(std::span<const float> a, std::span<const float> b);
