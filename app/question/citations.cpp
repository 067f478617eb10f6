#include "app/question/citations.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "app/question/block_template.h"
#include "app/question/quote_match.h"
#include "app/question/quoted_words.h"
#include "app/question/source_names.h"

namespace app {
namespace {

constexpr std::size_t kMaxAnchorDigits = 9;
constexpr std::size_t kLongestAnchor = 64;  // bytes of a list like [p3, p4]: what may be unfinished at the end of a stream

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_separator(char c) { return c == ',' || c == ';' || c == ' '; }

/// "[p{n}]" in parts: "[p", "]" and the letters that may repeat inside a list.
struct AnchorForm {
  std::string before;
  std::string after;
  std::string repeat;
};

std::optional<AnchorForm> anchor_form(const engine::PromptLayout& layout) {
  const std::size_t at = layout.anchor.find("{n}");
  if (at == std::string::npos || at == 0) return std::nullopt;
  AnchorForm form{layout.anchor.substr(0, at), layout.anchor.substr(at + 3), {}};
  for (const char c : form.before) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) form.repeat.push_back(c);
  }
  return form;
}

/// One anchor or a list of them at the start of `text`. `complete` says whether it ended in the text.
struct AnchorScan {
  std::vector<AnchorMention> mentions;
  std::size_t n_bytes = 0;
  bool complete = false;
  bool possible = false;  // everything up to the end of the text fits the form so far
};

AnchorScan scan_anchor(std::string_view text, const AnchorForm& form) {
  AnchorScan scan;
  std::size_t at = 0;
  const auto take = [&](std::string_view expected) {
    const std::size_t n = std::min(expected.size(), text.size() - at);
    if (text.substr(at, n) != expected.substr(0, n)) return false;
    at += n;
    return true;
  };
  if (!take(form.before)) return scan;
  while (true) {
    std::int64_t number = 0;
    const std::size_t first_digit = at;
    while (at < text.size() && is_digit(text[at]) && at - first_digit < kMaxAnchorDigits) number = number * 10 + (text[at++] - '0');
    if (at == text.size()) {
      scan.possible = true;
      return scan;
    }
    if (at == first_digit) return scan;
    const auto begin = scan.mentions.empty() ? 0u : scan.mentions.back().end;
    scan.mentions.push_back({begin, static_cast<std::uint32_t>(at), static_cast<std::int32_t>(number)});
    const std::size_t before_end = at;
    if (take(form.after)) {
      scan.complete = at - before_end == form.after.size();
      scan.possible = true;
      scan.mentions.back().end = static_cast<std::uint32_t>(at);
      scan.n_bytes = at;
      return scan;
    }
    if (!is_separator(text[at])) return scan;
    while (at < text.size() && is_separator(text[at])) ++at;
    if (at < text.size() && !is_digit(text[at]) && !take(form.repeat)) return scan;
  }
}

Citation describe(const AnchorMention& mention) {
  Citation citation;
  citation.begin = mention.begin;
  citation.end = mention.end;
  citation.anchor = mention.anchor;
  return citation;
}

}  // namespace

std::vector<AnchorMention> find_anchors(std::string_view text, const engine::PromptLayout& layout) {
  std::vector<AnchorMention> mentions;
  const auto form = anchor_form(layout);
  if (!form) return mentions;
  for (std::size_t at = text.find(form->before); at != std::string_view::npos; at = text.find(form->before, at)) {
    const AnchorScan scan = scan_anchor(text.substr(at), *form);
    if (!scan.complete) {
      at += form->before.size();
      continue;
    }
    for (const AnchorMention& one : scan.mentions) {
      mentions.push_back({one.begin + static_cast<std::uint32_t>(at), one.end + static_cast<std::uint32_t>(at), one.anchor});
    }
    at += scan.n_bytes;
  }
  return mentions;
}

std::size_t unfinished_anchor(std::string_view text, const engine::PromptLayout& layout) {
  const auto form = anchor_form(layout);
  if (!form) return text.size();
  for (std::size_t at = text.size() > kLongestAnchor ? text.size() - kLongestAnchor : 0; at < text.size(); ++at) {
    if (text[at] != form->before.front()) continue;
    const AnchorScan scan = scan_anchor(text.substr(at), *form);
    // An anchor's own beginning may be all there is: scan_anchor then stopped at the end of the text.
    if (scan.possible && !scan.complete) return at;
    if (scan.complete) at += scan.n_bytes - 1;
  }
  return text.size();
}

struct CitationFinder::State {
  const PromptMap& map;
  const Project& project;
  engine::PromptLayout layout;
  SourceIndex sources;
  bool anchors_come_first = false;  // the layout writes an anchor at both ends of a block
  std::map<PartId, PartText> texts;

  State(const PromptMap& map_in, const Project& project_in, const engine::PromptLayout& layout_in)
      : map(map_in), project(project_in), layout(layout_in), sources(project_in) {
    anchors_come_first = layout.block.find("{anchor}") < layout.block.find("{text}");
  }

  Result<const PartText*> text_of(PartId part) {
    if (const auto known = texts.find(part); known != texts.end()) return &known->second;
    TRY_ASSIGN(PartText text, project.part_text(part));
    return &texts.emplace(part, std::move(text)).first->second;
  }

  /// The cited block together with its neighbours in the same part: a quote may run over a block's end.
  std::pair<std::uint32_t, std::uint32_t> neighbourhood(const PromptBlock& block) const {
    const auto index = static_cast<std::size_t>(&block - map.blocks.data());
    std::pair<std::uint32_t, std::uint32_t> range{block.begin, block.end};
    const auto belongs = [&](const PromptBlock& other) { return other.part == block.part && other.anchor > 0; };
    if (index > 0 && belongs(map.blocks[index - 1])) range.first = std::min(range.first, map.blocks[index - 1].begin);
    if (index + 1 < map.blocks.size() && belongs(map.blocks[index + 1])) range.second = std::max(range.second, map.blocks[index + 1].end);
    return range;
  }

  QuoteMatch look_up(std::string_view quote, std::string_view text, const PromptBlock& block) const {
    QuoteMatch match = match_quote(quote, text.substr(block.begin, block.end - block.begin));
    if (match.check != QuoteCheck::kNotFound) return {match.check, match.begin + block.begin, match.end + block.begin};
    const auto [begin, end] = neighbourhood(block);
    match = match_quote(quote, text.substr(begin, end - begin));
    if (match.check == QuoteCheck::kNotFound) return match;
    match = {QuoteCheck::kNear, match.begin + begin, match.end + begin};
    // Words of a neighbour alone do not speak for the cited block.
    if (match.end <= block.begin || match.begin >= block.end) return {};
    return match;
  }

  void check(Citation& citation, const QuotedWords& words, std::string_view text, const PromptBlock& block) const {
    for (const std::string_view quote : words.candidates) {
      const QuoteMatch match = look_up(quote, text, block);
      if (match.check == QuoteCheck::kNotFound) continue;
      citation.check = match.check;
      citation.quote = quote;
      citation.source_begin = match.begin;
      citation.source_end = match.end;
      return;
    }
    if (words.claimed && !words.candidates.empty()) {
      citation.check = QuoteCheck::kNotFound;
      citation.quote = words.candidates.front();
    }
  }

  Result<void> resolve(Citation& citation, const QuotedWords& words) {
    const PromptBlock* block = map.by_anchor(citation.anchor);
    citation.in_prompt = block != nullptr;
    if (block == nullptr) {
      citation.label = "no such source";
      return {};
    }
    citation.part = block->part;
    citation.document = block->document;
    citation.source_begin = block->begin;
    citation.source_end = block->end;
    const auto source = sources.find(block->part);
    if (!source) {
      citation.label = "removed source";
      if (source.error().code == ErrorCode::kNotFound) return {};
      return source.error();
    }
    TRY_ASSIGN(const PartText* text, text_of(block->part));
    if (block->end > text->text.size()) {
      citation.label = source_name(*source) + " (changed since)";
      return {};
    }
    check(citation, words, text->text, *block);
    citation.label = source_label(*source, *text, citation.source_begin, citation.source_end);
    return {};
  }
};

CitationFinder::CitationFinder(const PromptMap& map, const Project& project, const engine::PromptLayout& layout)
    : state_(std::make_unique<State>(map, project, layout)) {}

CitationFinder::~CitationFinder() = default;

Result<std::vector<Citation>> CitationFinder::find(std::string_view answer) {
  const std::vector<AnchorMention> mentions = find_anchors(answer, state_->layout);
  const bool quotes_only = state_->layout.quote_constraint;
  std::vector<Citation> citations;
  for (std::size_t i = 0; i < mentions.size(); ++i) {
    Citation citation = describe(mentions[i]);
    const bool pair_follows = state_->anchors_come_first && i + 1 < mentions.size() && mentions[i + 1].anchor == mentions[i].anchor;
    const bool is_second = !citations.empty() && citations.back().opens && citations.back().anchor == citation.anchor;
    citation.opens = pair_follows && !is_second;
    QuotedWords words;
    if (citation.opens) {
      words = words_between(answer, mentions[i].end, mentions[i + 1].begin);
    } else if (is_second) {
      words = words_between(answer, mentions[i - 1].end, mentions[i].begin);
    } else {
      // [p3][p4] and [p3, p4]: all of them speak about the words before the first.
      std::size_t first = i;
      while (first > 0 && answer.substr(mentions[first - 1].end, mentions[first].begin - mentions[first - 1].end).find_first_not_of(" ,;") == std::string_view::npos) --first;
      words = words_before(answer, first > 0 ? mentions[first - 1].end : 0, mentions[first].begin, quotes_only);
    }
    TRY(state_->resolve(citation, words));
    citations.push_back(std::move(citation));
  }
  return citations;
}

Result<std::vector<Citation>> find_citations(std::string_view answer, const PromptMap& map, const Project& project,
                                             const engine::PromptLayout& layout) {
  return CitationFinder(map, project, layout).find(answer);
}

}  // namespace app
