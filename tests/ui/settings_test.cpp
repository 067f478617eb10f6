#include <QAction>
#include <QApplication>
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeWidget>

#include "tests/support/widget_walk.h"
#include "ui/settings/models_dialog.h"
#include "ui/settings/settings_dialog.h"
#include "ui/settings/shortcuts_page.h"
#include "ui/theme/tokens.h"

/// The dialogs in which things are set, with a settings file of their own.
class SettingsTest : public QObject {
  Q_OBJECT

  QTemporaryDir folder_;

  std::filesystem::path file() const { return folder_.filePath("window.ini").toStdString(); }

  void write(const QString& path, const QByteArray& bytes) {
    const QString whole = folder_.filePath(path);
    QDir().mkpath(QFileInfo(whole).path());
    QFile file(whole);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(bytes);
  }

  static QAction* command(QObject* owner, const char* id, const char* keys) {
    auto* action = new QAction(QString::fromLatin1(id), owner);
    action->setObjectName(QString::fromLatin1(id));
    action->setShortcut(QKeySequence(QString::fromLatin1(keys)));
    action->setProperty("default_keys", QString::fromLatin1(keys));
    return action;
  }

 private slots:
  void init() { QFile::remove(QString::fromStdString(file().string())); }

  void what_is_accepted_is_there_after_a_restart() {
    {
      ui::Settings settings(file());
      ui::SettingsDialog dialog(settings, {});
      for (QComboBox* box : dialog.findChildren<QComboBox*>()) {
        if (box->accessibleName() == "Selection") box->setCurrentIndex(2);
        if (box->accessibleName() == "Device") box->setCurrentIndex(1);
      }
      dialog.accept();
      QVERIFY(dialog.model_changed());
    }
    const ui::Settings settings(file());
    QVERIFY(settings.question().selection.mode == engine::SelectionMode::kDense);
    QVERIFY(settings.engine_options().device == engine::Device::kCpu);
    QVERIFY(!settings.engine_options().prefix_folder.empty());
  }

  void a_settings_file_with_nonsense_gives_values_in_range() {
    {
      ui::Settings settings(file());
      settings.set_value("ask/temperature", 1e9);
      settings.set_value("ask/selection", 77);
      settings.set_value("ask/reserve", -5);
      settings.set_value("engine/context", "many");
    }
    const ui::Settings settings(file());
    QCOMPARE(settings.question().sampling.temperature, 2.0);
    QVERIFY(settings.question().selection.mode == engine::SelectionMode::kDense);
    QCOMPARE(settings.question().prompt.reserve, std::int64_t{0});
    QCOMPARE(settings.engine_options().context_length, std::int64_t{0});
  }

  void keys_that_another_command_has_are_refused_until_they_are_taken() {
    QObject owner;
    const QList<QAction*> commands{command(&owner, "one", "Ctrl+1"), command(&owner, "two", "Ctrl+2")};
    ui::Settings settings(file());
    ui::ShortcutsPage page(commands);
    page.choose("two");
    QVERIFY(!page.set_keys(QKeySequence("Ctrl+1"), /*take=*/false));
    QCOMPARE(page.keys_of("two"), QKeySequence("Ctrl+2"));
    QVERIFY(page.set_keys(QKeySequence("Ctrl+1"), /*take=*/true));
    QVERIFY(page.keys_of("one").isEmpty());
    page.save(settings);
    ui::apply_shortcuts(commands, settings);
    QCOMPARE(commands[1]->shortcut(), QKeySequence("Ctrl+1"));
    QVERIFY(commands[0]->shortcut().isEmpty());
  }

  void a_model_that_cannot_be_used_says_why_and_cannot_be_chosen() {
    write("models/llama/config.json", R"({"model_type": "llama"})");
    write("models/broken.gguf", "GGUFxxxx");
    ui::Settings settings(file());
    ui::ModelsDialog dialog(settings);
    QSignalSpy scanned(&dialog, &ui::ModelsDialog::scanned);
    dialog.scan({{folder_.filePath("models").toStdString(), 2}});
    QVERIFY(scanned.wait());
    QCOMPARE(dialog.models().size(), std::size_t{2});
    dialog.list()->setCurrentItem(dialog.list()->findItems("llama", Qt::MatchExactly).value(0));
    QVERIFY(dialog.chosen().empty());
    QVERIFY2(dialog.details().contains("llama"), qPrintable(dialog.details()));
  }

  void a_model_of_ollama_is_found_by_its_manifest() {
    write("ollama/manifests/registry.ollama.ai/library/tiny/latest",
          R"({"layers": [{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:00"},
                         {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:ab12"}]})");
    write("ollama/manifests/registry.ollama.ai/library/evil/latest",
          R"({"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../../etc/passwd"}]})");
    write("ollama/blobs/sha256-ab12", "no model");
    const auto models = app::find_models({{folder_.filePath("ollama").toStdString(), 0}});
    QCOMPARE(models.size(), std::size_t{1});
    QCOMPARE(models[0].name, std::string("tiny:latest"));
    QVERIFY(!models[0].usable);
    QVERIFY(!models[0].reason.empty());
  }

  void the_bundled_model_fits_and_says_what_it_takes() {
    ui::Settings settings(file());
    ui::ModelsDialog dialog(settings);
    QSignalSpy scanned(&dialog, &ui::ModelsDialog::scanned);
    dialog.scan({{LONGLEAF_SOURCE_DIR "/resources/models", 1}});
    QVERIFY(scanned.wait());
    QVERIFY(!dialog.chosen().empty());
    QVERIFY2(dialog.details().contains("free memory"), qPrintable(dialog.details()));
  }

  void every_control_of_the_dialogs_has_a_name() {
    QObject owner;
    ui::Settings settings(file());
    ui::SettingsDialog dialog(settings, {command(&owner, "one", "Ctrl+1")});
    const ui::ModelsDialog models(settings);
    int n_controls = 0;
    const QStringList nameless = support::nameless_controls(dialog, n_controls);
    QVERIFY2(nameless.isEmpty(), qPrintable(nameless.join(", ")));
    QVERIFY(n_controls > 20);
    const QStringList in_models = support::nameless_controls(models, n_controls);
    QVERIFY2(in_models.isEmpty(), qPrintable(in_models.join(", ")));
    QVERIFY(n_controls > 4);
  }
};

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  Q_INIT_RESOURCE(icons);
  ui::apply_theme(application, ui::Theme::kLight, false);
  SettingsTest test;
  return QTest::qExec(&test, argc, argv);
}
#include "settings_test.moc"
