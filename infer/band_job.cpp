#include "infer/band_job.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "infer/pair_table.h"

namespace serendip {
namespace {

constexpr int64_t kWorthAForecast = 20;  // batches a thread

// A band's row: k labels, filled up with none.
void add_row(const LabelSearchResult& result, int64_t k, Band& band) {
  for (size_t i = 0; i < static_cast<size_t>(k); ++i) {
    const bool there = i < result.best.size();
    const double log_prob =
        there ? result.best[i].log_prob : -std::numeric_limits<double>::infinity();
    band.label.push_back(there ? result.best[i].label : PairTable::kNoLabel);
    band.log_prob.push_back(static_cast<float>(log_prob));
    band.probability_low.push_back(static_cast<float>(result.probability_low(log_prob)));
    band.probability_high.push_back(static_cast<float>(result.probability_high(log_prob)));
  }
}

// Of one thread's token tree. Its keys and values grow by doubling, which takes three times their
// size while they are copied.
int64_t max_nodes(const Decoder& decoder, const GenerateOptions& options, int64_t workers) {
  const ModelConfig& config = decoder.config;
  const auto dtype = key_value_dtype(decoder.attention_method, decoder.embed_tokens.options());
  const double node_bytes =
      2.0 *
      static_cast<double>(config.num_hidden_layers * config.num_key_value_heads * config.head_dim) *
      static_cast<double>(c10::elementSize(dtype));
  const double nodes = options.memory * 1e9 / static_cast<double>(workers) / 3 / node_bytes;
  return static_cast<int64_t>(std::min(nodes, 1e9));
}

BandCost cost_of(std::vector<int64_t> expansions, int64_t tokens) {
  BandCost cost;
  cost.rows = static_cast<int64_t>(expansions.size());
  cost.tokens = tokens;
  if (expansions.empty()) return cost;
  cost.mean_expansions = std::accumulate(expansions.begin(), expansions.end(), 0.0) /
                         static_cast<double>(expansions.size());
  const auto p99 = expansions.begin() + cost.rows * 99 / 100;
  std::nth_element(expansions.begin(), p99, expansions.end());
  cost.expansions_p99 = *p99;
  return cost;
}

}  // namespace

BandJob::BandJob(const LanguageModel& model, const GenerateOptions& options, BandStore& store,
                 const LaunchInfo& launch)
    : model_(model),
      options_(options),
      store_(store),
      free_(options.mode == "free"),
      world_size_(launch.world_size),
      settings_{free_ ? SearchMode::kGreedy : parse_search_mode(options.mode), options.k,
                options.tolerance, static_cast<uint64_t>(options.seed),
                max_nodes(model.decoder, options, workers())},
      leases_(launch, clusters()) {
  for (const int32_t c1 : store.done()) leases_.finish(c1);
  done_before_ = leases_.finished();
}

std::vector<LabelQuery> BandJob::queries(int64_t c1, int64_t first, int64_t count,
                                         int64_t stride) const {
  std::vector<LabelQuery> queries;
  for (int64_t c2 = first; c2 < clusters() && count > 0; c2 += stride, --count) {
    const std::vector<int32_t> context = {static_cast<int32_t>(c1), static_cast<int32_t>(c2)};
    queries.push_back(
        {model_.language.prompt(context), context, static_cast<uint64_t>(c1 * clusters() + c2)});
  }
  return queries;
}

BandForecast BandJob::forecast() const {
  BandForecast forecast{missing_rows(), 0, 0, 0};
  const int64_t workers = this->workers(), batch = std::min(options_.batch, clusters());
  if (forecast.rows < kWorthAForecast * workers * batch) return forecast;
  std::mutex mutex;
  int64_t rows = 0, tokens = 0, projections = 0;
  const auto start = std::chrono::steady_clock::now();
  for_each_item(workers, workers, [&](int64_t, int64_t item) {
    const int64_t c1 = (2 * item + 1) * clusters() / (2 * workers);
    LabelSearch search(model_.decoder, model_.trie, settings_);
    begin_band(search, c1);
    const auto results = answer(search, queries(c1, 0, batch, clusters() / batch));
    const std::lock_guard lock(mutex);
    rows += static_cast<int64_t>(results.size());
    tokens += search.computed_tokens();
    for (const LabelSearchResult& result : results) projections += result.expansions;
  });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double share = static_cast<double>(forecast.rows) / static_cast<double>(rows);
  const ModelConfig& config = model_.decoder.config;
  const double token = config.flops_per_token(false);
  forecast.tokens = share * static_cast<double>(tokens);
  forecast.flops = forecast.tokens * token + share * static_cast<double>(projections) *
                                                 (config.flops_per_token(true) - token);
  forecast.seconds = share * seconds.count() / static_cast<double>(world_size_);
  return forecast;
}

BandCost BandJob::run() {
  Progress progress("generate", missing_rows(), "contexts");
  std::vector<std::unique_ptr<LabelSearch>> searches;  // a worker's
  for (int64_t i = 0; i < workers(); ++i)
    searches.push_back(std::make_unique<LabelSearch>(model_.decoder, model_.trie, settings_));
  std::mutex mutex;
  std::vector<int64_t> expansions;
  int64_t shown = 0, open_rows = 0;  // open: of bands under way
  const auto show = [&] {
    const int64_t rows = (leases_.finished() - done_before_) * clusters() + open_rows;
    if (rows > shown) progress.advance(rows - std::exchange(shown, rows));
  };
  for_each_item(
      workers(), [&] { return leases_.next(); },
      [&](int64_t worker, int64_t c1) {
        const Band band = compute(*searches[static_cast<size_t>(worker)], c1,
                                  [&](const std::vector<LabelSearchResult>& rows) {
                                    const std::lock_guard lock(mutex);
                                    for (const LabelSearchResult& row : rows)
                                      expansions.push_back(row.expansions);
                                    open_rows += static_cast<int64_t>(rows.size());
                                    show();
                                  });
        const std::lock_guard lock(mutex);
        store_.append(static_cast<int32_t>(c1), band);
        leases_.finish(c1);
        open_rows -= clusters();
        show();
      });
  progress.finish();
  int64_t tokens = 0;
  for (const auto& search : searches) tokens += search->computed_tokens();
  return cost_of(std::move(expansions), tokens);
}

std::vector<LabelSearchResult> BandJob::answer_freely(
    LabelSearch& search, const std::vector<LabelQuery>& queries) const {
  std::vector<std::vector<int32_t>> prompts;
  for (const LabelQuery& query : queries) prompts.push_back(query.prompt);
  std::vector<LabelSearchResult> results;
  const std::vector<FreeAnswer> answers = search.run_freely(prompts);
  for (size_t i = 0; i < queries.size(); ++i) {
    // One label or none; of the closed set's mass it knows nothing but its own.
    LabelSearchResult result{
        {}, answers[i].log_prob, 0, static_cast<int64_t>(answers[i].ids.size()) + 1};
    const int32_t label = model_.label_of(answers[i]);
    const std::vector<int32_t>& excluded = queries[i].excluded;
    if (label >= 0 && std::count(excluded.begin(), excluded.end(), label) == 0)
      result.best.push_back({label, answers[i].log_prob});
    results.push_back(std::move(result));
  }
  return results;
}

std::vector<LabelSearchResult> BandJob::answer(LabelSearch& search,
                                               const std::vector<LabelQuery>& queries) const {
  try {
    return free_ ? answer_freely(search, queries) : search.run(queries);
  } catch (const SearchOverflow& overflow) {
    if (queries.size() == 1)
      fail("generate.memory: {:.3g} GB are too few for one context: {}", options_.memory,
           overflow.what());
  }
  const auto middle = queries.begin() + static_cast<int64_t>(queries.size() / 2);
  std::vector<LabelSearchResult> results = answer(search, {queries.begin(), middle});
  for (LabelSearchResult& result : answer(search, {middle, queries.end()}))
    results.push_back(std::move(result));
  return results;
}

// Computes what the band's prompts share.
void BandJob::begin_band(LabelSearch& search, int64_t c1) const {
  const auto first = static_cast<int32_t>(c1);
  search.hold_prefix(model_.language.prompt({&first, 1}));
}

// Rows of (c1, 0 … M-1).
Band BandJob::compute(LabelSearch& search, int64_t c1, const RowsDone& done) const {
  begin_band(search, c1);
  Band band;
  for (int64_t c2 = 0; c2 < clusters(); c2 += options_.batch) {
    throw_if_interrupted();
    const auto results = answer(search, queries(c1, c2, options_.batch, 1));
    for (const LabelSearchResult& result : results) add_row(result, options_.k, band);
    done(results);
  }
  return band;
}

}  // namespace serendip
