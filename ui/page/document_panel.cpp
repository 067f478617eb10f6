#include "ui/page/document_panel.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QStackedWidget>
#include <QStyle>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

#include "ui/page/code_view.h"
#include "ui/page/page_strip.h"
#include "ui/page/pages_view.h"
#include "ui/project/project_session.h"
#include "ui/sources/source_model.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kMostAskedAbout = 600;  // characters of a selection that go into a question
constexpr std::size_t kMostFinds = 2000;
constexpr std::size_t kLongestHistory = 100;

/// Where `needle` (lower case) stands in `text`, in bytes; letters of any case.
std::vector<std::pair<std::uint32_t, std::uint32_t>> places_of(const QString& needle, const std::string& text) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> result;
  const QString all = QString::fromStdString(text);
  qsizetype units = 0;
  std::uint32_t bytes = 0;
  for (auto at = all.indexOf(needle, 0, Qt::CaseInsensitive); at >= 0; at = all.indexOf(needle, at + needle.size(), Qt::CaseInsensitive)) {
    bytes += static_cast<std::uint32_t>(QStringView(all).mid(units, at - units).toUtf8().size());
    units = at;
    const auto length = static_cast<std::uint32_t>(QStringView(all).mid(at, needle.size()).toUtf8().size());
    result.emplace_back(bytes, bytes + length);
  }
  return result;
}

}  // namespace

DocumentPanel::DocumentPanel(ProjectSession& session, QWidget* parent)
    : QFrame(parent), session_(session), pages_(new PagesView), code_(new CodeView), stack_(new QStackedWidget), strip_(new PageStrip(session)), title_(new QLabel),
      empty_(new QLabel), find_bar_(new QFrame), find_edit_(new QLineEdit), find_count_(new QLabel) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  auto* head = new QHBoxLayout;
  head->setContentsMargins(kGrid, kTight, kGrid, kTight);
  head->setSpacing(2);
  back_ = add_button(QStringLiteral("back"), tr("Back"));
  forward_ = add_button(QStringLiteral("forward"), tr("Forward"));
  strip_button_ = add_button(QStringLiteral("thumbnails"), tr("Pages and outline"));
  strip_button_->setCheckable(true);
  head->addWidget(strip_button_);
  head->addWidget(back_);
  head->addWidget(forward_);
  title_->setTextFormat(Qt::PlainText);
  title_->setFont(strong(small_font()));
  title_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  head->addWidget(title_, 1);
  heat_button_ = add_button(QStringLiteral("heat"), tr("Show what was selected, over the text"));
  heat_button_->setCheckable(true);
  head->addWidget(heat_button_);
  auto* smaller = add_button(QStringLiteral("zoom-out"), tr("Smaller"));
  auto* larger = add_button(QStringLiteral("zoom-in"), tr("Larger"));
  auto* fit = add_button(QStringLiteral("fit"), tr("Fit the width"));
  auto* find = add_button(QStringLiteral("search"), tr("Find in this document"));
  for (auto* button : {smaller, larger, fit, find}) head->addWidget(button);
  layout->addLayout(head);

  auto* find_row = new QHBoxLayout(find_bar_);
  find_row->setContentsMargins(kGrid, 0, kGrid, kTight);
  find_edit_->setPlaceholderText(tr("Find in this document"));
  find_edit_->setAccessibleName(tr("Find in this document"));
  find_edit_->setClearButtonEnabled(true);
  find_count_->setFont(small_font());
  find_row->addWidget(find_edit_, 1);
  find_row->addWidget(find_count_);
  auto* previous = add_button(QStringLiteral("up"), tr("Previous match"));
  auto* next = add_button(QStringLiteral("down"), tr("Next match"));
  auto* close = add_button(QStringLiteral("close"), tr("Close find"));
  for (auto* button : {previous, next, close}) find_row->addWidget(button);
  find_bar_->hide();
  layout->addWidget(find_bar_);

  empty_->setText(tr("Click a citation, or a page or file in the sources, to read it here."));
  empty_->setAlignment(Qt::AlignCenter);
  empty_->setWordWrap(true);
  empty_->setMargin(kPanelMargin * 2);
  stack_->addWidget(empty_);
  stack_->addWidget(pages_);
  stack_->addWidget(code_);
  auto* body = new QHBoxLayout;
  body->setSpacing(0);
  body->addWidget(strip_);
  body->addWidget(stack_, 1);
  layout->addLayout(body, 1);
  strip_->hide();

  pages_->set_text_source([this](app::PartId part, std::function<void(std::shared_ptr<const app::PartText>)> deliver) {
    session_.part_text(part, pages_, std::move(deliver));
  });
  connect(strip_button_, &QToolButton::toggled, this, &DocumentPanel::show_strip);
  connect(strip_, &PageStrip::page_chosen, pages_, &PagesView::go_to_page);
  connect(strip_, &PageStrip::heading_chosen, this, &DocumentPanel::open);
  connect(heat_button_, &QToolButton::toggled, this, [this] { set_heat(heat_); });
  connect(back_, &QToolButton::clicked, this, &DocumentPanel::go_back);
  connect(forward_, &QToolButton::clicked, this, &DocumentPanel::go_forward);
  connect(smaller, &QToolButton::clicked, this, [this] { stack_->currentWidget() == code_ ? code_->set_font_step(code_->font_step() - 1) : pages_->zoom_by(1 / 1.2); });
  connect(larger, &QToolButton::clicked, this, [this] { stack_->currentWidget() == code_ ? code_->set_font_step(code_->font_step() + 1) : pages_->zoom_by(1.2); });
  connect(fit, &QToolButton::clicked, this, [this] { stack_->currentWidget() == code_ ? code_->set_font_step(0) : pages_->set_zoom(0); });
  connect(find, &QToolButton::clicked, this, &DocumentPanel::show_find);
  connect(close, &QToolButton::clicked, this, [this] {
    find_bar_->hide();
    find_edit_->clear();
  });
  connect(previous, &QToolButton::clicked, this, [this] { step_find(-1); });
  connect(next, &QToolButton::clicked, this, [this] { step_find(1); });
  connect(find_edit_, &QLineEdit::returnPressed, this, [this] { step_find(1); });
  connect(find_edit_, &QLineEdit::textChanged, this, &DocumentPanel::find);
  connect(pages_, &PagesView::page_changed, this, [this] {
    if (stack_->currentWidget() == pages_) part_ = pages_->part_at_page(pages_->current_page());
    strip_->set_current(pages_->current_page());
    show_title();
  });
  for (QAbstractScrollArea* view : {static_cast<QAbstractScrollArea*>(pages_), static_cast<QAbstractScrollArea*>(code_)}) {
    view->setContextMenuPolicy(Qt::CustomContextMenu);
    connect(view, &QWidget::customContextMenuRequested, this, [this, view](const QPoint& at) { show_menu(view->viewport()->mapToGlobal(at)); });
  }
  set_text_color(empty_, tokens().ink_soft);
  show_title();
}

std::map<app::PartId, app::Passages> DocumentPanel::selection() const {
  std::map<app::PartId, app::Passages> chosen;
  if (stack_->currentWidget() == pages_) {
    for (const PagesView::Range& range : pages_->selected_ranges()) chosen[range.part].emplace_back(range.begin, range.end);
  } else if (const auto [begin, end] = code_->selected_bytes(); begin < end) {
    chosen[part_].emplace_back(begin, end);
  }
  return chosen;
}

void DocumentPanel::ask_about_selection() {
  const auto chosen = selection();
  if (chosen.empty()) return;
  const bool pages = stack_->currentWidget() == pages_;
  QString place = session_.part_title(chosen.begin()->first);
  if (!pages) place += QLatin1Char(':') + QString::number(code_->selected_lines().first);
  QString words = (pages ? pages_->selected_text() : code_->selected_text()).simplified();
  if (words.size() > kMostAskedAbout) words = words.left(kMostAskedAbout) + QChar(0x2026);
  emit ask_requested(words, place);
}

void DocumentPanel::choose_selection() {
  if (const auto chosen = selection(); !chosen.empty()) emit choose_requested(chosen);
}

void DocumentPanel::choose_open_part() {
  if (part_ != 0) emit choose_requested({{part_, {}}});
}

void DocumentPanel::show_menu(const QPoint& global) {
  if (part_ == 0) return;
  const bool pages = stack_->currentWidget() == pages_;
  const QString words = pages ? pages_->selected_text() : code_->selected_text();
  QMenu menu(this);
  menu.addAction(icon(QStringLiteral("copy")), tr("Copy"), this, [words] { QApplication::clipboard()->setText(words); });
  menu.addAction(icon(QStringLiteral("ask")), tr("Ask about the selection"), this, &DocumentPanel::ask_about_selection);
  const auto [first, last] = code_->selected_lines();
  const QString only = pages ? tr("Choose only the selected passage as source") : first == last ? tr("Choose only line %1 as source").arg(first) : tr("Choose only lines %1 to %2 as source").arg(first).arg(last);
  menu.addAction(pages || first > 0 ? only : tr("Choose only the selected lines as source"), this, &DocumentPanel::choose_selection);
  for (QAction* action : menu.actions()) action->setEnabled(!words.isEmpty());
  menu.addSeparator();
  menu.addAction(pages ? tr("Choose this whole page as source") : tr("Choose this whole file as source"), this, &DocumentPanel::choose_open_part);
  menu.exec(global);
}

QToolButton* DocumentPanel::add_button(const QString& icon_name, const QString& text) {
  auto* button = new QToolButton;
  button->setIcon(icon(icon_name));
  button->setAutoRaise(true);
  button->setToolTip(text);
  button->setAccessibleName(text);
  return button;
}

void DocumentPanel::open(app::PartId part, std::uint32_t begin, std::uint32_t end) {
  history_.resize(at_);
  history_.push_back({part, begin, end});
  if (history_.size() > kLongestHistory) history_.erase(history_.begin());
  at_ = history_.size();
  show_place(history_.back());
}

void DocumentPanel::go_back() {
  if (at_ > 1) show_place(history_[--at_ - 1]);
}

void DocumentPanel::go_forward() {
  if (at_ < history_.size()) show_place(history_[at_++]);
}

void DocumentPanel::show_place(const Place& place) {
  const app::Part* part = session_.part(place.part);
  const app::Document* document = part == nullptr ? nullptr : session_.document(part->document);
  if (document == nullptr) return;
  part_ = place.part;
  if (document->kind == app::DocumentKind::kPdf) {
    pages_->set_document(*document, session_.parts().at(document->id), session_.worker());
    stack_->setCurrentWidget(pages_);
    show_strip();
    pages_->set_heat(heat_shown());
    pages_->go_to(place.part, place.begin, place.end);
  } else {
    stack_->setCurrentWidget(code_);
    show_strip();
    const QString language = QString::fromStdString(part->language);
    session_.part_text(place.part, code_, [this, place, language](std::shared_ptr<const app::PartText> text) {
      if (part_ != place.part) return;
      code_->set_text(std::move(text), language);
      code_->set_heat(heat_shown().value(place.part));
      code_->mark(place.begin, place.end);
      show_finds();
    });
  }
  show_title();
  emit opened(part_);
}

void DocumentPanel::clear() {
  history_.clear();
  at_ = 0;
  part_ = 0;
  finds_.clear();
  pages_->clear();
  code_->clear();
  strip_->clear();
  strip_->hide();
  stack_->setCurrentWidget(empty_);
  show_title();
}

app::PartId DocumentPanel::current_part() const { return part_; }

void DocumentPanel::set_strip_shown(bool shown) { strip_button_->setChecked(shown); }

void DocumentPanel::show_strip() {
  const bool pages = stack_->currentWidget() == pages_;
  strip_button_->setEnabled(pages);
  const app::Part* part = session_.part(part_);
  const app::Document* document = part == nullptr ? nullptr : session_.document(part->document);
  const bool shown = pages && strip_button_->isChecked() && document != nullptr;
  // Nothing is drawn for a strip that nobody sees.
  if (shown) strip_->set_document(*document, session_.parts().at(document->id), session_.worker());
  strip_->setVisible(shown);
  if (shown) strip_->set_current(pages_->current_page());
}

void DocumentPanel::show_title() {
  const app::Part* part = session_.part(part_);
  QString title;
  if (part != nullptr) {
    title = session_.part_title(part_);
    if (stack_->currentWidget() == pages_) title += tr("  of %1").arg(grouped(pages_->n_pages()));
  }
  title_->setText(title);
  title_->setToolTip(title);
  back_->setEnabled(at_ > 1);
  forward_->setEnabled(at_ < history_.size());
}

void DocumentPanel::show_find() {
  find_bar_->show();
  find_edit_->setFocus();
  find_edit_->selectAll();
}

void DocumentPanel::find_words(const QString& words) {
  find_bar_->show();
  find_edit_->setText(words);
}

void DocumentPanel::find(const QString& words) {
  const app::Part* part = session_.part(part_);
  searches_.drop_all();
  finds_.clear();
  find_at_ = -1;
  if (part == nullptr || words.trimmed().size() < 2) {
    show_finds();
    return;
  }
  std::vector<app::PartId> parts;
  if (stack_->currentWidget() == pages_) {
    for (const app::Part& page : session_.parts().at(part->document)) parts.push_back(page.id);
  } else {
    parts.push_back(part_);
  }
  run_in_background(
      search_thread_, this, searches_.next(),
      [path = session_.path(), parts = std::move(parts), needle = words.trimmed()](std::stop_token stop) {
        std::vector<Place> places;
        const auto project = app::Project::open(path, app::OpenMode::kReadOnly);
        if (!project) return places;
        for (const app::PartId id : parts) {
          if (stop.stop_requested() || places.size() > kMostFinds) break;
          const auto text = (*project)->part_text(id);
          if (!text) continue;
          for (const auto& [begin, end] : places_of(needle, text->text)) places.push_back({id, begin, end});
        }
        return places;
      },
      [this](std::vector<Place> places) {
        finds_ = std::move(places);
        show_finds();
        step_find(1);
      });
}

void DocumentPanel::show_finds() {
  QHash<qint64, std::vector<std::pair<std::uint32_t, std::uint32_t>>> by_part;
  for (const Place& place : finds_) by_part[place.part].emplace_back(place.begin, place.end);
  pages_->set_finds(by_part);
  code_->set_finds(by_part.value(part_));
  const bool searching = find_edit_->text().trimmed().size() >= 2;
  find_count_->setText(!searching ? QString() : finds_.empty() ? tr("no match") : tr("%1 of %2").arg(grouped(find_at_ + 1), grouped(static_cast<std::int64_t>(finds_.size()))));
}

void DocumentPanel::step_find(int step) {
  if (finds_.empty()) return;
  const int n = static_cast<int>(finds_.size());
  if (find_at_ < 0) {
    // The first match at or after the page that is open.
    const int here = pages_->current_page();
    find_at_ = 0;
    for (int i = 0; i < n && stack_->currentWidget() == pages_; ++i) {
      const app::Part* part = session_.part(finds_[static_cast<std::size_t>(i)].part);
      if (part != nullptr && part->ordinal >= here + 1) {
        find_at_ = i;
        break;
      }
    }
  } else {
    find_at_ = (find_at_ + step + n) % n;
  }
  const Place& place = finds_[static_cast<std::size_t>(find_at_)];
  if (stack_->currentWidget() == pages_) pages_->go_to(place.part, place.begin, place.end);
  else code_->mark(place.begin, place.end);
  show_finds();
}

void DocumentPanel::set_heat(const QHash<qint64, std::vector<HeatMark>>& heat) {
  heat_ = heat;
  heat_button_->setEnabled(!heat_.isEmpty());
  const auto shown = heat_shown();
  pages_->set_heat(shown);
  code_->set_heat(shown.value(part_));
}

QHash<qint64, std::vector<HeatMark>> DocumentPanel::heat_shown() const {
  return heat_button_->isChecked() ? heat_ : QHash<qint64, std::vector<HeatMark>>();
}

void DocumentPanel::set_heat_shown(bool shown) { heat_button_->setChecked(shown); }

QString DocumentPanel::state() const {
  if (part_ == 0) return {};
  const bool pages = stack_->currentWidget() == pages_;
  return QStringLiteral("%1 %2 %3").arg(part_).arg(pages ? pages_->scroll_position() : code_->first_visible_line()).arg(pages && !pages_->fits_width() ? pages_->zoom() : 0.0);
}

void DocumentPanel::restore_state(const QString& state) {
  const QStringList fields = state.split(QLatin1Char(' '));
  if (fields.size() != 3) return;
  const app::PartId part = fields[0].toLongLong();
  if (session_.part(part) == nullptr) return;
  open(part);
  if (stack_->currentWidget() != pages_) return;
  pages_->set_zoom(fields[2].toDouble());
  pages_->set_scroll_position(fields[1].toDouble());
}

void DocumentPanel::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() != QEvent::PaletteChange || empty_ == nullptr) return;
  set_text_color(empty_, tokens().ink_soft);
  set_text_color(find_count_, tokens().ink_soft);
}

}  // namespace ui
