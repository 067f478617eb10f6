// The whole program on questions as people ask them: reads the sources, asks each question and holds the citations
// against the passages that answer it.
//   answer_figures [--model FOLDER] [--free] [--show] tests/answers/questions.json

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <QTemporaryDir>
#include <nlohmann/json.hpp>

#include "app/ingest/ingest.h"
#include "app/question/ask.h"
#include "app/question/source_selection.h"
#include "engine/local/local_engine.h"

namespace {

using nlohmann::json;

struct Arguments {
  std::string questions;
  std::string model = LONGLEAF_SOURCE_DIR "/resources/models/finder";
  std::string worker = LONGLEAF_BINARY_DIR "/app/cli/longleaf-cli";
  std::string only;
  bool free = false;
  bool dense = false;
  bool show = false;
  int threads = 0;
};

class Quiet final : public engine::GenerationObserver {
  void on_prefill(std::int64_t, std::int64_t, std::int64_t) override {}
  void on_text(engine::Channel, std::string_view, std::int64_t) override {}
};

/// Line breaks and indentation are the reader's: they do not count.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!is_blank) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
  return out;
}

/// What the passages of a prompt say, by anchor.
std::map<std::int32_t, std::string> passages_of(const app::Project& project, const app::PromptMap& map) {
  std::map<app::PartId, std::string> texts;
  std::map<std::int32_t, std::string> passages;
  for (const app::PromptBlock& block : map.blocks) {
    if (block.anchor == 0) continue;
    if (!texts.contains(block.part)) {
      const auto text = project.part_text(block.part);
      texts[block.part] = text ? text->text : std::string();
    }
    passages[block.anchor] = one_line(std::string_view(texts[block.part]).substr(block.begin, block.end - block.begin));
  }
  return passages;
}

struct Verdict {
  std::string word;           // "right", "wrong", "not found", "part"
  int n_wanted = 0;
  int n_quoted = 0;           // of the wanted ones
  int n_other = 0;            // quotes that do not answer
  int n_repeated = 0;
  bool all_verified = true;
};

Verdict judge(const json& question, const std::vector<app::Citation>& citations, const std::map<std::int32_t, std::string>& passages) {
  Verdict verdict;
  std::vector<std::int32_t> quoted;
  for (const app::Citation& citation : citations) {
    if (!citation.opens && std::ranges::find(quoted, citation.anchor) != quoted.end()) continue;  // the one that closes it
    if (std::ranges::find(quoted, citation.anchor) != quoted.end()) ++verdict.n_repeated;
    if (citation.check != app::QuoteCheck::kVerified) verdict.all_verified = false;
    quoted.push_back(citation.anchor);
  }
  std::ranges::sort(quoted);
  const auto ends = std::ranges::unique(quoted);
  quoted.erase(ends.begin(), ends.end());
  if (question.contains("none")) {
    verdict.word = quoted.empty() ? "right" : "wrong";
    return verdict;
  }
  const bool wants_all = question.contains("all");
  const auto wanted = question.at(wants_all ? "all" : "any").get<std::vector<std::string>>();
  std::vector<bool> found(wanted.size());
  for (const std::int32_t anchor : quoted) {
    const auto passage = passages.find(anchor);
    bool answers = false;
    for (std::size_t i = 0; i < wanted.size() && passage != passages.end(); ++i) {
      if (passage->second.find(one_line(wanted[i])) == std::string::npos) continue;
      found[i] = answers = true;
    }
    if (!answers) ++verdict.n_other;
  }
  verdict.n_wanted = wants_all ? static_cast<int>(wanted.size()) : 1;
  verdict.n_quoted = static_cast<int>(std::ranges::count(found, true));
  if (!wants_all) verdict.n_quoted = std::min(verdict.n_quoted, 1);
  if (quoted.empty()) {
    verdict.word = "not found";
  } else if (verdict.n_quoted == verdict.n_wanted) {
    verdict.word = "right";
  } else {
    verdict.word = verdict.n_quoted > 0 ? "part" : "wrong";
  }
  return verdict;
}

struct Totals {
  int right = 0, wrong = 0, not_found = 0, part = 0, other = 0, repeated = 0, unverified = 0;
  void add(const Verdict& verdict) {
    right += verdict.word == "right" ? 1 : 0;
    wrong += verdict.word == "wrong" ? 1 : 0;
    part += verdict.word == "part" ? 1 : 0;
    not_found += verdict.word == "not found" ? 1 : 0;
    other += verdict.n_other;
    repeated += verdict.n_repeated;
    unverified += verdict.all_verified ? 0 : 1;
  }
};

void print(const std::string& name, const Totals& all) {
  std::printf("%s: %d right, %d in part, %d wrong, %d not found though there; %d quotes beside the point, %d repeated, %d answers not verified\n", name.c_str(),
              all.right, all.part, all.wrong, all.not_found, all.other, all.repeated, all.unverified);
  std::fflush(stdout);
}

class Examiner {
 public:
  Examiner(engine::Engine& engine, const Arguments& arguments) : engine_(engine), arguments_(arguments) {}

  engine::Result<void> examine(const json& set) {
    const QTemporaryDir folder;
    TRY_ASSIGN(const auto project, app::Project::open((folder.path() + "/set.longleaf").toStdString()));
    app::IngestOptions options;
    options.worker = arguments_.worker;
    for (const json& source : set.at("sources")) {
      const auto path = std::filesystem::path(LONGLEAF_SOURCE_DIR) / source.get<std::string>();
      if (!std::filesystem::exists(path)) {
        std::printf("%s: left out, %s is not on this machine\n", set.at("name").get<std::string>().c_str(), path.c_str());
        return {};
      }
      TRY(app::ingest(*project, path, options, {}, {}));
    }
    TRY_ASSIGN(const auto parts, app::select_parts(*project, {}));
    const auto tokenizer = engine_.tokenizer();
    app::PromptBuilder builder(*project, *tokenizer, engine_.layout(), engine_.info().context_length);
    Totals here;
    for (const json& question : set.at("questions")) TRY(ask(*project, builder, parts, question, here));
    print(set.at("name").get<std::string>() + " (" + std::to_string(n_tokens_) + " tokens)", here);
    return {};
  }

  const Totals& totals() const { return totals_; }

 private:
  engine::Result<void> ask(const app::Project& project, app::PromptBuilder& builder, const std::vector<app::PartId>& parts, const json& question, Totals& here) {
    app::Question asked;
    asked.prompt.question = question.at("ask").get<std::string>();
    asked.prompt.sources.parts = parts;
    asked.selection.sampled_recall = 0;
    if (arguments_.dense) asked.selection.mode = engine::SelectionMode::kDense;
    asked.trace_level = engine::TraceLevel::kOff;
    if (arguments_.free) {
      asked.own_sampling = true;
      asked.sampling.max_new_tokens = engine_.layout().max_new_tokens;
    }
    Quiet quiet;
    TRY_ASSIGN(const app::Answer answer, app::answer_question(project, engine_, builder, asked, quiet, {}));
    n_tokens_ = answer.prompt.map.n_tokens;
    const auto passages = passages_of(project, answer.prompt.map);
    warn_of_old_truths(question, passages);
    const Verdict verdict = judge(question, answer.citations, passages);
    here.add(verdict);
    totals_.add(verdict);
    if (arguments_.show) {
      const auto at = answer.prompt.text.rfind("<｜User｜>");
      std::printf("%-10s %s\n    %s\n    %s\n    -> %s\n", verdict.word.c_str(), asked.prompt.question.c_str(), at == std::string::npos ? "" : answer.prompt.text.substr(at).c_str(),
                  one_line(answer.generation.thinking).c_str(), one_line(answer.generation.answer).c_str());
    }
    return {};
  }

  /// A text may have changed since its question was written.
  static void warn_of_old_truths(const json& question, const std::map<std::int32_t, std::string>& passages) {
    for (const char* kind : {"any", "all"}) {
      if (!question.contains(kind)) continue;
      for (const json& truth : question.at(kind)) {
        const std::string wanted = one_line(truth.get<std::string>());
        const bool stands = std::ranges::any_of(passages, [&](const auto& passage) { return passage.second.find(wanted) != std::string::npos; });
        if (!stands) std::printf("No passage holds \"%s\"; the question is out of date.\n", wanted.c_str());
      }
    }
  }

  engine::Engine& engine_;
  const Arguments& arguments_;
  Totals totals_;
  std::int64_t n_tokens_ = 0;
};

int examine_all(const Arguments& arguments) {
  const json questions = json::parse(std::ifstream(arguments.questions));
  engine::LocalEngineOptions options;
  options.n_threads = arguments.threads;
  const auto engine = engine::open_local_engine(arguments.model, options);
  if (!engine) {
    std::fprintf(stderr, "%s\n", engine.error().message.c_str());
    return 1;
  }
  Examiner examiner(**engine, arguments);
  for (const json& set : questions.at("sets")) {
    if (!arguments.only.empty() && set.at("name") != arguments.only) continue;
    if (const auto done = examiner.examine(set); !done) {
      std::fprintf(stderr, "%s\n", done.error().message.c_str());
      return 1;
    }
  }
  print("All", examiner.totals());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App program("Asks questions whose answers are known");
  program.add_option("QUESTIONS", arguments.questions, "The questions, as JSON")->required()->check(CLI::ExistingFile);
  program.add_option("--model", arguments.model, "The model's folder")->capture_default_str();
  program.add_option("--worker", arguments.worker, "longleaf-cli, which reads PDFs")->capture_default_str();
  program.add_option("--only", arguments.only, "One set, by name");
  program.add_flag("--free", arguments.free, "Without holding quotes to the documents");
  program.add_flag("--dense", arguments.dense, "Dense attention instead of the indexer's selection");
  program.add_flag("--show", arguments.show, "Print every answer");
  program.add_option("--threads", arguments.threads, "Threads (default: one per core)");
  CLI11_PARSE(program, argc, argv);
  try {
    return examine_all(arguments);
  } catch (const json::exception& error) {
    std::fprintf(stderr, "%s: %s\n", arguments.questions.c_str(), error.what());
    return 1;
  }
}
