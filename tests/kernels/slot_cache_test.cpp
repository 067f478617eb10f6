#include "kernels/plan/card_share.h"
#include "kernels/plan/slot_cache.h"

#include <QTest>
#include <random>
#include <set>

using kernels::SlotCache;
constexpr auto kToken = SlotCache::Pass::kToken;
constexpr auto kPrompt = SlotCache::Pass::kPrompt;

/// The cache of weights that do not all fit on a card.
class SlotCacheTest : public QObject {
  Q_OBJECT
 private slots:
  void what_was_taken_is_there_the_next_time() {
    SlotCache cache(2);
    const auto first = cache.take(7, kToken);
    QVERIFY(!first.is_there && first.slot >= 0);
    cache.release(7);
    const auto again = cache.take(7, kToken);
    QVERIFY(again.is_there);
    QCOMPARE(again.slot, first.slot);
    QCOMPARE(cache.n_hits(), 1);
    QCOMPARE(cache.n_misses(), 1);
  }

  void keys_in_use_are_never_given_up() {
    SlotCache cache(2);
    const int a = cache.take(1, kToken).slot;
    const int b = cache.take(2, kToken).slot;
    QVERIFY(a != b);
    QCOMPARE(cache.take(3, kToken).slot, -1);
    cache.release(1);
    QCOMPARE(cache.take(3, kToken).slot, a);
    QVERIFY(cache.holds(2) && cache.holds(3) && !cache.holds(1));
  }

  void a_key_taken_twice_is_in_use_until_both_are_done() {
    SlotCache cache(1);
    cache.take(1, kToken);
    cache.take(1, kToken);
    cache.release(1);
    QCOMPARE(cache.take(2, kToken).slot, -1);
    cache.release(1);
    QCOMPARE(cache.take(2, kToken).slot, 0);
  }

  void what_is_used_often_outlives_what_passes_by() {
    SlotCache cache(8);
    for (int round = 0; round < 5; ++round)
      for (const int key : {1, 2, 3}) {
        cache.take(key, kToken);
        cache.release(key);
      }
    for (int key = 100; key < 140; ++key) {
      cache.take(key, kToken);
      cache.release(key);
    }
    QVERIFY(cache.holds(1) && cache.holds(2) && cache.holds(3));
  }

  void an_old_favourite_goes_when_it_is_no_longer_asked_for() {
    SlotCache cache(2);
    for (int i = 0; i < 30; ++i) {
      cache.take(1, kToken);
      cache.release(1);
    }
    for (int i = 0; i < 400 && cache.holds(1); ++i) {
      cache.take(2 + i % 2, kToken);
      cache.release(2 + i % 2);
    }
    QVERIFY(!cache.holds(1));
  }

  void layer_by_layer_every_weight_is_fetched_once_per_prompt() {
    // 6 layers of 16 experts, places for 24: the chunks of a prompt go through a layer before the next one begins.
    SlotCache cache(24);
    for (int prompt = 1; prompt <= 2; ++prompt) {
      for (int layer = 0; layer < 6; ++layer)
        for (int chunk = 0; chunk < 5; ++chunk)
          for (int expert = 0; expert < 16; ++expert) {
            QVERIFY(cache.take(layer * 16 + expert, kPrompt).slot >= 0);
            cache.release(layer * 16 + expert);
          }
    }
    QVERIFY2(cache.n_misses() == 2 * 6 * 16, qPrintable(QString::number(cache.n_misses())));
  }

  void weights_that_fit_all_stay_and_others_leave_room_for_keys() {
    constexpr std::size_t kGigabyte = 1000000000;
    QCOMPARE(kernels::share_card(24 * kGigabyte, 12 * kGigabyte).resident_bytes, std::size_t{0});
    const auto share = kernels::share_card(24 * kGigabyte, 600 * kGigabyte);
    QVERIFY(share.resident_bytes > 0 && share.stream_bytes > 0);
    QVERIFY(share.resident_bytes + share.stream_bytes < 20 * kGigabyte);
  }

  void experts_that_are_chosen_more_often_are_hit_more_often() {
    // Of 64 experts a few are chosen most of the time, as a router does on one text; 16 places hold more than a quarter.
    std::mt19937 generator(5);
    std::geometric_distribution<int> chosen(0.08);
    SlotCache cache(16);
    for (int i = 0; i < 20000; ++i) {
      const int key = std::min(chosen(generator), 63);
      cache.take(key, kToken);
      cache.release(key);
    }
    QVERIFY2(cache.hit_rate() > 0.6, qPrintable(QString::number(cache.hit_rate())));
  }
};

QTEST_APPLESS_MAIN(SlotCacheTest)
#include "slot_cache_test.moc"
