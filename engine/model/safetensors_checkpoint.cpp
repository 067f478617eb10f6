#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "engine/model/checkpoint.h"
#include "engine/model/number_formats.h"
#include "engine/model/tensor_file.h"

namespace engine {
namespace {

using kernels::DType;

constexpr std::size_t kSampleBytes = 4096;  // of each tensor, for the fingerprint
constexpr std::size_t kHashWholeBelow = std::size_t{1} << 22;

std::string in_digits(XXH128_hash_t hash) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

std::string where_is(const TensorFile& file, const StoredTensor& tensor, std::string_view name) {
  return file.path_of(tensor).filename().string() + ": " + std::string(name);
}

Error wrong_shape(const std::string& where, const StoredTensor& tensor, const std::vector<std::int64_t>& wanted) {
  return Error{ErrorCode::kCorrupt, where + " has the shape " + to_string(tensor.shape) + ", but config.json asks for " +
                                        to_string(wanted) + ". Do the weights belong to this config.json?"};
}

class SafetensorsCheckpoint final : public Checkpoint {
 public:
  explicit SafetensorsCheckpoint(TensorFile file) : file_(std::move(file)) {}

  bool has(std::string_view name) const override { return file_.find(name) != nullptr; }

  Result<HostMatrix> matrix(std::string_view name, std::int64_t n_out, std::int64_t n_in) const override {
    TRY_ASSIGN(HostMatrix matrix, read(name, {n_out, n_in}, n_out, n_in));
    return matrix;
  }

  Result<std::vector<float>> vector(std::string_view name, std::int64_t n) const override {
    TRY_ASSIGN(HostMatrix matrix, read(name, {n}, 1, n));
    const HostMatrix wide = widened(matrix);
    std::vector<float> values(static_cast<std::size_t>(n));
    std::memcpy(values.data(), wide.data, values.size() * sizeof(float));
    return values;
  }

  std::int64_t n_bytes() const override {
    std::int64_t n = 0;
    for (const auto& [name, tensor] : file_.tensors()) n += static_cast<std::int64_t>(tensor.n_bytes);
    return n;
  }

  std::string fingerprint() const override {
    const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(), XXH3_freeState);
    XXH3_128bits_reset(state.get());
    for (const auto& [name, tensor] : file_.tensors()) {
      const std::string head = name + '\0' + std::string(name_of(tensor.type)) + to_string(tensor.shape);
      XXH3_128bits_update(state.get(), head.data(), head.size());
      const std::uint64_t n = tensor.n_bytes;
      const auto update = [&](std::uint64_t first, std::uint64_t size) {
        const auto bytes = file_.read(tensor, first, size);
        if (bytes) XXH3_128bits_update(state.get(), bytes->data(), bytes->size());
      };
      if (n <= kHashWholeBelow) {
        update(0, n);
      } else {
        update(0, kSampleBytes);
        update((n - kSampleBytes) / 2, kSampleBytes);
      }
    }
    return in_digits(XXH3_128bits_digest(state.get()));
  }

 private:
  Result<HostMatrix> read(std::string_view name, const std::vector<std::int64_t>& shape, std::int64_t n_out,
                          std::int64_t n_in) const {
    const StoredTensor* tensor = file_.find(name);
    if (tensor == nullptr) {
      return Error{ErrorCode::kNotFound, "The model's weights lack the tensor " + std::string(name) + ". Are all files of the model there?"};
    }
    const std::string where = where_is(file_, *tensor, name);
    if (tensor->shape != shape) return wrong_shape(where, *tensor, shape);
    HostMatrix matrix;
    matrix.n_out = n_out;
    matrix.n_in = n_in;
    switch (tensor->type) {
      case StoredType::kF32:
        matrix.dtype = DType::kF32;
        break;
      case StoredType::kBF16:
        matrix.dtype = DType::kBF16;
        break;
      case StoredType::kF16:
        matrix.dtype = DType::kF16;
        break;
      case StoredType::kF8E4M3: {
        matrix.dtype = DType::kF8E4M3;
        TRY_ASSIGN(matrix.block_scales, read_scales(name, n_out, n_in));
        break;
      }
      default:
        return Error{ErrorCode::kUnsupported, where + " is stored as " + std::string(name_of(tensor->type)) +
                                                  ". Longleaf reads weights in F32, F16, BF16 and F8_E4M3."};
    }
    TRY_ASSIGN(std::vector<std::byte> bytes, file_.read(*tensor));
    matrix.owned = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    matrix.data = matrix.owned->data();
    TRY(check_finite(matrix, where));
    return matrix;
  }

  Result<std::vector<float>> read_scales(std::string_view weight, std::int64_t n_out, std::int64_t n_in) const {
    const std::string name = std::string(weight) + "_scale_inv";
    const std::int64_t rows = (n_out + kScaleBlock - 1) / kScaleBlock;
    const std::int64_t columns = (n_in + kScaleBlock - 1) / kScaleBlock;
    const StoredTensor* tensor = file_.find(name);
    if (tensor == nullptr) {
      return Error{ErrorCode::kCorrupt, "The model's weights lack " + name + ", without which an FP8 tensor means nothing."};
    }
    const std::string where = where_is(file_, *tensor, name);
    if (tensor->shape != std::vector<std::int64_t>{rows, columns}) return wrong_shape(where, *tensor, {rows, columns});
    std::vector<float> scales(static_cast<std::size_t>(rows * columns));
    TRY_ASSIGN(const std::vector<std::byte> bytes, file_.read(*tensor));
    if (tensor->type == StoredType::kF32) {
      std::memcpy(scales.data(), bytes.data(), bytes.size());
    } else if (tensor->type == StoredType::kF8E8M0 || tensor->type == StoredType::kU8) {
      for (std::size_t i = 0; i < scales.size(); ++i) {
        const int exponent = std::to_integer<int>(bytes[i]);
        scales[i] = exponent == 255 ? std::nanf("") : std::ldexp(1.0f, exponent - 127);
      }
    } else {
      return Error{ErrorCode::kUnsupported, where + " is stored as " + std::string(name_of(tensor->type)) +
                                                ". Longleaf reads block scales in F32 and F8_E8M0."};
    }
    return scales;
  }

  TensorFile file_;
};

}  // namespace

std::string hash_of(std::string_view text) { return in_digits(XXH3_128bits(text.data(), text.size())); }

Result<std::unique_ptr<Checkpoint>> open_safetensors(const std::filesystem::path& folder) {
  TRY_ASSIGN(TensorFile file, TensorFile::open(folder));
  return std::unique_ptr<Checkpoint>(std::make_unique<SafetensorsCheckpoint>(std::move(file)));
}

}  // namespace engine
