#include "train/blend.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/progress.h"
#include "clusters/tree.h"
#include "train/comparison.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr std::array kOccurrences = {1.0, 4.0, 16.0, 64.0, 256.0, 1024.0};
constexpr int kNewtonSteps = 50;
constexpr double kConverged = 1e-9, kRidge = 1e-9, kShortest = 1e-6;
constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

double mean_log_likelihood(const UserTransitions& transitions, const LabelDistributionOf& model) {
  const std::vector<double> nll = score_transitions(transitions, model).nll;
  return -std::accumulate(nll.begin(), nll.end(), 0.0) / static_cast<double>(nll.size());
}

// One transition: every allowed label's features, the true one's place.
struct Example {
  Eigen::MatrixXd features;  // [labels, parts]
  Eigen::Index label;
};

std::vector<Example> examples_of(const std::vector<LabelDistributionOf>& parts,
                                 const UserTransitions& transitions) {
  std::vector<Example> examples;
  const auto size = static_cast<size_t>(transitions.context_size);
  for (size_t t = 0; t < transitions.label.size(); ++t) {
    const int32_t* context = transitions.context.data() + t * size;
    std::vector<std::vector<double>> log_prob;
    for (const LabelDistributionOf& part : parts) log_prob.push_back(part(context));
    const auto count = static_cast<Eigen::Index>(log_prob[0].size());
    Example example{Eigen::MatrixXd(count, static_cast<Eigen::Index>(parts.size())), 0};
    Eigen::Index row = 0;
    for (Eigen::Index label = 0; label < count; ++label) {
      if (label == transitions.label[t]) example.label = row;
      if (log_prob[0][static_cast<size_t>(label)] == kMinusInfinity) continue;
      for (size_t part = 0; part < parts.size(); ++part)
        example.features(row, static_cast<Eigen::Index>(part)) =
            log_prob[part][static_cast<size_t>(label)];
      ++row;
    }
    example.features.conservativeResize(row, Eigen::NoChange);
    examples.push_back(std::move(example));
  }
  return examples;
}

// Log-likelihood of the examples at some weights, its gradient and minus its Hessian.
struct Likelihood {
  double value = 0;
  Eigen::VectorXd gradient;
  Eigen::MatrixXd curvature;

  Likelihood(const std::vector<Example>& examples, const Eigen::VectorXd& weight)
      : gradient(Eigen::VectorXd::Zero(weight.size())),
        curvature(Eigen::MatrixXd::Zero(weight.size(), weight.size())) {
    for (const auto& [features, label] : examples) {
      const Eigen::VectorXd score = features * weight;
      const Eigen::VectorXd mass = (score.array() - score.maxCoeff()).exp();
      const Eigen::VectorXd probability = mass / mass.sum();
      const Eigen::RowVectorXd mean = probability.transpose() * features;
      const Eigen::MatrixXd centred = features.rowwise() - mean;
      value += std::log(probability(label));
      gradient += centred.row(label).transpose();
      curvature += centred.transpose() * probability.asDiagonal() * centred;
    }
  }
};

std::pair<LabelDistributionOf, double> best_counts(const TransitionSet& all, int64_t clusters,
                                                   const UserTransitions& dev) {
  std::pair<LabelDistributionOf, double> best{nullptr, 0};
  double likelihood = kMinusInfinity;
  for (const double occurrences : kOccurrences) {
    const LabelDistributionOf counts = backoff_distribution(all, clusters, occurrences);
    const double value = mean_log_likelihood(dev, counts);
    if (value > likelihood) best = {counts, occurrences};
    likelihood = std::max(likelihood, value);
  }
  return best;
}

// Those that no training user made.
UserTransitions unseen(const UserTransitions& transitions, const TransitionSet& all) {
  const auto size = static_cast<size_t>(transitions.context_size);
  const std::set<Transition> seen = distinct_transitions(all);
  UserTransitions chosen;
  chosen.context_size = transitions.context_size;
  for (size_t t = 0; t < transitions.label.size(); ++t) {
    const int32_t* context = transitions.context.data() + t * size;
    if (seen.contains({{context, context + size}, transitions.label[t]})) continue;
    chosen.user.push_back(transitions.user[t]);
    chosen.label.push_back(transitions.label[t]);
    chosen.context.insert(chosen.context.end(), context, context + size);
  }
  return chosen;
}

PairTable blended(const PairTable& table, const LabelDistributionOf& model) {
  PairTable result = table;
  const int64_t clusters = table.cluster_count();
  std::vector<int32_t> order(static_cast<size_t>(clusters));
  Progress progress("table blend", table.rows(), "contexts");
  for (int64_t row = 0; row < table.rows(); ++row) {
    const std::vector<double> log_prob = model(table.contexts[row].data());
    const auto of = [&](int32_t label) { return log_prob[static_cast<size_t>(label)]; };
    std::iota(order.begin(), order.end(), 0);
    const int64_t k = std::min(table.k, clusters);
    std::partial_sort(order.begin(), order.begin() + k, order.end(),
                      [&](int32_t a, int32_t b) { return of(a) != of(b) ? of(a) > of(b) : a < b; });
    for (int64_t i = 0; i < table.k; ++i) {
      const auto at = static_cast<size_t>(row * table.k + i);
      const bool there = i < k && of(order[static_cast<size_t>(i)]) > kMinusInfinity;
      const int32_t label = there ? order[static_cast<size_t>(i)] : PairTable::kNoLabel;
      result.label[at] = label;
      result.log_prob[at] = static_cast<float>(there ? of(label) : kMinusInfinity);
      result.probability_low[at] = result.probability_high[at] = std::exp(result.log_prob[at]);
    }
    progress.advance(1);
  }
  return result;
}

}  // namespace

LabelDistributionOf table_distribution(const PairTable& table) {
  const auto kept = std::make_shared<const PairTable>(table);
  return [kept](const int32_t* context) {
    const auto size = static_cast<size_t>(kept->contexts.context_size());
    const std::optional<int64_t> row = kept->contexts.find({context, size});
    std::vector<double> probability(static_cast<size_t>(kept->cluster_count()), -1);
    double left = 1, least = 1;
    for (int64_t rank = 0; row && rank < kept->k; ++rank) {
      const auto i = static_cast<size_t>(*row * kept->k + rank);
      if (kept->label[i] == PairTable::kNoLabel) continue;
      const double value = kept->probability_low[i];
      probability[static_cast<size_t>(kept->label[i])] = value;
      left -= value;
      least = std::min(least, value);
    }
    // None of the others is likelier than the last of those listed.
    const auto others = static_cast<double>(std::count(probability.begin(), probability.end(), -1));
    const double other = std::clamp(left / others, 1e-9, std::max(least, 1e-9));
    std::vector<double> log_prob;
    for (const double value : probability)
      log_prob.push_back(std::log(value < 0 ? other : std::max(value, 1e-12)));
    normalise(log_prob, context, kept->contexts.context_size());
    return log_prob;
  };
}

LabelDistributionOf combined(std::vector<LabelDistributionOf> parts, std::vector<double> weight,
                             int64_t context_size) {
  return
      [parts = std::move(parts), weight = std::move(weight), context_size](const int32_t* context) {
        std::vector<double> sum;
        for (size_t part = 0; part < parts.size(); ++part) {
          const std::vector<double> log_prob = parts[part](context);
          sum.resize(log_prob.size());
          for (size_t i = 0; i < sum.size(); ++i)
            if (log_prob[i] > kMinusInfinity) sum[i] += weight[part] * log_prob[i];
        }
        normalise(sum, context, context_size);
        return sum;
      };
}

std::vector<double> fit_weights(const std::vector<LabelDistributionOf>& parts,
                                const UserTransitions& transitions) {
  const std::vector<Example> examples = examples_of(parts, transitions);
  Eigen::VectorXd weight = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(parts.size()));
  Likelihood now(examples, weight);
  for (int step = 0; step < kNewtonSteps; ++step) {
    now.curvature.diagonal().array() += kRidge;
    const Eigen::VectorXd direction = now.curvature.ldlt().solve(now.gradient);
    // The step is halved until it does not lose.
    double length = 1;
    Likelihood there(examples, weight + direction);
    for (; there.value < now.value && length >= kShortest;
         there = Likelihood(examples, weight + length * direction))
      length /= 2;
    const bool converged = there.value - now.value < kConverged;
    weight += length * direction;
    now = there;
    if (converged) break;
  }
  return {weight.begin(), weight.end()};
}

nlohmann::json blend_table(const fs::path& run_folder, const fs::path& target) {
  const PairTable table = load_pair_table(run_folder / "table.h5");
  const Transitions transitions = load_transitions(run_folder / "transitions.h5");
  check_descriptions(table, load_tree(run_folder / "tree.h5").planning().description,
                     run_folder / "table.h5");
  const int64_t clusters = table.cluster_count();
  const int64_t context_size = table.contexts.context_size();
  SERENDIP_CHECK(transitions.all.context_size == context_size,
                 "table blend: expected transitions from contexts of {}, got {}", context_size,
                 transitions.all.context_size);
  SERENDIP_CHECK(!transitions.dev.label.empty() && !transitions.test.label.empty(),
                 "table blend: expected transitions of dev and test users, got {} and {}",
                 transitions.dev.label.size(), transitions.test.label.size());
  const auto [counts, occurrences] = best_counts(transitions.all, clusters, transitions.dev);
  const LabelDistributionOf llm = table_distribution(table),
                            popularity = popularity_distribution(transitions.all, clusters);
  const std::vector<double> weight = fit_weights({llm, counts, popularity}, transitions.dev);
  const LabelDistributionOf blend = combined({llm, counts, popularity}, weight, context_size);

  nlohmann::json result = {
      {"occurrences", occurrences},
      {"weights", {{"llm", weight[0]}, {"counts", weight[1]}, {"popularity", weight[2]}}}};
  const auto compare = [&](const char* name, const UserTransitions& test) {
    if (test.label.empty()) return;
    const TransitionScores of_counts = score_transitions(test, counts),
                           of_llm = score_transitions(test, llm),
                           of_blend = score_transitions(test, blend);
    result["test"][name] = {
        comparison_row("counts", of_counts, test.user), comparison_row("llm", of_llm, test.user),
        comparison_row("blend", of_blend, test.user),
        comparison_row("popularity", score_transitions(test, popularity), test.user)};
    result["differences"][name] = {
        {"nll_counts_minus_blend", difference(of_counts.nll, of_blend.nll, test.user)},
        {"recall_at_10_blend_minus_counts",
         difference(of_blend.hit_at_10, of_counts.hit_at_10, test.user)}};
    result["transitions"][name] = test.label.size();
  };
  compare("all", transitions.test);
  compare("unseen", unseen(transitions.test, transitions.all));
  PairTable made = blended(table, blend);
  made.hashes["blend"] = result.at("weights").dump();
  save_pair_table(made, target);
  return result;
}

}  // namespace serendip
