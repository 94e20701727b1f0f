#include "infer/generate.h"

#include <fmt/ranges.h>

#include <chrono>

#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "clusters/tree.h"
#include "distributed/launch.h"
#include "infer/band_job.h"
#include "infer/band_store.h"
#include "infer/label_distribution.h"
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

void log_forecast(const BandForecast& forecast) {
  if (forecast.seconds == 0) return;
  spdlog::info(
      "generate: {} contexts, about {:.2g} tokens and {:.2g} FLOPs: {:.0f} s at {:.1f} contexts/s",
      forecast.rows, forecast.tokens, forecast.flops, forecast.seconds,
      static_cast<double>(forecast.rows) / forecast.seconds);
}

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void GenerateOptions::declare(OptionSet& set) {
  set.add("mode", mode,
          "exact: the proven k best; greedy: one label; full: all scored; sample: k draws; free: "
          "any text",
          one_of({"exact", "greedy", "full", "sample", "free"}));
  set.add("k", k, "labels a context", at_least(int64_t{1}));
  set.add("tolerance", tolerance, "exact goes on until every probability's interval is as narrow",
          within(0.0, 1.0));
  set.add("batch", batch, "contexts that a thread searches together", at_least(int64_t{1}));
  set.add("memory", memory,
          "GB for the keys and values of all threads; smaller batches where short", above(0.0));
  set.add("seed", seed, "of the draws");
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
  std::string key = fmt::format("{} {} {} {}", generate_options.mode, generate_options.k,
                                generate_options.tolerance, generate_options.seed);
  for (const auto& [name, hash] : table.hashes) key += " " + hash;
  const LaunchInfo launch = launch_info();
  if (launch.rank > 0) log_warnings_only();
  BandStore store(run_folder / "table.parts", key, clusters * table.k, launch.rank);
  if (!store.done().empty())
    spdlog::info("generate: {} of {} bands are there already", store.done().size(), clusters);
  BandJob job(model, generate_options, store, launch);
  const BandForecast forecast = job.forecast();
  log_forecast(forecast);
  const auto start = std::chrono::steady_clock::now();
  const BandCost cost = job.run();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (launch.rank > 0) return nlohmann::json::object();

  const std::map<int32_t, Band> parts = store.read();
  SERENDIP_CHECK(static_cast<int32_t>(parts.size()) == clusters,
                 "{}: expected {} bands, got {}; do all processes see this folder?",
                 (run_folder / "table.parts").string(), clusters, parts.size());
  for (const auto& [c1, band] : parts) {
    append(table.label, band.label);
    append(table.log_prob, band.log_prob);
    append(table.probability_low, band.probability_low);
    append(table.probability_high, band.probability_high);
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
    result["expansions_per_row"] = cost.mean_expansions;
    result["expansions_p99"] = cost.expansions_p99;
    result["seconds"] = seconds.count();
    result["forecast_seconds"] = forecast.seconds;
  }
  return result;
}

}  // namespace serendip
