#pragma once

#include <QAbstractItemModel>
#include <QHash>
#include <QSet>

#include <cstdint>
#include <map>
#include <vector>

#include "app/project/project.h"
#include "ui/sources/source_state.h"

namespace ui {

/// Documents -> pages, or folders -> files, with tick boxes that know three states and the tokens of
/// what is below. Made for trees of 50,000 files: one flat vector, filter in one pass.
class SourceModel final : public QAbstractItemModel {
  Q_OBJECT

 public:
  enum Column { kName, kTokens, kColumns };
  enum Role { kDocumentRole = Qt::UserRole, kPartRole, kTokensRole, kExactRole, kHeatRole, kTintRole, kNoteRole, kKindRole, kDetailRole, kPassagesRole };
  enum class Kind { kDocument, kFolder, kPart };

  using Parts = std::map<app::DocumentId, std::vector<app::Part>>;

  explicit SourceModel(QObject* parent = nullptr);

  /// Replaces the tree; ticks and counts of parts that stay are kept. Parts of new documents are ticked.
  void set_documents(const std::vector<app::Document>& documents, const Parts& parts);
  /// Rows whose name (or a folder's or document's above them) contains `text`; empty shows all.
  void set_filter(const QString& text);
  bool filtered() const { return !filter_.isEmpty(); }
  std::int64_t n_matches() const { return n_matches_; }

  /// Exact tokens of a part in a prompt; until then four bytes count as one token and the number is marked.
  void set_tokens(app::PartId part, std::int64_t tokens);
  void set_tokens(const std::vector<std::pair<app::PartId, std::int64_t>>& counts);
  void forget_tokens();
  /// Share of the selections, 0..1 of the strongest part; empty removes the bars.
  void set_heat(const QHash<qint64, double>& heat);

  /// Ticked parts in the order of the tree, which is their order in the prompt.
  std::vector<app::PartId> ticked() const;
  /// Ticks exactly these.
  void set_ticked(const std::vector<app::PartId>& parts);
  /// All that the user decides about the sources, for undo, for saved sets and for the next start.
  SourceState state() const;
  void restore(const SourceState& state);
  /// How much of everything below goes in. The user's doing: `changed_by_user` follows.
  void set_detail(const QModelIndex& index, app::Detail detail);
  app::Detail detail(app::PartId part) const { return detail_.value(part, app::Detail::kFull); }
  std::map<app::PartId, app::Detail> details() const;
  /// Ticks these parts and, of each that has passages here, lets only those go in; an empty list: all of
  /// it again. The user's doing.
  void choose_passages(const std::map<app::PartId, app::Passages>& chosen);
  const std::map<app::PartId, app::Passages>& passages() const { return passages_; }
  /// Moves a document among its like; its place is its place in the prompt. The user's doing as well.
  void move_document(app::DocumentId document, int step);
  std::vector<app::PartId> all_parts() const;
  QModelIndex index_of(app::PartId part) const;
  QModelIndex index_of_document(app::DocumentId document) const;
  /// The parts below an index, itself included, whether the filter shows them or not.
  std::vector<app::PartId> parts_below(const QModelIndex& index) const;

  struct Weight {
    app::DocumentId document = 0;
    QString title;
    std::int64_t ticked_tokens = 0;
    std::int64_t n_ticked = 0;
    bool exact = true;
  };
  /// One entry per document, in order, for the meter.
  std::vector<Weight> weights() const;

  QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
  QModelIndex parent(const QModelIndex& index) const override;
  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;
  Qt::ItemFlags flags(const QModelIndex& index) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 signals:
  void ticks_changed();
  /// The reader chose, ordered or shortened something; for undo.
  void changed_by_user(const QString& what, const SourceState& before, const SourceState& after);
  /// Parts go in at another length: their tokens have to be counted again.
  void details_changed();
  void tokens_changed();

 private:
  struct Node {
    Kind kind = Kind::kFolder;
    QString name;
    QString folded;           // lower case, for the filter
    QString note;
    int parent = -1;
    int row = 0;              // among the parent's shown children
    std::vector<int> children;
    std::vector<int> shown;   // children that pass the filter
    app::DocumentId document = 0;
    app::DocumentKind document_kind = app::DocumentKind::kPdf;
    app::PartId part = 0;
    int place = -1;           // in the document's list of parts
    std::int64_t n_parts = 0;
    std::int64_t n_ticked = 0;
    std::int64_t n_inexact = 0;
    std::int64_t tokens = 0;
    std::int64_t ticked_tokens = 0;
    std::int64_t n_bytes = 0;
    int detail = 0;           // app::Detail; -1 where what is below differs
    double heat = 0;
  };

  int add_node(int parent, Kind kind, const QString& name);
  int folder_of(int document, const QString& path, QHash<QString, int>& folders);
  void build(const QSet<qint64>& known, const QSet<qint64>& ticked);
  std::vector<app::Document> in_order() const;
  void sum_up();
  bool show_matching(int node, bool parent_matches);
  void tick_below(int node, bool ticked);
  const Node& node_of(const QModelIndex& index) const;
  QModelIndex index_of_node(int node, int column = kName) const;
  void announce(int node);
  void announce_all();
  QString token_text(const Node& node) const;
  QString tip_of(const Node& node) const;

  std::vector<Node> nodes_;              // 0 is the root
  QHash<qint64, int> node_of_part_;
  QHash<qint64, std::int64_t> exact_;    // counted parts
  QString filter_;
  std::int64_t n_matches_ = 0;
  QHash<qint64, app::Detail> detail_;
  std::map<app::PartId, app::Passages> passages_;
  std::vector<app::DocumentId> order_;   // as the user put them
  std::vector<app::Document> documents_; // as they came, for another order
  Parts parts_;
};

/// "131 072" with thin spaces.
QString grouped(std::int64_t number);

}  // namespace ui
