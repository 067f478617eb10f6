#include "app/heatmap/map_image.h"
#include "app/heatmap/trace_tables.h"

#include <QFile>
#include <QImage>
#include <QTest>
#include <QXmlStreamReader>

#include "tests/support/synthetic_trace.h"

using namespace app;

namespace {

std::shared_ptr<const RunTrace> small_run() {
  synthetic::TraceSize size;
  size.n_prompt_tokens = 16384;
  size.n_layers = 8;
  size.top_k = 512;
  size.n_generated = 120;
  size.n_thinking = 40;
  return synthetic::make_run(size, 3, 12);
}

void keep(const std::string& bytes, const QString& name) {
  const QString folder = qEnvironmentVariable("LONGLEAF_PICTURES");
  if (folder.isEmpty()) return;
  QFile file(folder + QLatin1Char('/') + name);
  if (file.open(QIODevice::WriteOnly)) file.write(bytes.data(), static_cast<qint64>(bytes.size()));
}

}  // namespace

class MapImageTest : public QObject {
  Q_OBJECT

 private slots:
  void a_png_has_the_size_and_colours_asked_for();
  void an_svg_is_well_formed_whatever_sources_are_called();
  void both_maps_stand_over_one_another();
  void an_absurd_size_is_refused();
  void the_table_twin_names_sources_and_shares();
  void ranked_spans_are_written_as_a_table();
  void fields_of_a_table_are_quoted_and_never_formulas();
  void the_caption_says_what_was_not_sparse();
};

void MapImageTest::a_png_has_the_size_and_colours_asked_for() {
  for (const Theme theme : {Theme::kLight, Theme::kDark}) {
    for (const MapRows rows : {MapRows::kPrompt, MapRows::kGenerated}) {
      MapImageOptions options;
      options.theme = theme;
      options.matrix.rows = rows;
      const auto png = figure_to_png(map_figure(*small_run(), options));
      QVERIFY(png);
      QImage image;
      QVERIFY(image.loadFromData(reinterpret_cast<const uchar*>(png->data()), static_cast<int>(png->size())));
      QCOMPARE(image.size(), QSize(960, 800));
      const Rgb sink = heat_color(1.0, HeatScale::kCividis, theme);
      const QRgb found = image.pixel(77, 700);
      QVERIFY(std::abs(qRed(found) - sink.red) + std::abs(qBlue(found) - sink.blue) < 60);
      keep(*png, QStringLiteral("map_%1_%2.png").arg(theme == Theme::kLight ? "light" : "dark", rows == MapRows::kPrompt ? "prompt" : "answer"));
    }
  }
}

void MapImageTest::an_svg_is_well_formed_whatever_sources_are_called() {
  auto run = std::make_shared<RunTrace>(*small_run());
  run->document_titles[1] = "<script>alert(\"x\")</script> & \x01.pdf";
  const std::string svg = figure_to_svg(map_figure(*run, {}));
  keep(svg, QStringLiteral("map.svg"));
  QXmlStreamReader reader(QByteArray(svg.data(), static_cast<qsizetype>(svg.size())));
  int n_scripts = 0;
  while (!reader.atEnd()) n_scripts += reader.readNext() == QXmlStreamReader::StartElement && reader.name() == u"script" ? 1 : 0;
  QVERIFY2(!reader.hasError(), qPrintable(reader.errorString()));
  QCOMPARE(n_scripts, 0);
}

void MapImageTest::both_maps_stand_over_one_another() {
  const Figure figure = run_figure(*small_run(), {});
  QCOMPARE(figure.pictures.size(), std::size_t{2});
  QVERIFY(figure.pictures[0].y + figure.pictures[0].height < figure.pictures[1].y);
  const auto png = figure_to_png(figure);
  QVERIFY(png);
  keep(*png, QStringLiteral("run.png"));
}

void MapImageTest::an_absurd_size_is_refused() {
  MapImageOptions options;
  QVERIFY(!figure_to_png(map_figure(*small_run(), options), 1000));
  QVERIFY(!figure_to_png(Figure{}));
}

void MapImageTest::the_table_twin_names_sources_and_shares() {
  const std::string csv = trace_table(*small_run(), TraceTable::kMap, {});
  const QStringList lines = QString::fromStdString(csv).split(QLatin1Char('\n'));
  QCOMPARE(lines[0], QStringLiteral("query_source,key_source,share"));
  QVERIFY(lines[1].startsWith(QStringLiteral("\"report 1.pdf, p. 1\",\"report 1.pdf, p. 1\",0.")));
  MatrixOptions generated;
  generated.rows = MapRows::kGenerated;
  QVERIFY(trace_table(*small_run(), TraceTable::kMap, {.matrix = generated}).find("\"token 119\",\"report 1.pdf, p. 1\"") != std::string::npos);
}

void MapImageTest::ranked_spans_are_written_as_a_table() {
  HeatScope scope;
  scope.tokens = engine::TokenRange{50, 51};
  const QStringList lines = QString::fromStdString(trace_table(*small_run(), TraceTable::kPassages, {.scope = scope})).split(QLatin1Char('\n'));
  QCOMPARE(lines[0], QStringLiteral("rank,source,first_token,end_token,selected_share,layers,text"));
  QVERIFY(lines[1].startsWith(QStringLiteral("1,\"report 1.pdf, p. 1\",0,32,1,8,\"Sentence 1 of")));
}

void MapImageTest::fields_of_a_table_are_quoted_and_never_formulas() {
  QCOMPARE(csv_field("say \"so\"\nnow"), std::string("\"say \"\"so\"\" now\""));
  QCOMPARE(csv_field("=1+1"), std::string("\"'=1+1\""));
}

void MapImageTest::the_caption_says_what_was_not_sparse() {
  auto run = std::make_shared<RunTrace>(*small_run());
  auto trace = std::make_shared<engine::SelectionTrace>(*run->trace);
  trace->n_sparse_queries = 0;
  run->trace = trace;
  QVERIFY(map_caption(*run, {}).find("Dense: nothing was left out.") != std::string::npos);
}

QTEST_MAIN(MapImageTest)
#include "map_image_test.moc"
