#include "app/question/prompt_builder.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "app/question/block_template.h"
#include "app/question/part_blocks.h"
#include "app/question/question_words.h"
#include "app/question/secrets.h"
#include "app/question/source_names.h"
#include "engine/tokenizer/chat_encoder.h"

namespace app {
namespace {

using engine::ChatEncoder;
using engine::ChatMessage;
using engine::PromptPiece;
using engine::TokenId;

/// What a piece of the prompt is, for the map and the budget. A piece carries its slot's index as its tag.
struct Slot {
  enum class Kind { kInstructions, kHeading, kBlock, kEarlier, kQuestion } kind = Kind::kInstructions;
  std::int64_t block = -1;                     // kHeading, kBlock: index into PromptMap::blocks
  const std::vector<TokenId>* ids = nullptr;   // where they are known already
  bool is_section_heading = false;
};

struct CachedPart {
  std::string text;
  std::vector<BlockText> blocks;
  mutable std::optional<PassageWords> words;  // made when a question is put into words
};

bool touches(const Passages& passages, const BlockText& block) {
  return std::any_of(passages.begin(), passages.end(), [&](const auto& passage) { return passage.first < block.end && block.begin < passage.second; });
}

std::string shown(std::int64_t number) { return std::to_string(number); }

}  // namespace

struct PromptBuilder::State {
  const Project& project;
  const engine::Tokenizer& tokenizer;
  engine::PromptLayout layout;
  std::int64_t context_length;
  SourceIndex sources;
  std::vector<BlockPiece> block_pieces;
  std::string text_lead;
  bool mask_secrets = false;  // of the question that is put together
  std::map<std::tuple<PartId, Detail, bool>, CachedPart> parts;
  std::map<std::string, std::vector<TokenId>, std::less<>> texts;  // headings, anchors, questions

  /// A prompt while it is put together.
  struct Draft {
    std::vector<Slot> slots;
    PromptMap map;
    std::int32_t n_anchors = 0;
  };

  State(const Project& project_in, const engine::Tokenizer& tokenizer_in, const engine::PromptLayout& layout_in, std::int64_t context)
      : project(project_in), tokenizer(tokenizer_in), layout(layout_in), context_length(context), sources(project_in),
        block_pieces(cut_block_template(layout_in.block)) {
    for (const BlockPiece& piece : block_pieces) {
      if (piece.holds == BlockPiece::Holds::kText) text_lead = piece.literal;
    }
  }

  const std::vector<TokenId>& encode(const std::string& text) {
    const auto known = texts.find(text);
    if (known != texts.end()) return known->second;
    return texts.emplace(text, tokenizer.encode(text)).first->second;
  }

  Result<const CachedPart*> part(PartId id, Detail detail) {
    const auto key = std::tuple(id, detail, mask_secrets);
    if (const auto known = parts.find(key); known != parts.end()) return &known->second;
    TRY_ASSIGN(PartText text, project.part_text(id));
    if (mask_secrets) {
      // Byte for byte: every span stays where it is.
      for (const Secret& secret : find_secrets(text.text)) std::fill(text.text.begin() + secret.begin, text.text.begin() + secret.end, '*');
    }
    CachedPart cached;
    cached.blocks = make_blocks(text, detail, tokenizer, {text_lead, layout.max_block_tokens});
    cached.text = std::move(text.text);
    return &parts.emplace(key, std::move(cached)).first->second;
  }

  /// The question as this model is asked it: as it was typed, or the words of it that it should find.
  Result<std::string> worded(const std::string& question, const SourceChoice& choice) {
    if (layout.question_words.empty()) return question;
    std::vector<const PassageWords*> words;
    for (const PartId id : choice.parts) {
      const auto wanted = choice.detail.find(id);
      TRY_ASSIGN(const CachedPart* cached, part(id, wanted == choice.detail.end() ? Detail::kFull : wanted->second));
      if (!cached->words) {
        std::vector<std::pair<std::uint32_t, std::uint32_t>> spans;
        for (const BlockText& block : cached->blocks) spans.emplace_back(block.begin, block.end);
        cached->words.emplace(cached->text, spans);
      }
      words.push_back(&*cached->words);
    }
    const QuestionWords chosen = choose_words(question, words);
    return chosen.words.empty() ? question : fill(layout.question_words, "words", list_words(chosen.words));
  }

  static void add(Draft& draft, std::vector<PromptPiece>& content, std::string text, Slot slot) {
    if (text.empty()) return;
    content.push_back({PromptPiece::Kind::kText, std::move(text), static_cast<std::int64_t>(draft.slots.size())});
    draft.slots.push_back(slot);
  }

  void add_block(Draft& draft, std::vector<PromptPiece>& content, PartId id, DocumentId document, const CachedPart& cached, const BlockText& block) {
    const auto index = static_cast<std::int64_t>(draft.map.blocks.size());
    draft.map.blocks.push_back({++draft.n_anchors, id, document, block.begin, block.end, 0, 0});
    const std::string anchor = fill(layout.anchor, "n", shown(draft.n_anchors));
    for (const BlockPiece& piece : block_pieces) {
      Slot slot{Slot::Kind::kBlock, index, nullptr, block.is_heading};
      std::string text = piece.literal;
      if (piece.holds == BlockPiece::Holds::kText) {
        slot.ids = &block.ids;
        text.append(cached.text, block.begin, block.end - block.begin);
      } else if (piece.holds == BlockPiece::Holds::kAnchor) {
        text += anchor + piece.tail;
      }
      add(draft, content, std::move(text), slot);
    }
  }

  Result<void> add_documents(Draft& draft, std::vector<PromptPiece>& content, const SourceChoice& choice) {
    for (const std::string& name : layout.documents_open) content.push_back({PromptPiece::Kind::kControl, name, -1});
    add(draft, content, layout.documents_open_text, {});
    for (const PartId id : choice.parts) {
      const auto wanted = choice.detail.find(id);
      const Detail detail = wanted == choice.detail.end() ? Detail::kFull : wanted->second;
      TRY_ASSIGN(const Source source, sources.find(id));
      TRY_ASSIGN(const CachedPart* cached, part(id, detail));
      if (cached->blocks.empty() && detail != Detail::kName) continue;
      const auto chosen = choice.passages.find(id);
      const Passages* const passages = chosen == choice.passages.end() || chosen->second.empty() ? nullptr : &chosen->second;
      if (!layout.heading.empty()) {
        const Slot slot{Slot::Kind::kHeading, static_cast<std::int64_t>(draft.map.blocks.size())};
        draft.map.blocks.push_back({0, id, source.document, 0, 0, 0, 0});
        add(draft, content, fill(layout.heading, "title", source_name(source)), slot);
      }
      for (const BlockText& block : cached->blocks) {
        if (passages == nullptr || touches(*passages, block)) add_block(draft, content, id, source.document, *cached, block);
      }
    }
    return {};
  }

  Result<std::vector<ChatMessage>> messages(Draft& draft, const PromptQuestion& question) {
    std::vector<ChatMessage> all;
    std::vector<PromptPiece> system;
    add(draft, system, layout.system, {});
    const bool in_system = layout.documents_in == engine::DocumentsIn::kSystem;
    if (in_system) TRY(add_documents(draft, system, question.sources));
    if (!system.empty()) all.push_back({engine::Role::kSystem, std::move(system), {}});

    std::vector<PromptPiece> user;
    if (!in_system) TRY(add_documents(draft, user, question.sources));
    for (const PastTurn& turn : question.earlier) {
      TRY_ASSIGN(const std::string earlier, worded(turn.question, question.sources));
      add(draft, user, fill(layout.question, "question", earlier), {Slot::Kind::kEarlier});
      all.push_back({engine::Role::kUser, std::exchange(user, {}), {}});
      std::vector<PromptPiece> answer;
      add(draft, answer, turn.answer, {Slot::Kind::kEarlier});
      all.push_back({engine::Role::kAssistant, std::move(answer), {}});
    }
    TRY_ASSIGN(const std::string asked, worded(question.question, question.sources));
    add(draft, user, fill(layout.question, "question", asked), {Slot::Kind::kQuestion});
    all.push_back({engine::Role::kUser, std::move(user), {}});
    return all;
  }

  Result<Prompt> put_together(const PromptQuestion& question) {
    TRY_ASSIGN(const auto encoder, ChatEncoder::make(layout.chat.empty() ? "deepseek_v32" : layout.chat));
    mask_secrets = question.mask_secrets;
    Draft draft;
    TRY_ASSIGN(const auto conversation, messages(draft, question));
    const bool thinking = question.thinking && layout.thinking;

    Prompt prompt;
    prompt.map = std::move(draft.map);
    prompt.budget.limit = context_length;
    prompt.budget.reserve = question.reserve > 0 ? question.reserve : layout.max_new_tokens;
    for (const PromptPiece& piece : encoder->encode(conversation, thinking)) {
      TRY(append(prompt, draft, piece));
    }
    prompt.map.n_tokens = static_cast<std::int64_t>(prompt.request.prompt.size());
    finish_request(prompt, thinking);
    return prompt;
  }

  Result<void> append(Prompt& prompt, const Draft& draft, const PromptPiece& piece) {
    std::vector<TokenId>& tokens = prompt.request.prompt;
    const auto begin = static_cast<std::int64_t>(tokens.size());
    prompt.text += piece.text;
    if (piece.kind == PromptPiece::Kind::kControl) {
      const auto id = tokenizer.control(piece.text);
      if (!id) {
        return Error{ErrorCode::kUnsupported, "The model's tokenizer has no token " + piece.text +
                                                  ", which its conversation format needs; the model's folder does not fit together."};
      }
      tokens.push_back(*id);
      prompt.budget.instructions += 1;
      return {};
    }
    const Slot slot = piece.tag < 0 ? Slot{} : draft.slots[static_cast<std::size_t>(piece.tag)];
    if (slot.kind == Slot::Kind::kQuestion || slot.kind == Slot::Kind::kEarlier) {
      // Every keystroke is another question: these would only fill the cache.
      const std::vector<TokenId> ids = tokenizer.encode(piece.text);
      tokens.insert(tokens.end(), ids.begin(), ids.end());
    } else {
      const std::vector<TokenId>& ids = slot.ids != nullptr ? *slot.ids : encode(piece.text);
      tokens.insert(tokens.end(), ids.begin(), ids.end());
    }
    account(prompt, slot, {begin, static_cast<std::int64_t>(tokens.size())});
    return {};
  }

  static void account(Prompt& prompt, const Slot& slot, engine::TokenRange range) {
    const std::int64_t n = range.end - range.begin;
    switch (slot.kind) {
      case Slot::Kind::kInstructions:
        prompt.budget.instructions += n;
        return;
      case Slot::Kind::kEarlier:
        prompt.budget.earlier += n;
        return;
      case Slot::Kind::kQuestion:
        prompt.budget.question += n;
        prompt.map.question = range;
        return;
      case Slot::Kind::kHeading:
      case Slot::Kind::kBlock:
        break;
    }
    prompt.budget.sources += n;
    PromptBlock& block = prompt.map.blocks[static_cast<std::size_t>(slot.block)];
    if (block.last_token == 0) block.first_token = range.begin;
    block.last_token = range.end;
    if (slot.kind == Slot::Kind::kHeading) prompt.map.headings.push_back(range);
    if (slot.is_section_heading) {
      if (!prompt.request.anchors.empty() && prompt.request.anchors.back().end == range.begin) {
        prompt.request.anchors.back().end = range.end;
      } else {
        prompt.request.anchors.push_back(range);
      }
    } else if (slot.kind == Slot::Kind::kHeading) {
      prompt.request.anchors.push_back(range);
    }
  }

  void finish_request(Prompt& prompt, bool thinking) const {
    engine::GenerationRequest& request = prompt.request;
    request.starts_in_thinking = thinking;
    // What stands before the first source, and everything from the question on, is never far away.
    const std::int64_t n_start = prompt.map.blocks.empty() ? prompt.map.question.begin : prompt.map.blocks.front().first_token;
    if (n_start > 0) request.anchors.insert(request.anchors.begin(), {0, n_start});
    request.anchors.push_back({prompt.map.question.begin, prompt.map.n_tokens});
    for (const PromptBlock& block : prompt.map.blocks) {
      if (block.anchor > 0) request.quotable.push_back({block.first_token, block.last_token});
    }
    request.sampling.temperature = layout.temperature;
    request.sampling.top_p = layout.top_p;
    request.sampling.quote_constraint = layout.quote_constraint;
    request.sampling.max_new_tokens = static_cast<int>(std::min<std::int64_t>(prompt.budget.reserve, context_length));
  }
};

PromptBuilder::PromptBuilder(const Project& project, const engine::Tokenizer& tokenizer, const engine::PromptLayout& layout,
                             std::int64_t context_length)
    : state_(std::make_unique<State>(project, tokenizer, layout, context_length)) {}

PromptBuilder::~PromptBuilder() = default;

Result<Prompt> PromptBuilder::build(const PromptQuestion& question) {
  if (question.question.find_first_not_of(" \t\r\n") == std::string::npos) {
    return Error{ErrorCode::kInvalidInput, "The question is empty; type what you want to know."};
  }
  if (question.sources.parts.empty()) {
    return Error{ErrorCode::kInvalidInput, "No sources are chosen; choose at least one page or file."};
  }
  TRY_ASSIGN(Prompt prompt, state_->put_together(question));
  if (prompt.request.quotable.empty()) {
    return Error{ErrorCode::kInvalidInput, "The chosen pages and files hold no text to read; choose others, or look at their notes in the list of sources."};
  }
  const auto n_blocks = static_cast<std::int64_t>(prompt.request.quotable.size());
  if (state_->layout.max_anchor > 0 && n_blocks > state_->layout.max_anchor) {
    return Error{ErrorCode::kInvalidInput, "The chosen sources have " + shown(n_blocks) + " passages, and this model can tell " +
                                               shown(state_->layout.max_anchor) + " apart; choose fewer pages or files."};
  }
  if (prompt.budget.over() > 0) {
    return Error{ErrorCode::kInvalidInput, "The prompt does not fit: " + prompt.budget.arithmetic() + ", " + shown(prompt.budget.over()) +
                                               " too many; choose fewer pages or files, or keep less in reserve for the answer."};
  }
  return prompt;
}

Result<TokenBudget> PromptBuilder::measure(const PromptQuestion& question) {
  TRY_ASSIGN(const Prompt prompt, state_->put_together(question));
  return prompt.budget;
}

Result<std::int64_t> PromptBuilder::count_part(PartId part, Detail detail, const Passages& passages) {
  State::Draft draft;
  std::vector<PromptPiece> content;
  SourceChoice one;
  one.parts.push_back(part);
  one.detail[part] = detail;
  one.passages[part] = passages;
  TRY(state_->add_documents(draft, content, one));
  std::int64_t n_tokens = 0;
  for (const PromptPiece& piece : content) {
    if (piece.tag < 0) continue;
    const Slot& slot = draft.slots[static_cast<std::size_t>(piece.tag)];
    if (slot.kind == Slot::Kind::kInstructions) continue;
    n_tokens += static_cast<std::int64_t>(slot.ids != nullptr ? slot.ids->size() : state_->encode(piece.text).size());
  }
  return n_tokens;
}

void PromptBuilder::refresh() { state_->sources.clear(); }

}  // namespace app
