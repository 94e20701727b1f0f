// The recommender's training and evaluation as stages: options, data.h5 and tree.h5 in, a folder
// and figures out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/options.h"
#include "recsys/policy.h"

namespace serendip {

struct RecommendOptions {
  std::string policy = "sequence";
  int64_t dimensions = 64;
  int64_t layers = 2;
  int64_t heads = 2;
  int64_t max_length = 50;
  int64_t max_distance = 16;
  double dropout = 0.2;
  int64_t epochs = 100;
  int64_t patience = 10;
  int64_t batch_size = 32;
  double learning_rate = 2e-3;
  double weight_decay = 0.1;
  std::string loss = "softmax";
  int64_t horizon = 2;
  double label_smoothing = 0.2;
  std::string negatives = "uniform";
  int64_t negative_count = 512;
  double top_k = 16.0;
  double weight_cap = 1.0;
  double novelty_boost = 1.0;
  bool time_gaps = false;
  bool rewards = false;
  double exploration = 0.5;
  double ridge = 1.0;
  bool progressive = false;
  double expand_visits = 10.0;
  double expand_reward = 0.1;
  std::string split = "leave_one_out";
  int64_t seed = 1;
  std::string device = "cpu";

  void declare(OptionSet& set) {
    set.add("policy", policy,
            "what recommends: the sequence model, or a baseline (bandit: it picks the cluster, the "
            "sequence model its items)",
            one_of({"sequence", "two_tower", "bandit", "keyword", "popularity", "random"}));
    set.add("dimensions", dimensions, "width of the item embeddings and states",
            at_least(int64_t{1}));
    set.add("layers", layers, "transformer blocks", at_least(int64_t{1}));
    set.add("heads", heads, "attention heads; a divisor of dimensions", at_least(int64_t{1}));
    set.add("max_length", max_length, "most recent items of a user that are read",
            at_least(int64_t{1}));
    set.add("max_distance", max_distance, "distance in items beyond which places look equally far",
            at_least(int64_t{0}));
    set.add("dropout", dropout, "share of activations dropped in training", within(0.0, 0.95));
    set.add("epochs", epochs, "most passes over the training events", at_least(int64_t{1}));
    set.add("patience", patience, "epochs without a better validation NDCG@10 before stopping",
            at_least(int64_t{1}));
    set.add("batch_size", batch_size, "rows of max_length items in an optimiser step",
            at_least(int64_t{1}));
    set.add("learning_rate", learning_rate, "AdamW's learning rate", above(0.0));
    set.add("weight_decay", weight_decay, "AdamW's decoupled decay of the matrices", at_least(0.0));
    set.add("loss", loss, "full softmax, softmax over sampled items, or top-K off-policy REINFORCE",
            one_of({"softmax", "sampled_softmax", "reinforce"}));
    set.add("horizon", horizon,
            "of both softmax losses: next events to predict, each at half the weight of the last",
            within(int64_t{1}, int64_t{16}));
    set.add("label_smoothing", label_smoothing,
            "of softmax: share of each target that all items have evenly", within(0.0, 0.95));
    set.add("negatives", negatives,
            "of sampled_softmax: drawn evenly or by rank of popularity, or the batch's own targets",
            one_of({"uniform", "log_uniform", "in_batch"}));
    set.add("negative_count", negative_count, "items drawn in a step, shared by its places",
            at_least(int64_t{1}));
    set.add("top_k", top_k, "of reinforce: items that are shown at once; 1 corrects for one",
            at_least(1.0));
    set.add("weight_cap", weight_cap, "of reinforce: most that an event's weight pi / beta counts",
            above(0.0));
    set.add("novelty_boost", novelty_boost,
            "of reinforce: factor on rewards of items whose cluster is new to the user",
            at_least(1.0));
    set.add("time_gaps", time_gaps, "read the time between a user's events");
    set.add("rewards", rewards, "read the events' rewards");
    set.add("exploration", exploration, "of bandit: width of the confidence bound, in rewards",
            at_least(0.0));
    set.add("ridge", ridge, "of bandit: weight of the prior that every cluster earns nothing",
            above(0.0));
    set.add("progressive", progressive,
            "of bandit: choose from a frontier of clusters that gives way to its children");
    set.add("expand_visits", expand_visits, "of progressive: events of a cluster that gives way",
            at_least(0.0));
    set.add("expand_reward", expand_reward, "of progressive: mean reward of one", at_least(0.0));
    set.add("split", split, "which events are held out: each user's last two, or the latest fifth",
            one_of({"leave_one_out", "time"}));
    set.add("seed", seed, "of the initial weights, batches and dropout", at_least(int64_t{0}));
    set.add("device", device, "where training runs", one_of({"cpu", "cuda"}));
  }
};

// Trains the options' policy and saves it in `folder` (recsys/policy_folder.h); of a trained model,
// the epoch with the best validation NDCG@10. Returns what train_policy() does; of the policies
// that rank the catalogue, also {"test", "popularity", "ndcg_at_10_over_popularity"}: hr_at_k and
// ndcg_at_k for k = 5, 10, 20, mrr, coverage_at_10 and novelty_at_10 by full ranking of all unseen
// items for the events that the options' split holds out, and the difference of the means with its
// 95% interval over users. Bit for bit the same for a seed on the same machine.
nlohmann::json train_recommender(const RecommendOptions& options,
                                 const std::filesystem::path& data_h5,
                                 const std::filesystem::path& tree_h5,
                                 const std::filesystem::path& folder);

// {"test", "popularity", "ndcg_at_10_over_popularity", "validation_ndcg_at_10"} of a trained
// folder, as above; of the options only the split counts. `clusters` is for keyword search.
nlohmann::json evaluate_recommender(const RecommendOptions& options,
                                    const std::filesystem::path& data_h5,
                                    const std::filesystem::path& tree_h5,
                                    const std::filesystem::path& folder,
                                    const ClustersFor& clusters = {});

}  // namespace serendip
