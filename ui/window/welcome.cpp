#include "ui/window/welcome.h"

#include <QAbstractButton>
#include <QFileInfo>
#include <QLabel>
#include <QPainter>
#include <QVBoxLayout>

#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

/// A large button of two lines with an icon.
class Card final : public QAbstractButton {
 public:
  Card(const QString& icon_name, const QString& title, const QString& text) : icon_(icon_name), text_(text) {
    setText(title);
    setAccessibleName(title);
    setAccessibleDescription(text);
    setAttribute(Qt::WA_Hover);
    setCursor(Qt::PointingHandCursor);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  }
  QSize sizeHint() const override { return {360, text_.isEmpty() ? 40 : 64}; }

 protected:
  void paintEvent(QPaintEvent*) override {
    const Tokens& t = tokens();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const bool hover = underMouse();
    painter.setBrush(isDown() || hover ? t.pine_wash : t.paper);
    painter.setPen(QPen(hasFocus() ? t.pine : t.line, hasFocus() ? 1.75 : 1));
    painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), kRadius, kRadius);
    const int size = text_.isEmpty() ? 16 : 20;
    painter.drawPixmap(kPanelMargin, (height() - size) / 2, icon_pixmap(icon_, t.pine, size, devicePixelRatioF()));
    const QRect text_rect = rect().adjusted(kPanelMargin + size + kGroupGap, 0, -kGroupGap, 0);
    painter.setPen(t.ink);
    painter.setFont(text_.isEmpty() ? font() : strong(body_font()));
    const QString title = painter.fontMetrics().elidedText(text(), Qt::ElideRight, text_rect.width());
    painter.drawText(text_.isEmpty() ? text_rect : text_rect.adjusted(0, 11, 0, -height() / 2), Qt::AlignVCenter | Qt::TextSingleLine, title);
    if (text_.isEmpty()) return;
    painter.setPen(t.ink_soft);
    painter.setFont(small_font());
    painter.drawText(text_rect.adjusted(0, height() / 2, 0, -9), Qt::AlignVCenter | Qt::TextSingleLine, painter.fontMetrics().elidedText(text_, Qt::ElideRight, text_rect.width()));
  }

 private:
  QString icon_;
  QString text_;
};

QLabel* caption(const QString& text) {
  auto* label = new QLabel(text);
  label->setFont(strong(small_font()));
  label->setContentsMargins(0, kGroupGap, 0, 0);
  return label;
}

}  // namespace

Welcome::Welcome(QWidget* parent) : QFrame(parent), layout_(new QVBoxLayout(this)) {
  layout_->setContentsMargins(0, 32, 0, 0);
  layout_->setSpacing(kGrid);
  rebuild();
}

void Welcome::set_recent(const QStringList& paths) {
  recent_ = paths;
  rebuild();
}

void Welcome::set_has_sources(bool has_sources, const QStringList& examples) {
  if (has_sources == has_sources_ && examples == examples_) return;
  has_sources_ = has_sources;
  examples_ = examples;
  rebuild();
}

void Welcome::rebuild() {
  while (QLayoutItem* item = layout_->takeAt(0)) {
    if (QWidget* widget = item->widget()) {
      widget->hide();
      widget->deleteLater();  // it may be the one whose click leads here
    }
    delete item;
  }
  auto* title = new QLabel(has_sources_ ? tr("Ask about the sources") : tr("What shall be read?"));
  QFont font = strong(body_font());
  font.setPointSizeF(16);
  title->setFont(font);
  layout_->addWidget(title);
  auto* text = new QLabel(has_sources_ ? tr("The answer cites the pages and lines it rests on. What is ticked at the left goes into the prompt, whole.")
                                       : tr("Longleaf reads whole documents and code trees on this machine, and shows what it consulted."));
  text->setWordWrap(true);
  layout_->addWidget(text);
  layout_->addSpacing(kGrid);
  const auto add = [this](const QString& name, const QString& card_title, const QString& card_text, auto clicked) {
    auto* card = new Card(name, card_title, card_text);
    connect(card, &QAbstractButton::clicked, this, clicked);
    layout_->addWidget(card);
  };
  if (has_sources_) {
    if (!examples_.isEmpty()) layout_->addWidget(caption(tr("To begin with")));
    for (const QString& example : examples_) add(QStringLiteral("ask"), example, {}, [this, example] { emit example_requested(example); });
    return;
  }
  add(QStringLiteral("drop"), tr("Drop a PDF here"), tr("or choose files; several at once are fine"), [this] { emit add_files_requested(); });
  add(QStringLiteral("tree"), tr("Open a folder with code"), tr("as git sees it: what .gitignore names stays out"), [this] { emit add_folder_requested(); });
  add(QStringLiteral("sample"), tr("Try the sample"), tr("a report and a small code tree, ready for questions"), [this] { emit sample_requested(); });
  if (recent_.isEmpty()) return;
  layout_->addWidget(caption(tr("Recent projects")));
  for (const QString& path : recent_) {
    add(QStringLiteral("page"), QFileInfo(path).completeBaseName(), {}, [this, path] { emit project_requested(path); });
  }
}

}  // namespace ui
