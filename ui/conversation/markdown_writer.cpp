#include "ui/conversation/markdown_writer.h"

#include <md4c.h>

#include <QFontMetricsF>
#include <QTextBlock>
#include <QTextDocument>
#include <QTextFrame>
#include <QTextList>
#include <QTextTable>

#include <algorithm>

#include "ui/conversation/markdown_source.h"
#include "ui/page/syntax.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

class Writer {
 public:
  Writer(QTextCursor& cursor, const std::vector<Chip>& chips, const std::string& source, std::string_view original, std::uint32_t offset,
         std::vector<TextRun>* runs)
      : cursor_(cursor), chips_(chips), source_(source), original_(original), offset_(offset), runs_(runs), base_(body_font().pointSizeF()) {
    format_.setFont(body_font());
    format_.setForeground(tokens().ink);
    formats_.push_back(format_);
    // After a frame or table stands an empty block that wants to be used.
    fresh_ = cursor_.position() > 0 && cursor_.block().length() <= 1 && cursor_.currentList() == nullptr;
  }

  int enter_block(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_H: {
        const auto level = static_cast<MD_BLOCK_H_DETAIL*>(detail)->level;
        next_block(level <= 2 ? 14 : 10, 4);
        QTextCharFormat format = format_;
        format.setFontWeight(QFont::DemiBold);
        format.setFontPointSize(level == 1 ? base_ + 4 : level == 2 ? base_ + 2 : base_ + 0.5);
        push(format);
        return 0;
      }
      case MD_BLOCK_P:
        if (!in_item_start_ && !in_cell_) next_block(list_depth_ > 0 ? 2 : 4, list_depth_ > 0 ? 2 : 6);
        in_item_start_ = false;
        return 0;
      case MD_BLOCK_QUOTE: ++quote_depth_; return 0;
      case MD_BLOCK_UL: enter_list(QTextListFormat::ListDisc, 1); return 0;
      case MD_BLOCK_OL: enter_list(QTextListFormat::ListDecimal, static_cast<int>(static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start)); return 0;
      case MD_BLOCK_LI: enter_item(*static_cast<MD_BLOCK_LI_DETAIL*>(detail)); return 0;
      case MD_BLOCK_HR: horizontal_rule(); return 0;
      case MD_BLOCK_CODE: enter_code(*static_cast<MD_BLOCK_CODE_DETAIL*>(detail)); return 0;
      case MD_BLOCK_TABLE: enter_table(*static_cast<MD_BLOCK_TABLE_DETAIL*>(detail)); return 0;
      case MD_BLOCK_TR: ++row_; column_ = -1; return 0;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD: enter_cell(type == MD_BLOCK_TH, *static_cast<MD_BLOCK_TD_DETAIL*>(detail)); return 0;
      default: return 0;
    }
  }

  int leave_block(MD_BLOCKTYPE type) {
    flush();
    switch (type) {
      case MD_BLOCK_H: pop(); return 0;
      case MD_BLOCK_QUOTE: --quote_depth_; return 0;
      case MD_BLOCK_UL:
      case MD_BLOCK_OL: lists_.pop_back(); --list_depth_; return 0;
      case MD_BLOCK_LI: in_item_start_ = false; return 0;
      case MD_BLOCK_CODE: leave_code(); return 0;
      case MD_BLOCK_TABLE:
        cursor_.movePosition(QTextCursor::End);
        table_ = nullptr;
        fresh_ = true;
        return 0;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD: pop(); in_cell_ = false; return 0;
      default: return 0;
    }
  }

  int enter_span(MD_SPANTYPE type, void* detail) {
    flush();
    QTextCharFormat format = formats_.back();
    switch (type) {
      case MD_SPAN_EM: format.setFontItalic(true); break;
      case MD_SPAN_STRONG: format.setFontWeight(QFont::DemiBold); break;
      case MD_SPAN_DEL: format.setFontStrikeOut(true); break;
      case MD_SPAN_CODE:
        format.setFont(code_font());
        format.setBackground(mix(tokens().ink, tokens().paper, 0.06));
        break;
      case MD_SPAN_A: {
        const auto& href = static_cast<MD_SPAN_A_DETAIL*>(detail)->href;
        format.setAnchor(true);
        format.setAnchorHref(QString::fromUtf8(href.text, static_cast<int>(href.size)));
        format.setForeground(tokens().pine);
        format.setFontUnderline(true);
        break;
      }
      case MD_SPAN_IMG:  // a picture is never loaded: its words stand for it
        format.setFontItalic(true);
        break;
      case MD_SPAN_LATEXMATH:
      case MD_SPAN_LATEXMATH_DISPLAY:
        in_math_ = true;
        tex_.clear();
        break;
      default: break;
    }
    push(format);
    return 0;
  }

  int leave_span(MD_SPANTYPE type) {
    flush();
    pop();
    if (type == MD_SPAN_LATEXMATH || type == MD_SPAN_LATEXMATH_DISPLAY) {
      in_math_ = false;
      insert_math(type == MD_SPAN_LATEXMATH_DISPLAY);
    }
    return 0;
  }

  int text(MD_TEXTTYPE type, const MD_CHAR* data, MD_SIZE size) {
    if (in_math_) {
      tex_.append(type == MD_TEXT_SOFTBR || type == MD_TEXT_BR ? std::string(" ") : std::string(data, size));
      return 0;
    }
    if (in_code_) {
      // In code an anchor is what was written, not a citation.
      code_.append(inside(data) ? original_.substr(static_cast<std::size_t>(data - source_.data()), size) : std::string_view(data, size));
      if (code_begin_ == 0 && inside(data)) code_begin_ = offset_of(data);
      return 0;
    }
    switch (type) {
      case MD_TEXT_BR: flush(); cursor_.insertText(QString(QChar::LineSeparator), formats_.back()); return 0;
      case MD_TEXT_SOFTBR: flush(); if (after_display_) return 0; cursor_.insertText(QStringLiteral(" "), formats_.back()); return 0;
      case MD_TEXT_ENTITY: flush(); cursor_.insertText(entity(std::string_view(data, size)), formats_.back()); return 0;
      default: break;
    }
    if (!inside(data)) {
      flush();
      cursor_.insertText(QString::fromUtf8(data, static_cast<int>(size)), formats_.back());
      return 0;
    }
    if (run_ != nullptr && run_ + run_size_ == data) {
      run_size_ += size;
    } else {
      flush();
      run_ = data;
      run_size_ = size;
    }
    return 0;
  }

  void finish() { flush(); }

 private:
  bool inside(const char* at) const { return at >= source_.data() && at < source_.data() + source_.size(); }
  std::uint32_t offset_of(const char* at) const { return offset_ + static_cast<std::uint32_t>(at - source_.data()); }

  void push(const QTextCharFormat& format) { formats_.push_back(format); }
  void pop() {
    if (formats_.size() > 1) formats_.pop_back();
  }

  static QString entity(std::string_view name) {
    if (name == "&lt;") return QStringLiteral("<");
    if (name == "&gt;") return QStringLiteral(">");
    if (name == "&amp;") return QStringLiteral("&");
    if (name == "&quot;") return QStringLiteral("\"");
    if (name == "&nbsp;") return QString(QChar::Nbsp);
    return QString::fromUtf8(name.data(), static_cast<int>(name.size()));
  }

  void next_block(double above, double below) {
    after_display_ = false;
    QTextBlockFormat format;
    format.setTopMargin(above);
    format.setBottomMargin(below);
    format.setLineHeight(128, QTextBlockFormat::ProportionalHeight);
    if (quote_depth_ > 0) {
      format.setLeftMargin(kQuoteIndent * quote_depth_);
      format.setForeground(tokens().ink_soft);
      format.setProperty(kQuoteDepth, quote_depth_);
    }
    if (list_depth_ > 0 && !in_item_start_) format.setIndent(list_depth_);
    const bool empty_document = cursor_.document()->isEmpty() && cursor_.position() == 0;
    if (empty_document || fresh_) {
      if (empty_document) format.setTopMargin(0);
      cursor_.setBlockFormat(format);
      cursor_.setBlockCharFormat(formats_.back());
    } else {
      cursor_.insertBlock(format, formats_.back());
    }
    if (QTextList* list = cursor_.currentList(); list != nullptr && list_depth_ == 0) list->remove(cursor_.block());
    fresh_ = false;
  }

  /// A frame or table leaves the empty block that it is put into above itself: nobody should see it.
  void thin_block() {
    QTextBlockFormat format = cursor_.blockFormat();
    format.setLineHeight(1, QTextBlockFormat::FixedHeight);
    cursor_.setBlockFormat(format);
  }

  void enter_list(QTextListFormat::Style style, int start) {
    flush();
    ++list_depth_;
    QTextListFormat format;
    format.setStyle(style);
    format.setIndent(list_depth_);
    lists_.push_back({format, nullptr, start});
  }

  void enter_item(const MD_BLOCK_LI_DETAIL& detail) {
    flush();
    in_item_start_ = true;
    next_block(2, 2);
    List& list = lists_.back();
    if (list.list == nullptr) {
      if (list.format.style() == QTextListFormat::ListDecimal && list.start > 1) {
        list.format.setNumberPrefix(QString());
      }
      list.list = cursor_.createList(list.format);
    } else {
      list.list->add(cursor_.block());
    }
    QTextBlockFormat block = cursor_.blockFormat();
    block.setIndent(0);
    if (detail.is_task) block.setMarker(detail.task_mark == ' ' ? QTextBlockFormat::MarkerType::Unchecked : QTextBlockFormat::MarkerType::Checked);
    cursor_.setBlockFormat(block);
  }

  void horizontal_rule() {
    next_block(8, 8);
    QTextBlockFormat format = cursor_.blockFormat();
    format.setProperty(QTextFormat::BlockTrailingHorizontalRulerWidth, QVariant::fromValue(QTextLength(QTextLength::PercentageLength, 100)));
    cursor_.setBlockFormat(format);
  }

  void enter_code(const MD_BLOCK_CODE_DETAIL& detail) {
    flush();
    in_code_ = true;
    code_.clear();
    code_begin_ = 0;
    language_ = QString::fromUtf8(detail.lang.text, static_cast<int>(detail.lang.size));
  }

  void leave_code() {
    in_code_ = false;
    QTextFrameFormat frame;
    frame.setBackground(mix(tokens().ink, tokens().paper, 0.045));
    frame.setPadding(kGrid);
    frame.setTopMargin(6);
    frame.setBottomMargin(6);
    frame.setBorder(0);
    next_block(0, 0);
    thin_block();
    cursor_.insertFrame(frame);
    QTextBlockFormat plain;
    plain.setNonBreakableLines(false);
    plain.setLineHeight(120, QTextBlockFormat::ProportionalHeight);
    cursor_.setBlockFormat(plain);
    QTextCharFormat caption;
    caption.setFont(small_font());
    caption.setForeground(tokens().ink_soft);
    cursor_.insertText(language_.isEmpty() ? QObject::tr("Text") : language_, caption);
    caption.setAnchor(true);
    caption.setAnchorHref(QStringLiteral("copy:") + QString::fromLatin1(QByteArray::fromStdString(code_).toBase64(QByteArray::Base64UrlEncoding)));
    caption.setForeground(tokens().pine);
    cursor_.insertText(QStringLiteral("   "));
    cursor_.insertText(QObject::tr("Copy"), caption);
    write_code_lines(plain);
    cursor_.movePosition(QTextCursor::End);
    fresh_ = true;
  }

  void write_code_lines(const QTextBlockFormat& block) {
    while (!code_.empty() && code_.back() == '\n') code_.pop_back();
    QTextCharFormat base;
    base.setFont(code_font());
    base.setForeground(tokens().ink);
    const Syntax syntax = Syntax::of_language(language_);
    SyntaxState state;
    const QStringList lines = QString::fromStdString(code_).split(QLatin1Char('\n'));
    for (const QString& line : lines) {
      cursor_.insertBlock(block, base);
      int at = 0;
      for (const SyntaxSpan& span : syntax.spans(line, state)) {
        if (span.begin > at) cursor_.insertText(line.mid(at, span.begin - at), base);
        QTextCharFormat format = base;
        format.setForeground(syntax_color(span.kind));
        cursor_.insertText(line.mid(span.begin, span.length), format);
        at = span.begin + span.length;
      }
      cursor_.insertText(line.mid(at), base);
    }
  }

  void enter_table(const MD_BLOCK_TABLE_DETAIL& detail) {
    flush();
    QTextTableFormat format;
    format.setCellPadding(5);
    format.setCellSpacing(0);
    format.setBorder(1);
    format.setBorderCollapse(true);
    format.setBorderStyle(QTextFrameFormat::BorderStyle_Solid);
    format.setBorderBrush(tokens().line);
    format.setTopMargin(6);
    format.setBottomMargin(8);
    format.setHeaderRowCount(static_cast<int>(detail.head_row_count));
    next_block(0, 0);
    thin_block();
    const int rows = static_cast<int>(detail.head_row_count + detail.body_row_count);
    table_ = cursor_.insertTable(std::max(rows, 1), std::max<int>(static_cast<int>(detail.col_count), 1), format);
    row_ = column_ = -1;
  }

  void enter_cell(bool head, const MD_BLOCK_TD_DETAIL& detail) {
    flush();
    ++column_;
    in_cell_ = true;
    QTextCharFormat format = format_;
    if (head) format.setFontWeight(QFont::DemiBold);
    push(format);
    if (table_ == nullptr || row_ >= table_->rows() || column_ >= table_->columns()) return;
    QTextTableCell cell = table_->cellAt(row_, column_);
    if (head) {
      QTextCharFormat ground = cell.format();
      ground.setBackground(mix(tokens().ink, tokens().paper, 0.045));
      cell.setFormat(ground);
    }
    cursor_ = cell.firstCursorPosition();
    QTextBlockFormat block;
    block.setAlignment(detail.align == MD_ALIGN_RIGHT ? Qt::AlignRight : detail.align == MD_ALIGN_CENTER ? Qt::AlignHCenter : Qt::AlignLeft);
    cursor_.setBlockFormat(block);
  }

  void insert_math(bool display) {
    tex_.erase(std::remove(tex_.begin(), tex_.end(), kFillByte), tex_.end());
    const QString tex = QString::fromStdString(tex_);
    QTextCharFormat format = formats_.back();
    format.setObjectType(kMathObject);
    format.setProperty(kTex, tex);
    format.setProperty(kTexDisplay, display);
    format.setProperty(kPlainText, display ? QStringLiteral("$$%1$$").arg(tex) : QStringLiteral("$%1$").arg(tex));
    format.setVerticalAlignment(QTextCharFormat::AlignMiddle);
    if (display && !in_cell_ && list_depth_ == 0) {
      // A displayed formula has a line of its own.
      if (cursor_.block().length() > 1) next_block(4, 4);
      QTextBlockFormat block = cursor_.blockFormat();
      block.setAlignment(Qt::AlignHCenter);
      cursor_.setBlockFormat(block);
      after_display_ = true;
    }
    cursor_.insertText(QString(QChar::ObjectReplacementCharacter), format);
  }

  void flush() {
    if (run_ == nullptr) return;
    const char* at = run_;
    const char* const end = run_ + run_size_;
    run_ = nullptr;
    run_size_ = 0;
    while (at < end) {
      if (*at == kAnchorByte) {
        at = insert_chip(at, end);
        continue;
      }
      const char* stop = std::find_if(at, end, [](char c) { return c == kAnchorByte || c == kFillByte; });
      if (stop > at) insert_text(at, stop);
      at = stop < end && *stop == kFillByte ? stop + 1 : stop;
    }
  }

  void insert_text(const char* begin, const char* end) {
    const QString text = QString::fromUtf8(begin, static_cast<int>(end - begin));
    if (after_display_) {
      after_display_ = false;
      if (text.trimmed().isEmpty()) return;
      next_block(4, 6);
    }
    if (runs_ != nullptr) runs_->push_back({cursor_.position(), static_cast<int>(text.size()), offset_of(begin), offset_of(end)});
    cursor_.insertText(text, formats_.back());
  }

  const char* insert_chip(const char* at, const char* end) {
    const std::uint32_t where = offset_of(at);
    const auto chip = std::find_if(chips_.begin(), chips_.end(), [where](const Chip& c) { return c.begin == where; });
    if (chip == chips_.end()) return at + 1;
    const char* after = std::min(end, at + (chip->end - chip->begin));
    if (chip->hidden) {
      if (after < end && *after == ' ') ++after;
      return after;
    }
    QTextCharFormat format = formats_.back();
    format.setObjectType(kChipObject);
    format.setProperty(kChipIndex, chip->index);
    format.setProperty(kChipLabel, chip->label);
    format.setProperty(kChipMark, static_cast<int>(chip->mark));
    format.setProperty(kChipEvidence, static_cast<int>(chip->evidence));
    format.setToolTip((mark_text(chip->mark) + QLatin1Char(' ') + evidence_text(chip->evidence)).trimmed());
    format.setProperty(kPlainText, QStringLiteral("[%1]").arg(chip->label));
    format.setVerticalAlignment(QTextCharFormat::AlignMiddle);
    if (runs_ != nullptr) runs_->push_back({cursor_.position(), 1, chip->begin, chip->end});
    cursor_.insertText(QString(QChar::ObjectReplacementCharacter), format);
    return after;
  }

  struct List {
    QTextListFormat format;
    QTextList* list;
    int start;
  };

  QTextCursor& cursor_;
  const std::vector<Chip>& chips_;
  const std::string& source_;
  std::string_view original_;  // before anchors and TeX were made ready, byte for byte as long
  std::uint32_t offset_;
  std::vector<TextRun>* runs_;
  double base_;
  QTextCharFormat format_;
  std::vector<QTextCharFormat> formats_;
  std::vector<List> lists_;
  int list_depth_ = 0;
  int quote_depth_ = 0;
  bool in_item_start_ = false;
  bool fresh_ = false;       // the block after a frame or table is there already
  bool in_cell_ = false;
  bool in_code_ = false;
  bool in_math_ = false;
  bool after_display_ = false;  // what follows a displayed formula begins a line
  std::string code_;
  std::uint32_t code_begin_ = 0;
  std::string tex_;
  QString language_;
  QTextTable* table_ = nullptr;
  int row_ = -1;
  int column_ = -1;
  const char* run_ = nullptr;
  std::size_t run_size_ = 0;
};

}  // namespace

void MarkdownWriter::write(std::string_view markdown, std::uint32_t offset, std::vector<TextRun>* runs) {
  const std::string source = prepared_markdown(markdown, offset, chips_);
  Writer writer(cursor_, chips_, source, markdown, offset, runs);
  MD_PARSER parser{};
  parser.flags = kMarkdownFlags;
  parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* self) { return static_cast<Writer*>(self)->enter_block(type, detail); };
  parser.leave_block = [](MD_BLOCKTYPE type, void*, void* self) { return static_cast<Writer*>(self)->leave_block(type); };
  parser.enter_span = [](MD_SPANTYPE type, void* detail, void* self) { return static_cast<Writer*>(self)->enter_span(type, detail); };
  parser.leave_span = [](MD_SPANTYPE type, void*, void* self) { return static_cast<Writer*>(self)->leave_span(type); };
  parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* self) { return static_cast<Writer*>(self)->text(type, text, size); };
  md_parse(source.data(), static_cast<MD_SIZE>(source.size()), &parser, &writer);
  writer.finish();
}

std::size_t last_open_block(std::string_view markdown, std::size_t from) {
  std::size_t open = from;
  bool in_fence = false;
  bool after_blank = false;
  char fence = '`';
  for (std::size_t line = from; line < markdown.size();) {
    const std::size_t end = std::min(markdown.find('\n', line), markdown.size());
    const std::string_view text = markdown.substr(line, end - line);
    const std::size_t first = text.find_first_not_of(" \t\r");
    const bool blank = first == std::string_view::npos;
    if (!blank && !in_fence && after_blank && first == 0) open = line;
    const std::string_view start = blank ? std::string_view() : text.substr(first, 3);
    if (start == "```" || start == "~~~") {
      if (!in_fence) fence = start[0];
      if (!in_fence || start[0] == fence) in_fence = !in_fence;
    }
    after_blank = blank;
    line = end + 1;
  }
  return open;
}

}  // namespace ui
