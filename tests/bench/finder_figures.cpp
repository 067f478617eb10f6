// How well a model that finds and quotes does so in the program's own engine, on documents and questions that
// tools/train/evaluate.py has written from held-out text:
//   evaluate.py --write tasks.jsonl --pool pool.npz --tokenizer MODEL --plain
//   finder_figures MODEL tasks.jsonl [--dense] [--constraint] [--recall 8] [--show 10]
// A document is read once; every question then goes behind it. Greedy.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "engine/local/local_engine.h"

namespace {

using engine::TokenId;
using nlohmann::json;

class Quiet final : public engine::GenerationObserver {
  void on_prefill(std::int64_t, std::int64_t, std::int64_t) override {}
  void on_text(engine::Channel, std::string_view, std::int64_t) override {}
};

struct Arguments {
  std::string model;
  std::string tasks;
  bool dense = false;
  bool constraint = false;
  bool exact_arithmetic = false;
  int threads = 0;
  int recall = 8;
  int show = 0;
  int documents = 1'000'000;
  int questions = 1'000'000;
};

/// Right answers among those asked.
struct Share {
  int right = 0;
  int all = 0;
  void add(bool is_right) {
    right += is_right ? 1 : 0;
    ++all;
  }
};

/// "95 of 105, 90 % (83 to 95)": with Wilson's interval at 95 %.
std::string shown(const Share& share) {
  if (share.all == 0) return "none asked";
  constexpr double z = 1.96;
  const double n = share.all;
  const double p = share.right / n;
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%d of %d, %.1f %% (%.0f to %.0f)", share.right, share.all, 100 * p, 100 * std::max(0.0, middle - half),
                100 * std::min(1.0, middle + half));
  return text.data();
}

struct Figures {
  std::map<std::string, Share> shares;
  std::vector<double> recall;                         // per layer, sums
  int n_recall = 0;
  double read_seconds = 0;
  std::int64_t read_tokens = 0;
  double write_seconds = 0;
  std::int64_t written_tokens = 0;
};

/// The numbers of the anchors that open the answer's lines.
std::vector<std::string> anchors_of(const std::string& answer) {
  std::vector<std::string> anchors;
  for (std::size_t at = 0; at != std::string::npos && at < answer.size();) {
    if (answer.compare(at, 2, "[p") == 0) anchors.push_back(answer.substr(at, answer.find(']', at) - at));
    at = answer.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  return anchors;
}

class Examiner {
 public:
  Examiner(engine::Engine& engine, const Arguments& arguments) : engine_(engine), arguments_(arguments) {
    request_.selection.mode = arguments.dense ? engine::SelectionMode::kDense : engine::SelectionMode::kIndexer;
    request_.sampling.quote_constraint = arguments.constraint;
  }

  engine::Result<void> examine(const json& task, Figures& figures) {
    document_ = task.at("document").get<std::vector<TokenId>>();
    end_of_thinking_ = task.at("end_of_thinking").get<TokenId>();
    request_.quotable.clear();
    for (const json& block : task.at("blocks")) request_.quotable.push_back({block.at(0).get<std::int64_t>(), block.at(1).get<std::int64_t>()});
    TRY_ASSIGN(const auto read, run(document_, 1, false));
    figures.read_seconds += read.prefill_seconds;
    figures.read_tokens += read.n_prompt_tokens - read.n_cached_tokens;
    int n = 0;
    for (const json& question : task.at("questions")) {
      if (n++ == arguments_.questions) break;
      TRY(ask(question, figures));
    }
    return {};
  }

 private:
  engine::Result<engine::Generation> run(const std::vector<TokenId>& prompt, int n_new, bool thinking, int n_recall = 0) {
    request_.prompt = prompt;
    request_.starts_in_thinking = thinking;
    request_.sampling.max_new_tokens = n_new;
    request_.trace_level = n_recall > 0 ? engine::TraceLevel::kBlocks : engine::TraceLevel::kOff;
    request_.selection.sampled_recall = n_recall;
    Quiet quiet;
    return engine_.generate(request_, quiet, {});
  }

  engine::Result<void> ask(const json& question, Figures& figures) {
    const auto asked = question.at("prompt").get<std::vector<TokenId>>();
    const auto wanted = question.at("answer").get<std::vector<TokenId>>();
    const bool thinking = question.at("thinking").get<bool>();
    const auto kind = question.at("kind").get<std::string>();
    std::vector<TokenId> prompt = document_;
    prompt.insert(prompt.end(), asked.begin(), asked.end());
    if (arguments_.recall > 0 && !arguments_.dense) TRY(measure_recall(prompt, wanted, figures));

    TRY_ASSIGN(const auto got, run(prompt, static_cast<int>(wanted.size()) + 120, thinking));
    figures.write_seconds += got.decode_seconds;
    figures.written_tokens += static_cast<std::int64_t>(got.tokens.size());
    const auto end = thinking ? std::find(wanted.begin(), wanted.end(), end_of_thinking_) : wanted.begin();
    const std::string answer = text(end == wanted.end() ? end : end + (thinking ? 1 : 0), wanted.end());
    const bool is_exact = got.answer == answer && got.end == engine::EndReason::kEndOfText;
    count(kind, thinking, question.at("shared").get<bool>(), is_exact, anchors_of(got.answer) == anchors_of(answer), figures);
    if (kind == "several") {
      const bool is_some = is_part(got.answer, answer);
      figures.shares["several: some of them, nothing else"].add(is_some);
      figures.shares["several: all of them, in any order"].add(is_some && anchors_of(got.answer).size() == anchors_of(answer).size());
    }
    if (kind == "found" || kind == "apart") TRY(measure_rank(prompt, wanted, thinking, figures));
    if (!is_exact && n_shown_ < arguments_.show) {
      ++n_shown_;
      std::printf("--- %s\n%s\nwanted: %s\ngot: %s\n     %s\n", kind.c_str(), text(asked.begin(), asked.end()).c_str(), text(wanted.begin(), wanted.end()).c_str(),
                  got.thinking.c_str(), got.answer.c_str());
    }
    return {};
  }

  static void count(const std::string& kind, bool thinking, bool shared, bool is_exact, bool has_anchors, Figures& figures) {
    if (kind == "found" && !thinking) {
      figures.shares["found, without thinking"].add(is_exact);
    } else if (kind == "found") {
      figures.shares["found: quote and anchor exact"].add(is_exact);
      figures.shares["found: right anchor"].add(has_anchors);
      figures.shares[shared ? "found: rarest word shared" : "found: rarest word unique"].add(is_exact);
    } else {
      figures.shares[kind].add(is_exact);
    }
  }

  /// Whether every line is one of the wanted ones, and none stands there twice.
  static bool is_part(const std::string& got, const std::string& wanted) {
    std::vector<std::string> seen;
    for (const std::string& anchor : anchors_of(got)) {
      const auto all = anchors_of(wanted);
      if (std::ranges::find(all, anchor) == all.end() || std::ranges::find(seen, anchor) != seen.end()) return false;
      seen.push_back(anchor);
    }
    return !seen.empty();
  }

  /// Of what the whole attention gives weight to, the share that the indexer selects: on the tokens of the right answer.
  engine::Result<void> measure_recall(const std::vector<TokenId>& prompt, const std::vector<TokenId>& wanted, Figures& figures) {
    TRY(run(prompt, 1, false));  // so that the answer alone is new
    std::vector<TokenId> all = prompt;
    all.insert(all.end(), wanted.begin(), wanted.end());
    TRY_ASSIGN(const auto read, run(all, 1, false, arguments_.recall));
    if (read.trace == nullptr || read.trace->recall.empty()) return {};
    figures.recall.resize(read.trace->recall.size());
    for (std::size_t i = 0; i < figures.recall.size(); ++i) figures.recall[i] += read.trace->recall[i];
    ++figures.n_recall;
    return {};
  }

  /// Whether the number of the right anchor is the likeliest start of the answer behind the right thinking.
  engine::Result<void> measure_rank(const std::vector<TokenId>& prompt, const std::vector<TokenId>& wanted, bool thinking, Figures& figures) {
    const auto end = thinking ? std::find(wanted.begin(), wanted.end(), end_of_thinking_) : wanted.begin() - 1;
    if (end == wanted.end() || wanted.end() - end < 3) return {};
    std::vector<TokenId> all = prompt;
    all.insert(all.end(), wanted.begin(), end + 2);  // up to "[p"
    const bool constraint = std::exchange(request_.sampling.quote_constraint, false);
    auto next = run(all, 1, false);
    request_.sampling.quote_constraint = constraint;
    if (!next) return next.error();
    figures.shares[thinking ? "first number ranked first, thinking given" : "first number ranked first, no thinking"].add(!next->tokens.empty() && next->tokens[0].id == end[2]);
    return {};
  }

  template <typename Iterator>
  std::string text(Iterator begin, Iterator end) const {
    return engine_.tokenizer()->decode(std::vector<TokenId>(begin, end));
  }

  engine::Engine& engine_;
  const Arguments& arguments_;
  engine::GenerationRequest request_;
  std::vector<TokenId> document_;
  TokenId end_of_thinking_ = 0;
  int n_shown_ = 0;
};

void print(int context, int n_documents, const Figures& figures, const Arguments& arguments) {
  std::printf("context %d, %s%s, %d documents\n", context, arguments.dense ? "dense" : "sparse", arguments.constraint ? ", quotes constrained" : "", n_documents);
  for (const auto& [name, share] : figures.shares) std::printf("  %-46s %s\n", name.c_str(), shown(share).c_str());
  if (figures.n_recall > 0) {
    std::printf("  recall of attention mass, per layer           ");
    for (const double sum : figures.recall) std::printf(" %.3f", sum / figures.n_recall);
    std::printf("\n");
  }
  std::printf("  read %.0f tokens/s, wrote %.1f tokens/s\n", static_cast<double>(figures.read_tokens) / figures.read_seconds,
              static_cast<double>(figures.written_tokens) / figures.write_seconds);
  std::fflush(stdout);
}

int measure(const Arguments& arguments) {
  engine::LocalEngineOptions options;
  options.n_threads = arguments.threads;
  if (arguments.exact_arithmetic) options.arithmetic = engine::Arithmetic::kExact;
  const auto engine = engine::open_local_engine(arguments.model, options);
  if (!engine) {
    std::fprintf(stderr, "%s\n", engine.error().message.c_str());
    return 1;
  }
  std::ifstream file(arguments.tasks);
  Examiner examiner(**engine, arguments);
  std::map<int, std::pair<int, Figures>> by_context;
  std::string line;
  while (std::getline(file, line)) {
    const json task = json::parse(line);
    const int context = task.at("context").get<int>();
    auto& [n_documents, figures] = by_context[context];
    if (n_documents == arguments.documents) continue;
    ++n_documents;
    if (const auto done = examiner.examine(task, figures); !done) {
      std::fprintf(stderr, "%s\n", done.error().message.c_str());
      return 1;
    }
    print(context, n_documents, figures, arguments);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App program("Measures a finder model in the program's engine");
  program.add_option("MODEL", arguments.model, "The model's folder")->required();
  program.add_option("TASKS", arguments.tasks, "What tools/train/evaluate.py --write has written")->required()->check(CLI::ExistingFile);
  program.add_flag("--dense", arguments.dense, "Dense attention instead of the indexer's selection");
  program.add_flag("--constraint", arguments.constraint, "Quotes are held to the documents, as the program does");
  program.add_flag("--exact", arguments.exact_arithmetic, "f32 throughout");
  program.add_option("--threads", arguments.threads, "Threads (default: one per core)");
  program.add_option("--recall", arguments.recall, "Queries of each answer on which recall is measured")->check(CLI::Range(0, 512))->capture_default_str();
  program.add_option("--documents", arguments.documents, "At most so many documents of each context length");
  program.add_option("--questions", arguments.questions, "At most so many questions of each document");
  program.add_option("--show", arguments.show, "Print so many wrong answers");
  CLI11_PARSE(program, argc, argv);
  try {
    return measure(arguments);
  } catch (const json::exception& error) {
    std::fprintf(stderr, "%s is not what evaluate.py writes: %s\n", arguments.tasks.c_str(), error.what());
    return 1;
  }
}
