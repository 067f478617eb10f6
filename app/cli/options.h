#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/question/ask.h"
#include "app/question/source_selection.h"
#include "engine/local/local_engine.h"

namespace app::cli {

/// --model, --device, --threads, --arithmetic, --context
struct ModelArguments {
  std::string model;
  std::string device = "auto";
  int threads = 0;
  std::string arithmetic = "fast";
  std::int64_t context = 0;
  void add_to(CLI::App& command);
  /// The folder or file named by --model, else the bundled model.
  engine::Result<std::filesystem::path> folder() const;
  engine::LocalEngineOptions options() const;
};

/// --sources, --pages, --files
struct SourceArguments {
  SourceFilter filter;
  std::string detail = "full";
  void add_to(CLI::App& command);
  Result<SourceChoice> choose(const Project& project) const;
};

/// --no-thinking, --select, --top-k, --keep, --temperature, --top-p, --seed, --reserve, --free, --trace
struct AnswerArguments {
  bool no_thinking = false;
  std::string select = "indexer";
  int top_k = 0;
  bool keep = false;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::uint64_t> seed;
  std::int64_t reserve = 0;
  bool unconstrained = false;
  std::string trace = "blocks";
  void add_to(CLI::App& command);
  /// Fills everything but question and sources.
  void apply(Question& question, const engine::PromptLayout& layout) const;
};

/// Loads the model with its progress on standard error.
Result<std::unique_ptr<engine::Engine>> open_model(const ModelArguments& arguments, std::stop_token stop);

/// Opens a project that is there already: a wrong path is an error, not a new project.
Result<std::unique_ptr<Project>> open_existing(const std::string& path, OpenMode mode);

}  // namespace app::cli
