#include <cmath>

#include "tests/gpu/check_support.h"

namespace gpu_check {

void check_rows(Report& report, const std::string& kind, Backend& device, Backend& host, bool) {
  constexpr double kF32 = 2e-5;  // these stay in f32 whatever the products do
  for (const std::int64_t n : {1, 64, 576, 7168}) {
    const Floats in = random_floats(5 * n, 30);
    const Floats weight = random_floats(n, 31);
    const Floats bias = random_floats(n, 32);
    compare(report, kind, device, host, text("rms norm", {5, n}), kF32, [&](Rig& rig) {
      RmsNormArgs args;
      args.in = rig.put(in, 5, n);
      args.weight = rig.put(weight, n);
      args.out = rig.room(5, n);
      rig.b.rms_norm(args);
      return rig.floats(args.out);
    });
    compare(report, kind, device, host, text("layer norm", {5, n}), kF32, [&](Rig& rig) {
      const TensorView out = rig.room(5, n);
      rig.b.layer_norm({rig.put(in, 5, n), rig.put(weight, n), rig.put(bias, n), out});
      return rig.floats(out);
    });
  }
  for (const std::int64_t n : {1, 2, 64, 128, 1024}) {
    const Floats in = random_floats(7 * n, 33);
    compare(report, kind, device, host, text("hadamard", {7, n}), kF32, [&](Rig& rig) {
      const TensorView values = rig.put(in, 7, n);
      rig.b.hadamard({values});
      return rig.floats(values);
    });
  }
  for (const RopePairs pairs : {RopePairs::kInterleaved, RopePairs::kHalfSplit})
    for (const std::int64_t first : {0, 131000}) {
      const Floats in = random_floats(9 * 4 * 80, 34);
      Floats frequencies;
      for (int i = 0; i < 32; ++i) frequencies.push_back(std::pow(10000.0f, -static_cast<float>(i) / 32.0f));
      compare(report, kind, device, host, text(pairs == RopePairs::kInterleaved ? "rotate pairs at" : "rotate halves at", {first}), kF32, [&](Rig& rig) {
        RotateArgs args;
        args.values = rig.put(in, 9, 4, 80);
        args.inverse_frequencies = rig.put(frequencies, 32);
        args.rope_dim = 64;
        args.offset = 16;
        args.pairs = pairs;
        args.first_position = first;
        rig.b.rotate(args);
        return rig.floats(args.values);
      });
    }
  compare(report, kind, device, host, "add", 1e-7, [&](Rig& rig) {
    const TensorView out = rig.put(random_floats(3 * 1000, 35), 3, 1000);
    rig.b.add({rig.put(random_floats(3 * 1000, 36), 3, 1000), out});
    return rig.floats(out);
  });
  const Floats table = random_floats(50 * 33, 37);
  const Ints ids{4, 49, 0, 4};
  compare(report, kind, device, host, "embed", kind == "cuda/f32" ? 0.0 : 2e-2, [&](Rig& rig) {
    const TensorView out = rig.room(4, 33);
    rig.b.embed({ids.data(), rig.matrix(table, 50, 33), out});
    return rig.floats(out);
  });
  for (const RouterScore score : {RouterScore::kSigmoid, RouterScore::kSoftmax})
    for (const int n_groups : {1, 8}) {
      const Floats logits = random_floats(33 * 64, 38);
      const Floats bias = random_floats(64, 39, 0.1f);
      compare(report, kind, device, host, text(score == RouterScore::kSigmoid ? "route by sigmoid, groups" : "route by softmax, groups", {n_groups}), kF32, [&](Rig& rig) {
        RouteExpertsArgs args;
        args.logits = rig.put(logits, 33, 64);
        args.bias = rig.put(bias, 64);
        args.score = score;
        args.n_groups = n_groups;
        args.n_groups_kept = n_groups / 2 > 0 ? n_groups / 2 : 1;
        args.scale = 2.5f;
        args.experts = rig.room(33, 6, 1, DType::kI32);
        args.weights = rig.room(33, 6);
        rig.b.route_experts(args);
        Floats all = rig.floats(args.weights);
        for (const int e : rig.ints(args.experts)) all.push_back(static_cast<float>(e));
        return all;
      });
    }
}

}  // namespace gpu_check
