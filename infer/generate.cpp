#include "infer/generate.h"

#include <fmt/ranges.h>

#include <chrono>
#include <limits>

#include "base/check.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "clusters/tree.h"
#include "infer/band_store.h"
#include "infer/label_search.h"
#include "infer/language_model.h"
#include "infer/pair_table.h"
#include "lm/lora.h"
#include "lm/model_io.h"
#include "lm/safetensors.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

std::map<std::string, std::string> artifact_hashes(const ModelOptions& model,
                                                   const fs::path& folder,
                                                   const std::vector<std::string>& descriptions) {
  const fs::path base = base_model_folder(folder);
  std::string weights;
  for (const fs::path& path : safetensors_files(base)) weights += hash_path(path);
  if (folder != base) weights += hash_path(folder / "adapter_model.safetensors");
  std::string tokenizer;
  for (const char* name : {"tokenizer.json", "tokenizer.model", "tokenizer_config.json"})
    if (fs::exists(base / name)) tokenizer += hash_path(base / name);
  return {{"model", hash_hex(weights)},
          {"tokenizer", hash_hex(tokenizer)},
          {"template", hash_hex(model.prompt_template)},
          {"descriptions", hash_hex(fmt::format("{}", fmt::join(descriptions, "\n")))}};
}

// Rows of (c1, 0 … M-1).
Band compute_band(const LanguageModel& model, const GenerateOptions& options, int32_t c1,
                  Progress& progress) {
  const auto clusters = static_cast<int32_t>(model.language.cluster_count());
  const auto k = static_cast<size_t>(options.k);
  Band band;
  for (int32_t begin = 0; begin < clusters; begin += static_cast<int32_t>(options.batch)) {
    throw_if_interrupted();
    std::vector<LabelQuery> queries;
    for (int32_t c2 = begin; c2 < clusters && c2 - begin < options.batch; ++c2) {
      const std::vector<int32_t> context = {c1, c2};
      queries.push_back({model.language.prompt(context), context});
    }
    const auto results = search_labels(model.decoder, model.trie, queries,
                                       parse_search_mode(options.mode), options.k);
    for (const LabelSearchResult& result : results) {
      for (size_t i = 0; i < k; ++i) {
        const bool there = i < result.best.size();
        const double log_prob =
            there ? result.best[i].log_prob : -std::numeric_limits<double>::infinity();
        band.label.push_back(there ? result.best[i].label : PairTable::kNoLabel);
        band.log_prob.push_back(static_cast<float>(log_prob));
        band.probability_low.push_back(static_cast<float>(result.probability_low(log_prob)));
        band.probability_high.push_back(static_cast<float>(result.probability_high(log_prob)));
      }
    }
    progress.advance(static_cast<int64_t>(queries.size()));
  }
  return band;
}

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void GenerateOptions::declare(OptionSet& set) {
  set.add("mode", mode, "exact: the proven k best; greedy: one label; full: every label scored",
          one_of({"exact", "greedy", "full"}));
  set.add("k", k, "labels a context", at_least(int64_t{1}));
  set.add("batch", batch, "contexts that are searched together", at_least(int64_t{1}));
}

nlohmann::json generate(const ModelOptions& options, const GenerateOptions& generate_options,
                        const fs::path& run_folder) {
  const fs::path best = run_folder / "sft" / "best";
  const fs::path folder = fs::exists(best) ? best : fs::path(options.path);
  const ClusterTree tree = load_tree(run_folder / "tree.h5");
  const std::vector<std::string>& descriptions = tree.planning().description;
  LanguageModel model = open_language_model(options, folder, descriptions);
  SERENDIP_CHECK(model.language.context_size() == 2,
                 "generate: expected a template of 2 places, got {}",
                 model.language.context_size());
  model.decoder = merge_lora(std::move(model.decoder));
  const auto clusters = static_cast<int32_t>(descriptions.size());

  PairTable table;
  table.cluster_count = clusters;
  table.k = generate_options.k;
  table.hashes = artifact_hashes(options, folder, descriptions);
  std::string key = fmt::format("{} {}", generate_options.mode, generate_options.k);
  for (const auto& [name, hash] : table.hashes) key += " " + hash;
  BandStore store(run_folder / "table.parts", key, clusters * table.k);
  if (!store.bands().empty())
    spdlog::info("generate: {} of {} bands are there already", store.bands().size(), clusters);

  const auto start = std::chrono::steady_clock::now();
  const int64_t rows = (clusters - static_cast<int64_t>(store.bands().size())) * clusters;
  Progress progress("generate", rows, "contexts");
  for (int32_t c1 = 0; c1 < clusters; ++c1)
    if (!store.bands().count(c1))
      store.append(c1, compute_band(model, generate_options, c1, progress));
  progress.finish();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;

  for (const auto& [c1, band] : store.bands()) {
    append(table.label, band.label);
    append(table.log_prob, band.log_prob);
    append(table.probability_low, band.probability_low);
    append(table.probability_high, band.probability_high);
  }
  save_pair_table(table, run_folder / "table.h5");
  fs::remove_all(run_folder / "table.parts");
  const LabelDistribution distribution = label_distribution(table);
  nlohmann::json result = {{"rows", table.rows()},
                           {"mode", generate_options.mode},
                           {"k", table.k},
                           {"distinct_labels", distribution.distinct},
                           {"entropy_bits", distribution.entropy_bits},
                           {"largest_share", distribution.largest_share}};
  if (rows > 0) result["seconds_per_row"] = seconds.count() / static_cast<double>(rows);
  return result;
}

}  // namespace serendip
