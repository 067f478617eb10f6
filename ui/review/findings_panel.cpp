#include "ui/review/findings_panel.h"

#include <QCoreApplication>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLabel>
#include <QListView>
#include <QMenu>
#include <QPlainTextEdit>
#include <QSaveFile>
#include <QSplitter>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/project/project_session.h"
#include "ui/review/external_editor.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kDetailsHeight = 96;

/// The bytes of lines first..last (1-based) of a text.
std::pair<std::uint32_t, std::uint32_t> bytes_of_lines(const std::string& text, int first, int last) {
  std::size_t begin = 0;
  for (int line = 1; line < first && begin != std::string::npos; ++line) {
    begin = text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos) return {0, 0};
  std::size_t end = begin;
  for (int line = first; line <= last && end < text.size(); ++line) end = std::min(text.find('\n', line == first ? begin : end + 1), text.size());
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
}

}  // namespace

FindingsPanel::FindingsPanel(ProjectSession& session, QWidget* parent)
    : QFrame(parent), session_(session), list_(new FindingList(this)), view_(new QListView), stack_(new QStackedWidget), empty_(new QLabel),
      summary_(new QLabel), details_(new QPlainTextEdit) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  setBackgroundRole(QPalette::Base);
  setAutoFillBackground(true);
  layout->addWidget(make_head());
  view_->setModel(list_);
  view_->setItemDelegate(new FindingDelegate(view_));
  view_->setFrameShape(QFrame::NoFrame);
  view_->setUniformItemSizes(true);
  view_->setAccessibleName(tr("Findings"));
  view_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  details_->setReadOnly(true);
  details_->setFrameShape(QFrame::NoFrame);
  details_->setAccessibleName(tr("The finding as it was written"));
  details_->document()->setDocumentMargin(kGroupGap);
  auto* split = new QSplitter(Qt::Vertical);
  split->addWidget(view_);
  split->addWidget(details_);
  split->setStretchFactor(0, 1);
  split->setCollapsible(0, false);
  split->setSizes({4 * kDetailsHeight, kDetailsHeight});
  empty_->setAlignment(Qt::AlignCenter);
  empty_->setWordWrap(true);
  empty_->setMargin(kPanelMargin * 2);
  empty_->setText(tr("Findings of a review stand here: ask for one with a template of the question box. "
                     "Each finding names a file and its lines, and is held against them."));
  stack_->addWidget(empty_);
  stack_->addWidget(split);
  layout->addWidget(stack_, 1);
  connect(view_->selectionModel(), &QItemSelectionModel::currentChanged, this, &FindingsPanel::show_current);
  connect(view_, &QListView::clicked, this, &FindingsPanel::open_current);
  connect(view_, &QListView::activated, this, &FindingsPanel::open_current);
  set_text_color(empty_, tokens().ink_soft);
  show_state();
}

QToolButton* FindingsPanel::add_button(const QString& icon_name, const QString& text) {
  auto* button = new QToolButton;
  button->setIcon(icon(icon_name));
  button->setAutoRaise(true);
  button->setToolTip(text);
  button->setAccessibleName(text);
  return button;
}

QWidget* FindingsPanel::make_head() {
  auto* head = new QWidget;
  auto* row = new QHBoxLayout(head);
  row->setContentsMargins(kGroupGap, kTight, kGrid, kTight);
  row->setSpacing(2);
  summary_->setFont(small_font());
  summary_->setTextFormat(Qt::PlainText);
  summary_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  row->addWidget(summary_, 1);
  for (const app::Severity severity : {app::Severity::kError, app::Severity::kWarning, app::Severity::kNote}) {
    auto* button = new QToolButton;
    button->setCheckable(true);
    button->setChecked(true);
    button->setAutoRaise(true);
    button->setFont(small_font());
    severities_[static_cast<int>(severity)] = button;
    connect(button, &QToolButton::toggled, this, [this, severity](bool on) {
      list_->set_shown(severity, on);
      show_current();
    });
    row->addWidget(button);
  }
  editor_ = add_button(QStringLiteral("edit"), tr("Open in an editor"));
  connect(editor_, &QToolButton::clicked, this, &FindingsPanel::open_current_in_editor);
  row->addWidget(editor_);
  save_ = add_button(QStringLiteral("export"), tr("Save the findings"));
  auto* menu = new QMenu(save_);
  menu->addAction(tr("As Markdown…"), this, [this] { save_as(QStringLiteral("md")); });
  menu->addAction(tr("As SARIF…"), this, [this] { save_as(QStringLiteral("sarif")); });
  save_->setMenu(menu);
  save_->setPopupMode(QToolButton::InstantPopup);
  row->addWidget(save_);
  return head;
}

void FindingsPanel::set_findings(std::vector<app::Finding> findings, const QString& title) {
  title_ = title;
  list_->set_findings(std::move(findings));
  show_state();
  if (list_->rowCount() > 0) view_->setCurrentIndex(list_->index(0));
  show_current();
}

QString FindingsPanel::summary() const {
  const auto& all = list_->all();
  if (all.empty()) return tr("No findings");
  int nowhere = 0;
  for (const app::Finding& finding : all) nowhere += !finding.place_exists || finding.check == app::QuoteCheck::kNotFound ? 1 : 0;
  QString text = tr("%n finding(s)", nullptr, static_cast<int>(all.size()));
  if (nowhere > 0) text += QStringLiteral(" · ") + tr("%1 not found in the sources").arg(nowhere);
  return text;
}

void FindingsPanel::show_state() {
  const bool any = !list_->all().empty();
  stack_->setCurrentIndex(any ? 1 : 0);
  summary_->setText(summary());
  set_text_color(summary_, tokens().ink_soft);
  for (const app::Severity severity : {app::Severity::kError, app::Severity::kWarning, app::Severity::kNote}) {
    QToolButton* button = severities_[static_cast<int>(severity)];
    const int n = list_->count(severity);
    const QString name = severity == app::Severity::kError ? tr("%n error(s)", nullptr, n) : severity == app::Severity::kWarning ? tr("%n warning(s)", nullptr, n) : tr("%n note(s)", nullptr, n);
    button->setText(name);
    button->setToolTip(tr("Show or hide these findings"));
    button->setVisible(n > 0);
  }
  save_->setEnabled(any);
  editor_->setEnabled(any);
}

void FindingsPanel::show_current() {
  const app::Finding* finding = list_->at(view_->currentIndex());
  if (finding == nullptr) {
    details_->clear();
    return;
  }
  QString text = QString::fromStdString(finding->title);
  if (!finding->text.empty()) text += QLatin1Char('\n') + QString::fromStdString(finding->text).trimmed();
  details_->setPlainText(text + QStringLiteral("\n\n") + check_text(*finding));
  editor_->setEnabled(finding->place_exists);
}

void FindingsPanel::open_current() {
  const app::Finding* finding = list_->at(view_->currentIndex());
  if (finding == nullptr || !finding->place_exists) return;
  const app::PartId part = finding->part;
  const int first = finding->first_line, last = std::max(finding->first_line, finding->last_line);
  session_.part_text(part, this, [this, part, first, last](std::shared_ptr<const app::PartText> text) {
    const auto [begin, end] = bytes_of_lines(text->text, first, last);
    emit place_activated(part, begin, end);
  });
}

void FindingsPanel::open_current_in_editor() {
  const app::Finding* finding = list_->at(view_->currentIndex());
  const app::Part* part = finding == nullptr ? nullptr : session_.part(finding->part);
  const app::Document* document = part == nullptr ? nullptr : session_.document(part->document);
  if (document == nullptr) return;
  const auto file = file_of_part(*document, *part);
  if (!file) {
    emit message(tr("%1 is no longer where it was read from.").arg(QString::fromStdString(part->name)));
    return;
  }
  if (const QString failure = open_in_editor(editor_command_, *file, finding->first_line); !failure.isEmpty()) emit message(failure);
}

void FindingsPanel::save_as(const QString& file_type) {
  const bool sarif = file_type == QLatin1String("sarif");
  const QString path = QFileDialog::getSaveFileName(this, tr("Save the findings"), QStringLiteral("findings.") + file_type,
                                                    sarif ? tr("SARIF (*.sarif *.json)") : tr("Markdown (*.md)"));
  if (path.isEmpty()) return;
  const std::string text = sarif ? app::findings_to_sarif(list_->all(), QCoreApplication::applicationVersion().toStdString())
                                 : app::findings_to_markdown(list_->all(), title_.toStdString());
  QSaveFile file(path);
  const auto size = static_cast<qint64>(text.size());
  const bool written = file.open(QIODevice::WriteOnly) && file.write(text.data(), size) == size && file.commit();
  emit message(written ? tr("Written: %1").arg(path) : tr("%1 could not be written: %2").arg(path, file.errorString()));
}

void FindingsPanel::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() != QEvent::PaletteChange || save_ == nullptr) return;
  set_text_color(empty_, tokens().ink_soft);
  set_text_color(summary_, tokens().ink_soft);
}

}  // namespace ui
