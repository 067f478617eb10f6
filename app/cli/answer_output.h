#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "app/cli/console.h"
#include "app/heatmap/evidence.h"
#include "app/question/ask.h"

namespace app::cli {

/// Shows a question while it is answered: reading the prompt and thinking on standard error, the
/// answer on standard output, with the name of the page or file:line in the place of each anchor.
class TerminalObserver final : public engine::GenerationObserver {
 public:
  enum class Show { kEverything, kProgressOnly };
  /// `map` and `project` must outlive the observer.
  TerminalObserver(Show show, const PromptMap& map, const Project& project, const engine::PromptLayout& layout);
  void on_prefill(std::int64_t n_done, std::int64_t n_total, std::int64_t n_cached) override;
  void on_text(engine::Channel channel, std::string_view text, std::int64_t first_token) override;
  /// Prints what was held back and ends the line.
  void finish();

 private:
  struct Stream {
    std::string pending;           // its end may be half an anchor
    std::int32_t open_anchor = 0;  // of a quotation that has not ended yet
    bool at_start = true;
  };
  /// The text with names in the place of anchors, up to where an anchor may just be coming.
  std::string take(Stream& stream, bool is_last);
  std::string name_of(std::int32_t anchor);

  Show show_;
  const PromptMap& map_;
  const Project& project_;
  engine::PromptLayout layout_;
  ProgressLine progress_;
  bool thinking_ = false;
  bool answering_ = false;
  Stream thinking_text_;
  Stream answer_text_;
  std::map<std::int32_t, std::string> labels_;
};

/// The citations with their marks, and how long it took, on standard error.
/// `evidence`: one per citation, or none where the run recorded nothing.
void show_end(const Run& run, const std::vector<Citation>& citations, const std::vector<CitationEvidence>& evidence = {});

nlohmann::ordered_json run_as_json(const Run& run, const std::vector<Citation>& citations, const std::vector<CitationEvidence>& evidence = {});

}  // namespace app::cli
