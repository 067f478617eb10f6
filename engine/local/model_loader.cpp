#include "engine/local/model_loader.h"

#include <cstdio>
#include <string_view>
#include <utility>
#include <variant>

#include "engine/base/log.h"
#include "engine/model/checkpoint.h"
#include "engine/model/gguf_checkpoint.h"
#include "engine/model/gguf_file.h"
#include "engine/model/gguf_tokenizer.h"
#include "engine/model/gpu_plan.h"
#include "engine/model/input_file.h"

namespace engine {
namespace {

std::string in_gigabytes(std::int64_t n_bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GB", static_cast<double>(n_bytes) / 1e9);
  return text;
}

std::unique_ptr<kernels::Backend> make_cpu(const LocalEngineOptions& options) {
  kernels::CpuOptions cpu;
  cpu.n_threads = options.n_threads;
  cpu.compute = options.arithmetic == Arithmetic::kFast   ? kernels::Compute::kFastest
                : options.arithmetic == Arithmetic::kInt8 ? kernels::Compute::kInt8
                                                          : kernels::Compute::kF32;
  return kernels::make_cpu_backend(cpu);
}

Result<std::unique_ptr<kernels::Backend>> if_it_fits(std::unique_ptr<kernels::Backend> backend, std::int64_t weight_bytes) {
  const auto n_free = static_cast<std::int64_t>(backend->memory_free_bytes());
  if (n_free == 0 || weight_bytes < n_free) return backend;
  return Error{ErrorCode::kOutOfMemory, "The model needs about " + in_gigabytes(weight_bytes) + " of memory and " +
                                            in_gigabytes(n_free) + " are free. Close other programs or choose a smaller model."};
}

Result<std::unique_ptr<kernels::Backend>> make_backend(const LocalEngineOptions& options, const ModelConfig& config, std::int64_t file_bytes) {
  if (options.device == Device::kReference) return if_it_fits(kernels::make_reference_backend(), file_bytes);
  if (options.device == Device::kCpu) return if_it_fits(make_cpu(options), file_bytes);
  kernels::CudaOptions cuda;
  cuda.compute = options.arithmetic == Arithmetic::kExact ? kernels::Compute::kF32 : kernels::Compute::kFastest;
  const std::int64_t value_bytes = cuda.compute == kernels::Compute::kF32 ? 4 : 2;
  cuda.weight_bytes = static_cast<std::size_t>(count_weights(config).all() * value_bytes);
  auto made = kernels::make_cuda_backend(cuda);
  if (auto* backend = std::get_if<std::unique_ptr<kernels::Backend>>(&made)) {
    if (options.device == Device::kCuda) return std::move(*backend);  // what does not fit comes when it is needed
    if ((*backend)->memory_free_bytes() > cuda.weight_bytes) return std::move(*backend);
    log(LogLevel::kInfo, "The model does not fit in the GPU's memory; the CPU runs it.");
  } else if (options.device == Device::kCuda) {
    return Error{ErrorCode::kDevice, std::get<kernels::DeviceError>(made).message};
  }
  return if_it_fits(make_cpu(options), file_bytes);
}

Result<std::string> config_fingerprint(const std::filesystem::path& folder) {
  TRY_ASSIGN(const InputFile file, InputFile::open(folder / "config.json"));
  TRY_ASSIGN(const std::vector<std::byte> bytes, file.read(0, file.size()));
  return hash_of(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

/// A folder with config.json, tokenizer.json and safetensors. Gives the weights, still in their files.
Result<std::unique_ptr<Checkpoint>> open_folder(const std::filesystem::path& folder, LoadedModel& model) {
  TRY_ASSIGN(model.config, load_config(folder));
  TRY_ASSIGN(model.layout, PromptLayout::load(folder));
  TRY_ASSIGN(model.tokenizer, Tokenizer::load(folder));
  TRY_ASSIGN(std::unique_ptr<Checkpoint> checkpoint, open_safetensors(folder));
  TRY_ASSIGN(const std::string config_hash, config_fingerprint(folder));
  model.fingerprint = hash_of(config_hash + checkpoint->fingerprint());
  return checkpoint;
}

/// A GGUF file; a longleaf.json beside it is its layout.
Result<std::unique_ptr<Checkpoint>> open_gguf(const std::filesystem::path& path, LoadedModel& model) {
  TRY_ASSIGN(GgufFile opened, GgufFile::open(path));
  const auto file = std::make_shared<const GgufFile>(std::move(opened));
  TRY_ASSIGN(model.config, read_config(*file));
  TRY_ASSIGN(model.tokenizer, load_tokenizer(*file));
  std::error_code ignored;
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (std::filesystem::exists(folder / "longleaf.json", ignored)) {
    TRY_ASSIGN(model.layout, PromptLayout::load(folder));
  } else {
    model.layout.name = path.stem().string();
  }
  std::unique_ptr<Checkpoint> checkpoint = make_checkpoint(file);
  model.fingerprint = checkpoint->fingerprint();
  return checkpoint;
}

}  // namespace

Result<std::unique_ptr<LoadedModel>> load_model(const std::filesystem::path& path, const LocalEngineOptions& options,
                                                const LoadObserver& observer, std::stop_token stop) {
  auto model = std::make_unique<LoadedModel>();
  std::error_code ignored;
  const bool is_file = std::filesystem::is_regular_file(path, ignored);
  TRY_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint, is_file ? open_gguf(path, *model) : open_folder(path, *model));
  if (model->tokenizer->vocabulary_size() > model->config.n_vocab) {
    return Error{ErrorCode::kCorrupt, path.string() + ": the tokenizer has more tokens than the model's embedding has rows. Do they belong together?"};
  }
  if (model->layout.chat.empty()) model->layout.chat = chat_family(model->config);
  // Keys that were computed in another way are other keys.
  if (options.arithmetic == Arithmetic::kFast) model->fingerprint = hash_of(model->fingerprint + " fast");
  if (options.arithmetic == Arithmetic::kInt8) model->fingerprint = hash_of(model->fingerprint + " int8");
  TRY_ASSIGN(model->backend, make_backend(options, model->config, checkpoint->n_bytes()));
  TRY_ASSIGN(model->weights, load_weights(*checkpoint, model->config, *model->backend, observer, stop));
  const std::int64_t chunk = options.prefill_chunk > 0 ? options.prefill_chunk : model->backend->chunk_rows();
  TRY_ASSIGN(model->transformer, Transformer::create(*model->backend, model->config, model->weights, chunk));
  return model;
}

}  // namespace engine
