#include <QAbstractButton>
#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QTabBar>
#include <QTemporaryDir>
#include <QTest>
#include <QTranslator>

#include "ui/review/question_list_dialog.h"
#include "ui/review/templates_dialog.h"
#include "ui/settings/models_dialog.h"
#include "ui/settings/settings_dialog.h"
#include "ui/theme/system_scheme.h"
#include "ui/theme/tokens.h"
#include "ui/window/main_window.h"
#include "ui/window/workspace.h"

/// Puts every text that goes through tr() between marks and makes it longer, as translations are: what
/// has no mark cannot be translated, what has no room would be cut off.
class PseudoTranslator final : public QTranslator {
 public:
  QString translate(const char* context, const char* source, const char*, int) const override {
    const QString where = QString::fromLatin1(context);
    if (!where.startsWith("ui::") && where != "main") return {};
    const QString text = QString::fromUtf8(source);
    return QStringLiteral("[!") + text + QString(text.size() / 3, QLatin1Char('~')) + QStringLiteral("!]");
  }
  bool isEmpty() const override { return false; }
};

class TranslationTest : public QObject {
  Q_OBJECT

  PseudoTranslator translator_;

  static bool is_words(const QString& text) {
    return std::any_of(text.begin(), text.end(), [](QChar c) { return c.isLetter(); });
  }

  /// Texts of controls that did not come through tr().
  static QStringList untranslated(const QWidget& window, const QSet<QString>& data) {
    QStringList found;
    const auto look = [&](const QString& text, const QObject* owner) {
      if (is_words(text) && !text.contains("[!") && !data.contains(text)) found << text + " (" + owner->metaObject()->className() + ")";
    };
    look(window.windowTitle(), &window);
    for (const QWidget* widget : window.findChildren<QWidget*>()) {
      if (widget->objectName().startsWith("qt_") || qobject_cast<const QTabBar*>(widget->parentWidget())) continue;  // Qt's own
      look(widget->toolTip(), widget);
      look(widget->accessibleName(), widget);
      if (const auto* label = qobject_cast<const QLabel*>(widget)) look(label->text(), label);
      if (const auto* button = qobject_cast<const QAbstractButton*>(widget)) look(button->text(), button);
      if (const auto* edit = qobject_cast<const QLineEdit*>(widget)) look(edit->placeholderText(), edit);
      if (const auto* menu = qobject_cast<const QMenu*>(widget)) look(menu->title(), menu);
    }
    for (const QAction* action : window.findChildren<QAction*>()) {
      if (!action->isSeparator() && !action->objectName().startsWith('_')) look(action->text(), action);
    }
    return found;
  }

  /// Buttons and one-line labels whose text has no room.
  static QStringList cut_off(QDialog& dialog) {
    dialog.show();
    QCoreApplication::processEvents();
    QStringList found;
    for (const QWidget* widget : dialog.findChildren<QWidget*>()) {
      const auto* label = qobject_cast<const QLabel*>(widget);
      const bool one_line = qobject_cast<const QPushButton*>(widget) || qobject_cast<const QCheckBox*>(widget) || (label != nullptr && !label->wordWrap());
      if (one_line && widget->isVisible() && widget->sizeHint().width() > widget->width() + 2) found << widget->accessibleName() + " " + QString::fromLatin1(widget->metaObject()->className());
    }
    dialog.hide();
    return found;
  }

 private slots:
  void initTestCase() { QVERIFY(QCoreApplication::installTranslator(&translator_)); }

  void every_text_of_the_window_can_be_translated() {
    ui::Settings settings{std::filesystem::path()};
    ui::SystemScheme scheme;
    ui::Workspace workspace;
    ui::MainWindow window(workspace, settings, scheme);
    // Names of templates are the project's data.
    QSet<QString> data{"Report", "Code review", "Text"};
    for (const app::PromptTemplate& one : app::shipped_templates()) {
      data << QString::fromStdString(one.name) << QString::fromStdString(one.text);
    }
    const QStringList found = untranslated(window, data);
    QVERIFY2(found.isEmpty(), qPrintable(found.join("\n")));
  }

  void every_text_of_the_dialogs_can_be_translated_and_has_room() {
    ui::Settings settings{std::filesystem::path()};
    auto* action = new QAction(QStringLiteral("[!Read!]"), this);
    action->setObjectName("view.read");
    ui::SettingsDialog dialog(settings, {action});
    ui::ModelsDialog models(settings);
    ui::QuestionListDialog questions;
    for (QDialog* one : {static_cast<QDialog*>(&dialog), static_cast<QDialog*>(&models), static_cast<QDialog*>(&questions)}) {
      // Qt's own buttons bring Qt's own translations.
      const QStringList found = untranslated(*one, {"&Cancel", "Cancel", "&Close", "Close"});
      QVERIFY2(found.isEmpty(), qPrintable(found.join("\n")));
      const QStringList cut = cut_off(*one);
      QVERIFY2(cut.isEmpty(), qPrintable(cut.join("\n")));
    }
  }

  void english_plurals_are_words() {
    QTranslator english;
    QVERIFY(english.load(QStringLiteral("longleaf_en"), QStringLiteral(LONGLEAF_SOURCE_DIR "/resources/translations")));
    QCOMPARE(english.translate("ui::FindingsPanel", "%n finding(s)", nullptr, 1), QString("%n finding"));
    QCOMPARE(english.translate("ui::FindingsPanel", "%n finding(s)", nullptr, 4), QString("%n findings"));
  }
};

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  Q_INIT_RESOURCE(icons);
  ui::apply_theme(application, ui::Theme::kLight, false);
  TranslationTest test;
  return QTest::qExec(&test, argc, argv);
}
#include "translation_test.moc"
