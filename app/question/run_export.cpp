#include "app/question/run_export.h"

#include <algorithm>
#include <functional>

#include "app/document/markup.h"

namespace app {
namespace {

using Escape = std::function<std::string(std::string_view)>;

std::string as_is(std::string_view text) { return std::string(text); }

/// The sources in the order in which the answer names them; equal ones once.
struct Sources {
  std::vector<const Citation*> list;
  std::size_t number_of(const Citation& citation) {
    const auto same = [&](const Citation* one) { return one->label == citation.label && one->check == citation.check; };
    const auto known = std::ranges::find_if(list, same);
    if (known != list.end()) return static_cast<std::size_t>(known - list.begin()) + 1;
    list.push_back(&citation);
    return list.size();
  }
};

std::string answer_with_numbers(const Run& run, const std::vector<Citation>& citations, Sources& sources, const Escape& escape) {
  std::string out;
  std::size_t at = 0;
  const std::string_view answer = run.answer;
  for (const Citation& citation : citations) {
    if (citation.begin < at || citation.end > answer.size()) continue;
    out += escape(answer.substr(at, citation.begin - at));
    at = citation.end;
    if (!citation.opens) out += "[" + std::to_string(sources.number_of(citation)) + "]";
  }
  return out + escape(answer.substr(at));
}

std::string facts(const Run& run) {
  return run.asked_at + ", " + run.model + ", " + std::to_string(run.n_prompt_tokens) + " prompt tokens, " + std::to_string(run.n_generated_tokens) +
         " generated" + (run.end == "end" ? "" : run.end == "interrupted" ? ", interrupted" : ", ended by " + run.end);
}

}  // namespace

const char* words_for(const Citation& citation) {
  if (!citation.in_prompt) return "not among the sources";
  switch (citation.check) {
    case QuoteCheck::kVerified:
      return "verified";
    case QuoteCheck::kNear:
      return "near";
    case QuoteCheck::kNotFound:
      return "not found there";
    case QuoteCheck::kNoQuote:
      return "no words quoted";
  }
  return "";
}

std::string run_to_markdown(const Run& run, const std::vector<Citation>& citations) {
  Sources sources;
  std::string out = "# " + run.question + "\n\n" + answer_with_numbers(run, citations, sources, as_is) + "\n";
  if (!sources.list.empty()) out += "\n## Sources\n\n";
  for (std::size_t i = 0; i < sources.list.size(); ++i) {
    const Citation& one = *sources.list[i];
    out += std::to_string(i + 1) + ". " + one.label + " (" + words_for(one) + ")" + (one.quote.empty() ? "" : ": " + one.quote) + "\n";
  }
  if (!run.thinking.empty()) out += "\n## Thinking\n\n" + run.thinking + "\n";
  return out + "\n---\n" + facts(run) + "\n";
}

std::string run_to_html(const Run& run, const std::vector<Citation>& citations) {
  Sources sources;
  std::string out =
      "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>" +
      escape_markup(run.question) +
      "</title>\n<style>body{max-width:44em;margin:2em auto;font-family:serif;line-height:1.5}"
      ".text{white-space:pre-wrap}.facts{color:#666;font-size:.85em}</style></head><body>\n<h1>" +
      escape_markup(run.question) + "</h1>\n<div class=\"text\">" + answer_with_numbers(run, citations, sources, escape_markup) + "</div>\n";
  if (!sources.list.empty()) {
    out += "<h2>Sources</h2>\n<ol>\n";
    for (const Citation* one : sources.list) out += "<li>" + escape_markup(one->label) + " (" + words_for(*one) + ")" + (one->quote.empty() ? "" : ": <q>" + escape_markup(one->quote) + "</q>") + "</li>\n";
    out += "</ol>\n";
  }
  if (!run.thinking.empty()) out += "<details><summary>Thinking</summary><div class=\"text\">" + escape_markup(run.thinking) + "</div></details>\n";
  return out + "<p class=\"facts\">" + escape_markup(facts(run)) + "</p>\n</body></html>\n";
}

}  // namespace app
