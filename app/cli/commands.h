#pragma once

#include <functional>

#include <CLI/CLI.hpp>

namespace app::cli {

/// What main() runs after the arguments were understood; the exit code.
using Action = std::function<int()>;

/// Each adds a subcommand that sets `action` when it was given.
void add_ingest(CLI::App& program, Action& action);
void add_pack(CLI::App& program, Action& action);
void add_ask(CLI::App& program, Action& action);
/// `project backup`, `project compact`, `project check`.
void add_project(CLI::App& program, Action& action);
void add_runs(CLI::App& program, Action& action);
void add_trace(CLI::App& program, Action& action);
void add_try(CLI::App& program, Action& action);
void add_models(CLI::App& program, Action& action);
/// `models plan`: a subcommand of `models`.
void add_models_plan(CLI::App& models, Action& action);
void add_sample(CLI::App& program, Action& action);
void add_bench(CLI::App& program, Action& action);

}  // namespace app::cli
