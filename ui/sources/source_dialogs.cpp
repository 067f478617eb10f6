#include "ui/sources/source_dialogs.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

#include "app/document/tree_history.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kDialogWidth = 460;

/// The recognition's name for the language of this desktop, "eng" where it has none.
QString own_language() {
  static const QHash<QString, QString> names{{"cs", "ces"}, {"da", "dan"}, {"de", "deu"}, {"en", "eng"}, {"es", "spa"}, {"fi", "fin"}, {"fr", "fra"}, {"it", "ita"}, {"nb", "nor"},
                                             {"nl", "nld"}, {"pl", "pol"}, {"pt", "por"}, {"ru", "rus"}, {"sv", "swe"}, {"tr", "tur"}, {"uk", "ukr"}};
  return names.value(QLocale().name().left(2), QStringLiteral("eng"));
}

QVBoxLayout* column_of(QDialog& dialog) {
  auto* layout = new QVBoxLayout(&dialog);
  layout->setContentsMargins(kPanelMargin, kPanelMargin, kPanelMargin, kPanelMargin);
  layout->setSpacing(kGroupGap);
  return layout;
}

}  // namespace

RecogniseDialog::RecogniseDialog(std::int64_t n_pages, std::vector<std::string> languages, QWidget* parent) : QDialog(parent), language_(new QComboBox) {
  setWindowTitle(tr("Recognise text"));
  setMinimumWidth(kDialogWidth);
  QVBoxLayout* layout = column_of(*this);
  auto* about = new QLabel;
  about->setWordWrap(true);
  about->setTextFormat(Qt::PlainText);
  layout->addWidget(about);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  language_->setAccessibleName(tr("Language of the pages"));
  language_->setEditable(true);  // several at once: "deu+eng"
  language_->lineEdit()->setAccessibleName(language_->accessibleName());
  for (const std::string& name : languages) language_->addItem(QString::fromStdString(name));
  if (languages.empty()) {
    about->setText(tr("%n page(s) are pictures without text. Reading them needs Tesseract, which is not installed: install the package tesseract-ocr and try again.", nullptr,
                      static_cast<int>(n_pages)));
    language_->hide();
    layout->addWidget(buttons);
    return;
  }
  about->setText(tr("%n page(s) are pictures without text. Tesseract can read them on this machine, one after the other, with some mistakes; "
                    "a page takes a second or a few. It goes on in the background and can be cancelled; pages already read are kept.",
                    nullptr, static_cast<int>(n_pages)));
  if (const int own = language_->findText(own_language()); own >= 0) language_->setCurrentIndex(own);
  auto* form = new QFormLayout;
  form->addRow(tr("Language of the pages"), language_);
  layout->addLayout(form);
  auto* hint = new QLabel(tr("More languages come with the packages tesseract-ocr-…; several are joined with +, as in deu+eng."));
  hint->setFont(small_font());
  hint->setWordWrap(true);
  set_text_color(hint, tokens().ink_soft);
  layout->addWidget(hint);
  buttons->addButton(tr("Recognise"), QDialogButtonBox::AcceptRole)->setDefault(true);
  layout->addWidget(buttons);
}

app::IngestOptions RecogniseDialog::options() const {
  app::IngestOptions options;
  options.recognise = true;
  options.recognise_language = language_->currentText().trimmed().toStdString();
  return options;
}

ChangesDialog::ChangesDialog(const QString& folder, QWidget* parent)
    : QDialog(parent), folder_(new QLineEdit(folder)), since_(new QComboBox), state_(new QLabel), accept_(nullptr) {
  setWindowTitle(tr("Add changes of a folder"));
  setMinimumWidth(kDialogWidth);
  QVBoxLayout* layout = column_of(*this);
  auto* about = new QLabel(tr("Reads how the files of a folder under git, also those not committed yet, differ from a branch, tag or commit. Good for a review."));
  about->setWordWrap(true);
  layout->addWidget(about);
  auto* form = new QFormLayout;
  auto* place = new QHBoxLayout;
  auto* choose = new QToolButton;
  choose->setIcon(icon(QStringLiteral("folder")));
  choose->setAccessibleName(tr("Choose a folder"));
  choose->setToolTip(tr("Choose a folder"));
  place->addWidget(folder_, 1);
  place->addWidget(choose);
  folder_->setAccessibleName(tr("Folder under git"));
  since_->setAccessibleName(tr("Changes since"));
  since_->setEditable(true);
  since_->lineEdit()->setAccessibleName(since_->accessibleName());
  form->addRow(tr("Folder"), place);
  form->addRow(tr("Changes since"), since_);
  layout->addLayout(form);
  state_->setFont(small_font());
  state_->setWordWrap(true);
  state_->setTextFormat(Qt::PlainText);
  set_text_color(state_, tokens().ink_soft);
  layout->addWidget(state_);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
  accept_ = buttons->addButton(tr("Add the changes"), QDialogButtonBox::AcceptRole);
  accept_->setDefault(true);
  accept_->setEnabled(false);
  layout->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(choose, &QToolButton::clicked, this, [this] {
    const QString chosen = QFileDialog::getExistingDirectory(this, tr("Folder under git"), folder_->text());
    if (!chosen.isEmpty()) folder_->setText(chosen);
  });
  connect(folder_, &QLineEdit::textChanged, this, &ChangesDialog::look_at_folder);
  connect(since_, &QComboBox::editTextChanged, this, [this](const QString& text) { accept_->setEnabled(since_->count() > 0 && !text.trimmed().isEmpty()); });
  look_at_folder();
}

std::filesystem::path ChangesDialog::folder() const { return folder_->text().toStdString(); }

app::IngestOptions ChangesDialog::options() const {
  app::IngestOptions options;
  options.changes_since = since_->currentText().trimmed().toStdString();
  return options;
}

void ChangesDialog::look_at_folder() {
  accept_->setEnabled(false);
  since_->clear();
  state_->clear();
  if (folder_->text().isEmpty()) return;
  run_in_background(
      thread_, this, looks_.next(), [path = folder()](std::stop_token) { return app::tree_revisions(path); },
      [this](const std::vector<std::string>& revisions) {
        for (const std::string& name : revisions) since_->addItem(QString::fromStdString(name));
        state_->setText(revisions.empty() ? tr("This folder is not under git, or nothing is committed in it yet.")
                                          : tr("HEAD reads what is not committed yet. A commit's number can be typed as well."));
        accept_->setEnabled(!revisions.empty());
      });
}

}  // namespace ui
