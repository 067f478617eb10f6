#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/base/json.h"
#include "engine/model/config.h"

/// A hostile config.json that is accepted must be one that can be computed with.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = engine::JsonDocument::parse({reinterpret_cast<const char*>(data), size}, "config.json");
  if (!json) return 0;
  const auto config = engine::parse_config(json->root());
  if (!config) return 0;
  if (config->n_layers <= 0 || config->n_hidden <= 0 || config->is_moe.size() != static_cast<std::size_t>(config->n_layers)) std::abort();
  if (config->inverse_frequencies().size() != static_cast<std::size_t>(config->rope_dim) / 2) std::abort();
  if (!std::isfinite(config->softmax_scale())) std::abort();
  return 0;
}
