#include "ui/math/tex_symbols.h"

#include <QHash>
#include <QSet>

namespace ui {
namespace {

struct Row {
  const char* command;
  const char* text;
};

// Letters.
constexpr Row kLetters[] = {
    {"alpha", "α"}, {"beta", "β"}, {"gamma", "γ"}, {"delta", "δ"}, {"epsilon", "ϵ"}, {"varepsilon", "ε"}, {"zeta", "ζ"}, {"eta", "η"},
    {"theta", "θ"}, {"vartheta", "ϑ"}, {"iota", "ι"}, {"kappa", "κ"}, {"lambda", "λ"}, {"mu", "μ"}, {"nu", "ν"}, {"xi", "ξ"},
    {"pi", "π"}, {"varpi", "ϖ"}, {"rho", "ρ"}, {"varrho", "ϱ"}, {"sigma", "σ"}, {"varsigma", "ς"}, {"tau", "τ"}, {"upsilon", "υ"},
    {"phi", "ϕ"}, {"varphi", "φ"}, {"chi", "χ"}, {"psi", "ψ"}, {"omega", "ω"}, {"ell", "ℓ"}, {"hbar", "ℏ"}, {"imath", "ı"}, {"jmath", "ȷ"},
};

// Signs that stand upright without blanks around them.
constexpr Row kSigns[] = {
    {"Gamma", "Γ"}, {"Delta", "Δ"}, {"Theta", "Θ"}, {"Lambda", "Λ"}, {"Xi", "Ξ"}, {"Pi", "Π"}, {"Sigma", "Σ"}, {"Upsilon", "Υ"},
    {"Phi", "Φ"}, {"Psi", "Ψ"}, {"Omega", "Ω"}, {"infty", "∞"}, {"partial", "∂"}, {"nabla", "∇"}, {"forall", "∀"}, {"exists", "∃"},
    {"nexists", "∄"}, {"emptyset", "∅"}, {"varnothing", "∅"}, {"prime", "′"}, {"ldots", "…"}, {"dots", "…"}, {"cdots", "⋯"}, {"vdots", "⋮"},
    {"ddots", "⋱"}, {"top", "⊤"}, {"bot", "⊥"}, {"angle", "∠"}, {"degree", "°"}, {"Re", "ℜ"}, {"Im", "ℑ"}, {"aleph", "ℵ"}, {"neg", "¬"},
    {"lnot", "¬"}, {"langle", "⟨"}, {"rangle", "⟩"}, {"lfloor", "⌊"}, {"rfloor", "⌋"}, {"lceil", "⌈"}, {"rceil", "⌉"}, {"lbrace", "{"},
    {"rbrace", "}"}, {"vert", "|"}, {"lvert", "|"}, {"rvert", "|"}, {"Vert", "‖"}, {"lVert", "‖"}, {"rVert", "‖"}, {"backslash", "\\"},
    {"dagger", "†"}, {"checkmark", "✓"}, {"square", "□"}, {"triangle", "△"}, {"{", "{"}, {"}", "}"}, {"%", "%"}, {"$", "$"}, {"#", "#"},
    {"_", "_"}, {"&", "&"}, {"|", "‖"}, {"S", "§"}, {"pounds", "£"}, {"euro", "€"},
};

// Relations and operations, with blanks around them.
constexpr Row kOperators[] = {
    {"times", "×"}, {"cdot", "⋅"}, {"div", "÷"}, {"pm", "±"}, {"mp", "∓"}, {"ast", "∗"}, {"star", "⋆"}, {"circ", "∘"}, {"bullet", "∙"},
    {"leq", "≤"}, {"le", "≤"}, {"geq", "≥"}, {"ge", "≥"}, {"neq", "≠"}, {"ne", "≠"}, {"approx", "≈"}, {"sim", "∼"}, {"simeq", "≃"},
    {"cong", "≅"}, {"equiv", "≡"}, {"propto", "∝"}, {"ll", "≪"}, {"gg", "≫"}, {"in", "∈"}, {"notin", "∉"}, {"ni", "∋"}, {"subset", "⊂"},
    {"subseteq", "⊆"}, {"supset", "⊃"}, {"supseteq", "⊇"}, {"cup", "∪"}, {"cap", "∩"}, {"setminus", "∖"}, {"land", "∧"}, {"wedge", "∧"},
    {"lor", "∨"}, {"vee", "∨"}, {"oplus", "⊕"}, {"ominus", "⊖"}, {"otimes", "⊗"}, {"odot", "⊙"}, {"to", "→"}, {"rightarrow", "→"},
    {"leftarrow", "←"}, {"gets", "←"}, {"leftrightarrow", "↔"}, {"Rightarrow", "⇒"}, {"implies", "⇒"}, {"Leftarrow", "⇐"}, {"iff", "⇔"},
    {"Leftrightarrow", "⇔"}, {"mapsto", "↦"}, {"longrightarrow", "⟶"}, {"uparrow", "↑"}, {"downarrow", "↓"}, {"mid", "∣"}, {"parallel", "∥"},
    {"perp", "⊥"}, {"coloneqq", "≔"}, {"triangleq", "≜"}, {"lesssim", "≲"}, {"gtrsim", "≳"}, {"vdash", "⊢"}, {"models", "⊨"},
};

constexpr Row kLarge[] = {
    {"sum", "∑"}, {"prod", "∏"}, {"coprod", "∐"}, {"int", "∫"}, {"iint", "∬"}, {"oint", "∮"}, {"bigcup", "⋃"}, {"bigcap", "⋂"},
    {"bigvee", "⋁"}, {"bigwedge", "⋀"}, {"bigoplus", "⨁"}, {"bigotimes", "⨂"},
};

QHash<QString, TexSymbol> all_symbols() {
  QHash<QString, TexSymbol> all;
  const auto add = [&all](const auto& rows, bool is_operator, bool is_large, bool upright) {
    for (const Row& row : rows) all.insert(QString::fromLatin1(row.command), {QString::fromUtf8(row.text), is_operator, is_large, upright});
  };
  add(kLetters, false, false, false);
  add(kSigns, false, false, true);
  add(kOperators, true, false, true);
  add(kLarge, false, true, true);
  return all;
}

}  // namespace

std::optional<TexSymbol> tex_symbol(const QString& command) {
  static const QHash<QString, TexSymbol> all = all_symbols();
  const auto found = all.constFind(command);
  return found == all.constEnd() ? std::nullopt : std::optional(*found);
}

bool is_function_name(const QString& command) {
  static const QSet<QString> names{"log", "ln", "lg", "exp", "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh",
                                   "tanh", "max", "min", "sup", "inf", "lim", "limsup", "liminf", "det", "dim", "ker", "deg", "gcd", "arg", "Pr", "argmax", "argmin", "bmod"};
  return names.contains(command);
}

bool takes_limits(const QString& command) {
  static const QSet<QString> names{"max", "min", "sup", "inf", "lim", "limsup", "liminf", "det", "gcd", "Pr", "argmax", "argmin"};
  return names.contains(command);
}

QString accent_sign(const QString& command) {
  static const QHash<QString, QString> signs{{"hat", "ˆ"}, {"widehat", "ˆ"}, {"tilde", "˜"}, {"widetilde", "˜"}, {"vec", "→"}, {"dot", "˙"}, {"ddot", "¨"},
                                             {"bar", "-"}, {"overline", "-"}, {"underline", "_"}};
  return signs.value(command);
}

QString double_struck(QChar letter) {
  static const QHash<QChar, QString> letters{{'R', "ℝ"}, {'N', "ℕ"}, {'Z', "ℤ"}, {'Q', "ℚ"}, {'C', "ℂ"}, {'P', "ℙ"}, {'H', "ℍ"}};
  return letters.value(letter, QString(letter));
}

}  // namespace ui
