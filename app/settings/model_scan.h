#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace app {

/// A model that lies on this machine.
struct FoundModel {
  std::filesystem::path path;  // what open_local_engine takes: a folder, or a GGUF file
  std::string name;
  std::string architecture;    // as written in the model
  std::string about;           // what it can do, from its longleaf.json
  std::int64_t n_bytes = 0;    // of the weight files
  std::int64_t context_length = 0;
  bool usable = false;
  std::string reason;          // why not, as a sentence; empty when usable
};

/// A folder to look through, and how deep models may lie in it.
struct ModelRoot {
  std::filesystem::path folder;
  int depth = 3;
};

/// The bundled models, the user's own folder, the Hugging Face cache, LM Studio, Ollama, where they exist.
std::vector<ModelRoot> known_model_roots();

/// Looks for model folders (config.json), GGUF files and stores of Ollama (manifests and blobs). Reads only heads of files, changes nothing,
/// follows no link to a folder twice. Broken models are found too, with the reason. Any thread.
std::vector<FoundModel> find_models(const std::vector<ModelRoot>& roots, std::stop_token stop = {});

/// One folder or file that the user named.
FoundModel inspect_model(const std::filesystem::path& path);

}  // namespace app
