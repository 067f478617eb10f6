#include "ui/conversation/prompt_text.h"

#include <QHelpEvent>
#include <QPainter>
#include <QTextBlock>
#include <QTextLayout>
#include <QToolTip>

#include <algorithm>
#include <map>

#include "ui/sources/source_model.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kBar = 3;  // pixels, the bar of a source

/// UTF-16 units that begin in these bytes: a character counts where its first byte stands.
int units_of(std::string_view bytes) {
  int units = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) units += byte >= 0xF0 ? 2 : 1;
  }
  return units;
}

}  // namespace

PromptText::PromptText(QWidget* parent) : QPlainTextEdit(parent) {
  setReadOnly(true);
  viewport()->setMouseTracking(true);
}

void PromptText::set_prompt(const app::Prompt& prompt, const engine::Tokenizer* tokenizer) {
  setPlainText(QString::fromStdString(prompt.text));
  ends_.clear();
  sources_.clear();
  if (tokenizer == nullptr) return;
  std::size_t at = 0;
  int units = 0;
  std::vector<int> ends;
  ends.reserve(prompt.request.prompt.size());
  for (const engine::TokenId id : prompt.request.prompt) {
    const std::string_view bytes = tokenizer->bytes(id);
    if (prompt.text.compare(at, bytes.size(), bytes) != 0) return;
    at += bytes.size();
    units += units_of(bytes);
    ends.push_back(units);
  }
  if (at != prompt.text.size() || units != document()->characterCount() - 1) return;
  ends_ = std::move(ends);
  std::map<app::DocumentId, int> tints;
  for (const app::PromptBlock& block : prompt.map.blocks) {
    const int tint = tints.emplace(block.document, static_cast<int>(tints.size())).first->second;
    if (!sources_.empty() && sources_.back().tint == tint && sources_.back().last_token == block.first_token) sources_.back().last_token = block.last_token;
    else sources_.push_back({block.first_token, block.last_token, tint});
  }
  viewport()->update();
}

void PromptText::set_tokens_shown(bool shown) {
  tokens_shown_ = shown;
  viewport()->update();
}

std::int64_t PromptText::token_at(int position) const {
  const auto found = std::upper_bound(ends_.begin(), ends_.end(), position);
  return found == ends_.end() ? -1 : found - ends_.begin();
}

int PromptText::tint_of(std::int64_t token) const {
  const auto after = std::upper_bound(sources_.begin(), sources_.end(), token, [](std::int64_t value, const Run& run) { return value < run.first_token; });
  return after == sources_.begin() || token >= std::prev(after)->last_token ? -1 : std::prev(after)->tint;
}

void PromptText::paint_block(QPainter& painter, const QTextBlock& block, const QPointF& at) const {
  const Tokens& t = tokens();
  const int begin = block.position();
  const int end = begin + block.length() - 1;
  const std::int64_t first = token_at(begin);
  if (first < 0) return;
  const QRectF room = block.layout()->boundingRect().translated(at);
  if (const int tint = tint_of(first); tint >= 0) painter.fillRect(QRectF(0, room.top(), kBar, room.height()), t.source(static_cast<std::size_t>(tint)));
  if (!tokens_shown_) return;
  const QColor grounds[] = {mix(t.pine, t.paper, 0.16), mix(t.sky, t.paper, 0.16)};
  for (std::int64_t token = first; token < static_cast<std::int64_t>(ends_.size()); ++token) {
    const int from = std::max(begin, token == 0 ? 0 : ends_[static_cast<std::size_t>(token - 1)]);
    const int to = std::min(end, ends_[static_cast<std::size_t>(token)]);
    if (from >= end) break;
    for (int place = from; place < to;) {
      const QTextLine line = block.layout()->lineForTextPosition(place - begin);
      if (!line.isValid()) break;
      const int line_end = std::min(to, begin + line.textStart() + line.textLength());
      if (line_end <= place) break;
      const double left = line.cursorToX(place - begin);
      const double right = line.cursorToX(line_end - begin);
      painter.fillRect(QRectF(std::min(left, right), line.y(), std::abs(right - left), line.height()).translated(at), grounds[token % 2]);
      place = line_end;
    }
  }
}

void PromptText::paintEvent(QPaintEvent* event) {
  {
    QPainter painter(viewport());
    QTextBlock block = firstVisibleBlock();
    QPointF at = blockBoundingGeometry(block).translated(contentOffset()).topLeft();
    while (knows_tokens() && block.isValid() && at.y() <= event->rect().bottom()) {
      paint_block(painter, block, at);
      at.ry() += blockBoundingRect(block).height();
      block = block.next();
    }
  }
  QPlainTextEdit::paintEvent(event);
}

bool PromptText::viewportEvent(QEvent* event) {
  if (event->type() == QEvent::ToolTip && knows_tokens()) {
    const auto* help = static_cast<QHelpEvent*>(event);
    const std::int64_t token = token_at(cursorForPosition(help->pos()).position());
    if (token >= 0) QToolTip::showText(help->globalPos(), tr("Token %1 of %2").arg(grouped(token + 1), grouped(static_cast<std::int64_t>(ends_.size()))), viewport());
    return true;
  }
  return QPlainTextEdit::viewportEvent(event);
}

}  // namespace ui
