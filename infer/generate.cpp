#include "infer/generate.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "clusters/tree.h"
#include "data/dataset.h"
#include "distributed/launch.h"
#include "infer/band_job.h"
#include "infer/band_store.h"
#include "infer/label_distribution.h"
#include "infer/language_model.h"
#include "infer/pair_table.h"
#include "lm/lora.h"
#include "lm/model_io.h"
#include "lm/safetensors.h"
#include "transitions/context_list.h"

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
          {"descriptions", descriptions_hash(descriptions)}};
}

void log_forecast(const BandForecast& forecast) {
  if (forecast.seconds == 0) return;
  spdlog::info(
      "generate: {} contexts, about {:.2g} tokens and {:.2g} FLOPs: {:.0f} s at {:.1f} contexts/s",
      forecast.rows, forecast.tokens, forecast.flops, forecast.seconds,
      static_cast<double>(forecast.rows) / forecast.seconds);
}

// Up to `size` values in all; the last band is filled up beyond the last row.
template <typename T>
void append(const std::vector<T>& from, size_t size, std::vector<T>& to) {
  to.insert(to.end(), from.begin(), from.begin() + std::min(from.size(), size - to.size()));
}

ContextList wanted_contexts(const std::string& wanted, const ClusterTree& tree,
                            const MiningRule& rule, const fs::path& run_folder) {
  const TreeLevel& level = tree.planning();
  if (wanted == "all") return ContextList::all(level.cluster_count(), rule.context_size);
  const std::vector<int32_t> contexts =
      wanted == "observed"
          ? observed_contexts(load_dataset(run_folder / "data.h5", /*with_embedding=*/false),
                              level.assignment, rule)
          : read_contexts(wanted, rule.context_size);
  SERENDIP_CHECK(!contexts.empty(), "generate.contexts: {}: expected contexts, got none", wanted);
  ContextList list = ContextList::listed(level.cluster_count(), rule.context_size, contexts);
  spdlog::info("generate: {} contexts of {} are {}", list.rows(), list.context_size(),
               wanted == "observed" ? "observed" : "listed in " + wanted);
  return list;
}

std::string contexts_hash(const ContextList& contexts) {
  const std::vector<int32_t>& values = contexts.contexts();
  return hash_hex({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int32_t)});
}

}  // namespace

void GenerateOptions::declare(OptionSet& set) {
  set.add("mode", mode,
          "exact: the proven k best; greedy: one label; full: all scored; sample: k draws; free: "
          "any text",
          one_of({"exact", "greedy", "full", "sample", "free"}));
  set.add("contexts", contexts,
          "all; observed: those that users had; or a JSONL file of {\"context\": [...]}");
  set.add("k", k, "labels a context", at_least(int64_t{1}));
  set.add("tolerance", tolerance, "exact goes on until every probability's interval is as narrow",
          within(0.0, 1.0));
  set.add("batch", batch, "contexts that a thread searches together", at_least(int64_t{1}));
  set.add("memory", memory,
          "GB for the keys and values of all threads; smaller batches where short", above(0.0));
  set.add("seed", seed, "of the draws");
}

nlohmann::json generate(const ModelOptions& options, const GenerateOptions& generate_options,
                        const MiningRule& rule, const fs::path& run_folder) {
  const fs::path best = run_folder / "sft" / "best";
  const fs::path folder = fs::exists(best) ? best : fs::path(options.path);
  const ClusterTree tree = load_tree(run_folder / "tree.h5");
  const std::vector<std::string>& descriptions = tree.planning().description;
  LanguageModel model = open_language_model(options, folder, descriptions);
  SERENDIP_CHECK(model.language.context_size() == rule.context_size,
                 "model.template: expected {} places, as curate.context_size says, got {}",
                 rule.context_size, model.language.context_size());
  model.decoder = merge_lora(std::move(model.decoder));

  PairTable table;
  table.contexts = wanted_contexts(generate_options.contexts, tree, rule, run_folder);
  table.k = generate_options.k;
  table.hashes = artifact_hashes(options, folder, descriptions);
  std::string key = fmt::format("{} {} {} {}", generate_options.mode, generate_options.k,
                                generate_options.tolerance, generate_options.seed);
  for (const auto& [name, hash] : table.hashes) key += " " + hash;
  if (!table.contexts.is_all()) key += " " + contexts_hash(table.contexts);
  const LaunchInfo launch = launch_info();
  if (launch.rank > 0) log_warnings_only();
  BandStore store(run_folder / "table.parts", key, rows_per_band(table.contexts) * table.k,
                  launch.rank);
  const int64_t bands = band_count(table.contexts);
  if (!store.done().empty())
    spdlog::info("generate: {} of {} bands are there already", store.done().size(), bands);
  BandJob job(model, table.contexts, generate_options, store, launch);
  const BandForecast forecast = job.forecast();
  log_forecast(forecast);
  const auto start = std::chrono::steady_clock::now();
  const BandCost cost = job.run();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (launch.rank > 0) return nlohmann::json::object();

  const std::map<int32_t, Band> parts = store.read();
  SERENDIP_CHECK(static_cast<int64_t>(parts.size()) == bands,
                 "{}: expected {} bands, got {}; do all processes see this folder?",
                 (run_folder / "table.parts").string(), bands, parts.size());
  const auto values = static_cast<size_t>(table.rows() * table.k);
  for (const auto& [number, band] : parts) {
    append(band.label, values, table.label);
    append(band.log_prob, values, table.log_prob);
    append(band.probability_low, values, table.probability_low);
    append(band.probability_high, values, table.probability_high);
  }
  save_pair_table(table, run_folder / "table.h5");
  fs::remove_all(run_folder / "table.parts");
  nlohmann::json result = label_distribution(table).json();
  result["rows"] = table.rows();
  result["mode"] = generate_options.mode;
  result["k"] = table.k;
  if (generate_options.mode == "free")
    result["match_rate"] =
        result.at("rows_with_label").get<double>() / static_cast<double>(table.rows());
  if (cost.rows > 0) {
    const auto rows = static_cast<double>(cost.rows);
    result["seconds_per_row"] = seconds.count() / static_cast<double>(forecast.rows);
    result["tokens_per_row"] = static_cast<double>(cost.tokens) / rows;
    result["flops_per_second"] = cost.flops / seconds.count();  // of this process
    result["expansions_per_row"] = cost.mean_expansions;
    result["expansions_p99"] = cost.expansions_p99;
    result["seconds"] = seconds.count();
    result["forecast_seconds"] = forecast.seconds;
  }
  return result;
}

}  // namespace serendip
