#include "ui/sources/source_state.h"

#include <QJsonArray>

#include <limits>

namespace ui {

QJsonObject source_state_to_json(const SourceState& state) {
  QJsonArray ticked, order;
  QJsonObject detail, passages;
  for (const app::PartId part : state.ticked) ticked.append(static_cast<qint64>(part));
  for (const app::DocumentId document : state.order) order.append(static_cast<qint64>(document));
  for (const auto& [part, how] : state.detail) detail.insert(QString::number(part), static_cast<int>(how));
  for (const auto& [part, chosen] : state.passages) {
    QJsonArray list;
    for (const auto& [begin, end] : chosen) list.append(QJsonArray{static_cast<qint64>(begin), static_cast<qint64>(end)});
    passages.insert(QString::number(part), list);
  }
  return {{QStringLiteral("ticked"), ticked}, {QStringLiteral("detail"), detail}, {QStringLiteral("passages"), passages}, {QStringLiteral("order"), order}};
}

SourceState source_state_from_json(const QJsonObject& json) {
  SourceState state;
  for (const QJsonValue value : json[QLatin1String("ticked")].toArray()) state.ticked.push_back(value.toInteger());
  for (const QJsonValue value : json[QLatin1String("order")].toArray()) state.order.push_back(value.toInteger());
  const QJsonObject detail = json[QLatin1String("detail")].toObject();
  for (auto it = detail.begin(); it != detail.end(); ++it) {
    const int how = it.value().toInt();
    if (how == 1 || how == 2) state.detail[it.key().toLongLong()] = static_cast<app::Detail>(how);
  }
  const QJsonObject passages = json[QLatin1String("passages")].toObject();
  for (auto it = passages.begin(); it != passages.end(); ++it) {
    for (const QJsonValue passage : it.value().toArray()) {
      const qint64 begin = passage.toArray().at(0).toInteger(-1);
      const qint64 end = passage.toArray().at(1).toInteger(-1);
      if (begin >= 0 && end > begin && end <= std::numeric_limits<std::uint32_t>::max()) state.passages[it.key().toLongLong()].emplace_back(begin, end);
    }
  }
  return state;
}

}  // namespace ui
