#pragma once

#include <QFutureWatcher>
#include <QHash>
#include <QMainWindow>

#include <filesystem>
#include <functional>

#include "app/heatmap/key_heat.h"
#include "app/question/citations.h"
#include "app/question/findings.h"
#include "ui/background_task.h"
#include "ui/page/view_marks.h"
#include "ui/settings/settings.h"
#include "ui/settings/settings_dialog.h"

class QActionGroup;
class QDockWidget;
class QLabel;
class QMenu;

namespace ui {

class ContextMeter;
class CitationPreview;
class CommandPalette;
class ConversationPanel;
class DocumentPanel;
class FindingsPanel;
class RunBar;
class SampleGuide;
class SecretWatch;
class SourcesPanel;
class SystemScheme;
class TracePanel;
class ProjectUpkeep;
class Welcome;
class Workspace;

enum class Layout { kRead, kReview, kInspect };

/// The one window: panels in docks, three saved layouts, menus, the bottom row.
class MainWindow final : public QMainWindow {
  Q_OBJECT

 public:
  MainWindow(Workspace& workspace, Settings& settings, SystemScheme& scheme, QWidget* parent = nullptr);
  ~MainWindow() override;

  void open_project(const std::filesystem::path& path);
  /// Opens the sample in a project of the user's own; made and filled when it is not there yet.
  void open_sample();
  void set_layout(Layout layout);
  Layout layout_now() const { return layout_; }
  void add_sources(const QStringList& paths);
  /// Asks, and for a question of the sample chooses the pages to ask it with.
  void ask(const QString& question);
  QStringList sample_questions() const;
  ConversationPanel& conversation() { return *conversation_; }
  DocumentPanel& document() { return *document_; }
  SourcesPanel& sources_panel() { return *sources_; }
  TracePanel& trace() { return *trace_; }
  FindingsPanel& findings() { return *findings_; }
  ContextMeter& meter() { return *meter_; }
  Workspace& workspace() { return workspace_; }
  /// Every command of the window, for menus, shortcuts and the palette.
  const QList<QAction*>& commands() const { return commands_; }
  void show_message(const QString& text);
  void show_settings(SettingsDialog::Page page);

 protected:
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dragLeaveEvent(QDragLeaveEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  QDockWidget* add_dock(const QString& name, const QString& title, QWidget* content);
  void make_panels();
  void make_bottom_row();
  void make_commands();
  QAction* command(QMenu* menu, const QString& id, const QString& text, const QKeySequence& keys, std::function<void()> run,
                   const QString& icon_name = {});
  void make_file_menu();
  void make_edit_menu();
  void make_view_menu();
  void make_go_menu();
  void make_run_menu();
  void make_help_menu();
  void wire();
  void default_layout(Layout layout);
  void arrange(Layout layout);
  void store_layout();
  void show_budget();
  void show_title();
  /// Heat of these queries on pages, code and sources.
  void show_heat(const app::HeatScope& scope);
  void take_heat();
  void show_findings(const std::vector<app::Finding>& findings, const QString& question);
  void show_secrets();
  void wire_review();
  void open_citation(const app::Citation& citation);
  void choose_files();
  void choose_folder();
  void choose_project();
  void choose_model();
  void load_model();
  void apply_settings();
  void set_motion();
  void show_drop_hint(const QString& text);
  void hide_drop_hint();
  void restore_session();
  void store_session();
  void follow_link(const QString& address);
  void show_prompt(app::RunId run);
  void export_conversation();
  void compare_runs();
  void compare(std::vector<app::Run> runs, app::RunId left, app::RunId right);
  void show_runs();
  void set_theme(Theme theme);
  void fill_recent(QMenu* menu);

  Workspace& workspace_;
  Settings& settings_;
  SystemScheme& scheme_;
  SourcesPanel* sources_ = nullptr;
  ConversationPanel* conversation_ = nullptr;
  DocumentPanel* document_ = nullptr;
  struct Heat {
    QHash<qint64, double> parts;
    QHash<qint64, std::vector<HeatMark>> spans;
  };
  QFutureWatcher<Heat> heat_;
  TracePanel* trace_ = nullptr;
  FindingsPanel* findings_ = nullptr;
  SecretWatch* secrets_ = nullptr;
  CitationPreview* preview_ = nullptr;
  ContextMeter* meter_ = nullptr;
  RunBar* run_bar_ = nullptr;
  ProjectUpkeep* upkeep_ = nullptr;
  CommandPalette* palette_ = nullptr;
  Welcome* welcome_ = nullptr;
  SampleGuide* sample_ = nullptr;
  QLabel* message_ = nullptr;
  QLabel* drop_hint_ = nullptr;   // what a drag would cost, while it is over the window
  Tickets drags_;
  BackgroundThread drag_thread_;
  QHash<QString, QDockWidget*> docks_;
  QList<QAction*> commands_;
  QActionGroup* layout_actions_ = nullptr;
  QList<QAction*> theme_actions_;
  Layout layout_ = Layout::kRead;
  bool session_restored_ = false;
};

}  // namespace ui
