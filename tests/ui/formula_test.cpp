#include <QApplication>
#include <QImage>
#include <QPainter>
#include <QTest>

#include "ui/math/formula.h"
#include "ui/math/tex_parser.h"
#include "ui/theme/tokens.h"

class FormulaTest : public QObject {
  Q_OBJECT

 private slots:
  void formulas_that_answers_use_are_understood_data() {
    QTest::addColumn<QString>("tex");
    const char* const formulas[] = {
        "x", "a^2 + b^2 = c^2", "\\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}", "\\sum_{i=1}^{n} x_i", "e^{i\\pi} + 1 = 0", "\\sqrt[3]{x+1}",
        "\\left( \\frac{a}{b} \\right)^2", "\\mathrm{softmax}\\left(\\frac{QK^\\top}{\\sqrt{d_k}}\\right)V", "\\text{if } x \\geq 0", "x'",
        "\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}", "f(x) = \\begin{cases} 1 & x > 0 \\\\ 0 & \\text{else} \\end{cases}",
        "\\begin{aligned} a &= b \\\\ &= c \\end{aligned}", "\\lim_{x \\to \\infty} f(x)", "\\hat{y} = \\bar{x} \\cdot \\vec{v}", "O(L \\log L)",
        "\\binom{n}{k}", "\\mathbb{R}^n", "\\left| x \\right|", "\\int_0^1 x\\,dx", "3{,}846{,}000", "\\max_{\\theta}\\ \\mathcal{L}", "{}^{14}\\mathrm{C}", "50\\%",
    };
    for (const char* tex : formulas) QTest::newRow(tex) << QString::fromLatin1(tex);
  }

  void formulas_that_answers_use_are_understood() {
    QFETCH(QString, tex);
    const auto formula = ui::Formula::of(tex, false, 14);
    QVERIFY(formula != nullptr);
    QVERIFY(formula->width() > 3);
    QVERIFY(formula->ascent() > 2);
  }

  void what_is_not_understood_is_left_to_the_caller_data() {
    QTest::addColumn<QString>("tex");
    QTest::newRow("empty") << "";
    QTest::newRow("unknown command") << "\\write18{rm -rf /}";
    QTest::newRow("definition") << "\\def\\x{\\x\\x}\\x";
    QTest::newRow("open brace") << "\\frac{a}{b";
    QTest::newRow("missing argument") << "\\frac{a}";
    QTest::newRow("script of nothing at the end") << "x^";
    QTest::newRow("unknown environment") << "\\begin{.}x\\end{.}";
    QTest::newRow("wrong end") << "\\begin{matrix}a\\end{pmatrix}";
    QTest::newRow("closing brace") << "a}b";
    QTest::newRow("too deep") << QString("{").repeated(1000) + "x" + QString("}").repeated(1000);
    QTest::newRow("deep without braces") << QString("\\hat").repeated(900) + " x";
    QTest::newRow("too long") << QString("x").repeated(5000);
  }

  void what_is_not_understood_is_left_to_the_caller() {
    QFETCH(QString, tex);
    QVERIFY(!ui::parse_tex(tex).has_value());
  }

  void a_fraction_is_taller_than_its_parts_and_a_power_smaller_than_its_base() {
    const auto letter = ui::Formula::of("x", true, 20);
    const auto fraction = ui::Formula::of("\\frac{x}{x}", true, 20);
    const auto power = ui::Formula::of("x^x", true, 20);
    QVERIFY(fraction->ascent() + fraction->descent() > 2 * (letter->ascent() + letter->descent()));
    QVERIFY(power->width() < 2 * letter->width() + 2);
    QVERIFY(power->ascent() > letter->ascent());
  }

  void all_ink_lies_inside_the_measured_box() {
    const auto formula = ui::Formula::of("\\sqrt{\\frac{\\sum_{i=1}^{n} x_i^2}{n}} \\left[ \\hat{y} \\right]", true, 24);
    const int margin = 40;
    const int baseline = margin + static_cast<int>(formula->ascent() + 1);
    QImage image(static_cast<int>(formula->width()) + 2 * margin, baseline + static_cast<int>(formula->descent() + 1) + margin, QImage::Format_Grayscale8);
    image.fill(Qt::white);
    QPainter painter(&image);
    formula->draw(painter, QPointF(margin, baseline), Qt::black);
    painter.end();
    int left = image.width(), right = 0, top = image.height(), bottom = 0;
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < image.width(); ++x) {
        if (qGray(image.pixel(x, y)) > 128) continue;
        left = std::min(left, x);
        right = std::max(right, x);
        top = std::min(top, y);
        bottom = std::max(bottom, y);
      }
    }
    QVERIFY2(left >= margin - 3 && right <= margin + formula->width() + 3, qPrintable(QString("%1..%2").arg(left).arg(right)));
    QVERIFY2(top >= margin - 3 && bottom <= baseline + formula->descent() + 3, qPrintable(QString("%1..%2").arg(top).arg(bottom)));
    QVERIFY(right - left > formula->width() / 2);
  }
};

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  ui::apply_theme(application, ui::Theme::kLight, false);
  FormulaTest test;
  return QTest::qExec(&test, argc, argv);
}
#include "formula_test.moc"
