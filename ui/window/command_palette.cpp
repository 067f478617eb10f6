#include "ui/window/command_palette.h"

#include <QAction>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include <algorithm>

#include "ui/conversation/conversation_panel.h"
#include "ui/page/document_panel.h"
#include "ui/settings/shortcuts_page.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"
#include "ui/window/main_window.h"
#include "ui/window/workspace.h"

namespace ui {
namespace {

constexpr int kWidth = 600;
constexpr std::size_t kMostShown = 60;
constexpr int kMostRemembered = 12;

class PaletteDelegate final : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override { return {1, kRowHeight + 4}; }
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    const Tokens& t = tokens();
    if (option.state & QStyle::State_Selected) painter->fillRect(option.rect, t.pine_wash);
    const QPixmap picture = icon_pixmap(index.data(Qt::UserRole + 1).toString(), t.ink_soft, 16, painter->device()->devicePixelRatioF());
    if (!picture.isNull()) painter->drawPixmap(option.rect.left() + kGroupGap, option.rect.center().y() - 7, picture);
    painter->setFont(small_font());
    painter->setPen(t.ink_soft);
    const QString detail = painter->fontMetrics().elidedText(index.data(Qt::UserRole).toString(), Qt::ElideLeft, option.rect.width() / 2);
    const QRect room = option.rect.adjusted(kGroupGap + 26, 0, -kGroupGap, 0);
    painter->drawText(room, Qt::AlignRight | Qt::AlignVCenter, detail);
    const int taken = painter->fontMetrics().horizontalAdvance(detail) + kGroupGap;
    painter->setFont(body_font());
    painter->setPen(t.ink);
    painter->drawText(room, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                      painter->fontMetrics().elidedText(index.data().toString(), Qt::ElideRight, room.width() - taken));
  }
};

}  // namespace

int fit_of(const QString& words, const QString& text) {
  if (words.isEmpty()) return 1;
  const QString folded = text.toLower();
  int score = 0;
  for (const QString& word : words.toLower().split(QLatin1Char(' '), Qt::SkipEmptyParts)) {
    const auto at = folded.indexOf(word);
    if (at >= 0) {
      const bool at_start = at == 0 || !folded[at - 1].isLetterOrNumber();
      score += (at_start ? 60 : 30) + (at == 0 ? 20 : 0) - static_cast<int>(std::min<qsizetype>(at, 20));
      continue;
    }
    // Letters in order: "npn" finds "Next panel".
    qsizetype from = 0;
    for (const QChar c : word) {
      from = folded.indexOf(c, from);
      if (from < 0) return 0;
      ++from;
    }
    score += 5;
  }
  return std::max(1, score - static_cast<int>(text.size()) / 12);
}

CommandPalette::CommandPalette(MainWindow& window) : QFrame(&window), window_(window), edit_(new QLineEdit), list_(new QListWidget) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kGrid, kGrid, kGrid, kGrid);
  layout->setSpacing(kTight);
  edit_->setPlaceholderText(tr("Commands, pages, files, questions"));
  edit_->setAccessibleName(tr("Find a command, a page, a file or a question"));
  list_->setFrameShape(QFrame::NoFrame);
  list_->setAccessibleName(tr("Matches"));
  list_->setItemDelegate(new PaletteDelegate(list_));
  list_->setFocusPolicy(Qt::NoFocus);
  list_->setUniformItemSizes(true);
  layout->addWidget(edit_);
  layout->addWidget(list_);
  edit_->installEventFilter(this);
  connect(edit_, &QLineEdit::textChanged, this, &CommandPalette::show_matches);
  connect(list_, &QListWidget::itemClicked, this, [this] { run_current(); });
  hide();
}

void CommandPalette::collect() {
  entries_.clear();
  for (QAction* action : window_.commands()) {
    if (!action->isEnabled()) continue;
    const QString icon_name = action->property("icon_name").toString();
    entries_.push_back({plain_text_of(*action), action->shortcut().toString(QKeySequence::NativeText), icon_name.isEmpty() ? QStringLiteral("chevron-right") : icon_name,
                        action->objectName(), [action] { action->trigger(); }});
  }
  Workspace& workspace = window_.workspace();
  for (const auto& [document, parts] : workspace.session().parts()) {
    const app::Document* owner = workspace.session().document(document);
    const bool pdf = owner != nullptr && owner->kind == app::DocumentKind::kPdf;
    const QString title = owner == nullptr ? QString() : QString::fromStdString(owner->title);
    for (const app::Part& part : parts) {
      const app::PartId id = part.id;
      const QString name = pdf ? tr("Page %1").arg(part.name.empty() ? QString::number(part.ordinal) : QString::fromStdString(part.name)) : QString::fromStdString(part.name);
      entries_.push_back({name, title, pdf ? QStringLiteral("page") : QStringLiteral("code"), {}, [this, id] { window_.document().open(id); }});
    }
  }
  for (const QString& question : window_.conversation().questions()) {
    entries_.push_back({question, tr("Question"), QStringLiteral("ask"), {}, [this, question] { window_.conversation().show_question(question); }});
  }
}

void CommandPalette::collect_runs() {
  if (!window_.workspace().session().is_open()) return;
  window_.workspace().session().with_project(
      this, [](app::Project& project) { return project.runs(); },
      [this, ticket = runs_.next()](const app::Result<std::vector<app::Run>>& runs) {
        if (!ticket.is_current() || !runs) return;
        // What is shown points into the list that grows now.
        shown_.clear();
        for (const app::Run& run : *runs) {
          const app::RunId id = run.id;
          entries_.push_back({QString::fromStdString(run.question).simplified(), tr("Run %1").arg(id), QStringLiteral("branch"), {}, [this, id] { window_.conversation().open_run(id); }});
        }
        show_matches();
      });
}

void CommandPalette::open() {
  collect();
  const int width = std::min(kWidth, window_.width() - 2 * kPanelMargin);
  setGeometry((window_.width() - width) / 2, 56, width, std::min(440, window_.height() - 120));
  edit_->clear();
  show_matches();
  collect_runs();
  show();
  raise();
  edit_->setFocus();
}

std::vector<const CommandPalette::Entry*> CommandPalette::matches(const QString& words) const {
  std::vector<std::pair<int, const Entry*>> found;
  for (const Entry& entry : entries_) {
    int fit = fit_of(words, entry.text);
    if (fit == 0) fit = fit_of(words, entry.text + QLatin1Char(' ') + entry.detail) / 2;
    if (fit == 0) continue;
    const auto used = used_.indexOf(entry.id);
    if (!entry.id.isEmpty() && used >= 0) fit += 15 - static_cast<int>(used);
    found.emplace_back(fit, &entry);
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<const Entry*> result;
  for (const auto& [fit, entry] : found) {
    if (result.size() >= kMostShown) break;
    result.push_back(entry);
  }
  return result;
}

void CommandPalette::show_matches() {
  shown_ = matches(edit_->text().trimmed());
  list_->clear();
  for (const Entry* entry : shown_) {
    auto* item = new QListWidgetItem(entry->text);
    item->setData(Qt::UserRole, entry->detail);
    item->setData(Qt::UserRole + 1, entry->icon);
    list_->addItem(item);
  }
  list_->setCurrentRow(0);
}

void CommandPalette::run_current() {
  const int row = list_->currentRow();
  hide();
  if (row < 0 || row >= static_cast<int>(shown_.size())) return;
  const Entry entry = *shown_[static_cast<std::size_t>(row)];
  if (!entry.id.isEmpty()) {
    used_.removeAll(entry.id);
    used_.prepend(entry.id);
    while (used_.size() > kMostRemembered) used_.removeLast();
  }
  window_.setFocus();
  entry.run();
}

bool CommandPalette::eventFilter(QObject* object, QEvent* event) {
  if (event->type() == QEvent::FocusOut && isVisible()) hide();
  if (event->type() == QEvent::KeyPress) {
    const int key = static_cast<QKeyEvent*>(event)->key();
    const int row = list_->currentRow();
    if (key == Qt::Key_Down || key == Qt::Key_Up) {
      list_->setCurrentRow(std::clamp(row + (key == Qt::Key_Down ? 1 : -1), 0, std::max(0, list_->count() - 1)));
      return true;
    }
    if (key == Qt::Key_Return || key == Qt::Key_Enter) {
      run_current();
      return true;
    }
    if (key == Qt::Key_Escape) {
      hide();
      window_.setFocus();
      return true;
    }
  }
  return QFrame::eventFilter(object, event);
}

void CommandPalette::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setBrush(tokens().paper);
  painter.setPen(QPen(mix(tokens().ink_soft, tokens().paper, 0.5), 1));
  painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), kRadius, kRadius);
}

}  // namespace ui
