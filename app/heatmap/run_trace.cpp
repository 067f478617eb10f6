#include "app/heatmap/run_trace.h"

#include <set>
#include <utility>

#include "engine/trace/trace_file.h"

namespace app {

namespace {

/// Bytes begin..end of `text`, as far as they exist.
std::string piece(const std::string& text, std::uint32_t begin, std::uint32_t end) {
  if (begin >= text.size() || end <= begin) return {};
  return text.substr(begin, end - begin);
}

void add_names(const Project& project, RunTrace& run) {
  std::set<PartId> wanted;
  for (const PromptBlock& block : run.map.blocks) wanted.insert(block.part);
  const auto documents = project.documents();
  if (!documents) return;
  for (const Document& document : *documents) {
    const auto parts = project.parts(document.id);
    if (!parts) continue;
    for (const Part& part : *parts) {
      if (!wanted.contains(part.id)) continue;
      run.document_titles[document.id] = document.title;
      run.part_labels[part.id] = document.kind == DocumentKind::kPdf ? "p. " + part.name : part.name;
    }
  }
}

void add_block_texts(const Project& project, RunTrace& run) {
  run.block_texts.resize(run.map.blocks.size());
  PartId open_part = 0;
  std::string text;
  for (std::size_t i = 0; i < run.map.blocks.size(); ++i) {
    const PromptBlock& block = run.map.blocks[i];
    if (block.part != open_part) {
      auto part = project.part_text(block.part);
      text = part ? std::move(part->text) : std::string();
      open_part = block.part;
    }
    run.block_texts[i] = piece(text, block.begin, block.end);
  }
}

void add_token_texts(const engine::SelectionTrace& trace, const std::string& thinking, const std::string& answer,
                     RunTrace& run) {
  run.token_ranges = trace.token_texts;
  for (std::size_t i = 0; i < trace.token_texts.size(); ++i) {
    const bool is_thinking = trace.phase(static_cast<std::int64_t>(i)) == engine::Phase::kThinking;
    const engine::TokenText& range = trace.token_texts[i];
    run.token_texts.push_back(piece(is_thinking ? thinking : answer, range.begin, range.end));
  }
}

}  // namespace

std::string RunTrace::label(PartId id, DocumentId document_id) const {
  const auto part = part_labels.find(id);
  if (part == part_labels.end()) return "a source that is no longer in the project";
  if (!part->second.starts_with("p. ")) return part->second;
  const auto document = document_titles.find(document_id);
  return document == document_titles.end() ? part->second : document->second + ", " + part->second;
}

Result<std::shared_ptr<const RunTrace>> load_run_trace(const Project& project, RunId id) {
  TRY_ASSIGN(const Run saved, project.run(id));
  TRY_ASSIGN(const std::string bytes, project.run_trace(id));
  if (bytes.empty()) {
    return Error{ErrorCode::kNotFound, "Run " + std::to_string(id) +
                                           " was asked without a selection trace; ask again with the trace on."};
  }
  TRY_ASSIGN(engine::TraceFile file, engine::trace_from_bytes(bytes));
  auto run = std::make_shared<RunTrace>();
  TRY_ASSIGN(run->map, PromptMap::from_json(saved.prompt_map_json));
  add_token_texts(file.trace, saved.thinking, saved.answer, *run);
  run->trace = std::make_shared<engine::SelectionTrace>(std::move(file.trace));
  add_names(project, *run);
  add_block_texts(project, *run);
  return std::shared_ptr<const RunTrace>(std::move(run));
}

Result<std::shared_ptr<const RunTrace>> make_run_trace(const Project& project, const PromptMap& map,
                                                       const engine::Generation& generation) {
  if (generation.trace == nullptr) {
    return Error{ErrorCode::kNotFound, "This answer has no selection trace; ask again with the trace on."};
  }
  auto run = std::make_shared<RunTrace>();
  run->map = map;
  run->trace = generation.trace;
  for (const engine::GeneratedToken& token : generation.tokens) {
    const bool is_thinking = token.channel == engine::Channel::kThinking;
    run->token_ranges.push_back({token.text_begin, token.text_end});
    run->token_texts.push_back(piece(is_thinking ? generation.thinking : generation.answer, token.text_begin, token.text_end));
  }
  add_names(project, *run);
  add_block_texts(project, *run);
  return std::shared_ptr<const RunTrace>(std::move(run));
}

std::string trace_bytes(const engine::Generation& generation, const std::string& prompt_map_json) {
  if (generation.trace == nullptr) return {};
  std::vector<engine::TokenText> texts;
  // A trace of another length (an engine that counts its end token) keeps its own texts.
  if (static_cast<std::int64_t>(generation.tokens.size()) == generation.trace->n_generated) {
    for (const engine::GeneratedToken& token : generation.tokens) texts.push_back({token.text_begin, token.text_end});
  }
  return engine::trace_to_bytes(*generation.trace, prompt_map_json, texts);
}

}  // namespace app
