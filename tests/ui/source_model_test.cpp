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
