#include <QAbstractItemModelTester>
#include <QElapsedTimer>
#include <QTest>

#include "ui/sources/source_model.h"

/// The tree of the sources: ticks with three states, tokens, filter.
class SourceModelTest : public QObject {
  Q_OBJECT

 private:
  static app::Part part(app::PartId id, const std::string& name, std::int64_t bytes) {
    app::Part part;
    part.id = id;
    part.document = 1;
    part.ordinal = static_cast<std::int32_t>(id);
    part.name = name;
    part.n_bytes = bytes;
    return part;
  }

  static app::Document tree() {
    app::Document document;
    document.id = 1;
    document.kind = app::DocumentKind::kCodeTree;
    document.title = "engine";
    return document;
  }

  static void fill(ui::SourceModel& model) {
    model.set_documents({tree()}, {{1, {part(10, "src/a.cc", 400), part(11, "src/b.cc", 800), part(12, "README", 40)}}});
  }

 private slots:
  void it_keeps_the_promises_of_a_model();
  void a_folder_with_one_ticked_file_is_partly_ticked();
  void tokens_of_a_folder_are_the_sum_and_estimates_are_marked();
  void ticking_under_a_filter_leaves_hidden_files_alone();
  void ticks_survive_new_documents();
  void a_source_taken_by_its_outline_counts_less_and_says_so();
  void documents_keep_the_order_that_the_user_gave_them();
  void what_the_user_decided_survives_being_written_down();
  void fifty_thousand_files_filter_within_a_tenth_of_a_second();
};

void SourceModelTest::it_keeps_the_promises_of_a_model() {
  ui::SourceModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
  fill(model);
  model.set_filter("a.cc");
  model.set_filter("");
  QCOMPARE(model.rowCount(), 1);
  QCOMPARE(model.rowCount(model.index(0, 0)), 2);  // src, README
}

void SourceModelTest::a_folder_with_one_ticked_file_is_partly_ticked() {
  ui::SourceModel model;
  fill(model);
  model.set_ticked({10});
  const QModelIndex file = model.index_of(10);
  QCOMPARE(file.data(Qt::CheckStateRole).toInt(), int(Qt::Checked));
  QCOMPARE(file.parent().data(Qt::CheckStateRole).toInt(), int(Qt::PartiallyChecked));
  QCOMPARE(model.index_of(12).data(Qt::CheckStateRole).toInt(), int(Qt::Unchecked));
  QCOMPARE(model.ticked(), std::vector<app::PartId>{10});
}

void SourceModelTest::tokens_of_a_folder_are_the_sum_and_estimates_are_marked() {
  ui::SourceModel model;
  fill(model);
  model.set_tokens(10, 120);
  const QModelIndex folder = model.index_of(10).parent();
  QCOMPARE(folder.data(ui::SourceModel::kTokensRole).toLongLong(), 120 + 200);
  QVERIFY(!folder.data(ui::SourceModel::kExactRole).toBool());
  QVERIFY(folder.siblingAtColumn(ui::SourceModel::kTokens).data().toString().startsWith(QChar(0x2248)));
  model.set_tokens(11, 180);
  QCOMPARE(folder.siblingAtColumn(ui::SourceModel::kTokens).data().toString(), QString("300"));
}

void SourceModelTest::ticking_under_a_filter_leaves_hidden_files_alone() {
  ui::SourceModel model;
  fill(model);
  model.set_filter("b.cc");
  model.setData(model.index(0, 0), Qt::Unchecked, Qt::CheckStateRole);
  QCOMPARE(model.ticked(), (std::vector<app::PartId>{10, 12}));
}

void SourceModelTest::ticks_survive_new_documents() {
  ui::SourceModel model;
  fill(model);
  model.set_ticked({11});
  model.set_documents({tree()}, {{1, {part(10, "src/a.cc", 400), part(11, "src/b.cc", 800), part(13, "src/new.cc", 80)}}});
  QCOMPARE(model.ticked(), (std::vector<app::PartId>{11, 13}));
}

void SourceModelTest::a_source_taken_by_its_outline_counts_less_and_says_so() {
  ui::SourceModel model;
  fill(model);
  model.set_tokens({{10, 100}, {11, 200}, {12, 10}});
  model.set_detail(model.index_of(11).parent(), app::Detail::kOutline);  // src
  QCOMPARE(model.index_of(11).data(ui::SourceModel::kDetailRole).toInt(), int(app::Detail::kOutline));
  QCOMPARE(model.index_of(11).parent().data(ui::SourceModel::kDetailRole).toInt(), int(app::Detail::kOutline));
  QCOMPARE(model.index(0, 0).data(ui::SourceModel::kDetailRole).toInt(), -1);
  QVERIFY(!model.index_of(11).data(ui::SourceModel::kExactRole).toBool());
  QVERIFY(model.index_of(11).data(ui::SourceModel::kTokensRole).toLongLong() < 200);
  QCOMPARE(model.details().size(), std::size_t{2});
  model.set_detail(model.index(0, 0), app::Detail::kFull);
  QVERIFY(model.details().empty());
}

void SourceModelTest::documents_keep_the_order_that_the_user_gave_them() {
  ui::SourceModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
  app::Document second = tree();
  second.id = 2;
  second.title = "docs";
  model.set_documents({tree(), second}, {{1, {part(10, "a.cc", 400)}}, {2, {part(20, "b.md", 400)}}});
  model.set_ticked({20, 10});
  QCOMPARE(model.ticked(), (std::vector<app::PartId>{10, 20}));
  const ui::SourceState before = model.state();
  model.move_document(2, -1);
  QCOMPARE(model.ticked(), (std::vector<app::PartId>{20, 10}));
  app::Document third = tree();
  third.id = 3;
  model.set_documents({tree(), second, third}, {{1, {part(10, "a.cc", 400)}}, {2, {part(20, "b.md", 400)}}, {3, {part(30, "c.md", 400)}}});
  QCOMPARE(model.ticked(), (std::vector<app::PartId>{20, 10, 30}));  // new ones go behind
  model.restore(before);
  QCOMPARE(model.ticked(), (std::vector<app::PartId>{10, 20}));
}

void SourceModelTest::what_the_user_decided_survives_being_written_down() {
  const ui::SourceState state{{3, 1}, {{3, app::Detail::kName}, {1, app::Detail::kOutline}}, {2, 1}, {{3, {{5, 9}, {20, 4000000000}}}}};
  QCOMPARE(ui::source_state_from_json(ui::source_state_to_json(state)), state);
  QVERIFY(ui::source_state_from_json({{"detail", QJsonObject{{"5", 77}}}, {"order", "nonsense"}, {"passages", QJsonObject{{"5", "nonsense"}}}}) == ui::SourceState());
}

void SourceModelTest::fifty_thousand_files_filter_within_a_tenth_of_a_second() {
  std::vector<app::Part> parts;
  for (int i = 0; i < 50000; ++i) {
    const std::string name = "src/part" + std::to_string(i / 500) + "/file" + std::to_string(i) + ".cc";
    parts.push_back(part(i + 1, name, 1000));
  }
  ui::SourceModel model;
  QElapsedTimer clock;
  clock.start();
  model.set_documents({tree()}, {{1, parts}});
  QVERIFY2(clock.elapsed() < 1000, qPrintable(QString("opening took %1 ms").arg(clock.elapsed())));
  clock.restart();
  model.set_filter("file4999");
  QVERIFY2(clock.elapsed() < 100, qPrintable(QString("filtering took %1 ms").arg(clock.elapsed())));
  QCOMPARE(model.n_matches(), 11);  // file4999 and file49990..file49999
}

QTEST_MAIN(SourceModelTest)
#include "source_model_test.moc"
