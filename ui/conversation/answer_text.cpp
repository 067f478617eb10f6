#include "ui/conversation/answer_text.h"

#include <QAbstractTextDocumentLayout>
#include <QApplication>
#include <QClipboard>
#include <QKeyEvent>
#include <QMimeData>
#include <QMouseEvent>
#include <QPainter>
#include <QTextBlock>
#include <QTextDocument>
#include <QTextFragment>
#include <QTextList>

#include <algorithm>

#include "ui/conversation/math_object.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

bool same_chip(const Chip& a, const Chip& b) {
  return a.begin == b.begin && a.end == b.end && a.hidden == b.hidden && a.label == b.label && a.mark == b.mark && a.evidence == b.evidence && a.index == b.index;
}

}  // namespace

AnswerText::AnswerText(QWidget* parent) : QTextBrowser(parent) {
  setFrameShape(QFrame::NoFrame);
  setOpenLinks(false);
  setOpenExternalLinks(false);
  setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  setTextInteractionFlags(Qt::TextBrowserInteraction);
  setAccessibleName(tr("Answer"));
  viewport()->setMouseTracking(true);
  viewport()->setAutoFillBackground(false);
  document()->setUndoRedoEnabled(false);
  document()->setDocumentMargin(0);
  document()->setIndentWidth(kListIndent);
  document()->setDefaultFont(body_font());
  document()->documentLayout()->registerHandler(kChipObject, new ChipPainter(this));
  document()->documentLayout()->registerHandler(kMathObject, new MathPainter(this));
  connect(document()->documentLayout(), &QAbstractTextDocumentLayout::documentSizeChanged, this, &AnswerText::fit_height);
  connect(this, &QTextBrowser::anchorClicked, this, [this](const QUrl& url) { follow(url.toString()); });
}

void AnswerText::show_markdown(const std::string& markdown, std::vector<Chip> chips) {
  std::size_t same = 0;
  const std::size_t both = std::min(markdown.size(), markdown_.size());
  while (same < both && markdown[same] == markdown_[same]) ++same;
  for (std::size_t i = 0; i < std::max(chips.size(), chips_.size()); ++i) {
    if (i < chips.size() && i < chips_.size() && same_chip(chips[i], chips_[i])) continue;
    const std::size_t at = std::min(i < chips.size() ? chips[i].begin : markdown.size(), i < chips_.size() ? chips_[i].begin : markdown.size());
    same = std::min<std::size_t>(same, at);
    break;
  }
  if (same == markdown.size() && same == markdown_.size()) return;
  markdown_ = markdown;
  chips_ = std::move(chips);
  write_from(same >= stable_ ? stable_ : 0);
}

void AnswerText::redraw() { write_from(0); }

void AnswerText::write_from(std::size_t byte) {
  QTextCursor cursor(document());
  if (byte == 0) {
    document()->clear();
    stable_ = 0;
    stable_position_ = 0;
    stable_runs_ = 0;
  }
  cursor.beginEditBlock();
  if (byte != 0) {
    cursor.setPosition(stable_position_);
    cursor.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
    cursor.removeSelectedText();
    // An empty block behind a frame may have been used for a list item: it is anything again.
    if (cursor.block().length() <= 1) {
      if (QTextList* list = cursor.currentList()) list->remove(cursor.block());
      cursor.setBlockFormat({});
    }
  }
  runs_.resize(stable_runs_);
  // What is complete goes in first, so that its end is a place to come back to.
  const std::size_t open = last_open_block(markdown_, stable_);
  cursor.movePosition(QTextCursor::End);
  if (open > stable_) {
    MarkdownWriter(cursor, chips_).write(std::string_view(markdown_).substr(stable_, open - stable_), static_cast<std::uint32_t>(stable_), &runs_);
    cursor.movePosition(QTextCursor::End);
    stable_ = open;
    stable_position_ = cursor.position();
    stable_runs_ = runs_.size();
  }
  MarkdownWriter(cursor, chips_).write(std::string_view(markdown_).substr(stable_), static_cast<std::uint32_t>(stable_), &runs_);
  cursor.endEditBlock();
  fit_height();
}

std::int64_t AnswerText::byte_at(int position) const {
  for (const TextRun& run : runs_) {
    if (position < run.position || position >= run.position + run.length) continue;
    // UTF-16 units back to bytes: only the part of this run before the place is measured.
    if (run.length == 1) return run.begin;
    const QString text = QString::fromUtf8(markdown_.data() + run.begin, static_cast<int>(run.end - run.begin));
    return run.begin + text.left(position - run.position).toUtf8().size();
  }
  return -1;
}

void AnswerText::mark_bytes(std::uint32_t begin, std::uint32_t end) {
  QList<QTextEdit::ExtraSelection> marks;
  for (const TextRun& run : runs_) {
    if (run.end <= begin || run.begin >= end || begin == end) continue;
    const QString text = QString::fromUtf8(markdown_.data() + run.begin, static_cast<int>(run.end - run.begin));
    const auto units = [&](std::uint32_t byte) {
      if (byte <= run.begin) return 0;
      if (byte >= run.end) return run.length;
      return static_cast<int>(QString::fromUtf8(markdown_.data() + run.begin, static_cast<int>(byte - run.begin)).size());
    };
    QTextEdit::ExtraSelection mark;
    mark.cursor = QTextCursor(document());
    mark.cursor.setPosition(run.position + units(begin));
    mark.cursor.setPosition(run.position + units(end), QTextCursor::KeepAnchor);
    mark.format.setBackground(tokens().mark);
    marks.append(mark);
  }
  setExtraSelections(marks);
}

QSize AnswerText::sizeHint() const {
  return {400, static_cast<int>(document()->size().height()) + 4};
}

void AnswerText::fit_height() {
  const int height = std::max(8, static_cast<int>(document()->size().height()) + 4);
  if (height == this->height() && minimumHeight() == height) return;
  setFixedHeight(height);
  emit height_changed();
}

QMimeData* AnswerText::createMimeDataFromSelection() const {
  const QTextCursor cursor = textCursor();
  QString text;
  for (QTextBlock block = document()->findBlock(cursor.selectionStart()); block.isValid() && block.position() < cursor.selectionEnd(); block = block.next()) {
    if (!text.isEmpty()) text += QLatin1Char('\n');
    for (auto it = block.begin(); !it.atEnd(); ++it) {
      const QTextFragment fragment = it.fragment();
      const int from = std::max(fragment.position(), cursor.selectionStart());
      const int to = std::min(fragment.position() + fragment.length(), cursor.selectionEnd());
      if (from >= to) continue;
      const QTextCharFormat format = fragment.charFormat();
      if (format.objectType() == kChipObject || format.objectType() == kMathObject) text += format.property(kPlainText).toString();
      else text += fragment.text().mid(from - fragment.position(), to - from);
    }
  }
  text.replace(QChar::LineSeparator, QLatin1Char('\n'));
  auto* data = new QMimeData;
  data->setText(text);
  return data;
}

// Nothing outside the answer is ever loaded, whatever the text names.
QVariant AnswerText::loadResource(int, const QUrl&) { return {}; }
void AnswerText::doSetSource(const QUrl&, QTextDocument::ResourceType) {}

int AnswerText::chip_at(const QPoint& point) const {
  const int position = document()->documentLayout()->hitTest(point, Qt::ExactHit);
  if (position < 0) return -1;
  QTextCursor cursor(document());
  cursor.setPosition(position);
  cursor.movePosition(QTextCursor::NextCharacter);
  const QTextCharFormat format = cursor.charFormat();
  return format.objectType() == kChipObject ? format.property(kChipIndex).toInt() : -1;
}

void AnswerText::mousePressEvent(QMouseEvent* event) {
  pressed_ = event->pos();
  QTextBrowser::mousePressEvent(event);
}

void AnswerText::mouseReleaseEvent(QMouseEvent* event) {
  QTextBrowser::mouseReleaseEvent(event);
  const bool click = (event->pos() - pressed_).manhattanLength() < QApplication::startDragDistance();
  if (event->button() != Qt::LeftButton || !click || !anchorAt(event->pos()).isEmpty()) return;
  if (const int chip = chip_at(event->pos()); chip >= 0) {
    emit chip_clicked(chip);
    return;
  }
  const int position = document()->documentLayout()->hitTest(event->pos(), Qt::ExactHit);
  if (const std::int64_t byte = byte_at(position); byte >= 0) emit text_clicked(static_cast<std::uint32_t>(byte));
}

void AnswerText::mouseMoveEvent(QMouseEvent* event) {
  QTextBrowser::mouseMoveEvent(event);
  const int chip = event->buttons() == Qt::NoButton ? chip_at(event->pos()) : -1;
  if (chip >= 0) viewport()->setCursor(Qt::PointingHandCursor);
  if (chip == hovered_) return;
  hovered_ = chip;
  emit chip_hovered(chip, event->globalPosition().toPoint());
}

void AnswerText::leaveEvent(QEvent* event) {
  QTextBrowser::leaveEvent(event);
  if (hovered_ < 0) return;
  hovered_ = -1;
  emit chip_hovered(-1, {});
}

void AnswerText::keyPressEvent(QKeyEvent* event) {
  const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
  const QTextCharFormat format = textCursor().charFormat();
  if (enter && format.objectType() == kChipObject) {
    emit chip_clicked(format.property(kChipIndex).toInt());
    return;
  }
  QTextBrowser::keyPressEvent(event);
}

void AnswerText::wheelEvent(QWheelEvent* event) { event->ignore(); }

void AnswerText::resizeEvent(QResizeEvent* event) {
  // Another height does not move a word: laying everything out again would make long answers slow.
  if (event->oldSize().isValid() && event->oldSize().width() == event->size().width()) {
    QAbstractScrollArea::resizeEvent(event);
    return;
  }
  QTextBrowser::resizeEvent(event);
  fit_height();
}

void AnswerText::changeEvent(QEvent* event) {
  QTextBrowser::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && !markdown_.empty()) redraw();
}

void AnswerText::paintEvent(QPaintEvent* event) {
  QPainter painter(viewport());
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  painter.setBrush(tokens().line);
  const QAbstractTextDocumentLayout* layout = document()->documentLayout();
  // Quotations have a bar beside them. Only what is in sight is looked at: an answer may be long.
  for (QTextBlock block = cursorForPosition(event->rect().topLeft()).block(); block.isValid(); block = block.next()) {
    const QRectF room = layout->blockBoundingRect(block);
    if (room.top() > event->rect().bottom()) break;
    const int depth = block.blockFormat().intProperty(kQuoteDepth);
    if (depth == 0) continue;
    const bool goes_on = block.next().isValid() && block.next().blockFormat().intProperty(kQuoteDepth) > 0;
    const double bottom = goes_on ? layout->blockBoundingRect(block.next()).top() : room.bottom();
    for (int i = 0; i < depth; ++i) painter.drawRoundedRect(QRectF(room.left() + kQuoteIndent * i, room.top(), 3, bottom - room.top()), 1.5, 1.5);
  }
  painter.end();
  QTextBrowser::paintEvent(event);
}

void AnswerText::follow(const QString& href) {
  if (href.startsWith(QLatin1String("copy:"))) {
    const QByteArray code = QByteArray::fromBase64(href.mid(5).toLatin1(), QByteArray::Base64UrlEncoding);
    QApplication::clipboard()->setText(QString::fromUtf8(code));
    return;
  }
  emit link_clicked(href);
}

}  // namespace ui
