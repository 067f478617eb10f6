#include "tests/engine/tiny_model.h"

#include <QtGlobal>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/kernels/kernel_support.h"

namespace {

template <typename T>
T value_or_end(engine::Result<T> result) {
  if (!result) qFatal("%s", result.error().message.c_str());
  return std::move(result).value();
}

template <typename T>
std::vector<T> values_of(const engine::TensorFile& file, const std::string& name) {
  const engine::StoredTensor* tensor = file.find(name);
  if (tensor == nullptr) qFatal("nothing was recorded as %s", name.c_str());
  const std::vector<std::byte> bytes = value_or_end(file.read(*tensor));
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

std::unique_ptr<kernels::Backend> make_backend(const std::string& name) {
  return name == "cpu" ? kernels::make_cpu_backend() : kernel_support::make_backend(name);
}

std::filesystem::path TinyModel::folder(const std::string& name) {
  return std::filesystem::path(LONGLEAF_SOURCE_DIR) / "tests" / "golden" / name;
}

TinyModel::TinyModel(const std::string& name, const std::string& backend_name, std::int64_t chunk)
    : config(value_or_end(engine::load_config(folder(name)))), backend(make_backend(backend_name)) {
  const auto checkpoint = value_or_end(engine::open_safetensors(folder(name)));
  expected_ = std::make_unique<engine::TensorFile>(
      value_or_end(engine::TensorFile::open_single(folder(name) / "expected.safetensors")));
  load(*checkpoint, chunk);
}

TinyModel::TinyModel(const std::string& name, const std::string& backend_name, const engine::Checkpoint& checkpoint)
    : config(value_or_end(engine::load_config(folder(name)))), backend(make_backend(backend_name)) {
  expected_ = std::make_unique<engine::TensorFile>(
      value_or_end(engine::TensorFile::open_single(folder(name) / "expected.safetensors")));
  load(checkpoint, 128);
}

void TinyModel::load(const engine::Checkpoint& checkpoint, std::int64_t chunk) {
  weights = value_or_end(engine::load_weights(checkpoint, config, *backend));
  transformer = value_or_end(engine::Transformer::create(*backend, config, weights, chunk));
  keys = std::make_unique<engine::KeyStore>(*backend, config);
}

std::vector<float> TinyModel::floats(const std::string& tensor) const { return values_of<float>(*expected_, tensor); }

std::vector<std::int32_t> TinyModel::integers(const std::string& tensor) const {
  return values_of<std::int32_t>(*expected_, tensor);
}

std::vector<float> TinyModel::run(std::span<const std::int32_t> tokens, std::int64_t first, std::int64_t chunk,
                                  const engine::StepOptions& options) {
  const auto n = static_cast<std::int64_t>(tokens.size());
  if (const auto reserved = keys->reserve(first + n, std::min(first, keys->capacity())); !reserved) {
    qFatal("%s", reserved.error().message.c_str());
  }
  std::vector<float> logits(static_cast<std::size_t>(n * config.n_vocab));
  for (std::int64_t done = 0; done < n; done += chunk) {
    const std::int64_t rows = std::min(chunk, n - done);
    const auto part = tokens.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(rows));
    const auto out = std::span(logits).subspan(static_cast<std::size_t>(done * config.n_vocab),
                                               static_cast<std::size_t>(rows * config.n_vocab));
    const auto end = transformer->step(part, first + done, *keys, options, out);
    if (!end) qFatal("%s", end.error().message.c_str());
  }
  return logits;
}

float largest_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return std::numeric_limits<float>::infinity();
  float largest = 0.0f;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return std::numeric_limits<float>::infinity();
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}
