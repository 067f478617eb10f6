#include "app/settings/model_scan.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "app/settings/paths.h"
#include "engine/base/json.h"
#include "engine/model/config.h"
#include "engine/model/gguf_checkpoint.h"
#include "engine/model/gguf_file.h"
#include "engine/tokenizer/prompt_layout.h"

namespace app {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLongestContext = 131072;
constexpr std::size_t kMaxEntries = 200000;  // of one root: a home folder named by mistake must not take minutes

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::int64_t size_of(const fs::path& path) {
  std::error_code fault;
  const std::uintmax_t size = fs::file_size(path, fault);
  return fault ? 0 : static_cast<std::int64_t>(size);
}

/// "models--org--name" of a Hugging Face snapshot becomes "org/name".
std::string name_of_folder(const fs::path& folder) {
  for (fs::path at = folder; at.has_relative_path(); at = at.parent_path()) {
    const std::string name = at.filename().string();
    if (!name.starts_with("models--")) continue;
    std::string readable = name.substr(8);
    if (const std::size_t dashes = readable.find("--"); dashes != std::string::npos) readable.replace(dashes, 2, "/");
    return readable;
  }
  return folder.filename().string();
}

std::int64_t weight_bytes(const fs::path& folder) {
  std::int64_t n_bytes = 0;
  std::error_code fault;
  for (fs::directory_iterator at(folder, fault), end; !fault && at != end; at.increment(fault)) {
    if (at->path().extension() == ".safetensors") n_bytes += size_of(at->path());
  }
  return n_bytes;
}

void set_unusable(FoundModel& model, std::string reason) {
  model.usable = false;
  if (model.reason.empty()) model.reason = std::move(reason);
}

FoundModel inspect_folder(const fs::path& folder) {
  FoundModel model;
  model.path = folder;
  model.name = name_of_folder(folder);
  model.usable = true;
  model.n_bytes = weight_bytes(folder);
  if (const auto config = engine::load_config(folder)) {
    model.architecture = config->model_type;
    model.context_length = std::min(config->context_length, kLongestContext);
  } else {
    set_unusable(model, config.error().message);
    if (const auto json = engine::JsonDocument::read(folder / "config.json")) {
      if (const auto type = json->root().string_or("model_type", "")) model.architecture = *type;
    }
  }
  if (!is_file(folder / "tokenizer.json")) set_unusable(model, "It has no tokenizer.json.");
  if (model.n_bytes == 0) set_unusable(model, "It has no .safetensors files: the weights are missing, or in another format.");
  if (const auto layout = engine::PromptLayout::load(folder)) {
    if (!layout->name.empty()) model.name = layout->name;
    model.about = layout->about;
  } else {
    set_unusable(model, layout.error().message);
  }
  return model;
}

FoundModel inspect_gguf(const fs::path& file) {
  FoundModel model;
  model.path = file;
  model.name = file.stem().string();
  model.n_bytes = size_of(file);
  model.usable = true;
  const auto opened = engine::GgufFile::open(file);
  if (!opened) {
    set_unusable(model, opened.error().message);
    return model;
  }
  if (const auto name = opened->string("general.name"); name && !name->empty()) model.name = *name;
  if (const auto architecture = opened->string("general.architecture")) model.architecture = *architecture;
  if (const auto config = engine::read_config(*opened)) model.context_length = std::min(config->context_length, kLongestContext);
  else set_unusable(model, config.error().message);
  return model;
}

/// One model of an Ollama store: a small JSON that names the GGUF file among the blobs by its digest.
std::optional<FoundModel> inspect_ollama(const fs::path& manifest, const fs::path& store) {
  const auto json = engine::JsonDocument::read(manifest, {.max_bytes = std::int64_t{1} << 20, .max_depth = 16});
  if (!json) return std::nullopt;
  const auto layers = json->root().find("layers");
  if (!layers) return std::nullopt;
  for (std::int64_t i = 0; i < layers->size(); ++i) {
    const auto type = (*layers)[i].string_or("mediaType", "");
    auto digest = (*layers)[i].string_or("digest", "");
    if (!type || !digest || *type != "application/vnd.ollama.image.model") continue;
    // "sha256:HEX" only: a digest is no place to write a path into.
    constexpr std::string_view kAlgorithm = "sha256:";
    if (!digest->starts_with(kAlgorithm) || digest->find_first_not_of("0123456789abcdef", kAlgorithm.size()) != std::string::npos) return std::nullopt;
    FoundModel model = inspect_gguf(store / "blobs" / ("sha256-" + digest->substr(kAlgorithm.size())));
    model.name = manifest.parent_path().filename().string() + ":" + manifest.filename().string();
    return model;
  }
  return std::nullopt;
}

struct Search {
  std::vector<FoundModel> models;
  std::set<fs::path> seen;  // canonical: snapshots and links may lead to one folder several times
  std::stop_token stop;
  std::size_t n_entries = 0;

  void look(const fs::path& folder, int depth) {
    if (stop.stop_requested() || n_entries > kMaxEntries) return;
    std::error_code fault;
    const fs::path real = fs::canonical(folder, fault);
    if (fault || !seen.insert(real).second) return;
    if (is_file(folder / "config.json")) {
      models.push_back(inspect_folder(folder));
      return;
    }
    if (is_folder(folder / "manifests") && is_folder(folder / "blobs")) {
      look_ollama(folder);
      return;
    }
    std::vector<fs::path> folders;
    for (fs::directory_iterator at(folder, fault), end; !fault && at != end; at.increment(fault)) {
      if (++n_entries > kMaxEntries) return;
      const fs::path& path = at->path();
      if (path.extension() == ".gguf" && is_file(path)) add_gguf(path);
      else if (depth > 0 && is_folder(path) && !path.filename().string().starts_with('.')) folders.push_back(path);
    }
    std::ranges::sort(folders);
    for (const fs::path& inner : folders) look(inner, depth - 1);
  }

  /// A store of Ollama: manifests/HOST/NAMESPACE/NAME/TAG.
  void look_ollama(const fs::path& store) {
    std::vector<fs::path> manifests;
    std::error_code fault;
    for (fs::recursive_directory_iterator at(store / "manifests", fault), end; !fault && at != end; at.increment(fault)) {
      if (++n_entries > kMaxEntries || stop.stop_requested()) return;
      if (at.depth() == 3 && is_file(at->path())) manifests.push_back(at->path());
    }
    std::ranges::sort(manifests);
    for (const fs::path& manifest : manifests) {
      if (auto model = inspect_ollama(manifest, store)) models.push_back(std::move(*model));
    }
  }

  void add_gguf(const fs::path& path) {
    // Of a split file only the first part stands for the model.
    const std::string name = path.stem().string();
    const std::size_t of = name.rfind("-of-");
    if (of != std::string::npos && of >= 5 && name.compare(of - 5, 5, "00001") != 0) return;
    models.push_back(inspect_gguf(path));
  }
};

}  // namespace

std::vector<ModelRoot> known_model_roots() {
  std::vector<ModelRoot> roots;
  if (const auto resources = resources_folder()) roots.push_back({*resources / "models", 1});
  roots.push_back({data_folder() / "models", 3});
  const fs::path home = environment("HOME");
  const fs::path hugging_face = environment("HF_HOME");
  roots.push_back({(hugging_face.empty() ? home / ".cache/huggingface" : hugging_face) / "hub", 3});
  roots.push_back({home / ".lmstudio/models", 3});
  roots.push_back({home / ".cache/lm-studio/models", 3});
  const fs::path ollama = environment("OLLAMA_MODELS");
  roots.push_back({ollama.empty() ? home / ".ollama/models" : ollama, 0});
  roots.push_back({"/usr/share/ollama/.ollama/models", 0});
  std::erase_if(roots, [](const ModelRoot& root) { return !is_folder(root.folder); });
  return roots;
}

std::vector<FoundModel> find_models(const std::vector<ModelRoot>& roots, std::stop_token stop) {
  Search search;
  search.stop = stop;
  for (const ModelRoot& root : roots) search.look(root.folder, root.depth);
  return std::move(search.models);
}

FoundModel inspect_model(const fs::path& path) {
  if (is_folder(path)) return inspect_folder(path);
  if (path.extension() == ".gguf" && is_file(path)) return inspect_gguf(path);
  FoundModel model;
  model.path = path;
  model.name = path.filename().string();
  model.reason = "It is neither a model folder (with config.json) nor a GGUF file.";
  return model;
}

}  // namespace app
