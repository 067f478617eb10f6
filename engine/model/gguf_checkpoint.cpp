#include "engine/model/gguf_checkpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/model/number_formats.h"

namespace engine {
namespace {

using kernels::DType;

constexpr std::uint64_t kSampleBytes = 4096;  // of each large tensor, for the fingerprint
constexpr std::uint64_t kHashWholeBelow = std::uint64_t{1} << 22;

struct Rename {
  std::string_view from;
  std::string_view to;
};

constexpr std::array<Rename, 3> kGlobal = {{
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
}};

/// After "model.layers.N." and "blk.N.".
constexpr std::array<Rename, 23> kLayer = {{
    {"input_layernorm.weight", "attn_norm.weight"},
    {"self_attn.q_a_proj.weight", "attn_q_a.weight"},
    {"self_attn.q_a_layernorm.weight", "attn_q_a_norm.weight"},
    {"self_attn.q_b_proj.weight", "attn_q_b.weight"},
    {"self_attn.q_proj.weight", "attn_q.weight"},
    {"self_attn.kv_a_proj_with_mqa.weight", "attn_kv_a_mqa.weight"},
    {"self_attn.kv_a_layernorm.weight", "attn_kv_a_norm.weight"},
    {"self_attn.kv_b_proj.weight", "attn_kv_b.weight"},
    {"self_attn.o_proj.weight", "attn_output.weight"},
    {"self_attn.indexer.wq_b.weight", "indexer.attn_q_b.weight"},
    {"self_attn.indexer.wk.weight", "indexer.attn_k.weight"},
    {"self_attn.indexer.k_norm.weight", "indexer.k_norm.weight"},
    {"self_attn.indexer.k_norm.bias", "indexer.k_norm.bias"},
    {"self_attn.indexer.weights_proj.weight", "indexer.proj.weight"},
    {"post_attention_layernorm.weight", "ffn_norm.weight"},
    {"mlp.gate_proj.weight", "ffn_gate.weight"},
    {"mlp.up_proj.weight", "ffn_up.weight"},
    {"mlp.down_proj.weight", "ffn_down.weight"},
    {"mlp.gate.weight", "ffn_gate_inp.weight"},
    {"mlp.gate.e_score_correction_bias", "exp_probs_b.bias"},
    {"mlp.shared_experts.gate_proj.weight", "ffn_gate_shexp.weight"},
    {"mlp.shared_experts.up_proj.weight", "ffn_up_shexp.weight"},
    {"mlp.shared_experts.down_proj.weight", "ffn_down_shexp.weight"},
}};

constexpr std::array<Rename, 3> kExpert = {{
    {"gate_proj.weight", "ffn_gate_exps.weight"},
    {"up_proj.weight", "ffn_up_exps.weight"},
    {"down_proj.weight", "ffn_down_exps.weight"},
}};

template <std::size_t N>
std::optional<std::string_view> renamed(const std::array<Rename, N>& table, std::string_view from) {
  const auto row = std::find_if(table.begin(), table.end(), [from](const Rename& r) { return r.from == from; });
  if (row == table.end()) return std::nullopt;
  return row->to;
}

/// Takes `prefix`, a number and a full stop off the front of `name`.
std::optional<std::int64_t> take_number(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  const std::string_view rest = name.substr(prefix.size());
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (fault != std::errc() || end == rest.data() + rest.size() || *end != '.' || number < 0) return std::nullopt;
  name = rest.substr(static_cast<std::size_t>(end - rest.data()) + 1);
  return number;
}

/// Where the file keeps a tensor.
struct Location {
  std::string tensor;
  std::int64_t expert = -1;  // in a stack of experts; -1: it is the tensor itself
  int half = -1;             // of the expert's rows where gate (0) and up (1) lie in one stack; -1: all of them
};

constexpr std::string_view kGateStack = "ffn_gate_exps.weight";
constexpr std::string_view kUpStack = "ffn_up_exps.weight";
constexpr std::string_view kFusedStack = "ffn_gate_up_exps.weight";

std::optional<Location> locate(std::string_view name) {
  if (const auto global = renamed(kGlobal, name)) return Location{std::string(*global), -1};
  const auto layer = take_number(name, "model.layers.");
  if (!layer) return std::nullopt;
  const std::string block = "blk." + std::to_string(*layer) + ".";
  if (const auto expert = take_number(name, "mlp.experts.")) {
    const auto stack = renamed(kExpert, name);
    if (!stack) return std::nullopt;
    return Location{block + std::string(*stack), *expert};
  }
  const auto plain = renamed(kLayer, name);
  if (!plain) return std::nullopt;
  return Location{block + std::string(*plain), -1};
}

std::string text_of(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t n : shape) text += (text.empty() ? "[" : ", ") + std::to_string(n);
  return text + "]";
}

bool is_quantised(GgufType type) { return block_of(type).n_values > 1; }

std::uint64_t n_values_of(const GgufTensor& tensor) {
  std::uint64_t n = 1;
  for (const std::int64_t size : tensor.shape) n *= static_cast<std::uint64_t>(size);  // checked when the file was opened
  return n;
}

HostMatrix owned_matrix(DType dtype, std::int64_t n_out, std::int64_t n_in, std::vector<std::byte> bytes) {
  HostMatrix matrix;
  matrix.dtype = dtype;
  matrix.n_out = n_out;
  matrix.n_in = n_in;
  matrix.owned = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  matrix.data = matrix.owned->data();
  return matrix;
}

class GgufCheckpoint final : public Checkpoint {
 public:
  explicit GgufCheckpoint(std::shared_ptr<const GgufFile> file) : file_(std::move(file)) {}

  bool has(std::string_view name) const override {
    const auto location = place_of(name);
    if (!location) return false;
    if (location->expert < 0) return file_->find(location->tensor) != nullptr || is_split(*location);
    const GgufTensor* stack = file_->find(location->tensor);
    return stack != nullptr && location->expert < stack->shape.front();
  }

  Result<HostMatrix> matrix(std::string_view name, std::int64_t n_out, std::int64_t n_in) const override {
    const auto location = locate(name);
    if (location && file_->find(location->tensor) == nullptr && is_split(*location)) return joined(*location, n_out, n_in);
    const std::vector<std::int64_t> shape = {n_out, n_in};
    TRY_ASSIGN(Part part, find(name, shape));
    return read_matrix(std::move(part), n_out, n_in);
  }

  Result<std::vector<float>> vector(std::string_view name, std::int64_t n) const override {
    TRY_ASSIGN(Part part, find(name, {n}));
    std::vector<float> values(static_cast<std::size_t>(n));
    dequantise(part.type, part.bytes, values);
    std::vector<std::byte> bytes(values.size() * sizeof(float));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    TRY(check_finite(owned_matrix(DType::kF32, 1, n, std::move(bytes)), part.where));
    return values;
  }

  std::int64_t n_bytes() const override {
    std::uint64_t n = 0;
    for (const auto& [name, tensor] : file_->tensors()) {
      n += is_quantised(tensor.type) ? 2 * n_values_of(tensor) : tensor.n_bytes;
    }
    return static_cast<std::int64_t>(n);
  }

  std::string fingerprint() const override {
    std::string all;
    for (const auto& [name, tensor] : file_->tensors()) {
      all += name + '\0' + name_of(tensor.type) + text_of(tensor.shape);
      const auto add = [&](std::uint64_t first, std::uint64_t n) {
        const auto bytes = file_->read(tensor, first, n);
        if (bytes) all += hash_of(std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
      };
      if (tensor.n_bytes <= kHashWholeBelow) {
        add(0, tensor.n_bytes);
      } else {
        add(0, kSampleBytes);
        add((tensor.n_bytes - kSampleBytes) / 2, kSampleBytes);
      }
    }
    return hash_of(all);
  }

 private:
  /// Bytes of one matrix or vector, whole blocks.
  struct Part {
    GgufType type = GgufType::kF32;
    std::vector<std::byte> bytes;
    std::string where;
  };

  static std::string key_half(const std::string& joined) { return joined.substr(0, joined.size() - 11) + "k_b.weight"; }
  static std::string value_half(const std::string& joined) { return joined.substr(0, joined.size() - 11) + "v_b.weight"; }

  /// kv_b as two tensors: the keys' half transposed per head, the values' half as it is.
  bool is_split(const Location& location) const {
    return location.tensor.ends_with(".attn_kv_b.weight") && file_->find(key_half(location.tensor)) != nullptr &&
           file_->find(value_half(location.tensor)) != nullptr;
  }

  /// As `locate`; where a file has gate and up of the experts in one stack, that is where they are.
  std::optional<Location> place_of(std::string_view name) const {
    auto location = locate(name);
    if (!location || location->expert < 0 || file_->find(location->tensor) != nullptr) return location;
    for (const std::string_view stack : {kGateStack, kUpStack}) {
      if (!location->tensor.ends_with(stack)) continue;
      const std::string fused = location->tensor.substr(0, location->tensor.size() - stack.size()) + std::string(kFusedStack);
      if (file_->find(fused) != nullptr) location = Location{fused, location->expert, stack == kGateStack ? 0 : 1};
      break;
    }
    return location;
  }

  Result<Part> find(std::string_view name, std::vector<std::int64_t> shape) const {
    const auto location = place_of(name);
    const GgufTensor* tensor = location ? file_->find(location->tensor) : nullptr;
    if (tensor == nullptr) {
      return Error{ErrorCode::kNotFound, file_->name() + ": the model's weights lack the tensor " +
                                             (location ? location->tensor : std::string(name)) + ". Are all parts of the model there?"};
    }
    const std::string where = file_->name() + ": " + location->tensor;
    if (location->expert >= 0) {
      const std::int64_t n_experts = tensor->shape.front();
      if (location->expert >= n_experts) return Error{ErrorCode::kCorrupt, where + " holds only " + std::to_string(n_experts) + " experts."};
      if (location->half >= 0) shape.front() *= 2;
      shape.insert(shape.begin(), n_experts);
    }
    TRY(check(*tensor, shape, where));
    std::uint64_t first = 0;
    std::uint64_t n = tensor->n_bytes;
    if (location->expert >= 0) {
      n /= static_cast<std::uint64_t>(tensor->shape.front());
      first = static_cast<std::uint64_t>(location->expert) * n;
    }
    if (location->half >= 0) {
      n /= 2;
      first += static_cast<std::uint64_t>(location->half) * n;
    }
    TRY_ASSIGN(std::vector<std::byte> bytes, file_->read(*tensor, first, n));
    return Part{tensor->type, std::move(bytes), where};
  }

  static Result<void> check(const GgufTensor& tensor, const std::vector<std::int64_t>& shape, const std::string& where) {
    if (tensor.shape != shape) {
      return Error{ErrorCode::kCorrupt, where + " has the shape " + text_of(tensor.shape) + ", but the metadata asks for " +
                                            text_of(shape) + ". Download the file again."};
    }
    return {};
  }

  static Result<HostMatrix> read_matrix(Part part, std::int64_t n_out, std::int64_t n_in) {
    HostMatrix matrix;
    if (is_quantised(part.type)) {
      matrix = widened_to_bf16(part, n_out, n_in);
    } else {
      const DType dtype = part.type == GgufType::kF32 ? DType::kF32 : part.type == GgufType::kF16 ? DType::kF16 : DType::kBF16;
      matrix = owned_matrix(dtype, n_out, n_in, std::move(part.bytes));
    }
    TRY(check_finite(matrix, part.where));
    return matrix;
  }

  static HostMatrix widened_to_bf16(const Part& part, std::int64_t n_out, std::int64_t n_in) {
    const auto row_values = static_cast<std::size_t>(n_in);
    const std::size_t row_bytes = part.bytes.size() / static_cast<std::size_t>(n_out);
    std::vector<std::byte> bytes(static_cast<std::size_t>(n_out) * row_values * sizeof(std::uint16_t));
    std::vector<float> row(row_values);
    std::byte* out = bytes.data();
    for (std::int64_t r = 0; r < n_out; ++r) {
      dequantise(part.type, std::span(part.bytes).subspan(static_cast<std::size_t>(r) * row_bytes, row_bytes), row);
      for (const float value : row) {
        const std::uint16_t bits = to_bf16(value);
        std::memcpy(out, &bits, sizeof bits);
        out += sizeof bits;
      }
    }
    return owned_matrix(DType::kBF16, n_out, n_in, std::move(bytes));
  }

  /// [H * (nope + value), rank] from the keys' half [H, rank, nope] and the values' half [H, value, rank].
  Result<HostMatrix> joined(const Location& location, std::int64_t n_out, std::int64_t n_in) const {
    const GgufTensor& keys = *file_->find(key_half(location.tensor));
    const GgufTensor& values = *file_->find(value_half(location.tensor));
    const std::string where = file_->name() + ": " + key_half(location.tensor);
    const bool fits = keys.shape.size() == 3 && values.shape.size() == 3 && keys.shape[0] == values.shape[0] &&
                      keys.shape[1] == n_in && values.shape[2] == n_in && n_out % keys.shape[0] == 0 &&
                      keys.shape[2] < n_out && keys.shape[2] + values.shape[1] == n_out / keys.shape[0];
    if (!fits) {
      return Error{ErrorCode::kCorrupt, where + " has the shape " + text_of(keys.shape) + " and its other half " +
                                            text_of(values.shape) + ", which the metadata does not ask for. Download the file again."};
    }
    TRY(check(keys, keys.shape, where));
    TRY(check(values, values.shape, file_->name() + ": " + value_half(location.tensor)));
    const auto rank = static_cast<std::size_t>(n_in);
    const auto nope = static_cast<std::size_t>(keys.shape[2]);
    const auto head = static_cast<std::size_t>(values.shape[1]) * rank;  // values of one head
    std::vector<float> key_values(n_values_of(keys));
    std::vector<float> value_values(n_values_of(values));
    TRY_ASSIGN(const std::vector<std::byte> key_bytes, file_->read(keys));
    TRY_ASSIGN(const std::vector<std::byte> value_bytes, file_->read(values));
    dequantise(keys.type, key_bytes, key_values);
    dequantise(values.type, value_bytes, value_values);
    std::vector<std::byte> bytes((key_values.size() + value_values.size()) * sizeof(float));
    auto* out = reinterpret_cast<float*>(bytes.data());
    for (std::size_t h = 0; h < static_cast<std::size_t>(keys.shape[0]); ++h) {
      const float* in = key_values.data() + h * rank * nope;
      for (std::size_t n = 0; n < nope; ++n) {
        for (std::size_t r = 0; r < rank; ++r) *out++ = in[r * nope + n];
      }
      out = std::copy_n(value_values.data() + h * head, head, out);
    }
    HostMatrix matrix = owned_matrix(DType::kF32, n_out, n_in, std::move(bytes));
    TRY(check_finite(matrix, where));
    return matrix;
  }

  std::shared_ptr<const GgufFile> file_;
};

}  // namespace

std::unique_ptr<Checkpoint> make_checkpoint(std::shared_ptr<const GgufFile> file) {
  return std::make_unique<GgufCheckpoint>(std::move(file));
}

}  // namespace engine
